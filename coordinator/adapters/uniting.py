"""Puts what one output changes on top of what others did, path by path and line by line.

Stricter than a merge of two branches: what a side deleted, gave another mode or made of other bytes
than a text is never merged with what another side did to the same path. Nothing is followed: a path is a path.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from coordinator.domain import overlap
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.overlap import Overlap, United
from coordinator.domain.tree import Change, Entry

_TEXTS = ("100644", "100755")
_BYTES_MAX = 10_000_000  # of one file; the screen takes none that is larger


class Trees(Protocol):
    """What uniting needs of Objects."""

    def entry(self, tree: Oid, path: RepoPath) -> Entry | None:
        """Returns what `path` is in `tree`."""
        ...

    def content(self, oid: Oid) -> bytes:
        """Returns a blob."""
        ...

    def blob(self, content: bytes) -> Oid:
        """Stores content."""
        ...

    def edit(self, tree: Oid, edits: Mapping[RepoPath, Entry | None]) -> Oid:
        """Returns `tree` with the paths set or removed."""
        ...


def united(
    onto: Oid,
    start: Oid,
    changes: Iterable[Change],
    *,
    trees: Trees,
    merge: Callable[[bytes, bytes, bytes], bytes],
) -> United:
    """Returns `onto` with `changes`, which were made to `start`; where they overlap, `onto` stands."""
    made = tuple(changes)
    removed = {change.path for change in made if change.after is None}
    edits: dict[RepoPath, Entry | None] = {}
    overlaps = []
    for change in made:
        here = trees.entry(onto, change.path)
        if here == change.after:
            continue
        if _stands_as_found(change, here, onto, start, removed, trees=trees):
            edits[change.path] = change.after
            continue
        found = _lines(change, here, trees=trees, merge=merge)
        if isinstance(found, Entry):
            edits[change.path] = found
        else:
            overlaps.append(found)
    return United(tree=trees.edit(onto, edits), overlaps=tuple(overlaps))


def _stands_as_found(
    change: Change,
    here: Entry | None,
    onto: Oid,
    start: Oid,
    removed: set[RepoPath],
    *,
    trees: Trees,
) -> bool:
    """Tells whether nobody else touched the path, or made a folder of it, or a file of a folder above."""
    if here is not None and here.is_tree:
        return here == trees.entry(start, change.path)
    if here != change.before:
        return False
    if change.after is None or here is not None:
        return True
    above = [RepoPath(change.path[:i]) for i, c in enumerate(change.path) if c == "/"]
    found = [(path, trees.entry(onto, path)) for path in above]
    return not any(e is not None and not e.is_tree and p not in removed for p, e in found)


def _lines(
    change: Change,
    here: Entry | None,
    *,
    trees: Trees,
    merge: Callable[[bytes, bytes, bytes], bytes],
) -> Entry | Overlap:
    """Returns the file with the lines of both sides, or where they clash."""
    clash = Overlap(path=change.path, before=change.before, ours=here, theirs=change.after)
    before, after = change.before, change.after
    if before is None or here is None or after is None:
        return clash
    if before.mode not in _TEXTS or not before.mode == here.mode == after.mode:
        return clash
    contents = [trees.content(entry.oid) for entry in (before, here, after)]
    if not all(overlap.is_text(one) and len(one) <= _BYTES_MAX for one in contents):
        return clash
    first, ours, theirs = (overlap.guarded(one) for one in contents)
    found = overlap.parts(merge(first, ours, theirs))
    if overlap.clashing(found):
        return Overlap(path=change.path, before=before, ours=here, theirs=after, parts=found)
    content = overlap.text(found, lambda part: part.ours)
    return Entry(before.mode, trees.blob(content))
