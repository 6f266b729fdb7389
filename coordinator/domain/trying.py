"""One task of a brief: the next attempt at it, a question of its worker, or the end of trying."""

from typing import assert_never

from . import notes, packing
from .attempt import RESTARTED, Attempt, Lost, Returned, Running
from .brief import Question
from .plan import Task
from .steps import Dispatch, Review, Say, Step, Wait
from .verdict import Accept, Reject, Revise
from .world import Sighting, World

_TRIES_MAX = 50  # whatever the reason, restarts included


def task_step(task: Task, sighting: Sighting, world: World) -> Step | None:
    """Returns what a task needs next; None when its last output is accepted."""
    tried = [a for a in sighting.attempts if a.spec.task == task.id]
    last = tried[-1] if tried else None
    match last:
        case None:
            return dispatch(task, sighting, ())
        case Running():
            return Wait(phase="dispatch", why=f"{task.profile} works on it")
        case Returned(verdict=None):
            return Review(attempt=last.spec.id)
        case Returned(verdict=Accept()):
            return None
        case Returned() | Lost():
            return again(task, tried, sighting, world)
        case _:
            assert_never(last)


def again(
    task: Task, tried: list[Attempt], sighting: Sighting, world: World, extra: str = ""
) -> Step:
    """Tries once more with the reasons, asks what the worker asked, or gives up."""
    asked = _question(task, tried[-1], sighting, world)
    if asked is not None:
        return asked
    why = _reasons(tried[-1]) + ((extra,) if extra else ())
    counted = [a for a in tried if not (isinstance(a, Lost) and a.reason == RESTARTED)]
    if (
        len(counted) >= tries_max(sighting, world)
        or len(tried) >= _TRIES_MAX
        or _no_improvement(tried)
    ):
        return Say(notes.failed(sighting, code="attempts", why=why, policy=world.policy))
    return dispatch(task, sighting, why)


def tries_max(sighting: Sighting, world: World) -> int:
    """Returns how many attempts at a task may fail: one, the retries, and one for each answer given."""
    retries = sighting.filed.brief.retries
    answers = len(sighting.filed.plan.answers) if sighting.filed.plan else 0
    return 1 + (world.policy.retries if retries is None else retries) + answers


def _question(task: Task, last: Attempt, sighting: Sighting, world: World) -> Step | None:
    plan = sighting.filed.plan
    if not (isinstance(last, Returned) and isinstance(last.verdict, Reject) and plan):
        return None
    if last.verdict.code != "question":
        return None
    question = Question(
        id=packing.question_id(task, last.spec.id.number), text=last.verdict.feedback[0]
    )
    if question.id in plan.answers:
        return dispatch(task, sighting, ())  # the package holds every answer
    why = f"The worker {task.profile} cannot go on without an answer."
    note = notes.asked(
        sighting, held="question", questions=[question], why=why, policy=world.policy
    )
    return Say(note)


def _no_improvement(tried: list[Attempt]) -> bool:
    """Tells whether the last two outputs are the same, so that a third would be too."""
    two = [a for a in tried[-2:] if isinstance(a, Returned)]
    return len(two) == 2 and two[0].output.body == two[1].output.body


def _reasons(last: Attempt) -> tuple[str, ...]:
    match last:
        case Returned(verdict=Reject(feedback=feedback) | Revise(feedback=feedback)):
            return feedback
        case Lost(reason=reason):
            return (f"the last attempt was lost: {reason}",)
        case _:
            return ()


def dispatch(task: Task, sighting: Sighting, feedback: tuple[str, ...]) -> Dispatch:
    """Returns the step that starts the next attempt; numbers rise over all tasks and rounds of a brief."""
    return Dispatch(
        brief=sighting.filed.id,
        task=task,
        number=1 + max(sighting.numbered, *(a.spec.id.number for a in sighting.attempts), 0),
        feedback=feedback,
    )
