"""Waits for a wake-up or the interval, ticks, stops on a signal; nothing else."""

import logging
import logging.handlers
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from coordinator import bootstrap, groundwork
from coordinator.adapters.singleton import Singleton
from coordinator.adapters.watch import watch
from coordinator.domain.errors import BusyError, CoordinatorError
from coordinator.reconcile import Coordinator, Trouble

logger = logging.getLogger(__name__)

Say = Callable[[Mapping[str, Any]], None]

DONE, FAILED, INTERRUPTED = 0, 1, 130
_IDLE_TICKS = 2  # a request written a moment ago may not be readable at the first look
_LOG_BYTES_MAX = 10_000_000


def run(
    repository: Path,
    *,
    mode: Literal["forever", "once", "until-idle"],
    timeout_s: float | None,
    say: Say,
    accept_rewritten: str | None = None,
) -> int:
    """Runs the daemon and returns its exit code. Raises BusyError when another one runs.

    `until-idle` ends with 0 when nothing is submitted or working, with 1 when nothing can be done;
    `once` finishes what one look starts; each with 1 at the timeout. A signal ends it with 130,
    but for SIGTERM where it shall run `forever`: that is how it ends, and ends with 0.
    `accept_rewritten` names the commit that a rewritten remote branch has now and shall be taken at.
    """
    wired, checkout = groundwork.wiring(repository)
    singleton = Singleton(wired.run)
    holder = singleton.acquire()
    if holder is not None:
        raise BusyError(
            f"a daemon runs here already: pid {holder.pid} on {holder.host}",
            hint="stop it first, or leave it to work",
        )
    (wired.run / ".gitignore").write_text("*\n")
    wake = threading.Event()
    stop = _Stop()
    try:
        with _logging(wired.run / "daemon.log"), _signals(stop, wake):
            accepted = groundwork.accept_rewritten(wired, accept_rewritten)
            coordinator = bootstrap.coordinator(wired, checkout, wake=wake.set, say=say)
            unwatch = watch([wired.inbox], wake.set)
            say({"event": "ready", "branch": wired.branch, "remote": wired.remote})
            logger.info("ready branch=%s remote=%s", wired.branch, wired.remote)
            if accepted is not None:
                known, found = accepted.known, accepted.found
                logger.warning("rewritten accepted known=%s found=%s", known, found)
                say({"event": "rewritten-accepted", "known": known, "found": found})
            try:
                code = _loop(
                    coordinator,
                    mode=mode,
                    timeout_s=timeout_s,
                    interval_s=wired.interval_s,
                    wake=wake,
                    stop=stop,
                    say=say,
                    tell=_Troubles(singleton, say),
                )
            finally:
                unwatch()
                coordinator.close()
                logger.info("stopped")
            if stop.is_set():
                say({"event": "stopped"})  # the last word: steps that end yet have said theirs
            return code
    finally:
        singleton.release()


def _loop(
    coordinator: Coordinator,
    *,
    mode: str,
    timeout_s: float | None,
    interval_s: float,
    wake: threading.Event,
    stop: "_Stop",
    say: Say,
    tell: "_Troubles",
) -> int:
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    idle = 0
    while not stop.is_set():
        wake.clear()
        wait_s = interval_s
        try:
            ticked = coordinator.tick()
        except CoordinatorError as error:
            logger.exception("tick failed")
            say({"event": "trouble", "reason": str(error), "hint": error.hint})
        except Exception:
            logger.exception("tick failed")
            say({"event": "trouble", "reason": "a fault of ours; see daemon.log"})
        else:
            tell(ticked.troubles)
            wait_s = min(interval_s, ticked.wake_in_s)
            idle = idle + 1 if ticked.idle else 0
            if ticked.idle:
                wait_s = min(wait_s, 0.5)
            if mode != "forever" and idle >= _IDLE_TICKS:
                say({"event": "idle"})
                return DONE
            if mode != "forever" and ticked.cannot is not None:
                say({"event": "cannot", "reason": ticked.cannot})
                return FAILED
        if deadline_s is not None and time.monotonic() >= deadline_s:
            say({"event": "timeout", "after_s": timeout_s})
            return FAILED
        if deadline_s is not None:
            wait_s = min(wait_s, max(0.01, deadline_s - time.monotonic()))
        wake.wait(wait_s)
    return DONE if mode == "forever" and stop.number == signal.SIGTERM else INTERRUPTED


class _Stop(threading.Event):
    """Is set by a signal, and remembers which: the exit code says whether that cut it short."""

    number = 0


class _Troubles:
    """Tells each trouble once, while it lasts: as an event, and to `status`; the log has it already."""

    def __init__(self, singleton: Singleton, say: Say) -> None:
        self._singleton = singleton
        self._say = say
        self._told: tuple[Trouble, ...] = ()

    def __call__(self, troubles: tuple[Trouble, ...]) -> None:
        if troubles == self._told:
            return
        for trouble in troubles:
            if trouble not in self._told and not trouble.is_told:
                self._say({"event": "trouble", "reason": trouble.text})
        self._told = troubles
        try:
            self._singleton.say([trouble.text for trouble in troubles])
        except OSError as error:  # a full disk is a trouble of its own
            logger.warning("status cannot be told: %s", error)


@contextmanager
def _signals(stop: _Stop, wake: threading.Event) -> Iterator[None]:
    """Turns SIGINT and SIGTERM into a clean stop; a second one ends the process at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        del frame
        stop.number = number
        stop.set()
        wake.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _logging(file: Path) -> Iterator[None]:
    """Writes the log of operators; the audit is in commits."""
    handler = logging.handlers.RotatingFileHandler(
        file, maxBytes=_LOG_BYTES_MAX, backupCount=2, encoding="utf-8", errors="replace"
    )
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    root = logging.getLogger("coordinator")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()
