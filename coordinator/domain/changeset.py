"""Accepted outputs put together. A Disagreement is another type: it cannot be landed."""

from dataclasses import dataclass

from .attempt import AttemptId
from .names import BriefId, Digest, Oid, RepoPath
from .verdict import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Where two accepted outputs say different things."""

    where: str
    sides: tuple[tuple[AttemptId, str], ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What could not be put together, as one question."""

    brief: BriefId
    agreed: str
    conflicts: tuple[Conflict, ...]
    question: str
    options: tuple[str, ...]


Synthesis = Changeset | Disagreement
