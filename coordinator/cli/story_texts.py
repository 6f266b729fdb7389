"""What people read of one brief: `show` in its forms. Everything from outside is cleaned before it is shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from coordinator.cli import texts
from coordinator.cli.answering import shown
from coordinator.cli.fitting import wrapped
from coordinator.domain.status import BriefStatus, CheckItem

if TYPE_CHECKING:
    from coordinator.desk.story import Story
    from coordinator.domain.effort import Effort
    from coordinator.domain.package_tokens import Source
    from coordinator.domain.plan import Plan
    from coordinator.domain.status import AttemptStatus
    from coordinator.domain.task_progress import TaskProgress
    from coordinator.domain.why import Why

_REASONS_MAX = 10
_ATTEMPT_REASONS_MAX = 3
_CHANGE_LINES_MAX = 60
_MARKS = {True: "x", False: "!", None: " "}
_QUESTIONS = {
    "unit": "smallest unit",
    "state": "its state",
    "boundary": "boundary",
    "verified": "verified by",
    "cost": "cost and lift",
}


def story(brief: BriefStatus, told: "Story | None", *, columns: int | None = None) -> str:
    """Returns the whole of `show`."""
    state = click.style(brief.state, fg=texts.COLOURS.get(brief.state))
    head = [f"{brief.id}: {state}, {brief.phase}"]
    here = f"coordinator show {brief.id}"
    to_do = [line for line in texts.to_do(brief) if line != here]
    lines = [*texts.some(texts.reasons(brief), _REASONS_MAX), *to_do]
    lines += texts.asked(brief)
    head += [part for line in lines for part in wrapped(line, indent="  ", columns=columns)]
    if told is None:
        return "\n".join([*head, "still in the inbox; nothing is known of it yet."])
    parts = [
        _faults(told),
        _tasks(told),
        _notes(told),
        _conflicts(told),
        [] if brief.effort is None else effort(brief.effort).splitlines(),
        _attempts(told.attempts),
        ["commits:", *[f"  {texts.saying(said)}" for said in told.commits]],
        ["checklist:", *[_item(item) for item in told.checklist]],
        _change(brief, told),
    ]
    for part in parts:
        if part:
            head += ["", *part]
    return "\n".join(
        line
        if columns is None or len(line) < columns or _is_whole(line)
        else "\n".join(wrapped(line.strip(), indent=_indent(line), columns=columns))
        for line in head
    )


def why(told: "Why", *, columns: int | None = None) -> str:
    """Returns the five answers, a line each where they fit."""
    lines = [
        f"{question + ':':<14} {shown(getattr(told, name))}"
        for name, question in _QUESTIONS.items()
    ]
    return "\n".join(p for line in lines for p in wrapped(line, indent="", columns=columns))


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


def change(text: str, *, lines_max: int | None) -> list[str]:
    """Returns the lines of a change or a report, cleaned; the first `lines_max`, and how many are left out."""
    lines = [shown(line) for line in text.splitlines()]
    if lines_max is None or len(lines) <= lines_max:
        return lines
    return lines[:lines_max]


def _faults(told: "Story") -> list[str]:
    return [
        f"  {fault.line or '-'}: {fault.section} {shown(fault.message)} ({shown(fault.hint)})"
        for fault in told.faults
    ]


def _tasks(told: "Story") -> list[str]:
    if told.plan is None or not told.tasks:
        return []
    ids = max(len(one.id) for one in told.tasks)
    workers = max(len(one.worker) for one in told.tasks)
    rows = [_task(one, ids=ids, workers=workers) for one in told.tasks]
    return [_plan(told.plan, told.tasks), *rows]


def _notes(told: "Story") -> list[str]:
    """Returns the numbers by which the plan was made."""
    notes = told.plan.notes if told.plan else ()
    return ["plan:", *(f"  {line}" for line in texts.some(notes, _REASONS_MAX))] if notes else []


def _plan(plan: "Plan", tasks: "Sequence[TaskProgress]") -> str:
    done = sum(one.state == "done" for one in tasks)
    said = f"tasks: {done}/{len(tasks)} done, {plan.shape} by rule {shown(plan.rule)}"
    said += f", written by {shown(plan.planned_by)}" if plan.planned_by else ""
    if plan.revision > 1:
        because = f" ({shown(plan.revised_because)})" if plan.revised_because else ""
        said += f", revision {plan.revision}{because}"
    return said


def _task(one: "TaskProgress", *, ids: int, workers: int) -> str:
    after = f" after {', '.join(one.after)}" if one.after else ""
    tried = f" attempts {', '.join(map(str, one.attempts))}" if one.attempts else ""
    optional = " optional" if one.optional else ""
    said = f"  {shown(one.id):<{ids}}  {one.state:<7}  {shown(one.worker):<{workers}}"
    return f"{said}{after}{tried}{optional}".rstrip()


def _conflicts(told: "Story") -> list[str]:
    said = [line for conflict in told.conflicts for line in conflict.splitlines()]
    return ["conflicts:", *[f"  {shown(line)}" for line in said]] if said else []


def _attempts(attempts: "Sequence[AttemptStatus]") -> list[str]:
    lines = []
    several = len({one.task for one in attempts if one.task}) > 1
    for one in attempts:
        why_ = "; ".join(texts.some(one.reasons, _ATTEMPT_REASONS_MAX))
        kept = f"  {one.oid[:12]}" if one.oid else ""
        role = "" if one.role == "author" else f" {one.role}"
        role += "" if one.about is None else f" of {one.about}"
        at = f" at {shown(one.task)}" if several and one.task else ""
        said = f"  {one.n} {shown(one.worker)}{role}{at} {one.verdict}"
        lines.append(f"{said}{f': {why_}' if why_ else ''}{kept}")
    return ["attempts:", *lines] if lines else []


def _change(brief: BriefStatus, told: "Story") -> list[str]:
    """Returns what waits to be approved; what it does not fit is one command away."""
    if told.change is None:
        return []
    all_of_it = told.change.splitlines()
    lines = change(told.change, lines_max=_CHANGE_LINES_MAX)
    left = len(all_of_it) - len(lines)
    more = [f"  and {left} more lines: coordinator show {brief.id} --diff"] if left > 0 else []
    return ["what waits for you:", *[f"  | {line}" for line in lines], *more]


def _item(item: CheckItem) -> str:
    oids = f"  {' '.join(oid[:12] for oid in item.oids)}" if item.oids else ""
    return f"  [{_MARKS[item.done]}] {item.item}: {shown(item.evidence)}{oids}"


def _is_whole(line: str) -> bool:
    """Tells whether a line is one of a diff, or a command to copy."""
    return line.startswith(("  | ", "  coordinator "))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
