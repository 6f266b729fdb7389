"""What people read: the text forms of the answers. Everything from outside is cleaned before it is shown."""

import time
from collections.abc import Sequence

import click

from coordinator.cli.answering import shown
from coordinator.cli.fitting import wrapped
from coordinator.domain.saying import Saying, SeenCommit
from coordinator.domain.status import (
    BriefStatus,
    ClaimStatus,
    Link,
    State,
    Status,
)

COLOURS = {
    State.COMPLETED: "green",
    State.INPUT_REQUIRED: "yellow",
    State.FAILED: "red",
    State.REJECTED: "red",
    State.WORKING: "cyan",
}
_STATUS_REASONS_MAX = 3
_STATE_CHARS = 42  # of a brief's line behind its id


def status(look: Status, *, columns: int | None = None) -> str:
    """Returns the whole of `status`."""
    lines = [_head(look)]
    if look.paused is not None:
        lines.append(f"paused: {shown(look.paused)}")
    said = [f"config: {shown(fault)}" for fault in look.config_faults]
    if look.daemon is not None:
        said += [f"trouble: {shown(trouble)}" for trouble in look.daemon.troubles]
    lines += [part for one in said for part in wrapped(one, indent="", columns=columns)]
    lines += ["", *_briefs(look, columns)]
    if look.claims:
        lines += ["", "claims:"]
        lines += [f"  {claim(one)}" for one in look.claims]
    if look.environments:
        lines += ["", "environments:"]
    for one in look.environments:
        same = one.live is not None and one.live == one.wanted
        wanted = "" if same or one.wanted is None else f", wanted {one.wanted[:12]}"
        health = {True: "healthy", False: "not healthy", None: "not looked at"}[one.healthy]
        live = one.live[:12] if one.live else "nothing"
        lines.append(f"  {shown(one.name)}: {live} live, {health}{wanted}")
    return "\n".join(lines)


def claim(one: ClaimStatus) -> str:
    """Returns one claimed path, who holds it, and, of a person's, why."""
    why = f": {one.reason}" if one.reason else ""
    return f"{shown(one.path) or '(everything)'}  {shown(one.holder + why)}"


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


def _head(look: Status) -> str:
    tip = look.tip[:12] if look.tip else "no commit"
    if look.daemon is None:
        return f"tip {tip}, no daemon runs here"
    return f"tip {tip}, daemon {look.daemon.pid} on {shown(look.daemon.host)}"


def _briefs(look: Status, columns: int | None) -> list[str]:
    if not look.briefs:
        return ["no briefs yet: `coordinator brief new NAME` writes one"]
    width = max(len(brief.id) for brief in look.briefs)
    lines = []
    for brief in look.briefs:
        lines += _row(brief, width, columns)
        firsts = [reason.splitlines()[0] for reason in reasons(brief)]
        said = [*some(firsts, _STATUS_REASONS_MAX), *asked(brief), *to_do(brief)]
        lines += [part for one in said for part in wrapped(one, indent="    ", columns=columns)]
    if look.left_off:
        lines.append(f"and {look.left_off} older finished briefs (--all lists them)")
    return lines


def _row(brief: BriefStatus, width: int, columns: int | None) -> list[str]:
    """Returns the line of a brief; in a narrow terminal, its id has a line of its own."""
    tasks = f"{brief.tasks.done}/{brief.tasks.of} tasks" if brief.tasks else ""
    end = brief.commit[:12] if brief.commit else tasks
    coloured = click.style(f"{brief.state:<14}", fg=COLOURS.get(brief.state))
    state = f"{coloured}  {brief.phase:<10} {end}".rstrip()
    if columns is not None and width + _STATE_CHARS > columns:
        return [brief.id, f"  {state}"]
    return [f"{brief.id:<{width}}  {state}"]


def reasons(brief: BriefStatus) -> list[str]:
    """Returns the reasons that its questions do not say as well."""
    questions = {f"{question.id}: {question.text}" for question in brief.questions}
    return [reason for reason in brief.reasons if reason and reason not in questions]


def some(given: Sequence[str], most: int) -> list[str]:
    """Returns the first of them, cleaned, and how many are left out: a tool can change hundreds of files."""
    first = [shown(reason) for reason in given[:most]]
    left = len(given) - most
    return [*first, f"and {left} more (--json lists them)"] if left > 0 else first


def asked(brief: BriefStatus) -> list[str]:
    """Returns its questions, each with the command that answers it."""
    lines = []
    for question in brief.questions:
        lines.append(f"? {question.id}: {shown(question.text)}{_choices(question.choices)}")
        said = shown(next(iter(question.choices), "..."))
        lines.append(f'coordinator answer {brief.id} {question.id} "{said}"')
    return lines


def to_do(brief: BriefStatus) -> list[str]:
    """Returns how long it has waited for a human, and what one may do about a held change."""
    if brief.state is not State.INPUT_REQUIRED:
        return []
    since = f"waits for a human{_for(brief.waits_s)}" + (", too long" if brief.overdue else "")
    if brief.questions:
        return [since]
    return [
        f"{since}: look, then approve or reject",
        f"coordinator show {brief.id}",
        f"coordinator approve {brief.id}",
        f"coordinator reject {brief.id} --reason TEXT",
    ]


def _for(seconds: float | None) -> str:
    """Returns a time as people say it, in its largest whole unit."""
    for unit_s, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int((seconds or 0) // unit_s)
        if count:
            return f" for {count} {unit}{'s' if count > 1 else ''}"
    return ""


def _choices(choices: Sequence[str]) -> str:
    return f" [{' | '.join(shown(c) for c in choices)}]" if choices else ""
