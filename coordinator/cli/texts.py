"""What people read: the text forms of the answers. Everything from outside is cleaned before it is shown."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from coordinator.cli.answering import shown
from coordinator.domain.saying import Saying, SeenCommit
from coordinator.domain.status import (
    BriefStatus,
    CheckItem,
    Link,
    State,
    Status,
)

if TYPE_CHECKING:
    from coordinator.desk.story import Story
    from coordinator.domain.effort import Effort
    from coordinator.domain.package_tokens import Source

_COLOURS = {
    State.COMPLETED: "green",
    State.INPUT_REQUIRED: "yellow",
    State.FAILED: "red",
    State.REJECTED: "red",
    State.WORKING: "cyan",
}
_STATUS_REASONS_MAX = 3
_SHOW_REASONS_MAX = 10
_MARKS = {True: "x", False: "!", None: " "}


def status(look: Status) -> str:
    """Returns the whole of `status`."""
    lines = [_head(look)]
    if look.paused is not None:
        lines.append(f"paused: {shown(look.paused)}")
    lines += [f"config: {shown(fault)}" for fault in look.config_faults]
    if look.daemon is not None:
        lines += [f"trouble: {shown(trouble)}" for trouble in look.daemon.troubles]
    lines += ["", *_briefs(look)]
    if look.claims:
        lines += ["", "claims:"]
        lines += [f"  {shown(c.path) or '(everything)'}  {shown(c.holder)}" for c in look.claims]
    if look.environments:
        lines += ["", "environments:"]
    for one in look.environments:
        same = one.live is not None and one.live == one.wanted
        wanted = "" if same or one.wanted is None else f", wanted {one.wanted[:12]}"
        health = {True: "healthy", False: "not healthy", None: "not looked at"}[one.healthy]
        live = one.live[:12] if one.live else "nothing"
        lines.append(f"  {shown(one.name)}: {live} live, {health}{wanted}")
    return "\n".join(lines)


def story(brief: BriefStatus, told: "Story | None") -> str:
    """Returns the whole of `show`."""
    state = click.style(brief.state, fg=_COLOURS.get(brief.state))
    lines = [f"{brief.id}: {state}, {brief.phase}"]
    lines += [f"  {line}" for line in _some(_reasons(brief), _SHOW_REASONS_MAX)]
    lines += [f"  {line}" for line in _next(brief)]
    for question in brief.questions:
        lines.append(f"  ? {question.id}: {shown(question.text)}{_choices(question.choices)}")
        said = shown(next(iter(question.choices), "..."))
        lines.append(f'    answer it: coordinator answer {brief.id} {question.id} "{said}"')
    if told is None:
        return "\n".join([*lines, "still in the inbox; nothing is known of it yet."])
    lines += [
        f"  {fault.line or '-'}: {fault.section} {shown(fault.message)} ({shown(fault.hint)})"
        for fault in told.faults
    ]
    if brief.effort is not None:
        lines += ["", effort(brief.effort)]
    if told.plan and told.plan.notes:
        lines += ["", "plan:", *(f"  {line}" for line in _some(told.plan.notes, _SHOW_REASONS_MAX))]
    if told.attempts:
        lines += ["", "attempts:"]
    for one in told.attempts:
        why = f": {'; '.join(_some(one.reasons, _STATUS_REASONS_MAX))}" if one.reasons else ""
        kept = f"  {one.oid[:12]}" if one.oid else ""
        role = "" if one.role == "author" else f" {one.role}"
        role += "" if one.about is None else f" of {one.about}"
        lines.append(f"  {one.n} {shown(one.worker)}{role} {one.verdict}{why}{kept}")
    lines += ["", "commits:", *[f"  {saying(said)}" for said in told.commits]]
    lines += ["", "checklist:", *[_item(item) for item in told.checklist]]
    return "\n".join(lines)


def saying(said: Saying) -> str:
    """Returns one line of the log."""
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(said.timestamp))
    return f"{said.oid[:12]} {when} {said.verb} {shown(said.about)}: {shown(said.subject)}"


def audit(commit: SeenCommit, chain: Sequence[Link]) -> str:
    """Returns the walk, one link a line."""
    lines = [f"commit {commit.oid}"]
    for link in chain:
        mark = click.style("missing", fg="red") if link.missing else link.oid[:12] or "-" * 12
        who = f" by {shown(link.who)}" if link.who else ""
        lines.append(f"  {link.kind:<10} {mark:<12}{who}: {shown(link.why)}")
    return "\n".join(lines)


def effort(took: "Effort") -> str:
    """Returns what a brief took, over what its winning attempts took, and what that lifted."""
    tries = "1 attempt" if took.attempts == 1 else f"{took.attempts} attempts"
    tokens = "unknown tokens" if took.tokens is None else f"{took.tokens:,} tokens"
    usd = "unknown cost" if took.usd is None else f"{took.usd:.4f} USD"
    said = f"effort: {tries}, {tokens}, {usd}"
    times = [
        f"{ratio:g} x the {name}"
        for ratio, name in ((took.multiplier_tokens, "tokens"), (took.multiplier_usd, "money"))
        if ratio is not None
    ]
    if times:
        said += f"\n  {' and '.join(times)} of what won"
    if took.lift is not None:
        lift = took.lift
        said += f"\n  criteria met: {lift.first} at first, {lift.landed} by what won, of {lift.of}"
    return said


def sources(found: "Sequence[Source]", total: int) -> str:
    """Returns the tokens of a package, one source a line."""
    lines = [f"{one.tokens:>9,}  {shown(one.source)}" for one in found]
    return "\n".join(["", "tokens, about:", *lines, f"{total:>9,}  in all"])


def _head(look: Status) -> str:
    tip = look.tip[:12] if look.tip else "no commit"
    if look.daemon is None:
        return f"tip {tip}, no daemon runs here"
    return f"tip {tip}, daemon {look.daemon.pid} on {shown(look.daemon.host)}"


def _briefs(look: Status) -> list[str]:
    if not look.briefs:
        return ["no briefs yet: `coordinator brief new NAME` writes one"]
    width = max(len(brief.id) for brief in look.briefs)
    lines = []
    for brief in look.briefs:
        state = click.style(f"{brief.state:<14}", fg=_COLOURS.get(brief.state))
        commit = brief.commit[:12] if brief.commit else ""
        lines.append(f"{brief.id:<{width}}  {state}  {brief.phase:<10} {commit}".rstrip())
        firsts = [reason.splitlines()[0] for reason in _reasons(brief)]
        lines += [f"    {line}" for line in _some(firsts, _STATUS_REASONS_MAX)]
        lines += [f"    ? {q.id}: {shown(q.text)}{_choices(q.choices)}" for q in brief.questions]
        lines += [f"    {line}" for line in _next(brief)]
    if look.left_off:
        lines.append(f"and {look.left_off} older finished briefs (--all lists them)")
    return lines


def _reasons(brief: BriefStatus) -> list[str]:
    """Returns the reasons that its questions do not say as well."""
    asked = {f"{question.id}: {question.text}" for question in brief.questions}
    return [reason for reason in brief.reasons if reason and reason not in asked]


def _some(reasons: Sequence[str], most: int) -> list[str]:
    """Returns the first of them, cleaned, and how many are left out: a tool can change hundreds of files."""
    first = [shown(reason) for reason in reasons[:most]]
    left = len(reasons) - most
    return [*first, f"and {left} more (--json lists them)"] if left > 0 else first


def _next(brief: BriefStatus) -> list[str]:
    """Returns what a human may do about a held change."""
    if brief.state is not State.INPUT_REQUIRED or brief.questions:
        return []
    return [f"coordinator approve {brief.id}, or: coordinator reject {brief.id} --reason TEXT"]


def _choices(choices: Sequence[str]) -> str:
    return f" [{' | '.join(shown(c) for c in choices)}]" if choices else ""


def _item(item: CheckItem) -> str:
    oids = f"  {' '.join(oid[:12] for oid in item.oids)}" if item.oids else ""
    return f"  [{_MARKS[item.done]}] {item.item}: {shown(item.evidence)}{oids}"
