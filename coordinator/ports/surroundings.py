"""Time, threads and the wide world: what steps run in, and what they may read there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from coordinator.domain.web import FetchOutcome, Reach


class Clock(Protocol):
    """Time and randomness."""

    def monotonic_s(self) -> float:
        """Returns seconds that never go back; they go on while the machine sleeps, where it can tell."""
        ...

    def timestamp(self) -> int:
        """Returns the wall clock in unix seconds, for commit dates, display and which day's money it is."""
        ...

    def nonce(self) -> str:
        """Returns 16 random hex characters."""
        ...

    def pause(self, seconds: float) -> None:
        """Blocks the calling lane for `seconds`."""
        ...


class Lane(StrEnum):
    """Where a step runs."""

    REMOTE = "remote"  # one thread: every write to the remote, in order, renewals first
    LOCAL = "local"
    COMMAND = "command"
    DEPLOY = "deploy"


class Lanes(Protocol):
    """Threads that run a step to its durable end and then wake the daemon. The fake runs them in seeded order."""

    def start(self, lane: Lane, key: str, step: Callable[[], None], *, first: bool = False) -> bool:
        """Queues a step; False when that key is in flight already. `first` goes before others (renewals)."""
        ...

    def in_flight(self) -> frozenset[str]:
        """Returns the keys queued or running."""
        ...

    def failures(self) -> Mapping[str, tuple[float, str]]:
        """Returns keys whose last step raised: monotonic time and message."""
        ...

    def close(self) -> None:
        """Lets running steps end and drops queued ones."""
        ...


@dataclass(frozen=True, slots=True)
class SecretHit:
    """Where a text looks like it holds a secret, and of which kind; never the secret itself."""

    line: int
    kind: str


class SecretScan(Protocol):
    """Looks for secrets in texts that would become public with a commit. Asks no network."""

    def scan(self, text: str) -> tuple[SecretHit, ...]:
        """Returns every hit, by line."""
        ...


class Web(Protocol):
    """Reads URLs of granted hosts, and blocks: never called from the decision thread. Nothing here raises."""

    def fetch(self, url: str, *, hosts: Sequence[str], reach: Reach = ...) -> FetchOutcome:
        """Returns what the URL holds, or why there is no answer; `hosts` is the allow-list."""
        ...

    def fetch_all(self, urls: Sequence[str], *, hosts: Sequence[str]) -> tuple[FetchOutcome, ...]:
        """Returns the same of several URLs, in their order."""
        ...

    def check(self, url: str, *, hosts: Sequence[str]) -> FetchOutcome:
        """Returns whether the URL is there, without its content."""
        ...
