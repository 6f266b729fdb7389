"""What intake asks an author, pure: one question for each section that is missing or contradicts itself."""

from collections.abc import Sequence

from coordinator.domain import planning, sentences
from coordinator.domain.brief import Brief, Kind, Question
from coordinator.domain.brief_items import PROSE
from coordinator.domain.choosing import ROLES, chosen
from coordinator.domain.intake_rules import Facts
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.tree import literal_folder, matches

SECTIONS = {
    "task": "TASK",
    "inputs": "INPUTS",
    "scope": "SCOPE",
    "output_format": "OUTPUT FORMAT",
}  # what an answer to a question fills in; `worker` goes into the front matter
WORKER = "worker"

_KINDS = tuple(kind.value for kind in Kind)


def questions(brief: Brief, *, facts: Facts, policy: Policy) -> tuple[Question, ...]:
    """Returns what its author has to clarify, one question for each section."""
    asked = (
        _ask_task(brief),
        _ask_inputs(brief, facts),
        _ask_scope(brief),
        _ask_output_format(brief, policy),
        _ask_worker(brief, policy),
    )
    return tuple(question for question in asked if question)


def _ask_task(brief: Brief) -> Question | None:
    why = sentences.not_one_sentence(brief.task) if brief.task else None
    if why is None:
        return None
    return Question(id="task", text=f"TASK {why}: what shall be done, in one sentence with a verb?")


def _ask_inputs(brief: Brief, facts: Facts) -> Question | None:
    if not brief.inputs:
        return Question(
            id="inputs", text="INPUTS is missing: which files, URLs or data shall be read?"
        )
    if all(item.label == PROSE for item in brief.inputs):
        text = "INPUTS names no path, glob, URL or data: which files shall be read?"
        return Question(id="inputs", text=text)
    if facts.missing:
        listed = ", ".join(item.value for item in facts.missing)
        text = f"INPUTS names what is not in the repository: {listed}; what is meant?"
        return Question(id="inputs", text=text, choices=facts.near)
    return None


def _ask_scope(brief: Brief) -> Question | None:
    changes = brief.output_format.kind is Kind.CHANGES
    both = [path for path in brief.scope_in if any(_covers(out, path) for out in brief.scope_out)]
    text = ""
    if both:
        text = f"SCOPE names {', '.join(both)} as in and out of bounds: which is meant?"
    elif not (brief.scope_in or brief.scope_out or brief.scope_prose):
        text = "SCOPE is missing: what is in bounds, and what is out of bounds?"
    elif not brief.scope_in and changes:
        text = "SCOPE names no path in bounds, and changes are wanted: which files may be changed?"
    elif not brief.scope_in and not brief.scope_prose:
        text = "SCOPE says only what is out of bounds: what is in bounds?"
    return Question(id="scope", text=text) if text else None


def _ask_output_format(brief: Brief, policy: Policy) -> Question | None:
    wanted = brief.output_format
    if wanted.kind is None:
        why = "is missing" if not wanted.text else "names none of the kinds"
        text = f"OUTPUT FORMAT {why}: a list, json, a table, a report, or changes?"
        return Question(id="output_format", text=text, choices=_KINDS)
    workers = () if planning.is_divided(brief, policy) else chosen(brief, policy)
    profiles = [p for name in workers if (p := policy.profile(name))]
    unable = [p for p in profiles if p.output_kinds and wanted.kind.value not in p.output_kinds]
    if unable:
        choices = _in_common(profiles)
        text = (
            f"OUTPUT FORMAT asks for {wanted.kind.value}, and {unable[0].name} returns "
            f"{_any_of(choices)}: which do you want?"
        )
        return Question(id="output_format", text=text, choices=choices)
    if wanted.path and any(matches(wanted.path, out) for out in brief.scope_out):
        text = f"OUTPUT FORMAT writes {wanted.path}, which SCOPE puts out of bounds: where shall it go?"
        return Question(id="output_format", text=text)
    nothing = any(p.kind == "path" and p.value == "**" for p in brief.do_not)
    if nothing and wanted.kind is Kind.CHANGES:
        text = "OUTPUT FORMAT asks for changes, and DO NOT forbids any: which do you want?"
        return Question(id="output_format", text=text, choices=_KINDS)
    return None


def _ask_worker(brief: Brief, policy: Policy) -> Question | None:
    if planning.is_divided(brief, policy) or chosen(brief, policy):
        return None
    choices = tuple(
        str(p.name) for p in policy.profiles if not p.capabilities or p.capabilities - ROLES
    )
    why = f"no worker has the capability {brief.task_type!r}" if brief.task_type else (
        "TASK names the work of no worker"
    )  # fmt: skip
    return Question(id=WORKER, text=f"{why}: which one shall do it?", choices=choices)


def _covers(outer: str, inner: str) -> bool:
    """Tells whether all that `inner` names is in `outer`; a glob is compared by its own text."""
    if outer == inner:
        return True
    return outer != "**" and matches(literal_folder(inner) or "**", outer)


def _in_common(profiles: Sequence[Profile]) -> tuple[str, ...]:
    return tuple(kind for kind in _KINDS if all(kind in p.output_kinds for p in profiles))


def _any_of(words: Sequence[str]) -> str:
    return (
        ", ".join(words[:-1]) + f" or {words[-1]}"
        if len(words) > 1
        else "".join(words) or "nothing"
    )
