"""Git tree objects as values: encode, decode, and what an edit along a path is."""

import functools
import re
from dataclasses import dataclass
from typing import Literal

from .names import Oid, RepoPath

Mode = Literal["100644", "100755", "120000", "160000", "040000"]

_MODES: dict[bytes, Mode] = {
    b"100644": "100644",
    b"100755": "100755",
    b"100664": "100644",
    b"120000": "120000",
    b"160000": "160000",
    b"40000": "040000",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree."""

    mode: Mode
    oid: Oid

    @property
    def is_tree(self) -> bool:
        """Tells whether it is a folder."""
        return self.mode == "040000"

    @property
    def is_file(self) -> bool:
        """Tells whether it is a file of its own: no folder, symbolic link or submodule."""
        return self.mode in ("100644", "100755")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of `diff-tree --raw`: a path before and after; None where it does not exist."""

    path: RepoPath
    before: Entry | None
    after: Entry | None


def decode(content: bytes) -> dict[str, Entry]:
    """Returns the entries of a tree object (SHA-1), by name, in git's order."""
    entries: dict[str, Entry] = {}
    position = 0
    while position < len(content):
        space = content.index(b" ", position)
        null = content.index(b"\0", space)
        name = content[space + 1 : null].decode("utf-8", "surrogateescape")
        oid = Oid(content[null + 1 : null + 21].hex())
        entries[name] = Entry(_MODES.get(content[position:space], "100644"), oid)
        position = null + 21
    return entries


def encode(entries: dict[str, Entry]) -> bytes:
    """Returns the bytes of the tree object with `entries`, in git's order (folders sort as 'name/')."""

    def key(item: tuple[str, Entry]) -> bytes:
        return item[0].encode("utf-8", "surrogateescape") + (b"/" if item[1].is_tree else b"")

    return b"".join(
        entry.mode.lstrip("0").encode()
        + b" "
        + name.encode("utf-8", "surrogateescape")
        + b"\0"
        + bytes.fromhex(entry.oid)
        for name, entry in sorted(entries.items(), key=key)
    )


@functools.lru_cache(maxsize=4096)  # the same few are asked about at every look
def matches(path: str, pattern: str) -> bool:
    """Tells whether `path` is inside `pattern`: a file, a folder (all below it), or a glob.

    `*` and `?` stop at '/', `**` does not; `.` and `**` mean everything.
    """
    plain = pattern.removeprefix("./").rstrip("/")
    if plain in ("", ".", "**", "**/*"):
        return True
    if not any(c in plain for c in "*?["):
        return path == plain or path.startswith(plain + "/")
    return _compiled(plain).match(path) is not None


def literal_folder(pattern: str) -> RepoPath:
    """Returns the longest folder (or the file) that `pattern` names literally; '' is the whole tree."""
    plain = pattern.removeprefix("./").rstrip("/")
    if plain in ("", "."):
        return RepoPath("")
    parts = plain.split("/")
    for i, part in enumerate(parts):
        if any(c in part for c in "*?["):
            return RepoPath("/".join(parts[:i]))
    return RepoPath(plain)


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_regex(pattern) + r"(?:/.*)?\Z", re.DOTALL)


def _regex(pattern: str) -> str:
    out = []
    i = 0
    while i < len(pattern):
        if pattern.startswith("**/", i):
            out.append("(?:.*/)?")
            i += 3
        elif pattern.startswith("**", i):
            out.append(".*")
            i += 2
        elif pattern[i] == "*":
            out.append("[^/]*")
            i += 1
        elif pattern[i] == "?":
            out.append("[^/]")
            i += 1
        elif pattern[i] == "[" and "]" in pattern[i + 2 :]:
            end = pattern.index("]", i + 2)
            body = pattern[i + 1 : end].replace("\\", "\\\\")
            out.append("[" + ("^" + body[1:] if body[0] in "!^" else body) + "]")
            i = end + 1
        else:
            out.append(re.escape(pattern[i]))
            i += 1
    return "".join(out)
