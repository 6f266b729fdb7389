"""What the tool `grep` finds in one text, whoever holds the text."""

import re

from .names import RepoPath
from .worker import FoundLine, UnusableArgument

LINES_MAX = 500
PATTERN_CHARS_MAX = 1_000
_TEXT_CHARS_MAX = 500
_BINARY_BYTES = 8_000  # git looks for a NUL in as many


def expression(pattern: str) -> re.Pattern[str]:
    """Returns the regular expression, in Python's syntax. Raises UnusableArgument.

    Python's engine can take for ever, so it is only used where the whole process can be killed.
    """
    if len(pattern) > PATTERN_CHARS_MAX:
        raise UnusableArgument(f"the pattern is longer than {PATTERN_CHARS_MAX} characters")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnusableArgument(f"{pattern!r} is no regular expression: {error}") from error


def lines(
    path: RepoPath, content: bytes, wanted: re.Pattern[str], *, count_max: int
) -> tuple[FoundLine, ...]:
    """Returns the first `count_max` lines of `content` that match; none of a binary file."""
    if b"\0" in content[:_BINARY_BYTES]:
        return ()
    found: list[FoundLine] = []
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        shown = line.removesuffix("\r")
        if len(found) == count_max:
            break
        if wanted.search(shown):
            if len(shown) > _TEXT_CHARS_MAX:
                shown = shown[:_TEXT_CHARS_MAX] + "…"
            found.append(FoundLine(path=path, number=number, text=shown))
    return tuple(found)
