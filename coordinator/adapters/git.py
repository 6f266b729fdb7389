"""The one door to git: a scrubbed environment, our own timeouts, the process group killed, -z and porcelain parsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.proof import Unreachable
from coordinator.domain.tree import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class RefUpdate:
    """One ref of a push: `expected` None means it must not exist, `new` None deletes it."""

    ref: str
    expected: Oid | None
    new: Oid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReply:
    """What git said, which is a hint and never the outcome.

    `kind`: ok; rejected (at least one ref was refused, see `lines`); timeout; unreachable (auth and host
    key faults too). `lines` maps a ref to what porcelain said of it.
    """

    kind: Literal["ok", "rejected", "timeout", "unreachable"]
    lines: dict[str, str]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who, and when: unix seconds, always written as +0000."""

    name: str
    email: str
    timestamp: int


class Git(Protocol):
    """One bare repository and its remote. Safe to call from several threads."""

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns (type, content) of an object. Raises MissingObject."""
        ...

    def write(self, kind: Literal["blob", "tree"], content: bytes) -> Oid:
        """Stores an object, synced to disk."""
        ...

    def commit(
        self,
        *,
        tree: Oid,
        parents: Sequence[Oid],
        message: str,
        author: Signature,
        committer: Signature,
        sign: bool,
    ) -> Oid:
        """Makes a commit object; signs with the user's own git settings. Raises RepositoryError."""
        ...

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        """Tells whether commit `old` is `new` or in its history; False when either is not here."""
        ...

    def merge_trees(self, base: Oid, ours: Oid, theirs: Oid) -> Oid | tuple[RepoPath, ...]:
        """Returns the merged tree, or the paths in conflict. Raises RepositoryError."""
        ...

    def merge_lines(self, base: bytes, ours: bytes, theirs: bytes) -> bytes:
        """Returns three texts merged; lines that both sides changed stand between marks (`diff3`).

        Raises RepositoryError.
        """
        ...

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        """Returns what differs between two trees, file by file, without renames, sorted by path."""
        ...

    def log(
        self, since: Oid | None, tip: Oid, *, count_max: int | None = None
    ) -> Sequence[tuple[Oid, str]]:
        """Returns (commit, message) along first parents, `since` exclusive, oldest first."""
        ...

    def refs(self, prefix: str) -> dict[str, Oid]:
        """Returns local refs below `prefix` (which ends in '/'), or the ref itself."""
        ...

    def set_refs(self, updates: Sequence[RefUpdate]) -> bool:
        """Moves local refs, all or none, each by compare-and-swap; False when one was elsewhere."""
        ...

    def fetch(self, refspecs: Sequence[str], *, prune: bool) -> Unreachable | None:
        """Fetches from the remote, quietly, never prompting; a missing source ref is not an error."""
        ...

    def push(self, updates: Sequence[RefUpdate], *, timeout_s_max: float) -> PushReply:
        """Pushes atomically with an explicit lease for each ref; kills its process group on timeout."""
        ...
