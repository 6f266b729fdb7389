"""What may begin in one tick: who asks first gets it, and what is counted begins one at a time."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from coordinator.domain.attempt import Attempt
from coordinator.domain.failure_policy import Limit
from coordinator.domain.names import BriefId, ProfileName, TaskId
from coordinator.domain.plan import Task
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.steps import Dispatch, Land, RunGate, Step, TakeClaim, WhyBeside
from coordinator.domain.world import LeftAlone
from coordinator.reconcile.kit import Kit
from coordinator.reconcile.room import Room
from tests.support.sightings import BRIEF, running, sighting, world

OTHER, THIRD = BriefId("other-00000001"), BriefId("third-00000001")
HOUSE = Policy(
    attempts_parallel_max=3,
    limits=(Limit(of="limited", requests_per_minute=9),),
    profiles=(
        Profile(name=ProfileName("free")),
        Profile(name=ProfileName("limited")),
        Profile(name=ProfileName("paid"), limits=Limits(cost_usd_max=1.0)),
        Profile(name=ProfileName("trial")),
    ),
)
TRIAL = LeftAlone(why="it failed", due_in_s=0.0, on_trial=True)


def room(
    *flying: str,
    attempts: tuple[Attempt, ...] = (),
    at_work: int = 0,
    resting: tuple[str, ...] = (),
    policy: Policy = HOUSE,
) -> Room:
    """Returns the room of a tick in which steps fly and so many attempts are at work."""
    pool = SimpleNamespace(running=lambda: dict.fromkeys(range(at_work), 0.0))
    kit = SimpleNamespace(ports=SimpleNamespace(pool=pool), ready=lambda key: key not in resting)
    breakers = {ProfileName("trial"): TRIAL}
    seen = world(sighting(*attempts), policy=policy, breakers=breakers)
    return Room(cast("Kit", kit), seen, frozenset(flying))


def start(brief: BriefId = BRIEF, worker: str = "free", why: WhyBeside | None = None) -> Dispatch:
    task = Task(id=TaskId("only"), objective="", profile=ProfileName(worker))
    beside: dict[str, Any] = {} if why is None else {"beside": 1, "why_beside": why}
    return Dispatch(brief=brief, task=task, number=2, feedback=(), **beside)


def allowed(of: Room, *steps: Step) -> list[bool]:
    named = (getattr(step, "brief", BRIEF) for step in steps)
    return [of.allows(step, sighting(name=name)) for step, name in zip(steps, named, strict=True)]


def test_a_brief_starts_one_attempt_at_a_time_or_numbers_would_be_given_twice() -> None:
    assert allowed(room(), start(), start(), start(OTHER)) == [True, False, True]
    assert allowed(room(f"dispatch:{BRIEF}:only"), start(), start(OTHER)) == [False, True]


@pytest.mark.parametrize("worker", ["limited", "paid", "trial"])
def test_what_is_counted_begins_when_nothing_else_does(worker: str) -> None:
    assert allowed(room(), start(), start(OTHER, worker), start(THIRD)) == [True, False, True]
    assert allowed(room(), start(BRIEF, worker), start(OTHER, worker)) == [True, False]


def test_no_more_attempts_begin_than_may_be_at_work() -> None:
    assert allowed(room(at_work=2), start(), start(OTHER)) == [True, False]
    flying = f"dispatch:{THIRD}:only"
    assert allowed(room(flying, at_work=1), start(), start(OTHER)) == [True, False]


def test_a_second_attempt_takes_none_of_more_places_than_the_house_lets() -> None:
    one, two = start(BRIEF, why="slow"), start(OTHER, why="slow")
    assert allowed(room(), one, two) == [True, False]
    assert allowed(room(attempts=(running(1), running(2, beside=1))), two) == [False]
    assert allowed(room(), one, start(OTHER, why="failed")) == [True, True]


def test_one_change_is_gated_or_lands_at_a_time() -> None:
    gate, land = RunGate(brief=OTHER, checks=()), Land(brief=BRIEF)
    assert allowed(room(), land, gate) == [True, False]
    assert allowed(room(f"gate:{THIRD}"), gate, land) == [False, True]
    assert allowed(room(resting=(f"land:{BRIEF}",)), land, gate) == [False, True]


def test_as_many_briefs_are_claimed_as_workers_can_be_busy_with() -> None:
    of = room(policy=Policy(attempts_parallel_max=1))  # one is claimed already
    assert of.for_claim()
    of.take(TakeClaim(brief=OTHER, paths=(), stale=None))
    assert not of.for_claim()
    resting = room(policy=Policy(attempts_parallel_max=1), resting=(f"claim:{OTHER}",))
    resting.take(TakeClaim(brief=OTHER, paths=(), stale=None))
    assert resting.for_claim(), "it is not tried now"
    assert not room(f"claim:{OTHER}", policy=Policy(attempts_parallel_max=1)).for_claim()
