"""Workers that only fail: when they are left alone, who stands in, and how they come back."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import breaker, trying
from coordinator.domain.attempt import RESTARTED, Spec
from coordinator.domain.failure_policy import Breaking
from coordinator.domain.names import ProfileName
from coordinator.domain.past import Past
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.steps import Dispatch, Step, Wait
from coordinator.domain.world import LeftAlone
from tests.support.sightings import TASK, brief, past, sighting, spec, world

RULE = Breaking(failures=3, window_s=100.0, cool_down_s=30.0)
LINKS = Profile(name=ProfileName("links"), capabilities=frozenset(("tidying",)))
OTHER = replace(LINKS, name=ProfileName("other"))
POLICY = Policy(profiles=(LINKS, OTHER), breaking=RULE)
WHY = "it cannot connect"


def of(number: int, profile: str = "links") -> Spec:
    return spec(number).model_copy(update={"profile": ProfileName(profile)})


def losses(*ago_s: float, profile: str = "links", reason: str = WHY) -> tuple[Past, ...]:
    return tuple(
        past(of(n, profile), reason, began=ago + 5, ended=ago) for n, ago in enumerate(ago_s, 1)
    )


def opened(*attempts: Past, **rule: Any) -> dict[str, LeftAlone]:
    policy = replace(POLICY, breaking=replace(RULE, **rule))
    return {str(name): found for name, found in breaker.opened(attempts, policy).items()}


def test_a_worker_that_failed_so_often_in_a_row_is_left_alone_until_it_has_cooled_down() -> None:
    assert opened(*losses(30, 20)) == {}
    found = opened(*losses(30, 20, 10))
    assert list(found) == ["links"]
    assert found["links"].due_in_s == 20.0
    assert not found["links"].on_trial
    assert found["links"].why == (
        "links failed 3 times in a row (last: it cannot connect); it is left alone for a while"
    )


def test_an_output_in_between_shows_that_it_works() -> None:
    assert opened(*losses(40, 30, 20), past(of(9), "", ended=15.0), *losses(10, 5)) == {}


@pytest.mark.parametrize("reason", [RESTARTED, "cancelled: the brief is not open any more"])
def test_what_we_stopped_ourselves_says_nothing_of_a_worker(reason: str) -> None:
    assert opened(*losses(30, 20, 10, reason=reason)) == {}


def test_losses_further_apart_than_the_window_do_not_count() -> None:
    assert opened(*losses(111, 20, 10)) == {}
    assert list(opened(*losses(110, 20, 10))) == ["links"]


def test_what_is_open_stays_so_for_the_whole_cool_down_though_losses_grow_old() -> None:
    assert opened(*losses(100, 60, 1))["links"].due_in_s == 29.0
    assert opened(*losses(120, 80, 21))["links"].due_in_s == 9.0
    assert opened(*losses(1020, 1010, 1000), cool_down_s=3600.0)["links"].due_in_s == 2600.0


def test_a_trial_that_goes_out_late_and_is_lost_begins_the_next_cool_down() -> None:
    late = losses(150, 145, 140, 20)  # more than the window after the others
    assert opened(*late)["links"].due_in_s == 10.0
    assert "failed 4 times" in opened(*late)["links"].why


def test_what_nobody_has_tried_for_long_after_the_cool_down_is_forgotten() -> None:
    assert opened(*losses(150, 140, 130))["links"].on_trial
    assert opened(*losses(150, 140, 131)) == {}
    assert opened(*losses(150, 140, 135, 4)) == {}


def test_after_the_cool_down_one_attempt_goes_out_and_decides() -> None:
    gone = losses(60, 50, 40)
    assert opened(*gone)["links"].on_trial
    trial = opened(*gone, past(of(9), None, began=3))["links"]
    assert not trial.on_trial
    assert "one attempt tries" in trial.why
    older = past(of(9), None, began=45)  # it began before the last of them failed
    assert opened(*gone, older)["links"].on_trial
    assert opened(*gone, past(of(9), "", ended=1)) == {}
    again = opened(*gone, past(of(9), WHY, ended=1))["links"]
    assert (again.on_trial, again.due_in_s) == (False, 29.0)


def test_workers_of_one_model_at_one_endpoint_fail_together() -> None:
    model: dict[str, Any] = {"kind": "claude", "endpoint": "anthropic", "model": "some-model"}
    one, two = replace(LINKS, **model), replace(OTHER, **model)
    elsewhere = replace(two, name=ProfileName("third"), endpoint="local")
    policy = replace(POLICY, profiles=(one, two, elsewhere))
    tried = (*losses(30, 20), *losses(10, profile="other"))
    found = breaker.opened(tried, policy)
    assert sorted(found) == ["links", "other"]
    assert found[one.name].why.startswith("some-model at anthropic failed 3 times")


def test_it_can_be_switched_off() -> None:
    assert opened(*losses(30, 20, 10), failures=0) == {}


def step(
    *open_: str, on_trial: bool = False, worker: tuple[str, ...] = (), **fields: Any
) -> Step | trying.Stuck | None:
    one = sighting(of=brief(task_type=None if worker else "tidying", worker=worker))
    why = LeftAlone(why="it fails", due_in_s=7.0, on_trial=on_trial)
    given = {"breakers": {ProfileName(name): why for name in open_}, **fields}
    return trying.task_step(TASK, one, world(one, policy=POLICY, **given))


def test_another_worker_stands_in_for_one_that_only_fails() -> None:
    found = step("links")
    assert isinstance(found, Dispatch)
    assert found.task.profile == "other"


def test_where_nobody_else_may_it_is_waited_for() -> None:
    wait = Wait(phase="dispatch", why="it fails", due_in_s=7.0)
    assert step("links", "other") == wait
    assert step("links", worker=("links",)) == wait


def test_who_stands_in_keeps_to_its_limits_and_whoever_is_free_first_is_waited_for() -> None:
    soon = {OTHER.name: LeftAlone(why="at its limit", due_in_s=3.0)}
    assert step("links", full=soon) == Wait(phase="dispatch", why="at its limit", due_in_s=3.0)
    late = {OTHER.name: LeftAlone(why="at its limit", due_in_s=30.0)}
    assert step("links", full=late) == Wait(phase="dispatch", why="it fails", due_in_s=7.0)


def test_a_worker_on_trial_is_dispatched() -> None:
    found = step("links", on_trial=True)
    assert isinstance(found, Dispatch)
    assert found.task.profile == "links"
