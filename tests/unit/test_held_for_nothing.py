"""C6 and L1: what nobody works under is swept once two looks have seen it, and keeps us awake until then."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain.names import Place
from coordinator.domain.proof import Deletion
from coordinator.domain.world import World
from coordinator.services.dispatch import is_left_over, sweepable
from tests.support.sightings import BRIEF, EPOCH, held, oid, seen, sighting, world

AT_REST = [
    world(terminal={BRIEF: Place.DONE}),
    world(terminal={BRIEF: Place.REJECTED}),
    world(sighting(place=Place.WAITING)),
    world(sighting(place=Place.LANDED)),
]
LEASE_S = world().policy.lease_s


def swept(of: World) -> list[str]:
    gone: tuple[Deletion, ...] = sweepable(of, strays=(), branch="main")
    return sorted(one.ref.removeprefix("refs/orchestrator/") for one in gone)


def on(of: World, **fields: Any) -> World:
    return replace(of, **fields)


@pytest.mark.parametrize("rest", AT_REST)
def test_c6_what_a_brief_at_rest_has_left_goes_at_the_second_look(rest: World) -> None:
    claimed = seen("docs", holder=BRIEF)
    first = on(rest, held={BRIEF: held()}, claims=(claimed,))
    assert (swept(first), is_left_over(first)) == ([], True)
    second = on(rest, held={BRIEF: held(unchanged_s=0.1)}, claims=(claimed,))
    assert (swept(second), is_left_over(second)) == (["claims/docs", f"held/{BRIEF}"], True)


@pytest.mark.parametrize("rest", AT_REST)
def test_c6_an_orphan_of_a_brief_at_rest_goes_at_the_second_look(rest: World) -> None:
    assert swept(on(rest, claims=(seen("docs", holder=BRIEF, orphan_s=0.1),))) == ["claims/docs"]


def test_c6_an_orphan_of_a_brief_that_is_not_there_is_waited_for() -> None:
    first = world(claims=(seen("docs", holder="gone-00000000"),))
    assert (swept(first), is_left_over(first)) == ([], True)
    young = world(claims=(seen("docs", holder="gone-00000000", orphan_s=0.1),))
    assert (swept(young), is_left_over(young)) == ([], True)


def test_c5_what_an_open_brief_holds_is_left_to_whoever_takes_it_over() -> None:
    at_work = world(sighting(), held={BRIEF: held(unchanged_s=2 * LEASE_S)})
    assert (swept(at_work), is_left_over(at_work)) == ([], False)


def test_c6_what_a_brief_holds_that_the_tip_does_not_show_may_be_newer_than_the_tip() -> None:
    assert swept(world(held={BRIEF: held(unchanged_s=0.1)})) == []
    assert swept(world(held={BRIEF: held(unchanged_s=LEASE_S)})) == [f"held/{BRIEF}"]


def test_c9_what_a_person_claims_is_never_left_over() -> None:
    theirs = world(claims=(seen("docs", holder="person:Ada"),))
    assert (swept(theirs), is_left_over(theirs)) == ([], False)


def test_l1_a_gate_that_nothing_can_be_gated_behind_goes_at_the_second_look() -> None:
    first = world(sighting(place=Place.WAITING), gate=held())
    assert (swept(first), is_left_over(first)) == ([], True)
    second = on(first, gate=held(unchanged_s=0.1))
    assert swept(second) == ["gate/main"]
    assert sweepable(second, strays=(), branch="main")[0].oid == oid(4)


def test_l1_a_gate_stays_while_a_brief_is_open_or_it_is_ours() -> None:
    theirs = world(sighting(), gate=held(unchanged_s=2 * LEASE_S))
    assert (swept(theirs), is_left_over(theirs)) == ([], False)
    ours = world(gate=held(epoch=EPOCH, unchanged_s=1.0))
    assert (swept(ours), is_left_over(ours)) == ([], False)
