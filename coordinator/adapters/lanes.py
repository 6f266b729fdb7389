"""Threads that run steps: one for the remote, a few for local work and commands, one per environment."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping

from coordinator.domain.errors import CoordinatorError
from coordinator.ports import Clock, Lane

Step = Callable[[], None]

FAILURES_MAX = 1_000  # keys are bounded by briefs at work; this bounds a programming error
CLOSE_TIMEOUT_S = 30.0
CLOSE_GRACE_S = 5.0  # what a step has to end by itself, before what it waits for is interrupted
_SAID_AGAIN_S = 60.0  # a step that fails with the same words each second says so this often

_log = logging.getLogger(__name__)


class ThreadLanes:
    """Runs each step to its end in the thread of its lane, and wakes the daemon after it.

    The threads are daemon threads made when first needed: `concurrent.futures` joins its own at exit,
    so that one hung step would keep the process alive for ever.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        *,
        clock: Clock,
        command_threads: int = 2,
        local_threads: int = 2,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self._wake = wake
        self._clock = clock
        self._interrupt = interrupt
        self._said: dict[str, tuple[float, str]] = {}
        self._changed = threading.Condition()
        self._in_flight: set[str] = set()
        self._failures: dict[str, tuple[float, str]] = {}
        self._threads = {Lane.COMMAND: command_threads, Lane.LOCAL: local_threads}
        self._crews: dict[str, _Crew] = {}
        self._closed = False

    def start(self, lane: Lane, key: str, step: Step, *, first: bool = False) -> bool:
        """Queues `step`; False when `key` is in flight already, or after `close`."""
        with self._changed:
            if self._closed or key in self._in_flight:
                return False
            self._in_flight.add(key)
            self._crew(lane, key).add(key, step, first=first)
        return True

    def in_flight(self) -> frozenset[str]:
        """Returns the keys queued or running."""
        with self._changed:
            return frozenset(self._in_flight)

    def failures(self) -> Mapping[str, tuple[float, str]]:
        """Returns keys whose last step raised: monotonic time and message."""
        with self._changed:
            return dict(self._failures)

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Drops queued steps and waits for running ones, at most `timeout_s`; says which it left.

        What still runs after a grace is interrupted: a remote that hangs must not hold up the end.
        """
        with self._changed:
            self._closed = True
            crews = tuple(self._crews.values())
            for crew in crews:
                self._in_flight.difference_update(crew.close())
            self._changed.notify_all()
        # Real seconds, not those of the clock port: this bounds how long a process may take to end.
        deadline_s = time.monotonic() + timeout_s
        for until_s in (min(deadline_s, time.monotonic() + CLOSE_GRACE_S), deadline_s):
            for crew in crews:
                crew.join(until_s)
            if self.in_flight():
                self._interrupt()
        if left := self.in_flight():
            _log.warning("left running steps behind steps=%s", ",".join(sorted(left)))

    def _crew(self, lane: Lane, key: str) -> "_Crew":
        name = ":".join(key.split(":")[:2]) if lane is Lane.DEPLOY else lane.value
        if name not in self._crews:
            self._crews[name] = _Crew(name, threads=self._threads.get(lane, 1), run=self._run)
        return self._crews[name]

    def _run(self, key: str, step: Step) -> None:
        try:
            step()
        except CoordinatorError as error:  # it says itself what stopped it: no traceback
            message = f"{error} ({error.hint})" if error.hint else str(error)
            if self._is_news(key, message):
                _log.warning("step failed step=%s why=%s", key, message)
            self._failed(key, message)
        except BaseException as error:  # noqa: BLE001 - a lane outlives whatever a step raises
            _log.exception("step crashed step=%s", key)
            self._failed(key, f"{type(error).__name__}: {error}")
        else:
            with self._changed:
                self._failures.pop(key, None)
                self._said.pop(key, None)
        with self._changed:
            self._in_flight.discard(key)
            self._changed.notify_all()
        self._wake()

    def _is_news(self, key: str, message: str) -> bool:
        """Tells whether the log does not say so already; a full disk would fill the log each second."""
        with self._changed:
            now_s = time.monotonic()
            said = self._said.get(key)
            if said is not None and said[1] == message and now_s - said[0] < _SAID_AGAIN_S:
                return False
            self._said[key] = (now_s, message)
            while len(self._said) > FAILURES_MAX:
                del self._said[next(iter(self._said))]
            return True

    def _failed(self, key: str, message: str) -> None:
        with self._changed:
            self._failures.pop(key, None)  # so that the newest is last
            self._failures[key] = (self._clock.monotonic_s(), message)
            while len(self._failures) > FAILURES_MAX:
                del self._failures[next(iter(self._failures))]


class _Crew:
    """The threads of one lane over one queue: `first` before others, else in order of arrival."""

    def __init__(self, name: str, *, threads: int, run: Callable[[str, Step], None]) -> None:
        self._name = name
        self._threads_max = threads
        self._run = run
        self._ready = threading.Condition()
        self._queue: list[tuple[bool, int, str, Step]] = []
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def add(self, key: str, step: Step, *, first: bool) -> None:
        """Queues a step, with another thread for it when all are busy."""
        with self._ready:
            heapq.heappush(self._queue, (not first, next(self._order), key, step))
            if len(self._queue) > self._idle and len(self._threads) < self._threads_max:
                name = f"lane-{self._name}-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._ready.notify()

    def close(self) -> tuple[str, ...]:
        """Lets each thread end after its step; returns the keys of the steps that were dropped."""
        with self._ready:
            self._closed = True
            dropped = tuple(key for _, _, key, _ in self._queue)
            self._queue.clear()
            self._ready.notify_all()
        return dropped

    def join(self, deadline_s: float) -> None:
        """Waits for the threads until `deadline_s`."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline_s - time.monotonic()))

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            self._run(*taken)

    def _take(self) -> tuple[str, Step] | None:
        with self._ready:
            self._idle += 1
            try:
                while not self._queue:
                    if self._closed:
                        return None
                    self._ready.wait()
                _, _, key, step = heapq.heappop(self._queue)
            finally:
                self._idle -= 1
        return key, step
