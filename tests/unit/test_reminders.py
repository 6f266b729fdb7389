"""What waits for a person is said again: once for each time as long as the house says, and never in a commit."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from coordinator.domain.names import Place
from coordinator.domain.policy import Policy
from coordinator.reconcile.kit import Kit, Memory
from coordinator.reconcile.reminders import remind
from tests.support.sightings import BRIEF, oid, sighting, world

POLICY = Policy(remind_s=100.0)


def kit() -> tuple[Kit, list[Mapping[str, Any]]]:
    said: list[Mapping[str, Any]] = []
    made = SimpleNamespace(memory=Memory(), say=said.append)
    return cast("Kit", made), said


def look(given: Kit, *, waits_s: float, place: Place = Place.WAITING, folder: int = 2) -> None:
    one = sighting(place=place, folder=oid(folder), waits_s=waits_s)
    remind(given, world(one, policy=POLICY))


def test_a_brief_is_said_again_each_time_as_long_has_passed() -> None:
    made, said = kit()
    told = []
    for waits_s in (0.0, 99.0, 100.0, 150.0, 199.0, 200.0):
        look(made, waits_s=waits_s)
        told.append(len(said))
    assert told == [0, 0, 1, 1, 1, 2]
    assert said[0] == {
        "event": "reminder",
        "brief": BRIEF,
        "held": "question",
        "waits_s": 100,
        "hint": f"coordinator show {BRIEF}",
    }


def test_a_daemon_that_starts_neither_counts_anew_nor_says_again_what_was_due() -> None:
    told = []
    for started_s in (90.0, 110.0, 350.0):
        made, said = kit()
        for waits_s in (started_s, started_s + 5, started_s + 15, started_s + 90):
            look(made, waits_s=waits_s)
        told.append([event["waits_s"] for event in said])
    assert told == [[105], [200], [440]]


def test_a_wait_that_begins_anew_is_counted_anew() -> None:
    made, said = kit()
    look(made, waits_s=0.0)
    look(made, waits_s=100.0)
    look(made, waits_s=0.0, place=Place.OPEN)
    look(made, waits_s=0.0, folder=3)
    look(made, waits_s=80.0, folder=3)
    assert len(said) == 1
    look(made, waits_s=100.0, folder=3)
    assert len(said) == 2


def test_a_wait_that_began_anew_between_two_looks_is_no_reason_to_say_anything() -> None:
    made, said = kit()
    look(made, waits_s=0.0)
    look(made, waits_s=150.0, folder=3)
    assert said == []


def test_only_what_waits_for_a_person_is_said() -> None:
    made, said = kit()
    for waits_s in (0.0, 5_000.0):
        look(made, waits_s=waits_s, place=Place.OPEN)
        look(made, waits_s=waits_s, place=Place.LANDED)
    assert said == []
