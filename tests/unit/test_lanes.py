import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from coordinator.adapters.clock import SystemClock
from coordinator.adapters.lanes import ThreadLanes
from coordinator.domain.errors import RepositoryError
from coordinator.ports import Lane
from tests.support.patience import PATIENCE_S, until


class Bell:
    """Counts wake-ups, and lets a test wait for the next one."""

    def __init__(self) -> None:
        self.rung = threading.Semaphore(0)

    def __call__(self) -> None:
        self.rung.release()

    def wait(self) -> None:
        assert self.rung.acquire(timeout=PATIENCE_S), "no wake-up came"


class Gate:
    """A step that says when it runs and ends when it may."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        assert self.open.wait(PATIENCE_S)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def lanes(bell: Bell) -> Iterator[ThreadLanes]:
    made = ThreadLanes(bell, clock=SystemClock())
    yield made
    made.close(PATIENCE_S)


def test_a_step_runs_wakes_the_daemon_and_its_key_is_free_again(
    lanes: ThreadLanes, bell: Bell
) -> None:
    ran: list[str] = []
    assert lanes.start(Lane.LOCAL, "review:a", lambda: ran.append("a"))
    bell.wait()
    assert ran == ["a"]
    assert lanes.in_flight() == frozenset()
    assert lanes.start(Lane.LOCAL, "review:a", lambda: ran.append("again"))
    bell.wait()
    assert ran == ["a", "again"]


def test_a_key_in_flight_is_not_started_twice(lanes: ThreadLanes, bell: Bell) -> None:
    gate = Gate()
    assert lanes.start(Lane.REMOTE, "push", gate)
    assert not lanes.start(Lane.REMOTE, "push", gate)
    assert not lanes.start(Lane.LOCAL, "push", gate)
    assert lanes.in_flight() == {"push"}
    gate.open.set()
    bell.wait()


def test_the_remote_lane_is_one_thread_in_order_with_renewals_ahead(
    lanes: ThreadLanes, bell: Bell
) -> None:
    gate = Gate()
    ran: list[str] = []
    lanes.start(Lane.REMOTE, "running", gate)
    assert gate.entered.wait(PATIENCE_S)
    lanes.start(Lane.REMOTE, "one", lambda: ran.append("one"))
    lanes.start(Lane.REMOTE, "two", lambda: ran.append("two"))
    lanes.start(Lane.REMOTE, "renew", lambda: ran.append("renew"), first=True)
    gate.open.set()
    for _ in range(4):
        bell.wait()
    assert ran == ["renew", "one", "two"]


def test_commands_run_side_by_side_up_to_their_number(bell: Bell) -> None:
    lanes = ThreadLanes(bell, clock=SystemClock(), command_threads=2)
    gates = [Gate(), Gate(), Gate()]
    for number, gate in enumerate(gates):
        lanes.start(Lane.COMMAND, f"check:{number}", gate)
    assert gates[0].entered.wait(PATIENCE_S)
    assert gates[1].entered.wait(PATIENCE_S)
    assert not gates[2].entered.is_set()
    gates[0].open.set()
    assert gates[2].entered.wait(PATIENCE_S)
    for gate in gates:
        gate.open.set()
    lanes.close(PATIENCE_S)


def test_each_environment_has_its_own_lane_and_deploys_to_it_one_at_a_time(
    lanes: ThreadLanes, bell: Bell
) -> None:
    production, again, staging = Gate(), Gate(), Gate()
    lanes.start(Lane.DEPLOY, "deploy:production:a", production)
    lanes.start(Lane.DEPLOY, "deploy:production:b", again)
    lanes.start(Lane.DEPLOY, "deploy:staging:a", staging)
    assert production.entered.wait(PATIENCE_S)
    assert staging.entered.wait(PATIENCE_S)
    assert not again.entered.is_set()
    for gate in (production, staging, again):
        gate.open.set()
    assert again.entered.wait(PATIENCE_S)


def test_a_failure_is_remembered_until_the_key_succeeds(
    lanes: ThreadLanes, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise RepositoryError("the disk is full", hint="make room")

    with caplog.at_level(logging.WARNING):
        lanes.start(Lane.LOCAL, "keep:a", fails)
        bell.wait()
    when_s, message = lanes.failures()["keep:a"]
    assert message == "the disk is full (make room)"
    assert 0 < when_s <= SystemClock().monotonic_s()
    assert "step failed step=keep:a why=the disk is full" in caplog.text
    assert "Traceback" not in caplog.text
    lanes.start(Lane.LOCAL, "keep:a", lambda: None)
    bell.wait()
    assert lanes.failures() == {}


def test_a_crash_is_logged_with_its_traceback_and_the_lane_goes_on(
    lanes: ThreadLanes, bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    def crashes() -> None:
        raise SystemExit("a step must not end a lane")

    with caplog.at_level(logging.WARNING):
        lanes.start(Lane.REMOTE, "bad", crashes)
        bell.wait()
    assert lanes.failures()["bad"][1] == "SystemExit: a step must not end a lane"
    assert "Traceback" in caplog.text
    assert lanes.start(Lane.REMOTE, "good", lambda: None)
    bell.wait()


def test_closing_waits_for_what_runs_drops_what_waits_and_starts_no_more(bell: Bell) -> None:
    lanes = ThreadLanes(bell, clock=SystemClock())
    gate = Gate()
    ran: list[str] = []
    lanes.start(Lane.REMOTE, "running", gate)
    assert gate.entered.wait(PATIENCE_S)
    lanes.start(Lane.REMOTE, "queued", lambda: ran.append("queued"))
    closing = threading.Thread(target=lanes.close, args=(PATIENCE_S,))
    closing.start()
    until(lambda: lanes.in_flight() == {"running"})
    gate.open.set()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    assert ran == []
    assert lanes.in_flight() == frozenset()
    assert not lanes.start(Lane.REMOTE, "late", lambda: None)


def test_closing_gives_up_on_a_step_that_hangs_and_names_it(
    bell: Bell, caplog: pytest.LogCaptureFixture
) -> None:
    lanes = ThreadLanes(bell, clock=SystemClock())
    gate = Gate()
    lanes.start(Lane.LOCAL, "hangs", gate)
    assert gate.entered.wait(PATIENCE_S)
    with caplog.at_level(logging.WARNING):
        lanes.close(0.01)
    assert "steps=hangs" in caplog.text
    gate.open.set()
    bell.wait()


def test_a_hanging_step_does_not_keep_the_process_alive() -> None:
    program = (
        "import threading\n"
        "from coordinator.adapters.clock import SystemClock\n"
        "from coordinator.adapters.lanes import ThreadLanes\n"
        "from coordinator.ports import Lane\n"
        "entered = threading.Event()\n"
        "def hang():\n"
        "    entered.set()\n"
        "    threading.Event().wait()\n"
        "lanes = ThreadLanes(lambda: None, clock=SystemClock())\n"
        "lanes.start(Lane.LOCAL, 'hangs', hang)\n"
        "entered.wait()\n"
        "print('leaving')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "leaving\n", "")
