"""The tree of the base with edits over it, in memory: what a worker has changed is what it then sees."""

import base64
from collections.abc import Iterable

from coordinator.domain import grep
from coordinator.domain.names import RepoPath
from coordinator.domain.output import Edit
from coordinator.domain.package import ContextPackage
from coordinator.domain.tree import matches
from coordinator.domain.worker import Found, Tools, UnusableArgument

from . import reading

EDITED_BYTES_MAX = 20_000_000


class EditedTree:
    """The files of `tools` with edits over them; nothing is written anywhere until `edits` is asked for."""

    def __init__(self, package: ContextPackage, tools: Tools) -> None:
        self._package = package
        self._tools = tools
        self._over: dict[RepoPath, bytes | None] = {}

    def paths(self, glob: str) -> tuple[RepoPath, ...]:
        """Returns the files that match `glob`, sorted."""
        there = {path for path in self._tools.paths(glob) if path not in self._over}
        made = {p for p, content in self._over.items() if content is not None and matches(p, glob)}
        return tuple(sorted(there | made))

    def read(self, path: RepoPath) -> bytes | None:
        """Returns the content of a file; None when there is none."""
        return self._over[path] if path in self._over else self._tools.read(path)

    def grep(self, pattern: str, glob: str) -> Found:
        """Returns the lines that match, those of edited files as they are now."""
        found = self._tools.grep(pattern, glob)
        wanted = grep.expression(pattern)
        lines = [line for line in found.lines if line.path not in self._over]
        for path, content in self._over.items():
            if content is not None and matches(path, glob):
                lines += grep.lines(path, content, wanted, count_max=grep.LINES_MAX)
        lines.sort(key=lambda line: (line.path, line.number))
        more = found.more or len(lines) > grep.LINES_MAX
        return Found(lines=tuple(lines[: grep.LINES_MAX]), more=more)

    def replace(self, path: RepoPath, old: str, new: str) -> None:
        """Puts `new` in the place of `old`, which must be there exactly once."""
        text = self.text(path)
        count = text.count(old) if old else 0
        if not count:
            raise UnusableArgument(f"`old` is not in {path}; it must be there letter by letter")
        if count > 1:
            raise UnusableArgument(
                f"`old` is {count} times in {path}; give more of what stands around it"
            )
        self.write(path, text.replace(old, new))

    def write(self, path: RepoPath, content: str) -> None:
        """Gives a file its whole new content."""
        self._changeable(path)
        held = sum(len(other or b"") for p, other in self._over.items() if p != path)
        raw = content.encode("utf-8", "surrogateescape")
        if held + len(raw) > EDITED_BYTES_MAX:
            raise UnusableArgument(f"all edits together may have {EDITED_BYTES_MAX} bytes")
        self._over[path] = raw

    def delete(self, path: RepoPath) -> None:
        """Takes a file away."""
        self._changeable(path)
        if self.read(path) is None:
            raise UnusableArgument(f"there is no file {path}")
        self._over[path] = None

    def text(self, path: RepoPath) -> str:
        """Returns the content of a text file, bytes that are no UTF-8 as surrogates."""
        content = self.read(path)
        if content is None:
            raise UnusableArgument(f"there is no file {path}")
        if b"\0" in content:
            raise UnusableArgument(f"{path} is no text")
        return content.decode("utf-8", "surrogateescape")

    def edits(self) -> tuple[Edit, ...]:
        """Returns what differs from the base, by path; a file keeps its mode."""
        return tuple(
            Edit(
                path=path,
                mode="100755" if self._tools.executable(path) else "100644",
                content_b64=None if content is None else base64.b64encode(content).decode("ascii"),
            )
            for path, content in self._differing()
        )

    def _differing(self) -> Iterable[tuple[RepoPath, bytes | None]]:
        return (
            (path, content)
            for path, content in sorted(self._over.items())
            if content != self._tools.read(path)
        )

    def _changeable(self, path: RepoPath) -> None:
        parts = path.split("/")
        if path.startswith("/") or any(part in ("", ".", "..") for part in parts):
            raise UnusableArgument(f"{path!r} is no path of a file in the repository")
        if not reading.changeable(self._package, path):
            raise UnusableArgument(f"SCOPE does not let {path} be changed")
