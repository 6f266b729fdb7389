"""Merges three trees path by path; git itself merges the lines of files that both sides changed.

Not one `merge-tree` over the whole: it follows renames (and in git before 2.50 cannot be told not to),
so a change could come out on a path that nobody claimed. Here a path is a path, folders that one side
left alone are never opened, and most merges need no process at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.tree import Entry, decode, encode

_NOTHING: Mapping[str, Entry] = {}
_REGULAR = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Three:
    """One path on the three sides."""

    base: Entry | None
    ours: Entry | None
    theirs: Entry | None

    @property
    def settled(self) -> bool:
        """Tells whether at most one side changed it, or both in the same way."""
        return self.theirs in (self.base, self.ours) or self.base == self.ours

    @property
    def changed(self) -> Entry | None:
        """Returns what a settled path becomes."""
        return self.ours if self.theirs in (self.base, self.ours) else self.theirs

    @property
    def is_folders(self) -> bool:
        """Tells whether it is a folder wherever it is."""
        return all(one is None or one.is_tree for one in (self.base, self.ours, self.theirs))

    @property
    def is_files(self) -> bool:
        """Tells whether it is a regular file on all sides, so that its lines can be merged."""
        sides = (self.base, self.ours, self.theirs)
        return all(one is not None and one.mode in _REGULAR for one in sides)


@dataclass(slots=True)
class TreeMerge:
    """One merge; `merge_files` gets flat trees of the files changed on both sides."""

    read: Callable[[Oid], tuple[str, bytes]]
    write: Callable[[bytes], Oid]
    merge_files: Callable[[Oid, Oid, Oid], Oid | tuple[str, ...]]
    _clashes: list[str] = field(default_factory=list)
    _both: dict[str, Three] = field(default_factory=dict)
    _merged: dict[str, Entry] = field(default_factory=dict)

    def result(self, base: Oid, ours: Oid, theirs: Oid) -> Oid | tuple[RepoPath, ...]:
        """Returns the merged tree, or every path in conflict, sorted."""
        whole = Three(*(Entry("040000", oid) for oid in (base, ours, theirs)))
        self._look(whole, "")
        self._merge_both()
        if self._clashes:
            return tuple(RepoPath(path) for path in sorted(self._clashes))
        return self._put(whole, "") or self.write(b"")

    def _look(self, three: Three, prefix: str) -> None:
        """Finds what both sides changed."""
        for name, one in self._children(three):
            path = prefix + name
            if one.settled:
                continue
            if one.is_folders:
                self._look(one, f"{path}/")
            elif one.is_files:
                self._both[path] = one
            else:
                self._clashes.append(path)

    def _merge_both(self) -> None:
        if not self._both:
            return
        paths = list(self._both)
        # Flat names: nothing is added or removed between the sides, so there is nothing to follow.
        trees = [
            self.write(encode({str(i): side for i, side in enumerate(sides) if side}))
            for sides in zip(
                *((t.base, t.ours, t.theirs) for t in self._both.values()), strict=True
            )
        ]
        merged = self.merge_files(trees[0], trees[1], trees[2])
        if isinstance(merged, tuple):
            self._clashes += [paths[int(name)] for name in merged]
            return
        entries = self._folder(Entry("040000", merged))
        self._merged = {path: entries[str(i)] for i, path in enumerate(paths)}

    def _put(self, three: Three, prefix: str) -> Oid | None:
        """Writes the merged folder; None when nothing is left in it."""
        entries: dict[str, Entry] = {}
        for name, one in self._children(three):
            path = prefix + name
            if one.settled:
                found = one.changed
            elif one.is_folders:
                folder = self._put(one, f"{path}/")
                found = Entry("040000", folder) if folder else None
            else:
                found = self._merged[path]
            if found:
                entries[name] = found
        return self.write(encode(entries)) if entries else None

    def _children(self, three: Three) -> list[tuple[str, Three]]:
        base, ours, theirs = (self._folder(one) for one in (three.base, three.ours, three.theirs))
        names = dict.fromkeys([*base, *ours, *theirs])
        return [(name, Three(base.get(name), ours.get(name), theirs.get(name))) for name in names]

    def _folder(self, entry: Entry | None) -> Mapping[str, Entry]:
        return decode(self.read(entry.oid)[1]) if entry and entry.is_tree else _NOTHING
