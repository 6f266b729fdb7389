"""The tools of a model: what its package grants, as JSON Schemas, and what comes of a call."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.domain.names import RepoPath
from coordinator.domain.output import Changes, CouldNot
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import (
    PastCommit,
    Tools,
    UngrantedTool,
    UnusableAnswer,
    UnusableArgument,
)

from . import reply
from .daemon_tools import RemoteTools
from .edited import EditedTree
from .tool_list import EDITING, Tool, offered

RESULT_CHARS_MAX = 40_000
_ROWS_MAX = 1_000
_LINES_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gave, or (`failed`) why it gave nothing."""

    text: str
    failed: bool = False


class Toolbox:
    """The tools of one attempt, and the edits made with them."""

    def __init__(self, package: ContextPackage, tools: Tools, remote: RemoteTools) -> None:
        self._package = package
        self._tools = tools
        self._remote = remote
        self._tree = EditedTree(package, tools)
        self.offered: Sequence[Tool] = offered(package)
        self.given_up: CouldNot | None = None

    def call(self, name: str, arguments: Any) -> Result:
        """Returns what the tool gave; a fault of the call is told, so that the model can mend it.

        Raises UngrantedTool for a tool that was not offered.
        """
        tool = next((one for one in self.offered if one.name == name), None)
        if tool is None:
            raise UngrantedTool(name)
        try:
            given = tool.arguments(arguments)
            done = self._remote.call(name, given) if tool.remote else self._does(name, given)
        except UnusableArgument as fault:
            return Result(_cut(str(fault)), failed=True)
        return Result(_cut(done))

    def changes(self, summary: str) -> Changes | None:
        """Returns the edits so far; None when nothing differs from the base."""
        edits = self._tree.edits()
        return Changes(edits=edits, summary=summary) if edits else None

    @property
    def can_edit(self) -> bool:
        """Tells whether files can be changed at all."""
        return any(tool.name in EDITING for tool in self.offered)

    def _does(self, name: str, given: Mapping[str, Any]) -> str:
        does: dict[str, Callable[..., str]] = {
            "list": self._list,
            "glob": self._glob,
            "read": self._read,
            "grep": self._grep,
            "log": self._log,
            "blame": self._blame,
            "show": self._show,
            "edit": self._edit,
            "write": self._write,
            "delete": self._delete,
            "could_not": self._could_not,
        }
        return does[name](**given)

    def _list(self, folder: str = "") -> str:
        here = _path(folder)
        names = set()
        for path in self._tree.paths(here or "**"):
            rest = path.removeprefix(f"{here}/") if here else path
            name, slash, _ = rest.partition("/")
            names.add(name + slash)
        if here and (not names or names == {here}):
            raise UnusableArgument(f"there is no folder {here}")
        return _rows(sorted(names))

    def _glob(self, pattern: str) -> str:
        return _rows(self._tree.paths(pattern)) or "no file matches"

    def _read(self, path: str, first_line: int = 1, lines: int = _LINES_SHOWN) -> str:
        held = self._tree.text(_path(path)).splitlines(keepends=True)
        return _part(held, first_line, lines) if held else "the file is empty"

    def _grep(self, pattern: str, glob: str = "**") -> str:
        found = self._tree.grep(pattern, glob)
        rows = [f"{line.path}:{line.number}:{line.text}" for line in found.lines]
        more = ["there may be more: narrow the pattern or the glob"] if found.more else []
        return "\n".join([*rows, *more]) or "nothing matches"

    def _log(self, path: str = "", count: int = 20) -> str:
        commits = self._tools.log(_path(path), count)
        return "\n".join(_told(one) for one in commits) or "no commit"

    def _blame(self, path: str, first_line: int = 1, lines: int = _LINES_SHOWN) -> str:
        blamed = self._tools.blame(_path(path))
        if blamed is None:
            raise UnusableArgument(f"there is no file {path}")
        rows = [
            f"{one.number} {one.commit.oid[:10]} {_day(one.commit)} {one.commit.author}: {one.text}\n"
            for one in blamed
        ]
        return _part(rows, first_line, lines)

    def _show(self, commit: str, path: str = "") -> str:
        shown = self._tools.show(commit, _path(path))
        if shown is None:
            raise UnusableArgument(f"there is no {path or 'commit'} at {commit}")
        if b"\0" in shown:
            raise UnusableArgument(f"{path or commit} is no text")
        return shown.decode("utf-8", "replace") or "the file is empty"

    def _edit(self, path: str, old: str, new: str) -> str:
        self._tree.replace(_path(path), old, new)
        return f"{path} is changed"

    def _write(self, path: str, content: str) -> str:
        self._tree.write(_path(path), content)
        return f"{path} is written"

    def _delete(self, path: str) -> str:
        self._tree.delete(_path(path))
        return f"{path} is deleted"

    def _could_not(self, why: str, text: str) -> str:
        try:
            self.given_up = reply.could_not(why, text)
        except UnusableAnswer as fault:
            raise UnusableArgument(str(fault)) from fault
        return "noted"


def _path(said: str) -> RepoPath:
    plain = said.strip().removeprefix("./")
    return RepoPath("" if plain in (".", "/") else plain.rstrip("/"))


def _part(lines: Sequence[str], first: int, count: int) -> str:
    """Returns some of `lines`, with a word about the rest."""
    if not 1 <= first <= len(lines):
        raise UnusableArgument(f"first_line must be from 1 to {len(lines)}, not {first}")
    if count < 1:
        raise UnusableArgument(f"lines must be 1 or more, not {count}")
    shown: list[str] = []
    chars = 0
    for line in lines[first - 1 : first - 1 + count]:
        chars += len(line)
        if shown and chars > RESULT_CHARS_MAX - 200:
            break
        shown.append(line)
    last = first - 1 + len(shown)
    rest = f"\n[lines {first} to {last} of {len(lines)}]" if len(shown) < len(lines) else ""
    return "".join(shown) + rest


def _rows(names: Sequence[str]) -> str:
    rest = len(names) - _ROWS_MAX
    more = [f"and {rest} more: narrow it"] if rest > 0 else []
    return "\n".join([*names[:_ROWS_MAX], *more])


def _told(commit: PastCommit) -> str:
    return f"{commit.oid[:10]} {_day(commit)} {commit.author}: {commit.subject}"


def _day(commit: PastCommit) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(commit.timestamp))


def _cut(text: str) -> str:
    """Returns `text` as a model can be told it: no lone surrogate, and not without end."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    if len(plain) <= RESULT_CHARS_MAX:
        return plain
    return plain[:RESULT_CHARS_MAX] + f"\n[{len(plain) - RESULT_CHARS_MAX} characters left out]"
