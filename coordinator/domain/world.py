"""One look at everything: what a tick decides on and what status shows. Nothing in it is a handle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .attempt import Attempt
from .brief import Brief
from .changeset import Synthesis
from .check import Check, CheckResult
from .names import BriefId, Digest, Environment, Epoch, Oid, Place, ProfileName
from .past import Past
from .plan import Plan
from .policy import Policy
from .proof import Busy, Claim, ClaimedPath, Clash, Merged, Planned, Rewritten, Unreachable
from .reply import Reply
from .request import Request
from .spent import NOTHING, Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """Why a worker begins nothing now, and in how many seconds that may change (`breaker`, `fairness`).

    It only fails, or has as much to do as a limit allows.
    """

    why: str
    due_in_s: float
    on_trial: bool = False  # one attempt may go out, to see whether it works again


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A brief as its folder at the tip says: the cheap part, cached by the folder's oid."""

    id: BriefId
    place: Place
    folder: Oid  # tree
    blob: Oid  # of brief.md; the zero oid where there is none (rejected)
    digest: Digest
    brief: Brief
    plan: Plan | None
    reply: Reply | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A brief and all that is known of work on it; only briefs that are open, waiting or landed have one."""

    filed: Filed
    order: int  # position of its accept commit in first-parent order (C7); lower came first
    age_s: float  # since this daemon first saw it in its round
    attempts: tuple[Attempt, ...]  # of the current round, oldest first
    claim: Claim | Busy | None  # ours and confirmed, somebody else's, or none
    numbered: int = 0  # the highest number that an attempt of any round has
    synthesis: Synthesis | None = None  # of the accepted attempts, once it has been worked out
    merged: Merged | Clash | None = None  # of the synthesis, on this world's tip
    gate_checks: tuple[Check, ...] = ()  # what must have passed on the merged product
    tip_checks: tuple[Check, ...] = ()  # the same commands on the bare tip (L8)
    waits_s: float = 0.0  # for a person, by the dates of commits; nothing is decided on it
    refused: str | None = None  # why the remote would not take the landing
    spent: Spent = NOTHING  # by attempts of every round
    evaluators: tuple[
        ProfileName, ...
    ] = ()  # who may judge prose, as far as the brief can pay them


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRef:
    """One held/<brief> ref as last fetched, with how long it has not changed on our monotonic clock (C5)."""

    brief: BriefId
    oid: Oid
    digest: Digest
    epoch: Epoch
    acq: str
    counter: int
    unchanged_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenClaim:
    """One claims/<path> ref as last fetched; `orphan_s` is how long no held/ of its acq has been seen (C6)."""

    claim: ClaimedPath
    orphan_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What deploys/<env> says, as last fetched."""

    environment: Environment
    oid: Oid
    revision: Oid
    generation: int
    state: str  # deploying | live | failed; unreadable: somebody else's, or a newer format
    holder: str
    previous: Oid | None = None
    looks: int = 0  # how many looks in a row saw it live
    reason: str = ""  # why it failed
    unchanged_s: float = 0.0  # how long it has said this, on our monotonic clock


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a tick decides on."""

    now_s: float  # monotonic
    epoch: Epoch
    tip: Oid
    refs_root: str = "refs/orchestrator"
    remote: Rewritten | Unreachable | None
    policy: Policy
    policy_faults: tuple[str, ...]
    plan_faults: tuple[str, ...] = ()  # lines of plan.md that nothing can be made of
    read_only: str | None = None  # why nothing may be written: the house has a newer format
    paused: str | None  # the reason, from state.md
    holds: frozenset[str]  # brief ids and names on hold, from state.md
    inbox: tuple[Request, ...]
    briefs: dict[BriefId, Sighting]
    terminal: Mapping[BriefId, Place] = field(default_factory=dict)  # in done/ or rejected/
    landings: Mapping[BriefId, Oid] = field(default_factory=dict)  # the newest of each brief
    unpublished: frozenset[BriefId] = frozenset()  # with attempts the remote may not have
    held: dict[BriefId, HeldRef]
    claims: tuple[SeenClaim, ...]
    gate: HeldRef | None  # gate/<branch>, whoever holds it
    checks: dict[Digest, CheckResult]
    environments: dict[Environment, LiveState]
    intents: tuple[Planned, ...]
    day: int = 0  # when it began, in unix seconds
    spent_today: Spent = NOTHING  # here, by attempts at any brief
    past: tuple[Past, ...] = ()  # attempts of this machine at any brief, the newest last
    breakers: Mapping[ProfileName, LeftAlone] = field(
        default_factory=dict
    )  # workers that only fail
    full: Mapping[ProfileName, LeftAlone] = field(default_factory=dict)  # workers at a limit

    @classmethod
    def at(cls, tip: Oid, policy: Policy, *, epoch: Epoch) -> "World":
        """Returns a world of a commit with nothing in it but the rules."""
        return cls(
            now_s=0.0,
            epoch=epoch,
            tip=tip,
            remote=None,
            policy=policy,
            policy_faults=(),
            paused=None,
            holds=frozenset(),
            inbox=(),
            briefs={},
            held={},
            claims=(),
            gate=None,
            checks={},
            environments={},
            intents=(),
        )
