"""After a failed try of a brief with `workers`: several workers at once, and the first accepted one wins."""

from dataclasses import replace
from typing import Any

from coordinator.domain import speculating, trying
from coordinator.domain.attempt import Attempt
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import ProfileName
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.steps import Dispatch, Step, Wait
from coordinator.domain.world import LeftAlone
from tests.support.sightings import (
    ACCEPTED,
    TASK,
    brief,
    lost,
    returned,
    revised,
    running,
    sighting,
    world,
)


def worker(name: str) -> Profile:
    return Profile(name=ProfileName(name), kind="command", capabilities=frozenset(("tidying",)))


WORKERS = tuple(worker(name) for name in ("links", "second", "third", "fourth"))


def step(
    *attempts: Attempt, workers: int | None = 3, workers_max: int = 3, **seen: Any
) -> Step | trying.Stuck | None:
    house = Policy(profiles=WORKERS, doctrine=Doctrine(workers_max=workers_max))
    one = sighting(*attempts, of=brief(task_type="tidying", worker=(), workers=workers))
    return trying.task_step(TASK, one, world(one, policy=house, **seen))


def joins(*attempts: Attempt, **fields: Any) -> tuple[str, int | None]:
    """Returns who is dispatched, and beside which attempt."""
    found = step(*attempts, **fields)
    assert isinstance(found, Dispatch), found
    return found.task.profile, found.beside


FAILED = returned(1, revised("no"))
AT_LIMIT = LeftAlone(why="[limits.command] parallel: 1 of 1 at work", due_in_s=60.0)


def test_the_first_try_is_made_by_one_alone() -> None:
    assert joins() == ("links", None)
    assert isinstance(step(running(1)), Wait)


def test_after_a_failed_verdict_so_many_try_at_once_and_each_is_another_worker() -> None:
    assert joins(FAILED) == ("links", None)
    assert joins(FAILED, running(2)) == ("second", 2)
    second = TASK.model_copy(update={"profile": "second"})
    both: list[Attempt] = [FAILED, running(2), running(3, beside=2, task=second)]
    assert isinstance(step(*both), Wait), "three workers, of which one has tried already"
    assert joins(*both, workers=4) == ("third", 2)
    assert isinstance(step(*both, workers=4, workers_max=2), Wait), "the doctrine caps it"


def test_what_joins_belongs_to_the_turn_though_its_first_attempt_has_ended() -> None:
    second = TASK.model_copy(update={"profile": "second"})
    tried: list[Attempt] = [FAILED, returned(2, revised("no 2")), running(3, beside=2, task=second)]
    assert joins(*tried, workers=4) == ("third", 2)


def test_who_is_at_a_limit_joins_no_more_than_who_only_fails() -> None:
    second, third, fourth = (worker.name for worker in WORKERS[1:])
    left_alone = {"full": {second: AT_LIMIT}, "breakers": {third: AT_LIMIT}}
    assert joins(FAILED, running(2), **left_alone) == ("fourth", 2)
    sooner = replace(AT_LIMIT, due_in_s=7.0)
    everybody = {second: AT_LIMIT, third: sooner, fourth: AT_LIMIT}
    wait = Wait(phase="dispatch", why="links works on it", due_in_s=7.0)
    assert step(FAILED, running(2), full=everybody) == wait


def test_without_workers_and_after_a_mere_loss_one_tries_alone() -> None:
    assert isinstance(step(FAILED, running(2), workers=None), Wait)
    assert isinstance(step(FAILED, running(2), workers=2), Wait)
    assert isinstance(step(lost(1), running(2)), Wait)


def test_the_first_accepted_wins_and_the_others_are_stopped() -> None:
    won = returned(3, ACCEPTED, beside=2)
    late = running(2)
    one = sighting(FAILED, late, won, of=brief(task_type="tidying", workers=3))
    assert trying.task_step(TASK, one, world(one)) is None
    assert speculating.superseded(one) == (late.spec.id,)
