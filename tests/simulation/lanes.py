"""Lanes as threads of virtual time."""

from collections.abc import Callable, Mapping
from functools import partial

from coordinator.domain.errors import CoordinatorError
from coordinator.ports import Clock, Lane

from .engine import Life


class SimLanes:
    """One thread for the remote, in order; the others take what the seed says."""

    def __init__(
        self,
        life: Life,
        clock: Clock,
        *,
        wake: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self._life = life
        self._clock = clock
        self._wake = wake
        self._failed = failed
        self._in_flight: dict[str, None] = {}
        self._failures: dict[str, tuple[float, str]] = {}
        self._queues: dict[str, list[tuple[bool, int, str, Callable[[], None]]]] = {}
        self._busy: dict[str, int] = {}
        self._count = 0

    def start(self, lane: Lane, key: str, step: Callable[[], None], *, first: bool = False) -> bool:
        if key in self._in_flight:
            return False
        self._in_flight[key] = None
        name = ":".join(key.split(":")[:2]) if lane is Lane.DEPLOY else lane.value
        self._count += 1
        self._queues.setdefault(name, []).append((not first, self._count, key, step))
        self._pump(name, 2 if lane in (Lane.LOCAL, Lane.COMMAND) else 1)
        return True

    def in_flight(self) -> frozenset[str]:
        return frozenset(self._in_flight)

    def failures(self) -> Mapping[str, tuple[float, str]]:
        return dict(self._failures)

    def close(self) -> None:
        """Has nothing to end: a life ends with its threads."""

    def _pump(self, name: str, width: int) -> None:
        if self._busy.get(name, 0) < width and self._queues[name]:
            self._busy[name] = self._busy.get(name, 0) + 1
            delay_s = self._life.scheduler.random.uniform(0.0, 0.02)
            self._life.spawn(delay_s, f"lane {name}", partial(self._work, name))

    def _work(self, name: str) -> None:
        queue = self._queues[name]
        while queue:
            chosen = min(queue[:], key=lambda queued: queued[:2])
            if name in ("local", "command"):
                chosen = self._life.scheduler.random.choice(queue)
            queue.remove(chosen)
            self._run(chosen[2], chosen[3])
        self._busy[name] -= 1

    def _run(self, key: str, step: Callable[[], None]) -> None:
        try:
            step()
        except CoordinatorError as error:
            self._failures[key] = (self._clock.monotonic_s(), str(error))
            self._failed(f"step {key} failed: {error}")
        else:
            self._failures.pop(key, None)
        del self._in_flight[key]
        self._wake()
