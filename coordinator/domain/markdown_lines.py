"""Which lines of a Markdown text are said, and which only shown: fenced code and HTML comments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPENING = re.compile(r"\s*(?:`{3,}|~{3,})\s*")
_FENCE = re.compile(r" {0,3}(?:[-*+] +)?(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class SaidLine:
    """One line: its number (from 1), where it starts in the text, and its content without the line end."""

    number: int
    start: int
    content: str


def said_lines(text: str) -> Iterator[SaidLine]:
    """Yields the lines outside fenced code and HTML comments; only a line feed ends a line."""
    start = 0
    fence = ""
    in_comment = False
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.removesuffix("\r")
        opens = _FENCE.match(line)
        if in_comment:
            in_comment = "-->" not in line
        elif fence:
            if opens and opens[1].startswith(fence) and not line[opens.end() :].strip("`~ \t"):
                fence = ""
        elif opens:
            fence = opens[1]
        elif line.lstrip().startswith("<!--"):
            in_comment = "-->" not in line
        else:
            yield SaidLine(number, start, line)
        start += len(whole) + 1


def without_fence(line: str) -> str:
    """Returns a line without what would open fenced code at its beginning."""
    return _OPENING.sub("", line, count=1) if _OPENING.match(line) else line
