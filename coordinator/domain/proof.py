"""Permission as values, in the order of the protocol: Claim + Synced -> Merged -> Gated -> Planned -> Landed.

Each carries the exact oids that its push will lease, so a step that was skipped does not type-check.
"""

from dataclasses import dataclass

from .changeset import Changeset
from .check import CheckResult
from .names import BriefId, Digest, Epoch, Oid, Place, RepoPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work a brief and to change its paths (rules C1, C2), as last read from the remote.

    `held` is the oid of held/<brief>; `paths` the claimed paths with their refs and oids.
    """

    brief: BriefId
    digest: Digest
    epoch: Epoch
    acq: str
    counter: int
    held: Oid
    paths: tuple["ClaimedPath", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPath:
    """One claims/<path> ref."""

    path: RepoPath
    ref: str
    oid: Oid
    acq: str
    holder: str  # brief id, or "person:<who>"
    reason: str = ""  # a person's


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Somebody else holds the brief or a path that overlaps."""

    path: RepoPath
    holder: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Synced:
    """The tip just fetched, a descendant of the last one we knew."""

    tip: Oid


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Rule P5: the tip we knew is not an ancestor of the one found."""

    known: Oid
    found: Oid

    @property
    def advice(self) -> str:
        """Returns what happened to the branch, and the two ways out of it."""
        known, found = self.known[:12], self.found[:12]
        return (
            f"the remote branch was rewritten: {known}, which it had, is not in {found}. Nothing is "
            f"done and everything is kept. Push {known} back, or, if it was meant, stop the daemon "
            f"and take it: coordinator run --accept-rewritten {found}"
        )


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The remote did not answer (or let us in); `hint` says what to do."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A changeset on the tip; only Objects.merge makes one, and only from a claimed changeset."""

    changeset: Changeset
    claim: Claim | None  # a revert needs none (D3)
    onto: Oid  # commit M0
    product: Oid  # ProductTree(M1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """The changeset does not merge with what landed since its base."""

    changeset: Changeset
    paths: tuple[RepoPath, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A merged product tree that the gate passed."""

    merged: Merged
    results: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A ref that a push deletes, leased at `oid`."""

    ref: str
    oid: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Commits that exist as objects and are recorded in the journal, but that no remote ref names yet (P1).

    `oid` is M1, `parent` M0; `product` is what Gated-Tree says for a landing, None for records.
    """

    oid: Oid
    parent: Oid
    product: Oid | None
    briefs: tuple[BriefId, ...]
    deletions: tuple[Deletion, ...] = ()


@dataclass(frozen=True, slots=True)
class Landed:
    """P6: fetched, M1 is in the branch, and its product tree is the gated one."""

    oid: Oid


@dataclass(frozen=True, slots=True)
class Moved:
    """P3: the tip is another one; rebuild on it."""

    tip: Oid


@dataclass(frozen=True, slots=True)
class Lost:
    """P3: a claim that the push would have deleted is not ours any more."""

    ref: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing moved and nothing explains it: a hook, a hidden ref, an orphan lock. A human's."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The remote could not be read after the push: nothing is known until it can."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOpen:
    """Rule L2 as a value: where the brief must be at the parent, and the blob it must be there as."""

    brief: BriefId
    place: Place
    blob: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineligible:
    """Rule L2 does not hold at the parent: the brief is not there, not open, or another one."""

    brief: BriefId
    why: str


PushOutcome = Landed | Moved | Lost | Refused | Unknown
ClaimOutcome = Claim | Busy | Unreachable
SyncOutcome = Synced | Rewritten | Unreachable
