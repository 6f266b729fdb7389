"""Whether a landing is still in HEAD: something that it wrote is there as it left it.

Blobs at the paths that it touched are compared, and where one differs, the lines that it added to that
file: one that is still there counts. Nobody is asked who wrote a line, and a file that moved is not followed.
"""

from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import BriefId, Oid, Place, RecordPaths, RepoPath
from coordinator.domain.tree import Change, Entry
from coordinator.ports import Objects

_BYTES_MAX = 2_000_000  # of one file whose lines are compared
_FILE_MODES = ("100644", "100755")


class Surviving:
    """Compares landings with one tip."""

    def __init__(self, objects: Objects, *, tip: Oid, paths: RecordPaths) -> None:
        self._objects = objects
        self._head = objects.tree_of(tip)
        self._paths = paths

    def is_in_head(self, brief: BriefId, landing: Oid, parent: Oid) -> bool:
        """Tells whether something that `landing` wrote is there; a report that is kept with its brief is."""
        try:
            before, after = (self._objects.tree_of(commit) for commit in (parent, landing))
            changes = self._objects.diff(before, after)
            product = [one for one in changes if not self._paths.owns(one.path)]
            if not product:
                return self._has_report(brief, changes)
            return any(self._stands(one) for one in product)
        except RepositoryError:
            return False  # what cannot be read cannot be shown to be there

    def _has_report(self, brief: BriefId, changes: tuple[Change, ...]) -> bool:
        name = next(
            (n for one in changes if (n := one.path.rpartition("/")[2]).startswith("result.")), None
        )
        if name is None:
            return False
        folders = (self._paths.folder(place, brief) for place in Place)
        return any(self._entry(RepoPath(f"{folder}/{name}")) is not None for folder in folders)

    def _stands(self, change: Change) -> bool:
        there = self._entry(change.path)
        if there == change.after:
            return True
        if there is None or change.after is None:
            return False
        added = self._lines(change.after) - self._lines(change.before)
        return not added.isdisjoint(self._lines(there))

    def _entry(self, path: RepoPath) -> Entry | None:
        return self._objects.entry(self._head, path)

    def _lines(self, entry: Entry | None) -> frozenset[bytes]:
        """Returns the lines of a text file that say something."""
        if entry is None or entry.mode not in _FILE_MODES:
            return frozenset()
        content = self._objects.content(entry.oid)
        if len(content) > _BYTES_MAX or b"\0" in content:
            return frozenset()
        return frozenset(line for line in content.splitlines() if line.strip())
