"""What an attempt may cost: the least of what its worker, its brief and the day leave, and what a lack makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import budget, lost_attempts, progress, spent
from coordinator.domain.attempt import RESTARTED, Attempt, Lost, Returned
from coordinator.domain.names import BriefId, Place, ProfileName
from coordinator.domain.note import MoveBrief
from coordinator.domain.output import Usage
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.spent import Spent
from coordinator.domain.steps import Dispatch, LetGo, Say, Step, TakeClaim, Wait
from coordinator.domain.world import LeftAlone, Sighting, World
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    TASK,
    brief,
    claim,
    lost,
    returned,
    revised,
    running,
    sighting,
    world,
)


def worker(name: str, usd: float) -> Profile:
    return Profile(
        name=ProfileName(name),
        capabilities=frozenset(("tidy",)),
        limits=Limits(cost_usd_max=usd),
    )


HOUSE = Policy(
    lease_s=100.0,
    aging_s=600.0,
    retries=2,
    usd_per_brief=5.0,
    usd_per_day=50.0,
    profiles=(worker("links", 2.0), worker("free", 0.0)),
)


def left(*, used: Spent = spent.NOTHING, today: float = 0.0, own: float | None = None) -> Any:
    one = sighting(of=brief(budget_usd=own), spent=used)
    return budget.left(
        worker("links", 2.0), one, policy=HOUSE, brief=one.spent, day=Spent(usd=today)
    )


@pytest.mark.parametrize(
    ("given", "usd"),
    [
        ({}, 2.0),
        ({"used": Spent(usd=4.0)}, 1.0),
        ({"own": 0.5}, 0.5),
        ({"own": 20.0, "used": Spent(usd=6.0)}, 2.0),
        ({"today": 49.25}, 0.75),
        ({"used": Spent(usd=1.0, unknown=3)}, 2.0),
        ({"own": 0.001}, 0.001),
    ],
)
def test_an_attempt_may_cost_the_least_of_what_is_left(given: dict[str, Any], usd: float) -> None:
    assert left(**given) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("given", "of", "why"),
    [
        (
            {"used": Spent(usd=5.0)},
            "brief",
            "the brief has used its budget: 5.00 of 5.00 USD; [budget] usd_per_brief says how much",
        ),
        (
            {"used": Spent(usd=0.996, unknown=1), "own": 1.0},
            "brief",
            "1.00 of 1.00 USD, and 1 attempt of unknown cost; `budget` of the brief says how much it may",
        ),
        ({"own": 0.0}, "brief", None),
        (
            {"today": 51.5},
            "day",
            "the money of this day is used up: 51.50 of 50.00 USD",
        ),
    ],
)
def test_what_is_used_up_is_said(given: dict[str, Any], of: str, why: str | None) -> None:
    lack = left(**given)
    assert isinstance(lack, budget.Lack)
    assert lack.of == of
    assert why is None or why in lack.why


def test_who_costs_nothing_needs_no_money() -> None:
    one = sighting(spent=Spent(usd=99.0))
    broke = world(one, policy=HOUSE, spent_today=Spent(usd=99.0))
    assert budget.lack("free", one, broke) is None
    assert budget.lack("links", one, broke) is not None
    assert budget.lack("unheard of", one, broke) is None
    assert (budget.is_paid(HOUSE, "links"), budget.is_paid(HOUSE, "free")) == (True, False)


def paid(attempt: Attempt, usd: float = 2.0) -> Attempt:
    return replace(attempt, spec=attempt.spec.model_copy(update={"cost_usd_max": usd}))


def used(attempt: Attempt, usage: Usage) -> Attempt:
    assert isinstance(attempt, Lost)
    return replace(attempt, usage=usage)


def cost(attempt: Attempt, usd: float | None) -> Attempt:
    assert isinstance(attempt, Returned)
    usage = Usage(cost_usd=usd)
    return paid(replace(attempt, output=attempt.output.model_copy(update={"usage": usage})))


def test_what_attempts_cost_is_known_set_aside_or_unknown() -> None:
    tried = (
        cost(returned(1), 0.25),
        cost(returned(2), None),
        paid(running(3)),
        paid(lost(4, RESTARTED)),  # nobody knows, so all of it
        paid(used(lost(5), Usage(cost_usd=0.5))),
        paid(used(lost(6), Usage(cost_usd=None))),
        paid(lost(7)),  # and not in the journal
        lost(8),  # of a worker that costs nothing
    )
    assert spent.of(tried) == Spent(usd=0.25 + 2 + 2 + 0.5 + 2, unknown=2)
    assert spent.said(tried) == "unknown"


def test_the_sum_that_a_record_says_counts_what_returned_nothing() -> None:
    tried = (cost(returned(1), 0.25), paid(used(lost(2), Usage(cost_usd=0.5))), lost(3))
    assert spent.said(tried) == "0.7500"


def test_an_attempt_without_an_output_is_read_back_from_what_a_commit_says() -> None:
    usage = Usage(tokens_in=1200, tokens_out=30, cost_usd=0.5)
    one = paid(used(lost(5, "killed: longer than 60 s"), usage))
    assert isinstance(one, Lost)
    said = lost_attempts.read(lost_attempts.said(one))
    assert said == lost_attempts.SaidLost(
        number=5,
        worker=one.spec.profile,
        cost_usd=0.5,
        reason="killed: longer than 60 s",
        tokens_in=1200,
        tokens_out=30,
        task=str(one.spec.task),
    )
    earlier = lost_attempts.read("links/5 lost for 0.5000 USD: as trailers were before")
    assert earlier is not None
    assert (earlier.cost_usd, earlier.tokens_in, earlier.tokens_out) == (0.5, None, None)
    unknown = paid(lost(6))
    assert isinstance(unknown, Lost)
    assert " for unknown USD: " in lost_attempts.said(unknown)
    assert lost_attempts.read(f"{one.spec.task}/1 accepted {one.spec.id.ref} {'0' * 40}") is None


def test_a_day_is_one_of_utc() -> None:
    noon = 1_700_000_000
    assert spent.day_of(noon) % 86_400 == 0
    assert 0 <= noon - spent.day_of(noon) < 86_400


def step(one: Sighting, **fields: Any) -> Step:
    return progress.next_step(one, world(one, policy=HOUSE, **fields))


def test_a_brief_without_money_goes_to_a_worker_that_costs_none() -> None:
    one = sighting(of=brief(task_type="tidy"), spent=Spent(usd=5.0))
    found = step(one)
    assert isinstance(found, Dispatch)
    assert found.task.profile == "free"
    assert found.task.id == TASK.id


@pytest.mark.parametrize("which", ["breakers", "full"])
def test_a_free_worker_that_may_not_begin_yet_is_waited_for(which: str) -> None:
    one = sighting(of=brief(task_type="tidy"), spent=Spent(usd=5.0))
    later = {ProfileName("free"): LeftAlone(why="free is left alone", due_in_s=30.0)}
    wait = Wait(phase="dispatch", why="free is left alone", due_in_s=30.0)
    assert step(one, **{which: later}) == wait
    assert step(replace(one, claim=None), **{which: later}) == wait


def test_a_brief_without_money_fails_where_nobody_else_may_do_it() -> None:
    one = sighting(of=brief(worker=("links",)), spent=Spent(usd=5.0))
    found = step(one)
    assert isinstance(found, Say)
    assert found.note.record.verb == "fail"
    assert found.note.record.subject.startswith("budget: the brief has used its budget: 5.00 of")
    assert MoveBrief(brief=BRIEF, to=Place.REJECTED) in found.note.operations


def test_a_worker_that_has_tried_is_not_taken_for_want_of_money() -> None:
    tried = returned(1, revised("no"), task=TASK.model_copy(update={"profile": "free"}))
    one = sighting(tried, returned(2, revised("not yet")), of=brief(task_type="tidy"))
    found = step(replace(one, spent=Spent(usd=5.0)))
    assert isinstance(found, Say)
    assert "not yet" in found.note.record.quoted


def broke(one: Sighting, *others: Sighting, **fields: Any) -> World:
    return world(one, *others, policy=HOUSE, spent_today=Spent(usd=50.0), **fields)


def test_without_money_for_the_day_a_brief_lies_unclaimed() -> None:
    one = sighting(of=brief(task_type="tidy"), claim=None)
    found = progress.next_step(one, broke(one))
    assert found == Wait(
        phase="dispatch", why="the money of this day is used up: 50.00 of 50.00 USD", rests=True
    )
    assert progress.needs_human(one, broke(one))
    mine = sighting(of=brief(task_type="tidy"))
    assert progress.next_step(mine, broke(mine)) == LetGo(claim=claim())
    later = world(one, policy=HOUSE)  # the day after
    assert isinstance(progress.next_step(one, later), TakeClaim)
    assert not progress.needs_human(one, later)


@pytest.mark.parametrize("attempt", [running(), returned(1), returned(1, ACCEPTED)])
def test_what_is_under_way_goes_on_without_money_for_the_day(attempt: Attempt) -> None:
    one = sighting(attempt)
    assert progress.resting(one, broke(one)) is None
    assert not isinstance(progress.next_step(one, broke(one)), LetGo)


def test_a_brief_that_lies_keeps_nobody_from_the_paths_it_wants() -> None:
    first = sighting(of=brief(task_type="tidy"), claim=None, order=1, age_s=10_000.0)
    free = TASK.model_copy(update={"profile": "free"})
    second = sighting(
        name=BriefId("other-00000001"),
        of=brief(worker=("free",)),
        tasks=(free,),
        claim=None,
        order=2,
    )
    assert isinstance(progress.next_step(second, broke(first, second)), TakeClaim)
    assert isinstance(
        progress.next_step(second, world(first, second, policy=HOUSE)), Wait
    )  # it goes first where it can
