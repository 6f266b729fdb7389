"""Attempts on this machine: each one a child process without secrets, killed whole when it may not go on."""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import coordinator
from coordinator.adapters.job import FAREWELL_S, Job
from coordinator.adapters.pool_outcome import UNUSED, lost, outcome
from coordinator.adapters.pool_process import Allowance, Child
from coordinator.adapters.rooms import WITH_A_FOLDER, BareRooms, Room, Rooms
from coordinator.adapters.spool import Outcome, Spool
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Profile

logger = logging.getLogger(__name__)

_SPARE_AFTER_S = 2.0
_CLOSE_S_MAX = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    spec: Spec
    package: ContextPackage
    profile: Profile


class LocalPool:
    """Pool (see ports.Pool) over child processes, `parallel_max` at a time.

    One child waits ready, its imports done: that saves each attempt the start of Python, but for those of
    the first moments. An outcome is on disk before anybody is woken for it, and stays there until it is acknowledged.

    Args:
        git_dir: the private bare repository that children read.
        wake: called when something finished, from a thread of the pool.
        parallel_max: how many attempts run at once; others wait their turn.
        rooms: what an attempt is given beside its package.
        python: the interpreter of children.
        child_module: what a child runs.
    """

    def __init__(
        self,
        *,
        git_dir: Path,
        wake: Callable[[], None],
        parallel_max: int,
        rooms: Rooms | None = None,
        python: str = sys.executable,
        child_module: str = "coordinator.cli.worker_child",
    ) -> None:
        self._git_dir = git_dir.absolute()
        self._wake = wake
        self._parallel_max = parallel_max
        self._rooms = rooms if rooms is not None else BareRooms()
        self._argv = (python, "-P", "-m", child_module)
        self._lifeline, self._held = os.pipe()
        self._lock = threading.Lock()
        self._spool = Spool(self._git_dir.parent / "spool")
        self._outcomes = {outcome.spec.id: outcome for outcome in self._spool.read()}
        self._queue: deque[_Waiting] = deque()
        self._children: dict[AttemptId, Child | None] = {}  # None: about to start
        self._cancelled: dict[AttemptId, str] = {}
        self._threads: set[threading.Thread] = set()
        self._spare: Child | None = None
        self._soon: threading.Timer | None = None
        self._closed = False
        self._prepare_soon()

    def submit(self, spec: Spec, package: ContextPackage, profile: Profile) -> None:
        """Starts an attempt; nothing when it runs already, or has ended and is not acknowledged."""
        waiting = _Waiting(spec, package, profile)
        with self._lock:
            if self._closed or spec.id in self._outcomes or self._known(spec.id):
                return
            self._queue.append(waiting)
            self._start_next()

    def cancel(self, attempt: AttemptId, *, reason: str) -> None:
        """Kills an attempt and all it started; its outcome says why."""
        with self._lock:
            queued = next((w for w in self._queue if w.spec.id == attempt), None)
            if queued is not None:
                self._queue.remove(queued)
            elif attempt in self._children:
                self._cancelled[attempt] = reason
                child = self._children[attempt]
                if child is not None:
                    child.kill(f"cancelled: {reason}")
        if queued is not None:
            self._conclude(lost(queued.spec, f"cancelled: {reason}", usage=UNUSED))

    def finished(self) -> tuple[tuple[Spec, Output | NoOutput], ...]:
        """Returns outputs (or why there is none) not yet acknowledged; they come again until they are."""
        with self._lock:
            return tuple((outcome.spec, outcome.what) for outcome in self._outcomes.values())

    def acknowledge(self, attempt: AttemptId) -> None:
        """Forgets an attempt whose outcome has been kept."""
        self._spool.forget(attempt)
        with self._lock:
            self._outcomes.pop(attempt, None)

    def running(self) -> Mapping[AttemptId, float]:
        """Returns seconds of silence for everything that runs; 0 for what waits its turn."""
        with self._lock:
            silence = {waiting.spec.id: 0.0 for waiting in self._queue}
            for attempt, child in self._children.items():
                silence[attempt] = child.silent_s if child is not None else 0.0
            return silence

    def close(self) -> None:
        """Kills everything that runs; what was running has no outcome, as after a kill of the daemon."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.clear()
            for child in self._children.values():
                if child is not None:
                    child.kill("closed")
            threads, spare, self._spare = tuple(self._threads), self._spare, None
            soon = self._soon
        if spare is not None:
            spare.close()
        if soon is not None:
            soon.cancel()
            soon.join(_CLOSE_S_MAX)
        for thread in threads:
            thread.join(_CLOSE_S_MAX)
        os.close(self._held)
        os.close(self._lifeline)

    def _known(self, attempt: AttemptId) -> bool:
        return attempt in self._children or any(w.spec.id == attempt for w in self._queue)

    def _job(self, waiting: _Waiting, room: Room) -> bytes:
        job = Job(
            git_dir=str(self._git_dir),
            scratch=str(self._git_dir.parent / "cells"),
            spec=waiting.spec,
            package=waiting.package,
            profile=waiting.profile,
            tree=None if room.tree is None else str(room.tree),
            connection=room.connection,
            confinement=room.confinement,
        )
        return job.model_dump_json().encode()

    def _start_next(self) -> None:
        """Starts what waits while there is room. Called with the lock held."""
        while self._queue and not self._closed and len(self._children) < self._parallel_max:
            waiting = self._queue.popleft()
            self._children[waiting.spec.id] = None
            name = f"attempt {waiting.spec.id.brief} {waiting.spec.id.number}"
            thread = threading.Thread(target=self._attend, args=(waiting,), name=name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _attend(self, waiting: _Waiting) -> None:
        """Sees one attempt through, from its start to its durable outcome. The body of a thread."""
        try:
            came = self._run(waiting)
        except CoordinatorError as error:
            told = f"it could not start: {error}" + (f" ({error.hint})" if error.hint else "")
            came = lost(waiting.spec, told, usage=UNUSED)
        except OSError as error:
            came = lost(waiting.spec, f"it could not start: {error}", usage=UNUSED)
        # Counted as running until it is finished: it must not look lost in between.
        self._conclude(came)

    def _run(self, waiting: _Waiting) -> Outcome:
        """Opens the room, and gives a child the job in it. Raises CoordinatorError and OSError."""
        spec, profile = waiting.spec, waiting.profile
        with self._rooms.room(spec, waiting.package, profile) as room:
            child = self._take(spec.id)
            self._prepare_soon()
            begun_s = time.monotonic()
            ended = child.follow(self._job(waiting, room), _allowance(spec, profile))
            wall_s = time.monotonic() - begun_s
            return outcome(spec, ended, profile, metered=room.usage(), wall_s=wall_s)

    def _take(self, attempt: AttemptId) -> Child:
        """Returns a child for `attempt`: the ready one, else a new one. Raises OSError."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None and not spare.alive():
            spare.close()
            spare = None
        child = spare or self._new_child()
        with self._lock:
            self._children[attempt] = child
            reason = self._cancelled.get(attempt)
            if self._closed or reason is not None:
                child.kill("closed" if reason is None else f"cancelled: {reason}")
        return child

    def _prepare_soon(self) -> None:
        """Prepares a child once things are quiet: a run that ends at once would only throw it away."""
        with self._lock:
            if self._closed or (self._soon is not None and self._soon.is_alive()):
                return
            self._soon = threading.Timer(_SPARE_AFTER_S, self._prepare)
            self._soon.daemon = True
            self._soon.start()

    def _prepare(self) -> None:
        """Sees to it that one child waits ready."""
        with self._lock:
            if self._closed or self._spare is not None:
                return
            try:
                self._spare = self._new_child()
            except OSError as error:
                logger.warning("no child could be started ahead error=%s", error)

    def _new_child(self) -> Child:
        return Child(self._argv, environment=_environment(), lifeline=self._lifeline)

    def _conclude(self, outcome: Outcome) -> None:
        """Makes an outcome durable, then known, then wakes the daemon."""
        attempt = outcome.spec.id
        if not self._closed:
            try:
                self._spool.put(outcome)
            except OSError as error:
                # Still told to this daemon; a kill before it is kept costs the attempt, not more.
                logger.warning(
                    "outcome not on disk brief=%s attempt=%d error=%s",
                    attempt.brief,
                    attempt.number,
                    error,
                )
        with self._lock:
            self._children.pop(attempt, None)
            self._cancelled.pop(attempt, None)
            self._threads.discard(threading.current_thread())
            if self._closed:
                return
            self._outcomes[attempt] = outcome
            self._start_next()
        logger.info("ended brief=%s attempt=%d", attempt.brief, attempt.number)
        self._wake()


def _allowance(spec: Spec, profile: Profile) -> Allowance:
    """Returns what a child may use. One that confines a program itself gets time to tell how that ended."""
    limits = profile.limits
    confines = profile.kind in WITH_A_FOLDER
    longer_s = FAREWELL_S if confines else 0.0
    return Allowance(
        wall_clock_s_max=spec.wall_clock_s_max + longer_s,
        # What it confines is minded there: that may say much on standard error, which is not heard here.
        idle_s_max=spec.wall_clock_s_max + longer_s if confines else limits.idle_s_max,
        # Changed files come back in base64, and none of them has gone through its standard output.
        output_bytes_max=limits.output_bytes_max * (2 if confines else 1),
    )


def _environment() -> dict[str, str]:
    """Returns all that a child gets to know of ours: nothing that could be a secret."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONPATH": str(Path(coordinator.__file__).parent.parent),
    }
