"""The read-only tools of a worker, over git objects at the base of its package."""

import posixpath
from collections.abc import Callable, Iterable
from functools import cached_property

from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.tree import Entry, matches
from coordinator.domain.worker import UngrantedTool
from coordinator.ports import Objects

CONTENT_BYTES_MAX = 20_000_000
_FILES = ("100644", "100755")
_LINK_HOPS_MAX = 8


class GitTools:
    """Tools (see domain.worker) over one tree; a call of a tool that is not granted raises UngrantedTool.

    Args:
        objects: the private clone.
        tree: the tree of the base commit.
        granted: names of tools: `list`, `glob`, `read`.
        used: called at each use, as a sign of life.
        content_bytes_max: a larger file is not shown.
    """

    def __init__(
        self,
        objects: Objects,
        tree: Oid,
        granted: Iterable[str],
        *,
        used: Callable[[], None] = lambda: None,
        content_bytes_max: int = CONTENT_BYTES_MAX,
    ) -> None:
        self._objects = objects
        self._tree = tree
        self._granted = frozenset(granted)
        self._used = used
        self._content_bytes_max = content_bytes_max

    def paths(self, glob: str = "**") -> Iterable[RepoPath]:
        """Returns the files at the base that match `glob`, sorted; links and submodules are none."""
        self._grant("list", "glob")
        return tuple(path for path in self._files if matches(path, glob))

    def exists(self, path: RepoPath) -> bool:
        """Tells whether `path` is a file or a folder at the base.

        Symbolic links are followed. What is inside a submodule counts as there: nobody can tell from here.
        """
        self._grant("list", "glob")
        return self._resolved(path, _LINK_HOPS_MAX)

    def read(self, path: RepoPath) -> bytes | None:
        """Returns the content of the file `path`; None when it is no file, or larger than the limit."""
        self._grant("read")
        entry = self._files.get(path)
        if entry is None:
            return None
        content = self._objects.content(entry.oid)
        return content if len(content) <= self._content_bytes_max else None

    def executable(self, path: RepoPath) -> bool:
        """Tells whether the file `path` has mode 100755."""
        self._grant("list", "glob")
        entry = self._files.get(path)
        return entry is not None and entry.mode == "100755"

    @cached_property
    def _files(self) -> dict[RepoPath, Entry]:
        walked = self._objects.walk(self._tree)
        return {path: entry for path, entry in walked if entry.mode in _FILES}

    def _grant(self, *names: str) -> None:
        """Raises UngrantedTool unless one of `names` is granted."""
        self._used()
        if self._granted.isdisjoint(names):
            raise UngrantedTool(names[0])

    def _resolved(self, path: str, hops: int) -> bool:
        parts = posixpath.normpath(path).split("/") if path else []
        for count in range(1, len(parts) + 1):
            here = "/".join(parts[:count])
            entry = self._objects.entry(self._tree, RepoPath(here))
            if entry is None:
                return False
            if entry.mode == "160000":
                return True
            if entry.mode == "120000":
                aim = self._objects.content(entry.oid).decode("utf-8", "surrogateescape")
                if aim.startswith("/") or not hops:
                    return False
                rest = posixpath.join(posixpath.dirname(here), aim, *parts[count:])
                aimed = posixpath.normpath(rest)
                return aimed == "." or self._resolved(aimed, hops - 1)
            if not entry.is_tree:
                return count == len(parts)
        return True
