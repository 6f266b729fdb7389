"""Attempts that another coordinator went on without: which they are, and where they stand among the others."""

from dataclasses import replace

import pytest

from coordinator.domain import overtaken
from coordinator.domain.attempt import RESTARTED, Attempt, AttemptId, Lost, Returned, Running
from coordinator.domain.names import Epoch
from tests.support.judging import BRIEF, Desk, report


def known(*said: str) -> list[overtaken.Place]:
    return [(one.split("-")[0], int(one.split("-")[1])) for one in said]


@pytest.mark.parametrize(
    ("one", "others", "at"),
    [
        ("here-2", ("here-1", "there-2"), 2),  # the same number twice
        ("here-3", ("here-1", "here-2", "there-2"), 2),
        ("here-3", ("here-2", "there-2", "there-3", "again-4"), 2),
        ("here-3", ("there-1", "there-2"), None),  # they came first, and we knew of them
        ("here-1", ("there-2", "there-3"), None),  # they came after, and knew of it
        ("here-2", ("here-1", "there-3"), None),
        ("here-2", ("here-1",), None),
        ("here-4", ("here-1", "there-2", "more-3", "there-4"), 2),
    ],
)
def test_an_attempt_is_overtaken_where_two_numbered_on_from_the_same(
    one: str, others: tuple[str, ...], at: int | None
) -> None:
    (place,) = known(one)
    assert overtaken.overtaken_at(place, known(one, *others)) == at


def test_what_was_overtaken_is_older_than_what_overtook_it() -> None:
    """As numbers go, the newest would be a loss of before, and what others published would not count."""
    ours = [returned("here", 1)]
    theirs = [returned("there", 2), returned("there", 3)]
    losses = [lost("here", 2), lost("here", 3), lost("here", 4)]
    found = overtaken.in_order([*ours, *theirs], [*losses, lost("again", 5)])
    assert [overtaken.place(a.spec.id) for a in found] == [
        ("here", 1),
        *(("here", number) for number in (2, 3, 4)),
        ("there", 2),
        ("there", 3),
        ("again", 5),
    ]


def test_what_runs_stays_the_newest() -> None:
    one = returned("there", 2)
    runs = Running(lost("here", 2).spec, 0.0)
    assert overtaken.in_order([one], [runs])[-1] == runs


def returned(epoch: str, number: int) -> Returned:
    made = Desk({}).returned(report("x"), number=number)
    id_ = AttemptId(brief=BRIEF, epoch=Epoch(epoch), number=number)
    return replace(made, spec=made.spec.model_copy(update={"id": id_}))


def lost(epoch: str, number: int) -> Attempt:
    return Lost(returned(epoch, number).spec, RESTARTED)
