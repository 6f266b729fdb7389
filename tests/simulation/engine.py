"""Virtual time: greenlets that sleep, and one queue of what comes next. Nothing here waits for real."""

import heapq
import itertools
import traceback
from collections.abc import Callable
from functools import partial
from random import Random

from greenlet import GreenletExit, getcurrent, greenlet

Call = Callable[[], None]

__all__ = ["GreenletExit", "Life", "Scheduler"]


class Scheduler:
    """Runs what is due, in order of virtual time; equal times in the order in which they were asked for."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now_s = 0.0
        self.stopped = False
        self.hub = getcurrent()
        self._queue: list[tuple[float, int, Call]] = []
        self._order = itertools.count()

    def after(self, delay_s: float, call: Call) -> None:
        heapq.heappush(self._queue, (self.now_s + delay_s, next(self._order), call))

    def run(self, until_s: float) -> None:
        """Runs until `stopped` is set, nothing is left, or the time has come."""
        while self._queue and not self.stopped:
            when_s, _, call = heapq.heappop(self._queue)
            if when_s > until_s:
                return
            self.now_s = max(self.now_s, when_s)
            call()


class Life:
    """One start of one process: whatever runs in it ends with it."""

    def __init__(self, scheduler: Scheduler, *, crashed: Callable[[str, str], None]) -> None:
        self.scheduler = scheduler
        self.alive = True
        self._crashed = crashed
        self._running: dict[greenlet, None] = {}  # in the order of their start, for the same replay

    def spawn(self, delay_s: float, name: str, work: Call) -> None:
        """Runs `work` in a thread of its own, soon."""
        self.scheduler.after(delay_s, partial(self._start, name, work))

    def sleep(self, seconds: float) -> None:
        """Lets virtual time pass for the caller alone; others go on meanwhile."""
        if not self.alive:
            raise GreenletExit
        me = getcurrent()
        if me is self.scheduler.hub:
            return
        self.scheduler.after(seconds, partial(self._resume, me))
        self.scheduler.hub.switch()

    def die(self) -> None:
        """Ends the process at this very call: it does not return."""
        self.end()
        raise GreenletExit

    def end(self) -> None:
        """Ends every thread where it stands."""
        self.alive = False
        self.scheduler.after(0.0, self.bury)

    def _start(self, name: str, work: Call) -> None:
        if not self.alive:
            return
        thread = greenlet(partial(self._work, name, work), parent=self.scheduler.hub)
        self._running[thread] = None
        thread.switch()

    def _work(self, name: str, work: Call) -> None:
        try:
            work()
        except GreenletExit:
            pass
        except Exception:  # noqa: BLE001 - a fault of the code under test is a finding
            self._crashed(name, traceback.format_exc())
        finally:
            self._running.pop(getcurrent(), None)

    def _resume(self, thread: greenlet) -> None:
        if self.alive:
            thread.switch()

    def bury(self) -> None:
        """Unwinds the threads of a process that has ended; called from the outside."""
        self.alive = False
        for thread in list(self._running):
            thread.throw(GreenletExit)
        self._running.clear()
