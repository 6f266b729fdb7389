"""One task of a brief: the next attempt at it, a question of its worker, or the end of trying.

A worker tries as often as the retries of the brief say. When it has, or has said the same twice, or that it
lacks a tool, the next worker that is chosen for the brief takes its place (see `choosing.substitutes`), with
tries of its own; the last one's failure is the brief's.
"""

from collections.abc import Sequence
from typing import assert_never

from . import budget, choosing, notes, packing, tasks
from .attempt import RESTARTED, Attempt, Lost, Returned, Running
from .brief import Question
from .names import ProfileName
from .plan import Task
from .steps import Dispatch, Review, Say, Step, Wait
from .verdict import Accept, Reject, Revise
from .world import Sighting, World

_TRIES_MAX = 50  # whatever the reason, restarts included


def task_step(task: Task, sighting: Sighting, world: World) -> Step | None:
    """Returns what a task needs next; None when its last output is accepted."""
    tried = tasks.authored(task.id, sighting)
    last = tried[-1] if tried else None
    match last:
        case None:
            return dispatch(task, sighting, world, ())
        case Running():
            return Wait(phase="dispatch", why=f"{last.spec.profile} works on it")
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
    """Tries once more with the reasons, asks what the worker asked, hands it to another, or gives up."""
    asked = _question(task, tried[-1], sighting, world)
    if asked is not None:
        return asked
    why = _reasons(tried[-1]) + ((extra,) if extra else ())
    mine = same_worker(tried)
    going_on = same_task(task, tried)
    used_up = len(counted(mine)) >= tries_max(sighting, world)
    done = used_up or _no_improvement(mine) or _lacks_a_tool(tried[-1])
    other = _another(tried, sighting, world) if done else None
    if other is not None:
        going_on = task.model_copy(update={"profile": other})
    if (done and other is None) or len(tried) >= _TRIES_MAX:
        return Say(notes.failed(sighting, code="attempts", why=why, policy=world.policy))
    return dispatch(going_on, sighting, world, why)


def same_worker(tried: Sequence[Attempt]) -> list[Attempt]:
    """Returns the attempts of the worker that made the last one."""
    return [a for a in tried if a.spec.profile == tried[-1].spec.profile]


def same_task(task: Task, tried: Sequence[Attempt]) -> Task:
    """Returns the task for the worker that made the last attempt at it, whoever was planned."""
    return task.model_copy(update={"profile": tried[-1].spec.profile})


def counted(tried: Sequence[Attempt]) -> list[Attempt]:
    """Returns the attempts that count as tries; what a restart cost is nobody's fault."""
    return [a for a in tried if not (isinstance(a, Lost) and a.reason == RESTARTED)]


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
        # The package holds every answer.
        return dispatch(same_task(task, [last]), sighting, world, ())
    why = f"The worker {last.spec.profile} cannot go on without an answer."
    note = notes.asked(
        sighting, held="question", questions=[question], why=why, policy=world.policy
    )
    return Say(note)


def _another(tried: Sequence[Attempt], sighting: Sighting, world: World) -> ProfileName | None:
    """Returns the first worker that may do the brief and has not tried; None when all have."""
    used = {attempt.spec.profile for attempt in tried}
    others = choosing.substitutes(tasks.asked_of(sighting, tried[-1].spec), world.policy)
    return next((name for name in others if name not in used), None)


def _lacks_a_tool(last: Attempt) -> bool:
    """Tells whether a worker said that it has no means for it, and never will."""
    verdict = last.verdict if isinstance(last, Returned) else None
    return isinstance(verdict, Reject) and verdict.code == "missing-tool"


def _no_improvement(tried: Sequence[Attempt]) -> bool:
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


def dispatch(task: Task, sighting: Sighting, world: World, feedback: tuple[str, ...]) -> Step:
    """Returns the step that starts the next attempt, or what becomes of it where there is no money for it.

    What the brief may cost comes back only by a person, so a worker that can be paid takes over, or the
    brief fails; what the day may cost comes back by itself.
    """
    lack = budget.lack(task.profile, sighting, world)
    if lack is None:
        return _next(task, sighting, feedback)
    if lack.of == "day":
        return Wait(phase="dispatch", why=lack.why, rests=True)
    used = {a.spec.profile for a in sighting.attempts if a.spec.task == task.id}
    asked = tasks.brief_of(sighting.filed.brief, task)
    for name in choosing.substitutes(asked, world.policy):
        if name not in used and budget.lack(name, sighting, world) is None:
            return _next(task.model_copy(update={"profile": name}), sighting, feedback)
    why = (lack.why, *feedback)
    return Say(notes.failed(sighting, code="budget", why=why, policy=world.policy))


def _next(task: Task, sighting: Sighting, feedback: tuple[str, ...]) -> Dispatch:
    """Returns the next attempt; numbers rise over all tasks and rounds of a brief."""
    return Dispatch(
        brief=sighting.filed.id,
        task=task,
        number=1 + max(sighting.numbered, *(a.spec.id.number for a in sighting.attempts), 0),
        feedback=feedback,
    )
