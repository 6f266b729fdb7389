"""Several attempts at one task at once: which decides, which is stopped, and when a second one starts."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import progress, speculating, straggling, tasks, trying
from coordinator.domain.attempt import RESTARTED, Attempt
from coordinator.domain.failure_policy import Speculation
from coordinator.domain.names import BriefId, ProfileName
from coordinator.domain.output import Report
from coordinator.domain.past import Past
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.steps import Dispatch, Review, Step, Synthesize, Wait
from coordinator.domain.world import LeftAlone, World
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    POLICY,
    TASK,
    brief,
    lost,
    past,
    rejected,
    returned,
    revised,
    running,
    sighting,
    spec,
    world,
)


def worker(name: str, *, cost_usd: float = 0.0) -> Profile:
    return Profile(
        name=ProfileName(name),
        kind="command",
        capabilities=frozenset(("tidying",)),
        limits=Limits(cost_usd_max=cost_usd),
    )


LINKS, OTHER = worker("links"), worker("other")
OF_ONE = brief(task_type="tidying", worker=())
USUAL = tuple(past(n, began=100 + n, ended=100) for n in (11, 12, 13, 14, 15))  # 11 to 15 s


def spreading(*attempts: Attempt, age_s: float = 30, policy: dict[str, Any] | None = None) -> World:
    """Returns a house that starts second attempts after 26 s, with an attempt that is so old."""
    given = {"enabled": True, **(policy or {})}
    rules = replace(POLICY, speculation=Speculation(**given), profiles=(LINKS, OTHER))
    one = sighting(*attempts, of=OF_ONE)
    now = tuple(past(a.spec, None, began=age_s) for a in attempts if a.spec.beside is None)
    return world(one, policy=rules, past=(*USUAL, *now[-1:]))


def step(seen: World) -> Step | trying.Stuck | None:
    return trying.task_step(TASK, seen.briefs[BRIEF], seen)


def test_a_retry_is_a_turn_of_its_own_and_what_ran_beside_it_belongs_to_it() -> None:
    tried: list[Attempt] = [
        lost(1),
        returned(2, revised("no"), beside=1),
        running(3),
        running(4, beside=3),
    ]
    assert [a.spec.id.number for a in speculating.turn(tried)] == [3, 4]
    assert [a.spec.id.number for a in speculating.running(tried)] == [3, 4]
    assert speculating.accepted(tried, sighting(*tried)) is None


@pytest.mark.parametrize(
    "tried",
    [
        [returned(1, ACCEPTED), running(2, beside=1)],
        [running(1), returned(2, ACCEPTED, beside=1)],
        [lost(1), returned(2, ACCEPTED, beside=1)],
        [returned(1, ACCEPTED), returned(2, revised("no"), beside=1)],
        [returned(1, ACCEPTED), returned(2, None, beside=1)],
        [returned(1, ACCEPTED), lost(2, RESTARTED, beside=1)],
    ],
)
def test_the_first_output_that_is_accepted_is_the_task_s(tried: list[Attempt]) -> None:
    one = sighting(*tried)
    assert trying.task_step(TASK, one, world(one)) is None
    found = tasks.accepted(TASK.id, one)
    assert found is not None
    assert found.verdict == ACCEPTED


def test_what_was_accepted_in_an_earlier_turn_does_not_count_any_more() -> None:
    one = sighting(returned(1, ACCEPTED), running(2))
    assert tasks.accepted(TASK.id, one) is None
    assert speculating.superseded(one) == ()


def test_what_still_runs_beside_an_accepted_output_is_stopped_before_the_brief_goes_on() -> None:
    one = sighting(running(1), returned(2, ACCEPTED, beside=1))
    assert speculating.superseded(one) == (spec(1).id,)
    wait = progress.next_step(one, world(one))
    assert isinstance(wait, Wait)
    assert wait.phase == "review"
    over = sighting(lost(1, "cancelled: so it is"), returned(2, ACCEPTED, beside=1))
    assert progress.next_step(over, world(over)) == Synthesize(brief=BRIEF)


def test_an_output_is_judged_while_another_attempt_still_runs() -> None:
    one = sighting(running(1), returned(2, beside=1))
    assert trying.task_step(TASK, one, world(one)) == Review(attempt=spec(2).id)


def test_an_output_that_is_refused_waits_for_what_still_runs() -> None:
    one = sighting(running(1), returned(2, revised("no"), beside=1))
    wait = trying.task_step(TASK, one, world(one))
    assert wait == Wait(phase="dispatch", why="links works on it")


def test_when_all_have_failed_the_next_is_told_why_by_what_came_back() -> None:
    one = sighting(lost(1), returned(2, revised("no list"), beside=1))
    again = trying.task_step(TASK, one, world(one))
    told = ("no list", "an attempt was lost: killed: too slow")
    assert again == Dispatch(brief=BRIEF, task=TASK, number=3, feedback=told)


def test_a_turn_is_one_try_and_two_outputs_of_it_are_no_lack_of_improvement() -> None:
    same = Report(text="the same")
    one = sighting(
        returned(1, revised("a"), body=same),
        returned(2, revised("b"), body=same, beside=1),
        of=brief(retries=1),
    )
    assert isinstance(trying.task_step(TASK, one, world(one)), Dispatch)


def test_nothing_runs_twice_unless_the_house_says_so() -> None:
    seen = spreading(running(1), age_s=1000, policy={"enabled": False})
    assert step(seen) == Wait(phase="dispatch", why="links works on it")


def test_an_attempt_that_takes_long_gets_a_second_one_by_another_worker() -> None:
    wanted = TASK.model_copy(update={"profile": OTHER.name})
    assert step(spreading(running(1))) == Dispatch(
        brief=BRIEF, task=wanted, number=2, feedback=(), beside=1
    )


def test_it_is_told_what_the_first_one_was_told() -> None:
    second = step(spreading(returned(1, revised("no list")), running(2)))
    assert isinstance(second, Dispatch)
    assert (second.number, second.beside, second.feedback) == (3, 2, ("no list",))


def test_one_that_does_not_take_long_yet_is_looked_at_again_when_it_does() -> None:
    wait = step(spreading(running(1), age_s=20))
    assert wait == Wait(phase="dispatch", why="links works on it", due_in_s=6.0)


@pytest.mark.parametrize(
    "attempts",
    [
        (running(1), running(2, beside=1)),
        (running(1), lost(2, beside=1)),
        (lost(1), running(2, beside=1)),
    ],
)
def test_there_is_one_second_attempt_for_each_try(attempts: tuple[Attempt, ...]) -> None:
    wait = step(spreading(*attempts))
    assert isinstance(wait, Wait)
    assert wait.due_in_s is None


def test_nobody_knows_what_takes_long_before_enough_attempts_have_returned() -> None:
    assert isinstance(step(spreading(running(1), policy={"samples_min": 6})), Wait)
    seen = spreading(running(1))
    losses = tuple(replace(p, reason="killed: too slow") for p in USUAL)
    assert straggling.usual(spec(1), replace(seen, past=losses)) is None


def test_where_a_worker_is_new_others_of_its_kind_say_what_is_usual() -> None:
    seen = spreading(running(1))
    other = TASK.model_copy(update={"profile": OTHER.name})
    mixed: tuple[Past, ...] = tuple(
        replace(p, spec=p.spec.model_copy(update={"profile": other.profile})) for p in USUAL
    )
    assert straggling.usual(spec(1), seen) == 13
    assert straggling.usual(spec(1), replace(seen, past=mixed)) == 13


def test_so_many_second_attempts_at_once_and_no_more() -> None:
    seen = spreading(running(1))
    two = sighting(running(1), running(2, beside=1), name=BriefId("busy-00000001"))
    full = replace(seen, briefs={**seen.briefs, two.filed.id: two})
    assert straggling.copies(full) == 1
    assert isinstance(step(full), Wait)
    rules = Policy(attempts_parallel_max=30)
    assert straggling.copies_max(rules) == 3
    assert straggling.copies_max(replace(rules, attempts_parallel_max=2)) == 1


def test_the_same_worker_makes_it_where_no_other_may() -> None:
    seen = spreading(running(1))
    shut = replace(seen, breakers={OTHER.name: LeftAlone(why="it fails", due_in_s=9)})
    second = step(shut)
    assert isinstance(second, Dispatch)
    assert second.task.profile == "links"
    trial = LeftAlone(why="it failed", due_in_s=0, on_trial=True)
    tried = step(replace(seen, breakers={OTHER.name: trial}))
    assert isinstance(tried, Dispatch)
    assert tried.task.profile == "links", "a trial is an attempt that is needed"
    both = {name: LeftAlone(why="it fails", due_in_s=9) for name in (OTHER.name, LINKS.name)}
    assert isinstance(step(replace(seen, breakers=both)), Wait)


def test_it_is_never_past_the_budget() -> None:
    paid = (worker("links", cost_usd=1.0), worker("other", cost_usd=1.0))
    seen = spreading(running(1))
    rules = replace(seen.policy, profiles=paid, usd_per_brief=0.0)
    assert isinstance(step(replace(seen, policy=rules)), Wait)


def test_a_question_of_the_one_waits_for_the_other() -> None:
    one = sighting(returned(1, rejected("question", "which?")), running(2, beside=1))
    assert isinstance(trying.task_step(TASK, one, world(one)), Wait)
