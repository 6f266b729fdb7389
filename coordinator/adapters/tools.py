"""The read-only tools of a worker, over git objects at the base of its package."""

import posixpath
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from coordinator.adapters import url_checks
from coordinator.adapters.history import BLAMED_LINES_MAX, GitHistory
from coordinator.adapters.url_checks import Ask
from coordinator.domain import grep
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.tree import Entry, matches
from coordinator.domain.web import CheckedUrl
from coordinator.domain.worker import (
    BlamedLine,
    Found,
    FoundLine,
    PastCommit,
    UngrantedTool,
    UnusableArgument,
)
from coordinator.ports import Objects

CONTENT_BYTES_MAX = 20_000_000
GREP_BYTES_MAX = 500_000_000
GREP_S_MAX = 60.0
_FILES_A_BEAT = 250
_NO_HISTORY = "there is no history here"
_FILES = ("100644", "100755")
_LINK_HOPS_MAX = 8


class GitTools:
    """Tools (see domain.worker) over one tree; a call of a tool that is not granted raises UngrantedTool.

    Args:
        objects: the private clone.
        tree: the tree of the base commit.
        granted: names of tools: `list`, `glob`, `read`, `grep`, `log`, `blame`, `show`; `file_write` may
            ask for modes.
        history: what happened before the base, for `log`, `blame` and `show`.
        ask: calls a tool that the daemon runs, for `check_url`.
        used: called at each use, as a sign of life.
        content_bytes_max: a larger file is not shown.
    """

    def __init__(
        self,
        objects: Objects,
        tree: Oid,
        granted: Iterable[str],
        *,
        history: GitHistory | None = None,
        ask: Ask | None = None,
        used: Callable[[], None] = lambda: None,
        content_bytes_max: int = CONTENT_BYTES_MAX,
    ) -> None:
        self._objects = objects
        self._tree = tree
        self._granted = frozenset(granted)
        self._past = history
        self._ask = ask
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
        self._grant("read", "file_write")
        entry = self._files.get(path)
        if entry is None:
            return None
        content = self._objects.content(entry.oid)
        return content if len(content) <= self._content_bytes_max else None

    def executable(self, path: RepoPath) -> bool:
        """Tells whether the file `path` has mode 100755."""
        self._grant("list", "glob", "file_write")
        entry = self._files.get(path)
        return entry is not None and entry.mode == "100755"

    def grep(self, pattern: str, glob: str = "**") -> Found:
        """Returns the lines of text files that the regular expression matches, in order.

        It stops after a number of lines, bytes and seconds, between two files; `more` then says so.
        An expression that never ends on one text is ended with the process that this runs in.
        """
        self._grant("grep")
        wanted = grep.expression(pattern)
        end_s = time.monotonic() + GREP_S_MAX
        bytes_left = GREP_BYTES_MAX
        lines: list[FoundLine] = []
        paths = [path for path in self._files if matches(path, glob)]
        for number, path in enumerate(paths):
            if number % _FILES_A_BEAT == 0:
                self._used()
            if bytes_left <= 0 or time.monotonic() > end_s:
                return Found(lines=tuple(lines), more=True)
            content = self._objects.content(self._files[path].oid)
            bytes_left -= len(content)
            if len(content) > self._content_bytes_max:
                continue
            lines += grep.lines(path, content, wanted, count_max=grep.LINES_MAX + 1 - len(lines))
            if len(lines) > grep.LINES_MAX:
                return Found(lines=tuple(lines[: grep.LINES_MAX]), more=True)
        return Found(lines=tuple(lines))

    def log(self, path: RepoPath = RepoPath(""), count: int = 20) -> tuple[PastCommit, ...]:
        """Returns the newest `count` commits that touch `path`, newest first."""
        self._grant("log")
        return self._history.log(path, count)

    def blame(self, path: RepoPath) -> tuple[BlamedLine, ...] | None:
        """Returns each line of the file `path` with its commit; None when it is no file or too large."""
        self._grant("blame")
        entry = self._files.get(path)
        if entry is None:
            return None
        content = self._objects.content(entry.oid)
        if len(content) > self._content_bytes_max:
            return None
        if b"\0" in content or content.count(b"\n") > BLAMED_LINES_MAX:
            told = f"{path} is no text of at most {BLAMED_LINES_MAX} lines"
            raise UnusableArgument(told)
        return self._history.blame(path)

    def show(self, commit: str, path: RepoPath = RepoPath("")) -> bytes | None:
        """Returns the file `path` as of `commit`, or without one what the commit changed.

        None when the commit does not lead to the base, or the file is not in it or larger than the limit.
        """
        self._grant("show")
        found = self._history.find(commit)
        if found is None:
            return None
        if not path:
            return self._history.patch(found)
        entry = self._objects.entry(self._objects.tree_of(found), path)
        if entry is None or entry.mode not in _FILES:
            return None
        content = self._objects.content(entry.oid)
        return content if len(content) <= self._content_bytes_max else None

    def check_urls(self, urls: Iterable[str], *, within_s: float) -> Mapping[str, CheckedUrl]:
        """Returns what is wrong with each URL, asking the daemon about it once.

        What has no answer within that time is left unchecked.
        """
        self._grant("check_url")
        if self._ask is None:  # who granted it opened no way to the daemon
            raise UngrantedTool("check_url")
        return url_checks.check(urls, self._ask, within_s=within_s, used=self._used)

    @property
    def _history(self) -> GitHistory:
        if self._past is None:
            raise UnusableArgument(_NO_HISTORY)
        return self._past

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
