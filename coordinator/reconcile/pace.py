"""The pace of a tick: what it starts, whether a brief could go on by itself, and when to look again."""

from collections.abc import Callable

from coordinator.ports import Lane

from .kit import Kit

SOON_S = 0.2
OTHERS_S = 0.5  # how old a look may be while somebody else holds what we wait for
CLAIMS_S = 2.0  # how old a look may be while a brief waits for somebody else's claim


class Pace:
    """One for each coordinator; `begin` makes it ready for the next tick."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.busy = False  # a brief could go on by itself, as of this tick
        self.wake_s = 0.0

    def begin(self, wake_s: float) -> None:
        """Forgets the last tick; without a reason to wake sooner, `wake_s` is when to look again."""
        self.busy = False
        self.wake_s = wake_s

    def start(self, lane: Lane, key: str, step: Callable[[], None], *, first: bool = False) -> None:
        """Starts a step, unless it failed a moment ago."""
        kit = self._kit
        if not kit.ready(key):
            self.soon()
            return
        failed = kit.ports.lanes.failures().get(key)
        if failed is not None and kit.ports.clock.monotonic_s() - failed[0] < 1.0:
            self.soon()
            return
        kit.ports.lanes.start(lane, key, step, first=first)

    def wake_within(self, seconds: float) -> None:
        """Asks to look again when that much time has passed, or sooner."""
        self.wake_s = min(self.wake_s or seconds, max(seconds, 0.02))

    def soon(self) -> None:
        """Asks to look again very soon."""
        self.wake_s = min(self.wake_s or SOON_S, SOON_S)

    def sync_when_due(self) -> None:
        """Fetches when the last fetch is older than the house wants."""
        offline = self._kit.memory.remote is not None
        self.sync_within(1.0 if offline else self._kit.observer.policy.remote_poll_s)

    def sync_within(self, age_s_max: float) -> None:
        """Fetches unless the last fetch is younger than `age_s_max`; then it is waited for."""
        fetched_s = self._kit.ports.remote.fetched_s()
        now_s = self._kit.ports.clock.monotonic_s()
        if fetched_s is None or now_s - fetched_s >= age_s_max:
            self.start(Lane.REMOTE, "sync", self._sync)
        else:
            self.wake_s = min(self.wake_s or age_s_max, fetched_s + age_s_max - now_s)

    def _sync(self) -> None:
        well = self._kit.sync() is not None
        self._kit.ended("sync", well=well)
