"""A record that changes record paths only: no claim, no gate; rebuilt, or dropped, on whatever the tip is.

Rule R2: a note is an operation with a precondition on the brief's state at the parent, never text to merge.
"""

from dataclasses import dataclass

from .names import BriefId, Oid, Place, RepoPath
from .record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """Where the brief must be at the parent (None: nowhere), and, where given, as which brief.md.

    `folder` is the tree of its whole folder: what stands beside brief.md has not changed either.
    """

    brief: BriefId
    place: Place | None
    blob: Oid | None = None
    folder: Oid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBrief:
    """Moves the folder of a brief from its place to another one."""

    brief: BriefId
    to: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFile:
    """Writes one file in the brief's folder (after the moves); None removes it."""

    brief: BriefId
    name: str
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBrief:
    """Makes the folder of a brief in `place`."""

    brief: BriefId
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TickPlan:
    """Ticks the line of plan.md whose name is `name` (rule R3); nothing when there is none."""

    name: str
    brief: BriefId


@dataclass(frozen=True, slots=True, kw_only=True)
class SayLive:
    """Writes what `environment` runs into the generated part of state.md."""

    environment: str
    revision: Oid
    generation: int


Operation = MoveBrief | PutFile | NewBrief | TickPlan | SayLive


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One record commit to be: all preconditions hold at its parent, or it becomes nothing."""

    record: Record
    when: tuple[Precondition, ...]
    operations: tuple[Operation, ...]

    @property
    def key(self) -> str:
        """Returns what tells this note from others waiting in the same group commit."""
        return f"{self.record.verb}:{self.record.about}"


BRIEF_FILE = RepoPath("brief.md")
PLAN_FILE = RepoPath("plan.json")
REPLY_FILE = RepoPath("reply.md")
