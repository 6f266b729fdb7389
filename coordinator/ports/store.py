"""The private clone as a store: objects, attempts, and the journal that is a cache."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from coordinator.domain.attempt import AttemptId, Returned, Spec
from coordinator.domain.changeset import Changeset
from coordinator.domain.check import CheckResult
from coordinator.domain.names import BriefId, Digest, Oid, RepoPath
from coordinator.domain.output import Output, Usage
from coordinator.domain.overlap import United
from coordinator.domain.package import ContextPackage
from coordinator.domain.past import Past
from coordinator.domain.proof import Claim, Clash, Merged, Planned, Synced
from coordinator.domain.tree import Change, Entry
from coordinator.domain.verdict import Verdict

from .marks import writes


class Objects(Protocol):
    """The private clone without the power to move a ref that anyone else sees. Content-addressed, so safe to repeat."""

    def entry(self, tree: Oid, path: RepoPath) -> Entry | None:
        """Returns what `path` is in `tree` ('' is the tree itself)."""
        ...

    def listing(self, tree: Oid) -> Mapping[str, Entry]:
        """Returns the entries of one tree object."""
        ...

    def walk(self, tree: Oid, under: RepoPath = RepoPath("")) -> Iterable[tuple[RepoPath, Entry]]:
        """Yields every non-folder below `under`, sorted by path."""
        ...

    def content(self, oid: Oid) -> bytes:
        """Returns a blob. Raises MissingObject."""
        ...

    def read(self, tree: Oid, path: RepoPath) -> bytes | None:
        """Returns the content of the file at `path`; None when there is no file (a folder, a submodule)."""
        ...

    def tree_of(self, commit: Oid) -> Oid:
        """Returns the tree of a commit. Raises MissingObject."""
        ...

    def dated(self, commit: Oid) -> int:
        """Returns when a commit was made, in unix seconds, by the clock of whoever made it. Raises MissingObject."""
        ...

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        """Returns what differs between two trees, without renames; the cost follows the change."""
        ...

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        """Tells whether commit `old` is `new` or in its history."""
        ...

    @writes
    def product(self, tree: Oid) -> Oid:
        """Returns the tree without record paths: what the gate sees and what its result is keyed by."""
        ...

    @writes
    def merge(self, changeset: Changeset, *, claim: Claim | None, synced: Synced) -> Merged | Clash:
        """Puts a claimed changeset on the synced tip: product paths only (rule L3).

        `claim` is None for a revert alone (rule D3).
        """
        ...

    @writes
    def unite(self, onto: Oid, start: Oid, result: Oid) -> United:
        """Returns `onto` with what `result` changes of `start`, line by line; where that overlaps, `onto` stands."""
        ...

    def log(
        self, since: Oid | None, tip: Oid, *, count_max: int | None = None
    ) -> Sequence[tuple[Oid, str]]:
        """Returns (commit, message) along the first parents, `since` exclusive, oldest first.

        With `count_max` only the newest that many.
        """
        ...

    @writes
    def blob(self, content: bytes) -> Oid:
        """Stores content."""
        ...

    @writes
    def edit(self, tree: Oid, edits: Mapping[RepoPath, Entry | None]) -> Oid:
        """Returns `tree` with the paths set (files or whole folders) or removed; the cost follows the change."""
        ...


class Attempts(Protocol):
    """Packages, outputs and verdicts: refs/orchestrator/attempts/..., create-only, here and on the remote."""

    @writes
    def package(self, package: ContextPackage) -> Oid:
        """Stores a package and returns its blob."""
        ...

    @writes
    def keep_output(self, spec: Spec, output: Output) -> Oid:
        """Keeps an output, as the commit and ref of the attempt, in the private clone; repeatable.

        Applies the edits of Changes to the base, without judging them; an edit that cannot be a tree entry
        (a name with '..', '.git', an empty part) makes the output a CouldNot that says so.
        """
        ...

    @writes
    def keep_verdict(self, attempt: AttemptId, verdict: Verdict) -> None:
        """Keeps a verdict, beside the attempt."""
        ...

    @writes
    def publish(self, brief: BriefId) -> bool:
        """Pushes what the remote lacks of this brief's attempts and verdicts; False when it could not."""
        ...

    def unpublished(self) -> frozenset[BriefId]:
        """Returns briefs with attempts or verdicts that the remote is not known to have."""
        ...

    @writes
    def fetch(self, brief: BriefId) -> bool:
        """Brings what others published of this brief; False when the remote could not be read."""
        ...

    def of(self, brief: BriefId) -> tuple[Returned, ...]:
        """Returns what is kept here, oldest first."""
        ...


class Journal(Protocol):
    """A cache that may be deleted, never the only place of an accepted fact."""

    @writes
    def intend(self, planned: Planned) -> None:
        """P1: records what is about to be pushed."""
        ...

    @writes
    def settle_intent(self, planned: Planned) -> None:
        """Forgets an intent that landed or is dead."""
        ...

    def intents(self) -> tuple[Planned, ...]:
        """Returns intents whose outcome is not known."""
        ...

    @writes
    def begin(self, spec: Spec) -> None:
        """Records an attempt before it starts; nothing when it is recorded."""
        ...

    @writes
    def end(self, attempt: AttemptId, *, usage: Usage, reason: str) -> None:
        """Records how an attempt ended ('' = it returned)."""
        ...

    def begun(self) -> tuple[tuple[Spec, str | None], ...]:
        """Returns recorded attempts of open briefs with how they ended (None: still running)."""
        ...

    def past(self) -> tuple[Past, ...]:
        """Returns what has not ended, after the newest that have, oldest first: of every brief."""
        ...

    def spent(self, brief: BriefId) -> Mapping[str, Usage]:
        """Returns what each ended attempt of a brief used, by its ref, as far as this journal saw it."""
        ...

    def spent_since(self, timestamp: int) -> float:
        """Returns the US dollars that attempts used which ended at `timestamp` or later, where that is known."""
        ...

    @writes
    def forget(self, brief: BriefId) -> None:
        """Drops the attempts of a brief that is terminal from `begun`; what they used stays known.

        One that has not ended counts with all the money that was set aside for it.
        """
        ...

    @writes
    def keep_check(self, result: CheckResult) -> None:
        """Remembers a check result."""
        ...

    def checks(self) -> Mapping[Digest, CheckResult]:
        """Returns every remembered check result."""
        ...
