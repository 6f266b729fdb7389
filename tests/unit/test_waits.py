"""For how long a brief has waited: what begins the count, and what does not."""

from dataclasses import replace

import pytest

from coordinator.domain.names import BriefId, Place
from coordinator.domain.plan import Plan
from coordinator.domain.world import Filed
from coordinator.services.observe.waits import Waits
from tests.support.sightings import BRIEF, TASK, oid, sighting

ACCEPTED = replace(sighting().filed, plan=None)
PLANNED = replace(ACCEPTED, plan=Plan(tasks=(TASK,)), folder=oid(20))


@pytest.mark.parametrize(
    "then",
    [
        PLANNED,
        replace(PLANNED, plan=Plan(tasks=(TASK,), revision=2), folder=oid(21)),
        replace(PLANNED, place=Place.WAITING, folder=oid(22)),
        replace(PLANNED, plan=Plan(tasks=(TASK,), answers={"only-1": "the old"}), folder=oid(23)),
    ],
    ids=["planned", "revised", "asking", "answered"],
)
def test_what_happens_to_a_brief_is_part_of_its_wait(then: Filed) -> None:
    waits = Waits()
    assert waits.age_s(ACCEPTED, 100.0) == 0.0
    assert waits.age_s(then, 160.0) == 60.0
    assert waits.age_s(PLANNED, 190.0) == 90.0


def test_a_retry_begins_anew_and_so_does_a_brief_that_had_ended() -> None:
    waits = Waits()
    waits.age_s(PLANNED, 100.0)
    again = replace(PLANNED, plan=Plan(tasks=(TASK,), round=2))
    assert waits.age_s(again, 160.0) == 0.0
    assert waits.age_s(again, 170.0) == 10.0
    waits.keep({BRIEF})
    assert waits.age_s(again, 180.0) == 20.0
    waits.keep({BriefId("other-00000001")})
    assert waits.age_s(again, 190.0) == 0.0
