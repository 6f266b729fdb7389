"""What waits for a person is said again: once for each time as long as the house says, and never in a commit."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from coordinator.domain.names import Place
from coordinator.domain.policy import Policy
from coordinator.reconcile.kit import Kit, Memory
from coordinator.reconcile.reminders import remind
from tests.support.sightings import BRIEF, sighting, world

POLICY = Policy(remind_s=100.0)


def kit() -> tuple[Kit, list[Mapping[str, Any]]]:
    said: list[Mapping[str, Any]] = []
    made = SimpleNamespace(memory=Memory(), say=said.append)
    return cast("Kit", made), said


def look(given: Kit, *, now_s: float, age_s: float, place: Place = Place.WAITING) -> None:
    one = sighting(place=place, age_s=age_s)
    remind(given, world(one, now_s=now_s, policy=POLICY))


def test_a_brief_is_said_again_each_time_as_long_has_passed() -> None:
    made, said = kit()
    told = []
    for now_s in (1_000.0, 1_099.0, 1_100.0, 1_150.0, 1_199.0, 1_200.0):
        look(made, now_s=now_s, age_s=now_s - 1_000.0)
        told.append(len(said))
    assert told == [0, 0, 1, 1, 1, 2]
    assert said[0] == {
        "event": "reminder",
        "brief": BRIEF,
        "held": "question",
        "waits_s": 100,
        "hint": f"coordinator show {BRIEF}",
    }


def test_a_wait_that_begins_anew_is_counted_anew() -> None:
    made, said = kit()
    look(made, now_s=1_100.0, age_s=100.0)
    look(made, now_s=1_110.0, age_s=5.0, place=Place.OPEN)
    look(made, now_s=1_200.0, age_s=80.0)
    assert len(said) == 1
    look(made, now_s=1_220.0, age_s=100.0)
    assert len(said) == 2


def test_only_what_waits_for_a_person_is_said() -> None:
    made, said = kit()
    look(made, now_s=5_000.0, age_s=5_000.0, place=Place.OPEN)
    look(made, now_s=5_000.0, age_s=5_000.0, place=Place.LANDED)
    assert said == []
