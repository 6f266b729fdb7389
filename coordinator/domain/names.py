"""Identifiers and paths, and which paths the coordinator keeps for itself."""

import functools
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Oid = NewType("Oid", str)
BriefId = NewType("BriefId", str)  # slug-3fa29c01
TaskId = NewType("TaskId", str)
RepoPath = NewType("RepoPath", str)  # relative, '/'-separated; bytes git gives as surrogate escapes
Digest = NewType("Digest", str)  # sha256:<64 hex>
Environment = NewType("Environment", str)
ProfileName = NewType("ProfileName", str)
Epoch = NewType("Epoch", str)  # random for each start of a daemon

ZERO = Oid("0" * 40)
EMPTY_TREE = Oid("4b825dc642cb6eb9a060e54bf8d69288fbee4904")

_SLUG_CHARS_MAX = 40


class Place(StrEnum):
    """The folder of a brief at the tip: the one durable state of a brief."""

    OPEN = "open"
    WAITING = "waiting"
    LANDED = "landed"
    DONE = "done"
    REJECTED = "rejected"

    @property
    def terminal(self) -> bool:
        """Tells whether nothing more happens to a brief here, unless somebody asks."""
        return self in (Place.DONE, Place.REJECTED)


def digest(content: bytes) -> Digest:
    """Returns the sha256 of `content` in the form that trailers carry."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


@functools.lru_cache(maxsize=4096)  # briefs are looked up by their names at every look
def slug(name: str) -> str:
    """Returns `name` as lower-case words joined by '-', at most 40 characters, never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:_SLUG_CHARS_MAX].strip("-") or "brief"


def brief_id(name: str, of: Digest, *, hash_chars: int = 8) -> BriefId:
    """Returns the id of a brief: slug of its name and the first hex of its digest (rule I1)."""
    return BriefId(f"{slug(name)}-{of.removeprefix('sha256:')[:hash_chars]}")


@dataclass(frozen=True, slots=True)
class RecordPaths:
    """Where the record paths are: `<briefs>/**`, `<memory>/plan.md` and `<memory>/state.md`."""

    briefs: RepoPath = RepoPath("briefs")
    memory: RepoPath = RepoPath("memory")

    @property
    def plan_file(self) -> RepoPath:
        """Returns the path of plan.md, edited by people and ticked by us."""
        return RepoPath(f"{self.memory}/plan.md")

    @property
    def state_file(self) -> RepoPath:
        """Returns the path of state.md, generated except for its hand-written section."""
        return RepoPath(f"{self.memory}/state.md")

    @property
    def decisions_file(self) -> RepoPath:
        """Returns the path of decisions.md: part of the product tree, as people and landings write it."""
        return RepoPath(f"{self.memory}/decisions.md")

    @property
    def lessons_file(self) -> RepoPath:
        """Returns the path of lessons.md."""
        return RepoPath(f"{self.memory}/lessons.md")

    @property
    def handoffs(self) -> RepoPath:
        """Returns the folder of handoffs, a page for each day."""
        return RepoPath(f"{self.memory}/handoffs")

    def owns(self, path: str) -> bool:
        """Tells whether `path` is a record path: never gated, never claimed, never a worker's."""
        return path in (self.briefs, self.plan_file, self.state_file) or path.startswith(
            f"{self.briefs}/"
        )

    def folder(self, place: Place, brief: BriefId) -> RepoPath:
        """Returns the folder of `brief` while it is in `place`."""
        if place is Place.WAITING:
            return RepoPath(f"{self.briefs}/waiting/{brief}")
        shard = brief.rpartition("-")[2][:2]
        return RepoPath(f"{self.briefs}/{place.value}/{shard}/{brief}")
