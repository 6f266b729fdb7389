"""What steps share: the ports, the committer, and a memory that may be lost at any moment."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coordinator.domain.names import BriefId, Environment, Epoch, Oid, Place
from coordinator.domain.note import Note
from coordinator.domain.proof import Rewritten, Synced, Unreachable
from coordinator.domain.world import World
from coordinator.ports import (
    Attempts,
    Checks,
    Claims,
    Clock,
    CoChange,
    Committer,
    DeployRefs,
    Inbox,
    Journal,
    Lanes,
    Objects,
    Pool,
    Remote,
    SecretScan,
    Targets,
    Web,
)
from coordinator.services.observe import Observer, Prepared
from coordinator.services.wanted import Desired

logger = logging.getLogger(__name__)

_BACKOFF_KEPT_S = 600.0  # a bad end longer ago says nothing any more
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What bootstrap hands over; the committer is not among them."""

    clock: Clock
    inbox: Inbox
    objects: Objects
    attempts: Attempts
    claims: Claims
    remote: Remote
    checks: Checks
    pool: Pool
    targets: Targets
    deploys: DeployRefs
    journal: Journal
    lanes: Lanes
    secrets: SecretScan
    web: Web
    past: CoChange


Told = tuple[tuple[Place, Oid] | None, Mapping[str, Any]]
"""The folder that a reply speaks of, and what it said when that was looked at."""


@dataclass(kw_only=True)
class Memory:
    """Lost with the process, and nothing is lost with it: every entry is worked out again."""

    prepared: Prepared = field(default_factory=Prepared)
    synced: Synced | None = None
    remote: Rewritten | Unreachable | None = None
    recovered: bool = False
    pending: dict[str, Note] = field(default_factory=dict)  # notes to publish, by key
    recorded_s: float | None = None  # when the last record push landed
    backoff: dict[str, tuple[int, float]] = field(default_factory=dict)  # tries, not before
    judged: object = None  # what intake has looked at already
    later: dict[str, str] = field(default_factory=dict)  # inbox name -> why it stays there
    desired: Desired | None = None
    stale: dict[Environment, tuple[Oid, str]] = field(default_factory=dict)
    regated: dict[BriefId, int] = field(default_factory=dict)
    irrevertible: dict[BriefId, str] = field(default_factory=dict)  # why a revert cannot be made
    told_tip: Oid | None = None
    told: dict[str, Told] = field(default_factory=dict)  # by the name of the reply
    reminded: dict[BriefId, tuple[Oid, int]] = field(default_factory=dict)  # folder, how often told
    refused: str | None = None  # why the remote takes no records
    stamp: tuple[tuple[str, ...], int] | None = None  # what was built last, and when

    def forget(self, world: World) -> None:
        """Drops what is about briefs that have ended, requests that are gone, and old bad ends."""
        self.prepared.forget(world.briefs.keys())
        for briefs in (self.regated, self.irrevertible):
            for brief in [b for b in tuple(briefs) if b not in world.briefs]:
                briefs.pop(brief, None)
        if self.later:
            there = {request.origin.name for request in world.inbox}
            for name in [n for n in tuple(self.later) if n not in there]:
                self.later.pop(name, None)
        old_s = world.now_s - _BACKOFF_KEPT_S
        for key in [k for k, (_, until_s) in tuple(self.backoff.items()) if until_s < old_s]:
            self.backoff.pop(key, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Everything a step may use. Only this floor sees the committer and the ports together."""

    ports: Ports
    committer: Committer
    observer: Observer
    memory: Memory
    epoch: Epoch
    branch: str
    holder: str
    say: Callable[[Mapping[str, Any]], None]

    def ready(self, key: str) -> bool:
        """Tells whether `key` may be tried now, after what became of it last time."""
        return self.ports.clock.monotonic_s() >= self.memory.backoff.get(key, (0, 0.0))[1]

    def failing(self, key: str) -> bool:
        """Tells whether `key` has ended badly more than once in a row: nobody should wait for it."""
        return self.memory.backoff.get(key, (0, 0.0))[0] > 1

    def ended(self, key: str, *, well: bool) -> None:
        """Remembers how a step went: a bad end makes the next try wait, doubling up to 30 s."""
        if well:
            self.memory.backoff.pop(key, None)
            return
        tries = self.memory.backoff.get(key, (0, 0.0))[0]
        wait_s = _BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)]
        self.memory.backoff[key] = (tries + 1, self.ports.clock.monotonic_s() + wait_s)

    def timestamp_of(self, built: tuple[str, ...]) -> int:
        """Returns now, or when the same was built last: a rebuild has to be the same commit (L9)."""
        if self.memory.stamp is None or self.memory.stamp[0] != built:
            self.memory.stamp = (built, self.ports.clock.timestamp())
        return self.memory.stamp[1]

    def catch_up(self) -> None:
        """After a write, which ports read back: what they fetched is the newest look, unless that failed.

        Each way to the remote and back costs a second or more with a host far away.
        """
        synced = self.ports.remote.synced()
        if synced is None or self.memory.remote is not None:
            self.sync()
        else:
            self.memory.synced = synced

    def sync(self) -> Synced | None:
        """Fetches and remembers what the remote is like; None when nothing can be decided on it."""
        outcome = self.ports.remote.sync()
        before = self.memory.remote
        if isinstance(outcome, Synced):
            self.memory.synced, self.memory.remote = outcome, None
            if before is not None:
                logger.info("remote is back")
                self.say({"event": "online"})
            return outcome
        self.memory.remote = outcome
        if type(before) is not type(outcome):
            match outcome:
                case Unreachable(reason=reason, hint=hint):
                    logger.warning("remote unreachable: %s %s", reason, hint)
                    self.say({"event": "offline", "reason": reason, "hint": hint})
                case Rewritten(known=known, found=found):
                    logger.error("remote rewritten known=%s found=%s", known, found)
                    self.say({"event": "rewritten", "known": known, "found": found})
        return None
