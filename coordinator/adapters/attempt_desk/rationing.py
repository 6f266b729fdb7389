"""What all model calls of this machine took in the last minute, held against the limits of the house.

A call is counted from its beginning with the most that it may take, and with what it took once it has ended.
One that wants more than a limit gives in a minute goes when nothing else is counted, as attempts do (see
`domain.fairness`). Nothing is kept: after a restart a minute begins anew.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.domain.failure_policy import Limit
from coordinator.domain.fairness import WINDOW_S


@dataclass(kw_only=True)
class Ration:
    """One call, as it is counted."""

    limits: tuple[Limit, ...]
    began_s: float
    tokens: int
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A call that may not be made now, and in how many seconds it may be asked for again."""

    why: str
    in_s: float


class Rations:
    """Counts the calls of all attempts. Safe to use from several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._calls: deque[Ration] = deque()

    def begin(self, limits: Sequence[Limit], tokens: int) -> Ration | Later:
        """Counts a call that takes so many tokens at most; returns how long to wait where that is too much."""
        now_s = self._now()
        with self._lock:
            self._drop(now_s)
            for limit in limits:
                later = self._later(limit, tokens, now_s)
                if later is not None:
                    return later
            ration = Ration(limits=tuple(limits), began_s=now_s, tokens=tokens)
            if limits:
                self._calls.append(ration)
            return ration

    def end(self, ration: Ration, tokens: int) -> None:
        """Counts what a call took in the end."""
        with self._lock:
            ration.tokens, ration.ended = tokens, True

    def drop(self, ration: Ration) -> None:
        """Forgets a call that was not made after all."""
        with self._lock:
            if ration in self._calls:
                self._calls.remove(ration)

    def _drop(self, now_s: float) -> None:
        """Forgets what is over. Called with the lock held."""
        over = [c for c in self._calls if c.ended and now_s - c.began_s >= WINDOW_S]
        for call in over:
            self._calls.remove(call)

    def _later(self, limit: Limit, tokens: int, now_s: float) -> Later | None:
        """Returns why a limit does not let a call begin. Called with the lock held."""
        counted = [c for c in self._calls if any(one.of == limit.of for one in c.limits)]
        recent = [c for c in counted if now_s - c.began_s < WINDOW_S]
        most = limit.requests_per_minute
        if most is not None and len(recent) >= most:
            in_s = recent[len(recent) - most].began_s + WINDOW_S - now_s
            return Later(why=f"[limits.{limit.of}] requests_per_minute = {most}", in_s=in_s)
        most = limit.tokens_per_minute
        taken = sum(c.tokens for c in counted)
        if most is not None and taken and taken + tokens > most:
            in_s = min(max(c.began_s + WINDOW_S - now_s, 1.0) for c in counted)
            return Later(why=f"[limits.{limit.of}] tokens_per_minute = {most}", in_s=in_s)
        return None
