"""Which lines a change adds, and how many it adds and removes, in time that no content can stretch."""

import re
from collections import Counter
from dataclasses import dataclass

_EDITS_MAX = 400  # the work grows with its square
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What a diff says of one file; a binary file counts as one line.

    `added` are the lines that were not there before, wherever they stand: one that moved is not new.
    """

    added: tuple[str, ...]
    size: int  # lines added plus lines removed


def delta(before: bytes | None, after: bytes | None) -> Delta:
    """Returns the lines that differ; over 400 edits, lines that only moved are not counted."""
    old, new = _lines(before), _lines(after)
    gained, lost = Counter(new) - Counter(old), Counter(old) - Counter(new)
    at_least = gained.total() + lost.total()
    edits = None if at_least > _EDITS_MAX else _edits(old, new)
    return Delta(added=tuple(gained.elements()), size=at_least if edits is None else edits)


def _edits(old: list[str], new: list[str]) -> int | None:
    """Returns the length of the shortest edit script (Myers' greedy algorithm), None when it is too long."""
    furthest = {1: 0}
    for edits in range(_EDITS_MAX + 1):
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]
            )
            x = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            while x < len(old) and 0 <= x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return edits
    return None


def _lines(content: bytes | None) -> list[str]:
    if not content:
        return []
    if b"\0" in content[:8000]:
        return [content.decode("latin-1")]
    # Not splitlines(): only a line feed ends a line for git.
    return _LINE.findall(content.decode("utf-8", "surrogateescape"))
