"""What two outputs change in the same place: the lines of each side, and what of a file they agree on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .names import Oid, RepoPath
from .tree import Entry

_LINE = re.compile(rb"[^\n]*\n")
_WHOLE, _OPEN = b" ", b"~"  # before a line that ends, and before one at the end that does not


@dataclass(frozen=True, slots=True)
class Agreed:
    """Lines that stand whoever is right: only one side changed them, or none."""

    lines: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Clashing:
    """Lines that both sides changed; `line` is where they begin in the text as `ours` has it, 1-based."""

    line: int
    base: bytes
    ours: bytes
    theirs: bytes


Part = Agreed | Clashing


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One path that both sides changed, and how; without `parts` its lines cannot be merged.

    That is so where a side deletes it, changes its mode, or makes it something else than a text.
    """

    path: RepoPath
    before: Entry | None
    ours: Entry | None
    theirs: Entry | None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """A tree with what a second output changes; where that overlaps, it stays as it was."""

    tree: Oid
    overlaps: tuple[Overlap, ...] = ()


def guarded(content: bytes) -> bytes:
    """Returns a text in which no line can be taken for a mark of a merge, and every line ends."""
    if not content:
        return b""
    lines = content.split(b"\n")
    last = lines.pop()
    kept = [_WHOLE + line + b"\n" for line in lines]
    return b"".join([*kept, *([_OPEN + last + b"\n"] if last else [])])


def parts(marked: bytes) -> tuple[Part, ...]:
    """Returns what git made of three guarded texts, marked in its `diff3` style, part by part."""
    found: list[Part] = []
    sides: dict[bytes, list[bytes]] = {}
    at, line = b"", 1
    for one in _LINE.findall(marked):
        mark = one[:1]
        if mark in (_WHOLE, _OPEN):
            sides.setdefault(at, []).append(one)
            continue
        if mark == b"<":
            line += _agree(sides, found)
        elif mark == b">":
            clash = _clash(sides, line)
            line += clash.ours.count(b"\n")
            found.append(clash)
        at = b"" if mark == b">" else mark
    _agree(sides, found)
    return tuple(found)


def text(parts: Sequence[Part], chosen: Callable[[Clashing], bytes]) -> bytes:
    """Returns the file: what is agreed, and at each other place what is chosen for it."""
    whole = b""
    for part in parts:
        more = part.lines if isinstance(part, Agreed) else chosen(part)
        open_end = bool(whole) and bool(more) and not whole.endswith(b"\n")
        whole += (b"\n" if open_end else b"") + more
    return whole


def clashing(parts: Sequence[Part]) -> tuple[Clashing, ...]:
    """Returns the places on which the sides differ."""
    return tuple(part for part in parts if isinstance(part, Clashing))


def is_text(content: bytes) -> bool:
    """Tells whether lines can be merged, as git tells it."""
    return b"\0" not in content[:8000]


def _agree(sides: dict[bytes, list[bytes]], found: list[Part]) -> int:
    """Adds the lines before a mark, and returns their number."""
    lines = sides.pop(b"", [])
    if lines:
        found.append(Agreed(_plain(lines)))
    return len(lines)


def _clash(sides: dict[bytes, list[bytes]], line: int) -> Clashing:
    base, ours, theirs = (_plain(sides.pop(mark, [])) for mark in (b"|", b"<", b"="))
    return Clashing(line=line, base=base, ours=ours, theirs=theirs)


def _plain(lines: Sequence[bytes]) -> bytes:
    """Returns guarded lines as they were."""
    return b"".join(one[1:-1] if one[:1] == _OPEN else one[1:] for one in lines)
