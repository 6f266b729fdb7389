"""What a tick starts, how bad ends are waited out, and when to look again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coordinator.domain.names import Epoch
from coordinator.domain.policy import Policy
from coordinator.domain.proof import Rewritten, Synced, SyncOutcome, Unreachable
from coordinator.ports import Lane
from coordinator.reconcile.kit import Kit, Memory, Ports
from coordinator.reconcile.pace import SOON_S, Pace
from tests.support.hand_clock import HandClock
from tests.support.sightings import oid


@dataclass
class Notebook:
    """Lanes that note what is started, and a remote that answers what it is told to."""

    started: list[str] = field(default_factory=list)
    steps: list[Callable[[], None]] = field(default_factory=list)
    failed: dict[str, tuple[float, str]] = field(default_factory=dict)
    fetched: float | None = None
    outcome: SyncOutcome = Synced(oid(1))  # noqa: RUF009 - it is frozen

    def start(self, lane: Lane, key: str, step: Callable[[], None], *, first: bool = False) -> bool:
        self.started.append(f"{lane.value} {key}{' first' if first else ''}")
        self.steps.append(step)
        return True

    def failures(self) -> Mapping[str, tuple[float, str]]:
        return self.failed

    def fetched_s(self) -> float | None:
        return self.fetched

    def sync(self) -> SyncOutcome:
        return self.outcome


@dataclass
class Room:
    clock: HandClock
    notebook: Notebook
    said: list[Mapping[str, Any]]
    kit: Kit
    pace: Pace


@pytest.fixture
def room() -> Room:
    clock, notebook = HandClock(), Notebook()
    said: list[Mapping[str, Any]] = []
    unused = dict.fromkeys(Ports.__dataclass_fields__)
    ports = Ports(**cast("Any", {**unused, "clock": clock, "lanes": notebook, "remote": notebook}))
    observer = SimpleNamespace(policy=Policy(remote_poll_s=15.0))
    kit = Kit(
        ports=ports,
        committer=cast("Any", None),
        observer=cast("Any", observer),
        memory=Memory(),
        epoch=Epoch("e1"),
        branch="main",
        holder="here",
        say=said.append,
    )
    return Room(clock, notebook, said, kit, Pace(kit))


def nothing() -> None:
    """Does nothing."""


def test_a_step_is_started_in_its_lane(room: Room) -> None:
    room.pace.start(Lane.REMOTE, "renew", nothing, first=True)
    room.pace.start(Lane.LOCAL, "merge:x", nothing)
    assert room.notebook.started == ["remote renew first", "local merge:x"]


def test_r4_after_a_bad_end_each_next_try_waits_longer_up_to_half_a_minute(room: Room) -> None:
    waits = []
    for _ in range(8):
        room.kit.ended("records", well=False)
        before_s = room.clock.monotonic_s()
        room.clock.pause(room.kit.memory.backoff["records"][1] - before_s - 0.01)
        assert not room.kit.ready("records")
        room.clock.pause(0.02)
        assert room.kit.ready("records")
        waits.append(round(room.clock.monotonic_s() - before_s, 1))
    assert waits == [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 30.0]


def test_a_good_end_forgets_the_bad_ones(room: Room) -> None:
    for _ in range(3):
        room.kit.ended("records", well=False)
    assert room.kit.failing("records")
    room.kit.ended("records", well=True)
    assert room.kit.ready("records")
    assert not room.kit.failing("records")


def test_nobody_waits_for_a_step_that_ended_badly_more_than_once(room: Room) -> None:
    room.kit.ended("sweep", well=False)
    assert not room.kit.failing("sweep")
    room.kit.ended("sweep", well=False)
    assert room.kit.failing("sweep")


def test_a_step_that_ended_badly_is_not_started_and_soon_looked_at_again(room: Room) -> None:
    room.pace.begin(10.0)
    room.kit.ended("sweep", well=False)
    room.pace.start(Lane.REMOTE, "sweep", nothing)
    assert (room.notebook.started, room.pace.wake_s) == ([], SOON_S)


def test_a_step_that_raised_rests_for_a_second(room: Room) -> None:
    room.pace.begin(10.0)
    room.notebook.failed["merge:x"] = (room.clock.monotonic_s(), "OSError")
    room.pace.start(Lane.LOCAL, "merge:x", nothing)
    assert (room.notebook.started, room.pace.wake_s) == ([], SOON_S)
    room.clock.pause(1.0)
    room.pace.start(Lane.LOCAL, "merge:x", nothing)
    assert room.notebook.started == ["local merge:x"]


def test_a_tick_begins_unhurried(room: Room) -> None:
    room.pace.busy = True
    room.pace.soon()
    room.pace.begin(10.0)
    assert (room.pace.busy, room.pace.wake_s) == (False, 10.0)


def test_the_remote_is_read_when_the_last_look_is_too_old(room: Room) -> None:
    room.pace.begin(10.0)
    room.pace.sync_within(2.0)
    assert room.notebook.started == ["remote sync"], "it was never read"
    room.notebook.fetched = room.clock.monotonic_s()
    room.clock.pause(1.5)
    room.pace.sync_within(2.0)
    assert len(room.notebook.started) == 1
    assert room.pace.wake_s == pytest.approx(0.5)
    room.clock.pause(0.5)
    room.pace.sync_within(2.0)
    assert len(room.notebook.started) == 2


def test_the_remote_is_read_as_often_as_the_house_says_and_each_second_while_it_is_gone(
    room: Room,
) -> None:
    room.notebook.fetched = room.clock.monotonic_s()
    room.clock.pause(1.0)
    room.pace.sync_when_due()
    assert room.notebook.started == []
    room.kit.memory.remote = Unreachable("down")
    room.pace.sync_when_due()
    assert room.notebook.started == ["remote sync"]


def test_offline_is_said_once_and_so_is_being_back(room: Room) -> None:
    room.notebook.outcome = Unreachable("no route", hint="plug it in")
    room.pace.sync_within(0.0)
    (step,) = room.notebook.steps
    step()
    assert not room.kit.ready("sync")
    step()
    room.notebook.outcome = Synced(oid(2))
    step()
    assert room.kit.ready("sync")
    assert room.said == [
        {"event": "offline", "reason": "no route", "hint": "plug it in"},
        {"event": "online"},
    ]
    assert room.kit.memory.synced == Synced(oid(2))


def test_l9_a_rebuild_has_the_date_of_what_it_rebuilds(room: Room) -> None:
    first_s = room.kit.timestamp_of(("landing", "x"))
    room.clock.pause(60.0)
    assert room.kit.timestamp_of(("landing", "x")) == first_s
    assert room.kit.timestamp_of(("landing", "y")) == first_s + 60


def test_a_remote_that_stays_gone_is_said_once(room: Room) -> None:
    room.notebook.outcome = Unreachable("no route")
    assert (room.kit.sync(), room.kit.sync()) == (None, None)
    assert len(room.said) == 1


def test_p5_a_rewritten_remote_is_said(room: Room) -> None:
    room.notebook.outcome = Rewritten(known=oid(1), found=oid(2))
    assert room.kit.sync() is None
    assert [event["event"] for event in room.said] == ["rewritten"]
    assert room.kit.memory.remote == room.notebook.outcome
