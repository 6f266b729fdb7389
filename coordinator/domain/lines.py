"""Which lines a change adds and how many it removes."""

import difflib
import re
from collections import Counter
from dataclasses import dataclass

_EXACT_LINES_MAX = 2_000
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What a diff says of one file; a binary file counts as one line."""

    added: tuple[str, ...]
    removed: int

    @property
    def size(self) -> int:
        """Returns added plus removed lines."""
        return len(self.added) + self.removed


def delta(before: bytes | None, after: bytes | None) -> Delta:
    """Returns the lines that differ; in a very long difference, lines that only moved do not count."""
    old, new = _lines(before), _lines(after)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if not old or not new:
        return Delta(added=tuple(new), removed=len(old))
    if len(old) + len(new) > _EXACT_LINES_MAX:
        gained, lost = Counter(new), Counter(old)
        added_lines = tuple((gained - lost).elements())
        return Delta(added=added_lines, removed=(lost - gained).total())
    added: list[str] = []
    removed = 0
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, a_start, a_end, b_start, b_end in matcher.get_opcodes():
        if tag != "equal":
            removed += a_end - a_start
            added.extend(new[b_start:b_end])
    return Delta(added=tuple(added), removed=removed)


def _lines(content: bytes | None) -> list[str]:
    if not content:
        return []
    if b"\0" in content[:8000]:
        return [content.decode("latin-1")]
    # Not splitlines(): only a line feed ends a line for git.
    return _LINE.findall(content.decode("utf-8", "surrogateescape"))
