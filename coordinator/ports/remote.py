"""The remote: read it, hold what is claimed there, move its branch."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from coordinator.domain.names import BriefId, Digest, Oid, RepoPath
from coordinator.domain.note import Note
from coordinator.domain.policy import Policy
from coordinator.domain.proof import (
    Busy,
    Claim,
    ClaimedPath,
    ClaimOutcome,
    Deletion,
    Gated,
    Ineligible,
    Planned,
    PushOutcome,
    StillOpen,
    Synced,
    SyncOutcome,
    Unreachable,
)
from coordinator.domain.request import Request
from coordinator.domain.world import HeldRef, SeenClaim

from .marks import writes


class Remote(Protocol):
    """Reading the remote. One fetch brings branch, claims, gate and deploys into mirror refs of the private clone."""

    @writes
    def sync(self) -> SyncOutcome:
        """Fetches. Rewritten is remembered until a human accepts it (rule P5)."""
        ...

    def tip(self) -> Oid | None:
        """Returns the branch as last fetched."""
        ...

    def synced(self) -> Synced | None:
        """Returns what the last fetch came to; None when it failed, or found the branch rewritten."""
        ...

    def fetched_s(self) -> float | None:
        """Returns when the last good fetch was, on the monotonic clock."""
        ...

    def pushed_requests(self) -> tuple[Request, ...]:
        """Returns what people pushed to inbox/* branches, as last fetched."""
        ...

    @writes
    def remove_request(self, request: Request) -> None:
        """Deletes the inbox/* branch it came by, leased at what was read."""
        ...


class Claims(Protocol):
    """The right to work: refs on the remote (rules C1 to C9)."""

    @writes
    def acquire(self, brief: BriefId, digest: Digest, paths: Sequence[RepoPath]) -> ClaimOutcome:
        """C1: claims all or none in one push; after any non-ok reply re-reads and cleans up (C3)."""
        ...

    @writes
    def renew(self, claims: Sequence[Claim]) -> tuple[BriefId, ...]:
        """Renews each held/ by compare-and-swap; returns the briefs that were lost."""
        ...

    @writes
    def take_over(self, stale: HeldRef) -> ClaimOutcome:
        """C5: compare-and-swap of held/ alone, with a new nonce; the acq and its path claims stay."""
        ...

    @writes
    def release(self, claim: Claim) -> None:
        """Deletes held/ and the path claims, each leased at its oid."""
        ...

    @writes
    def delete(self, refs: Sequence[Deletion]) -> None:
        """Deletes refs under the claims root, each by itself, leased (C3, C6)."""
        ...

    @writes
    def hold_gate(self, branch: str) -> HeldRef | Busy | Unreachable:
        """L1: takes or renews gate/<branch>; a stale one (C5) is taken over."""
        ...

    @writes
    def release_gate(self, branch: str) -> None:
        """Lets go of gate/<branch> if it is ours, of an earlier epoch of this run folder too."""
        ...

    @writes
    def take(
        self, paths: Sequence[RepoPath], *, who: str, reason: str
    ) -> tuple[str, tuple[ClaimedPath, ...]] | Busy | Unreachable:
        """A person's claim; returns its token."""
        ...

    @writes
    def give_back(self, token: str) -> bool:
        """Releases a person's claim."""
        ...

    def held(self) -> Mapping[BriefId, HeldRef]:
        """Returns every held/ as last fetched."""
        ...

    def seen(self) -> tuple[SeenClaim, ...]:
        """Returns every path claim as last fetched."""
        ...

    def newer(self) -> str | None:
        """Returns which claim, held/ or gate/ has a format from after ours, and which; None for none."""
        ...

    def gate(self, branch: str) -> HeldRef | None:
        """Returns gate/<branch> as last fetched."""
        ...

    def mine(self, brief: BriefId) -> Claim | None:
        """Returns our whole claim on `brief` as last fetched: our epoch, our acq, every path of it there."""
        ...

    def strays(self) -> tuple[Deletion, ...]:
        """C3: refs with an acq of ours that we do not hold."""
        ...

    def earlier(self) -> tuple[HeldRef, ...]:
        """Y1: held/ refs of an earlier epoch of this run folder: ours to renew at once."""
        ...


class Committer(Protocol):
    """The only port that makes commits and moves the branch. bootstrap gives it to land alone."""

    @writes
    def record(
        self, synced: Synced, notes: Sequence[Note], *, policy: Policy, timestamp: int
    ) -> Planned | None:
        """Builds one commit for each note that still holds on top of the tip (R2); None when none does."""
        ...

    @writes
    def land(
        self,
        gated: Gated,
        *,
        still_open: StillOpen,
        note: Note,
        claim: Claim | None,
        policy: Policy,
        timestamp: int,
    ) -> Planned | Ineligible:
        """Builds M1 (rule L2: report, tick, move and trailers in the same commit)."""
        ...

    @writes
    def push(self, planned: Planned, *, timeout_s_max: float) -> PushOutcome:
        """Pushes, and reads the outcome from the remote (P2 to P4), never from the reply.

        Repeating it with the same `planned` is safe: that is how an intent of unknown fate is resolved.
        """
        ...

    @writes
    def follow(self, landed: Oid) -> str | None:
        """Fast-forwards the user's checkout, or says why not."""
        ...
