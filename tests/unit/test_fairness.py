"""Who goes first, that nobody starves, and how much workers are asked for in a minute."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import fairness, progress
from coordinator.domain.attempt import RESTARTED, Spec
from coordinator.domain.failure_policy import Limit
from coordinator.domain.names import BriefId, ProfileName
from coordinator.domain.past import Past
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.steps import TakeClaim, Wait
from coordinator.domain.world import LeftAlone, Sighting, World
from tests.support.sightings import POLICY, TASK, brief, past, sighting, spec, world


def waiting(
    number: int, *, priority: int = 0, age_s: float = 0.0, deadline_s: float | None = None
) -> Sighting:
    of = brief(priority=priority, deadline_s=deadline_s)
    return sighting(of=of, name=BriefId(f"b{number}-00000001"), order=number, age_s=age_s)


def names(seen: World) -> list[str]:
    return [s.filed.id.partition("-")[0] for s in fairness.in_order(seen)]


def test_a_more_urgent_brief_goes_first_and_of_two_alike_the_one_accepted_first() -> None:
    assert names(world(waiting(2), waiting(1), waiting(3, priority=1))) == ["b3", "b1", "b2"]


def test_of_two_as_urgent_the_one_whose_attempts_take_less_goes_first_however_long_it_waited() -> (
    None
):
    seen = world(
        waiting(1), waiting(2, deadline_s=90), waiting(3, deadline_s=100, age_s=50), waiting(4)
    )
    assert names(seen) == ["b2", "b3", "b1", "b4"]


def test_a_brief_gains_priority_by_waiting() -> None:
    old = waiting(1, age_s=POLICY.aging_step_s * 3)
    assert fairness.effective(old, POLICY) == 3
    assert names(world(waiting(2, priority=2), old)) == ["b1", "b2"]
    assert names(world(waiting(2, priority=4), old)) == ["b2", "b1"]


@pytest.mark.parametrize("urgency", [1, 10, 40])
def test_no_stream_of_more_urgent_briefs_starves_an_older_one(urgency: int) -> None:
    """One is served every second, and one that is more urgent comes every second, for ever."""
    policy = replace(POLICY, aging_step_s=5.0)
    low = waiting(0)
    queue = [low, *(waiting(n, priority=urgency) for n in range(1, 4))]
    bound_s = int(urgency * policy.aging_step_s + policy.aging_step_s + len(queue))
    for second in range(bound_s + 1):
        queue.append(waiting(100 + second, priority=urgency))
        served = fairness.in_order(world(*queue, policy=policy))[0]
        if served.filed.id == low.filed.id:
            return
        queue = [replace(s, age_s=s.age_s + 1.0) for s in queue if s.filed.id != served.filed.id]
    pytest.fail(f"it was not served within {bound_s} s")


CLAUDE = Profile(
    name=ProfileName("claude"),
    kind="claude",
    endpoint="anthropic",
    model="some-model",
    limits=Limits(tokens_max=100),
)
CODEX = replace(CLAUDE, name=ProfileName("codex"), kind="codex", endpoint="openai")


def limited(*attempts: Past, limit: Limit, **fields: Any) -> LeftAlone | None:
    policy = Policy(profiles=(CLAUDE, CODEX), limits=(limit,), **fields)
    return fairness.full(attempts, policy).get(CLAUDE.name)


def of(number: int, profile: Profile = CLAUDE) -> Spec:
    changed = {"profile": profile.name, "tokens_max": profile.limits.tokens_max}
    return spec(number).model_copy(update=changed)


@pytest.mark.parametrize("name", ["claude", "some-model", "anthropic"])
def test_a_limit_holds_for_a_worker_by_its_name_kind_model_or_endpoint(name: str) -> None:
    wait = limited(past(of(1), None), limit=Limit(of=name, parallel=1))
    assert wait is not None
    assert wait.why == f"[limits.{name}] parallel: 1 of 1 at work"
    assert limited(past(of(1), None), limit=Limit(of="codex", parallel=1)) is None


def test_workers_of_one_model_share_its_limit() -> None:
    shared = Limit(of="some-model", parallel=1)
    assert limited(past(of(1, CODEX), None), limit=shared) is not None
    assert limited(past(of(1, CODEX), None), limit=Limit(of="claude", parallel=1)) is None


def test_attempts_at_once_are_those_that_run() -> None:
    two = Limit(of="claude", parallel=2)
    assert limited(past(of(1), None), past(of(2)), past(of(3)), limit=two) is None


def test_attempts_of_the_last_minute_count_as_requests_until_they_leave_it() -> None:
    two = Limit(of="claude", requests_per_minute=2)
    old, begun = past(of(1), began=61, ended=1), past(of(2), began=50, ended=49)
    assert limited(old, begun, limit=two) is None
    wait = limited(old, begun, past(of(3), None, began=20), limit=two)
    assert wait == LeftAlone(why="[limits.claude] requests_per_minute: 2 of 2", due_in_s=10.0)


def test_tokens_are_counted_as_set_aside_and_then_as_used() -> None:
    most = Limit(of="claude", tokens_per_minute=250)
    running, ended = past(of(1), None), replace(past(of(2), ended=20), tokens=50)
    assert limited(running, ended, limit=most) is None
    wait = limited(running, replace(ended, tokens=51), limit=most)
    said = "[limits.claude] tokens_per_minute: 151 of 250 used or set aside"
    assert wait == LeftAlone(why=said, due_in_s=40.0)
    long_ago = replace(ended, began_ago_s=90, ended_ago_s=60.0, tokens=900)
    assert limited(running, long_ago, limit=most) is None


def test_of_an_attempt_that_a_restart_ended_all_tokens_count() -> None:
    most = Limit(of="claude", tokens_per_minute=199)
    lost = past(of(1), RESTARTED, ended=20)
    wait = limited(lost, limit=most)
    assert wait is not None
    assert (wait.why.partition(": ")[2], wait.due_in_s) == ("100 of 199 used or set aside", 40.0)
    assert limited(replace(lost, reason="the worker failed: 1"), limit=most) is None
    two = Limit(of="claude", requests_per_minute=1)
    assert limited(lost, limit=two) is not None


def test_an_attempt_that_wants_more_than_a_minute_gives_goes_alone() -> None:
    small = Limit(of="claude", tokens_per_minute=50)
    assert limited(limit=small) is None
    assert limited(past(of(1), None), limit=small) is not None


def test_what_has_no_limit_may_begin() -> None:
    assert limited(past(of(1), None), limit=Limit(of="claude")) is None


def test_a_worker_at_its_limit_is_waited_for_and_its_brief_is_not_claimed() -> None:
    one = sighting(of=brief(worker=("links",)))
    wait = Wait(phase="dispatch", why="too much", due_in_s=9.0)
    full = {ProfileName("links"): LeftAlone(why="too much", due_in_s=9.0)}
    assert progress.next_step(one, world(one, full=full)) == wait
    unclaimed = replace(one, claim=None)
    assert progress.next_step(unclaimed, world(unclaimed, full=full)) == wait
    assert isinstance(progress.next_step(unclaimed, world(unclaimed)), TakeClaim)


def test_what_cannot_begin_keeps_no_other_away_however_long_it_has_waited() -> None:
    old = sighting(of=brief(worker=("links",)), order=1, age_s=9_999.0, claim=None)
    other = TASK.model_copy(update={"profile": ProfileName("other")})
    young = sighting(name=BriefId("young-00000001"), order=2, claim=None, tasks=(other,))
    full = {ProfileName("links"): LeftAlone(why="too much", due_in_s=9.0)}
    assert isinstance(progress.next_step(young, world(old, young)), Wait)
    assert isinstance(progress.next_step(young, world(old, young, full=full)), TakeClaim)
