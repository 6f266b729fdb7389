"""Accepted outputs put together. A Disagreement is another type: it cannot be landed."""

from dataclasses import dataclass

from .attempt import AttemptId
from .memory_md import KeptEntry
from .names import BriefId, Digest, Oid, RepoPath, TaskId, digest
from .verdict import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one output says at one place; no attempt stands behind what was landed meanwhile."""

    name: str
    attempt: AttemptId | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Where accepted outputs say different things: a path or the key of a row, and lines where it has any."""

    where: str
    lines: str = ""
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeset:
    """What is to land: `result` is the whole resulting tree on `base` (equal to base's for a report).

    `report` is the text of a report and `report_path` where it goes (None: beside the brief).
    """

    brief: BriefId
    base: Oid
    base_tree: Oid
    result: Oid
    touched: tuple[RepoPath, ...]  # all that the landing writes: a report's own path is one of them
    report: bytes | None
    report_extension: str
    report_path: RepoPath | None
    digest: Digest  # of base-independent content: touched paths with their blobs, and the report
    attempts: tuple[AttemptId, ...]
    trust: Trust
    summary: str
    compared: str  # how several outputs were united; "one output" for one
    sources: tuple[str, ...] = ()  # of rows, where not everybody said all of them: key and names
    answered: tuple[tuple[str, str], ...] = ()  # question and who answered it, where people decided
    entries: tuple[KeptEntry, ...] = ()  # what the landing adds to memory

    @property
    def key(self) -> Digest:
        """Returns what tells one landing from another: people approve the digest, which is without entries."""
        if not self.entries:
            return self.digest
        return digest("\n".join([self.digest, *map(repr, self.entries)]).encode("utf-8", "replace"))

    @property
    def whose(self) -> str:
        """Returns the paragraph that says whose each row is; nothing where everybody said all of them."""
        listed = "\n".join(f"- {one}" for one in self.sources)
        return f"\n\nWhose each row is:\n{listed}" if listed else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What could not be put together, as one question; `again` is the task that a free answer goes to."""

    brief: BriefId
    agreed: str
    conflicts: tuple[Conflict, ...]
    question: str
    options: tuple[str, ...]
    id: str = "disagreement-0"  # of the question
    again: TaskId | None = None


Synthesis = Changeset | Disagreement
