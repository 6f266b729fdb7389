"""Has git merge the lines of files: whole files of two trees, or one text with marks where sides clash."""

import re
from collections.abc import Callable

from coordinator.adapters.git_command import Finished
from coordinator.adapters.git_failures import failed
from coordinator.adapters.git_store import ObjectStore
from coordinator.domain.names import Oid
from coordinator.domain.tree import Entry, decode, encode

_NAME = "0"


class LineMerge:
    """Merges over one repository; `run` is its plumbing."""

    def __init__(self, run: Callable[..., Finished], store: ObjectStore) -> None:
        self._run = run
        self._store = store

    def merged_files(self, base: Oid, ours: Oid, theirs: Oid) -> Oid | tuple[str, ...]:
        """Returns the flat tree that comes of three, or the names in conflict. Raises RepositoryError."""
        tree, names = self._merged(base, ours, theirs)
        return names or tree

    def merged_text(self, base: bytes, ours: bytes, theirs: bytes) -> bytes:
        """Returns one text of three, with marks (`diff3`) around lines in conflict. Raises RepositoryError."""
        trees = [
            self._store.write(
                "tree", encode({_NAME: Entry("100644", self._store.write("blob", side))})
            )
            for side in (base, ours, theirs)
        ]
        tree, _ = self._merged(*trees)
        found = decode(self._store.read(tree)[1])[_NAME]
        return self._store.read(found.oid)[1]

    def _merged(self, base: Oid, ours: Oid, theirs: Oid) -> tuple[Oid, tuple[str, ...]]:
        # git 2.39 has no --merge-base: three commits of our own say what the base is.
        first = self._synthetic(base)
        finished = self._run(
            *("-c", "merge.conflictStyle=diff3"),
            *("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"),
            self._synthetic(ours, first),
            self._synthetic(theirs, first),
        )
        fields = finished.out.decode("utf-8", "surrogateescape").split("\0")
        if not re.fullmatch(r"[0-9a-f]{40}", fields[0]) or finished.code not in (0, 1):
            # Code 1 without a tree is an object that is not there, never a conflict.
            raise failed("a merge failed", finished)
        names = dict.fromkeys(field for field in fields[1:] if field)
        return Oid(fields[0]), tuple(names) if finished.code == 1 else ()

    def _synthetic(self, tree: Oid, *parents: Oid) -> Oid:
        lines = [f"tree {tree}", *[f"parent {parent}" for parent in parents]]
        lines += [f"{role} merge <merge@localhost> 0 +0000" for role in ("author", "committer")]
        return self._store.write("commit", ("\n".join(lines) + "\n\n").encode())
