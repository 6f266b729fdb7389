"""What a tick may start for one brief: the answers of the state machine."""

from dataclasses import dataclass
from typing import Literal

from .attempt import AttemptId, Role
from .check import Check
from .names import BriefId, Environment, RepoPath
from .note import Note
from .plan import Plan, Task
from .proof import Claim
from .world import HeldRef

Phase = Literal["intake", "waiting", "plan", "dispatch", "review", "synthesize", "land", "deliver"]

WhyBeside = Literal["slow", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do now."""

    phase: Phase
    why: str
    rests: bool = False  # until the day ends or a person acts: nobody needs to wait for it
    due_in_s: float | None = None  # when to look again, where nothing else tells


@dataclass(frozen=True, slots=True)
class Say:
    """Write a record."""

    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePlan:
    """Store a plan for a brief that has none."""

    brief: BriefId


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisePlan:
    """Store another plan in the place of one that cannot be carried out."""

    brief: BriefId
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeClaim:
    """Acquire the brief and its paths (C1), or take over a stale holder (C5)."""

    brief: BriefId
    paths: tuple[RepoPath, ...]
    stale: HeldRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """Release a claim on a brief that is another one by now (C4)."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Start one attempt at one task, or one that judges the attempt `about`."""

    brief: BriefId
    task: Task
    number: int
    feedback: tuple[str, ...]
    role: Role = "author"
    about: int | None = None
    beside: int | None = None  # the attempt that it runs beside
    why_beside: WhyBeside = "slow"  # what became of that one, or of the try before it


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishAttempts:
    """Push what has been kept, so that no output exists only here."""

    brief: BriefId


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Judge one output."""

    attempt: AttemptId


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesize:
    """Put accepted outputs together."""

    brief: BriefId


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Put the changeset on the tip."""

    brief: BriefId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGate:
    """Run what the gate still lacks, under gate/<branch> (L1)."""

    brief: BriefId
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """Publish the gated changeset."""

    brief: BriefId


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Ship to an environment and look at what is live."""

    brief: BriefId
    environment: Environment


Step = (
    Wait
    | Say
    | MakePlan
    | RevisePlan
    | TakeClaim
    | LetGo
    | Dispatch
    | PublishAttempts
    | Review
    | Synthesize
    | Merge
    | RunGate
    | Land
    | Deliver
)
