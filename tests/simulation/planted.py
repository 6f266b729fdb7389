"""Bugs put in on purpose: each takes one rule of DESIGN 6 away. The simulation must find every one of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from coordinator.adapters.claims import RefClaims
from coordinator.adapters.committer import GitCommitter
from coordinator.adapters.git import RefUpdate
from coordinator.domain.names import BriefId, Digest, Oid, Place, RepoPath, digest
from coordinator.domain.policy import Policy
from coordinator.domain.proof import (
    Busy,
    Claim,
    ClaimOutcome,
    Landed,
    Lost,
    Moved,
    Planned,
    PushOutcome,
    StillOpen,
    Unreachable,
)
from coordinator.domain.world import HeldRef, World
from coordinator.ports import Clock
from coordinator.services.observe import Observer

from .machine import Plant
from .moods import Mood


class WithoutL2(GitCommitter):
    """Does not look again whether the brief is still open at the parent."""

    def _ineligible(self, tree: Oid, wanted: StillOpen, policy: Policy) -> str | None:
        del tree, wanted, policy
        return None


class TrustsTheReply(GitCommitter):
    """Takes what the client printed for what happened, as most tools do."""

    def push(self, planned: Planned, *, timeout_s_max: float) -> PushOutcome:
        updates = [RefUpdate(ref="refs/heads/main", expected=planned.parent, new=planned.oid)]
        updates += [RefUpdate(ref=d.ref, expected=d.oid, new=None) for d in planned.deletions]
        reply = self._git.push(updates, timeout_s_max=timeout_s_max)
        self._remote.sync()
        match reply.kind:
            case "ok":
                return Landed(planned.oid)
            case "rejected":
                return Moved(planned.parent)
            case _:
                return Lost("no reply")


class WithoutNonce(RefClaims):
    """Writes the same text whenever it claims the same thing: the same oid as last time."""

    def __init__(self, *arguments: Any, clock: Clock, **named: Any) -> None:
        self._same = SameWords(clock)
        super().__init__(*arguments, clock=self._same, **named)

    def acquire(self, brief: BriefId, digest: Digest, paths: Sequence[RepoPath]) -> ClaimOutcome:
        self._same.about = brief
        return super().acquire(brief, digest, paths)

    def hold_gate(self, branch: str) -> HeldRef | Busy | Unreachable:
        self._same.about = branch
        return super().hold_gate(branch)


class SameWords:
    """A clock whose random words are always the same for the same thing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.about = ""

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def timestamp(self) -> int:
        return self._clock.timestamp()

    def nonce(self) -> str:
        return digest(self.about.encode()).removeprefix("sha256:")[:16]

    def pause(self, seconds: float) -> None:
        self._clock.pause(seconds)


class WithoutC4(Observer):
    """Lets a claim that was just acquired stand on the tip from before it, and dispatches on that."""

    _before: World | None = None
    _confirmed: frozenset[str] = frozenset()

    def look(self, tip: Oid, **named: Any) -> World:
        world = super().look(tip, **named)
        before, self._before = self._before, world
        held = {b: self._claims.mine(b) for b in self._claims.held()}
        mine = {brief: claim for brief, claim in held.items() if isinstance(claim, Claim)}
        fresh = {b: c for b, c in mine.items() if c.acq not in self._confirmed}
        self._confirmed = frozenset(c.acq for c in mine.values())
        if before is None:
            return world
        briefs = dict(world.briefs)
        for brief, claim in fresh.items():
            old = before.briefs.get(brief)
            if old is not None and old.filed.place is Place.OPEN:
                briefs[brief] = replace(old, claim=claim)
        return replace(world, briefs=briefs)


@dataclass(frozen=True)
class Planted:
    """A bug, and days on which it does harm soon."""

    plant: Plant
    mood: Mood


_HASTE = Mood(weather={"slow": 0.1}, sluggish="m0", haste=1.0)
PLANTS = {
    "no L2": Planted(Plant(committer=WithoutL2), _HASTE),
    "no C4": Planted(Plant(observer=WithoutC4), _HASTE),
    "trust the reply": Planted(
        Plant(committer=TrustsTheReply), Mood(weather={"moved_though_refused": 0.1, "delayed": 0.1})
    ),
    "no nonce": Planted(
        Plant(claims=WithoutNonce), Mood(weather={"delayed": 0.35}, machines=2, holds=True)
    ),
}
