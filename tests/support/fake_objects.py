"""Objects in memory under the names that git gives them; decoded trees and commits are kept."""

import hashlib
from collections.abc import Mapping

from coordinator.domain.errors import MissingObject
from coordinator.domain.names import EMPTY_TREE, Oid, RepoPath
from coordinator.domain.tree import Change, Entry, decode, encode

_NOTHING: Mapping[str, Entry] = {}


class FakeObjects:
    """One store for a server and all its clones: content-addressed, so sharing changes nothing."""

    def __init__(self) -> None:
        self._objects: dict[Oid, tuple[str, bytes]] = {EMPTY_TREE: ("tree", b"")}
        self._names: dict[tuple[str, bytes], Oid] = {}
        self._trees: dict[Oid, dict[str, Entry]] = {EMPTY_TREE: {}}
        self._commits: dict[Oid, tuple[tuple[Oid, ...], str]] = {}
        self._depths: dict[Oid, int] = {}
        self._ancestry: dict[tuple[Oid, Oid], bool] = {}
        self._merges: dict[tuple[Oid, Oid, Oid], Oid | tuple[RepoPath, ...]] = {}
        self._diffs: dict[tuple[Oid, Oid], tuple[Change, ...]] = {}

    def kind(self, oid: Oid) -> str | None:
        found = self._objects.get(oid)
        return found[0] if found else None

    def read(self, oid: Oid) -> tuple[str, bytes]:
        if oid not in self._objects:
            raise MissingObject(f"object {oid} is nowhere")
        return self._objects[oid]

    def write(self, kind: str, content: bytes) -> Oid:
        known = self._names.get((kind, content))
        if known:
            return known
        head = f"{kind} {len(content)}".encode() + b"\0"
        oid = Oid(hashlib.sha1(head + content, usedforsecurity=False).hexdigest())
        self._objects[oid] = (kind, content)
        self._names[(kind, content)] = oid
        if kind == "commit":
            self._keep_commit(oid, content)
        return oid

    def history(self, commit: Oid) -> tuple[tuple[Oid, ...], str]:
        """Returns parents and message."""
        if commit not in self._commits:
            raise MissingObject(f"commit {commit} is nowhere")
        return self._commits[commit]

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        if old not in self._commits or new not in self._commits:
            return False
        return self.is_reachable(old, new)

    def is_reachable(self, old: Oid, new: Oid) -> bool:
        if old == new:
            return True
        key = (old, new)
        if key not in self._ancestry:
            self._ancestry[key] = self._walk_to(old, new)
        return self._ancestry[key]

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        key = (before, after)
        if key not in self._diffs:
            changes: list[Change] = []
            self._differ(self.tree(before), self.tree(after), "", changes)
            changes.sort(key=lambda one: one.path.encode("utf-8", "surrogateescape"))
            self._diffs[key] = tuple(changes)
        return self._diffs[key]

    def merge(self, base: Oid, ours: Oid, theirs: Oid) -> Oid | tuple[RepoPath, ...]:
        if theirs in (base, ours):
            return ours
        if base == ours:
            return theirs
        key = (base, ours, theirs)
        if key not in self._merges:
            clashes: list[RepoPath] = []
            folders = [Entry("040000", oid) for oid in (base, ours, theirs)]
            merged = self._merged_folder(folders[0], folders[1], folders[2], "", clashes)
            self._merges[key] = tuple(sorted(clashes)) or (
                merged.oid if merged else self.write("tree", b"")
            )
        return self._merges[key]

    def tree(self, oid: Oid) -> Mapping[str, Entry]:
        found = self._trees.get(oid)
        if found is None:
            kind, content = self.read(oid)
            if kind != "tree":
                raise MissingObject(f"{oid} is a {kind}")
            found = self._trees[oid] = decode(content)
        return found

    def _keep_commit(self, oid: Oid, content: bytes) -> None:
        head, _, message = content.decode("utf-8", "replace").partition("\n\n")
        lines = [line for line in head.split("\n") if line.startswith("parent ")]
        parents = tuple(Oid(line[7:]) for line in lines)
        self._commits[oid] = (parents, message)
        self._depths[oid] = 1 + max((self._depths[parent] for parent in parents), default=0)

    def _walk_to(self, old: Oid, new: Oid) -> bool:
        depth = self._depths[old]
        waiting, seen = [new], {new}
        while waiting:
            commit = waiting.pop()
            if commit == old:
                return True
            for parent in self._commits[commit][0]:
                if parent not in seen and self._depths[parent] >= depth:
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def _folder(self, entry: Entry | None) -> Mapping[str, Entry]:
        return self.tree(entry.oid) if entry and entry.is_tree else _NOTHING

    def _differ(
        self,
        before: Mapping[str, Entry],
        after: Mapping[str, Entry],
        prefix: str,
        changes: list[Change],
    ) -> None:
        for name in {*before, *after}:
            old, new = before.get(name), after.get(name)
            if old == new:
                continue
            path = RepoPath(prefix + name)
            if (old and old.is_tree) or (new and new.is_tree):
                self._differ(self._folder(old), self._folder(new), f"{path}/", changes)
            file_before = None if old and old.is_tree else old
            file_after = None if new and new.is_tree else new
            if file_before or file_after:
                changes.append(Change(path=path, before=file_before, after=file_after))

    def _merged(
        self,
        base: Entry | None,
        ours: Entry | None,
        theirs: Entry | None,
        path: str,
        clashes: list[RepoPath],
    ) -> Entry | None:
        if theirs in (base, ours):
            return ours
        if base == ours:
            return theirs
        sides = [entry for entry in (base, ours, theirs) if entry is not None]
        if all(entry.is_tree for entry in sides):
            return self._merged_folder(base, ours, theirs, f"{path}/", clashes)
        clashes.append(RepoPath(path))
        return ours

    def _merged_folder(
        self,
        base: Entry | None,
        ours: Entry | None,
        theirs: Entry | None,
        prefix: str,
        clashes: list[RepoPath],
    ) -> Entry | None:
        first, second, third = (self._folder(entry) for entry in (base, ours, theirs))
        merged = {}
        for name in {*first, *second, *third}:
            found = self._merged(
                first.get(name), second.get(name), third.get(name), prefix + name, clashes
            )
            if found:
                merged[name] = found
        return Entry("040000", self.write("tree", encode(merged))) if merged else None
