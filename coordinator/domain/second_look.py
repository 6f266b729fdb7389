"""The step that has somebody else judge what rules leave open of an accepted output."""

from typing import assert_never

from coordinator.domain import beginning, budget, evaluating
from coordinator.domain.attempt import Attempt, Lost, Returned, Running
from coordinator.domain.names import ProfileName
from coordinator.domain.plan import Task
from coordinator.domain.policy import Policy
from coordinator.domain.spent import Spent
from coordinator.domain.steps import Dispatch, Review, Step, Wait
from coordinator.domain.verdict import Reject, Revise
from coordinator.domain.world import Sighting, World


def step(task: Task, author: Returned, sighting: Sighting, world: World) -> Step | None:
    """Returns what the evaluation of an output needs next; None when nothing more is awaited of it."""
    tried = evaluating.about(author, sighting.attempts)
    for attempt in tried:
        match attempt:
            case Running():
                number = author.spec.id.number
                return Wait(
                    phase="dispatch", why=f"{attempt.spec.profile} evaluates attempt {number}"
                )
            case Returned(verdict=None):
                return Review(attempt=attempt.spec.id)
            case Returned() | Lost():
                continue
            case _:
                assert_never(attempt)
    name = evaluating.following(author, sighting)
    if name is None:
        return None
    hindered = beginning.why_not(name, sighting, world)
    if hindered is not None:
        return beginning.waiting(hindered)
    return Dispatch(
        brief=sighting.filed.id,
        task=task.model_copy(update={"profile": name}),
        number=next_number(sighting),
        feedback=_feedback(tried),
        role="evaluator",
        about=author.spec.id.number,
    )


def able(sighting: Sighting, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns who may evaluate outputs of a brief, as far as its money goes; the day's comes back by itself."""
    found = []
    for name in evaluating.evaluators(policy):
        profile = policy.profile(name)
        if profile is None:
            continue
        money = budget.left(profile, sighting, policy=policy, brief=sighting.spent, day=Spent())
        if not (isinstance(money, budget.Lack) and money.of == "brief"):
            found.append(name)
    return tuple(found)


def next_number(sighting: Sighting) -> int:
    """Returns the number of the next attempt; numbers rise over all tasks and rounds of a brief."""
    return 1 + max(sighting.numbered, *(a.spec.id.number for a in sighting.attempts), 0)


def _feedback(tried: tuple[Attempt, ...]) -> tuple[str, ...]:
    """Returns why the evaluation before would not do."""
    last = tried[-1] if tried else None
    verdict = last.verdict if isinstance(last, Returned) else None
    return verdict.feedback if isinstance(verdict, Revise | Reject) else ()
