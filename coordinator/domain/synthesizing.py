"""When a worker writes one report of several in free text, and which of its outputs counts.

It is an ordinary attempt with the role `synthesizer`. What it leaves out is told by rules (`faithful`); after
two refusals what rules make of the outputs stands, which is a question to a person.
"""

from collections import Counter

from . import backoff, beginning, ruling, second_look, tasks, trying
from .attempt import Attempt, Returned, Running
from .beginning import Gone
from .brief import Kind
from .budget import Lack
from .names import ProfileName, TaskId
from .output import Report
from .plan import Task
from .steps import Dispatch, Review, Step, Wait
from .verdict import Accept
from .world import Sighting, World

SYNTHESIS = TaskId("synthesis")
_TRIES_MAX = 2
_OBJECTIVE = (
    "{task}\n\nSeveral workers have answered this; the inputs are what they returned. Write one report from"
    " them: every heading, item, row and number of each input is in it, once, and nothing else is. Where"
    " they contradict each other, it says both, and who says which."
)


def outputs(sighting: Sighting) -> dict[str, Returned]:
    """Returns the reports that a brief in free text is made of, by worker, or by task where one made two."""
    plan, brief = sighting.filed.plan, sighting.filed.brief
    if plan is None or (brief.output_format.kind or Kind.REPORT) is not Kind.REPORT:
        return {}
    found = [
        returned
        for task in tasks.in_order(tasks.contributing(plan, brief))
        if (returned := tasks.accepted(task.id, sighting)) is not None
        and isinstance(returned.output.body, Report)
    ]
    profiles = Counter(returned.spec.profile for returned in found)
    return {str(r.spec.profile if profiles[r.spec.profile] == 1 else r.spec.task): r for r in found}


def step(sighting: Sighting, world: World) -> Step | None:
    """Returns what the synthesizer of the house does next; None where it has nothing to do (any more)."""
    plan, name = sighting.filed.plan, world.policy.synthesizer
    if plan is None or not name or ruling.answers(plan):
        return None
    texts = {text_of(returned).strip() for returned in outputs(sighting).values()}
    if len(texts) < 2:
        return None
    tried = _tried(sighting)
    last = tried[-1] if tried else None
    if isinstance(last, Running):
        return Wait(phase="synthesize", why=f"{last.spec.profile} puts the outputs into words")
    if isinstance(last, Returned) and last.verdict is None:
        return Review(attempt=last.spec.id)
    accepted = isinstance(last, Returned) and isinstance(last.verdict, Accept)
    if accepted or len(trying.counted(tried)) >= _TRIES_MAX:
        return None
    hindered = beginning.why_not(name, sighting, world)
    if isinstance(hindered, Gone) or (isinstance(hindered, Lack) and hindered.of == "brief"):
        return None  # nobody stands in for it
    if hindered is not None:
        return beginning.waiting(hindered)
    left_s = backoff.left_s(tried, world)
    if left_s:
        why = f"{name} was lost; it pauses before it is asked again"
        return Wait(phase="synthesize", why=why, due_in_s=left_s)
    objective = _OBJECTIVE.format(task=sighting.filed.brief.task)
    return Dispatch(
        brief=sighting.filed.id,
        task=Task(id=SYNTHESIS, objective=objective, profile=ProfileName(name)),
        number=second_look.next_number(sighting),
        feedback=trying.reasons(last, sighting) if last is not None else (),
        role="synthesizer",
    )


def accepted(sighting: Sighting) -> Returned | None:
    """Returns the synthesis of the outputs as they are now, where one was good enough."""
    tried = _tried(sighting)
    last = tried[-1] if tried else None
    if not isinstance(last, Returned) or not isinstance(last.output.body, Report):
        return None
    return last if isinstance(last.verdict, Accept) else None


def text_of(returned: Returned) -> str:
    """Returns the text of a report."""
    body = returned.output.body
    return body.text if isinstance(body, Report) else ""


def _tried(sighting: Sighting) -> list[Attempt]:
    """Returns the attempts to put the newest outputs into words; older ones were about others."""
    newest = max((r.spec.id.number for r in outputs(sighting).values()), default=0)
    return [
        attempt
        for attempt in sighting.attempts
        if attempt.spec.role == "synthesizer" and attempt.spec.id.number > newest
    ]
