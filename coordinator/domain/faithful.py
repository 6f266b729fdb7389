"""Whether a text written from several others left anything of them out, as far as rules can tell.

Headings, numbers, what list items and table rows are about, and each side of what contradicts must be in it.
"""

import re
from collections.abc import Iterator, Mapping

from .merged_rows import quoted
from .report_rows import item_of, row_of
from .row_keys import plain

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.+?)\s*#*\s*")
_RULE = re.compile(r"[\s|:-]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_REASONS_MAX = 20


def left_out(inputs: Mapping[str, str], text: str) -> tuple[str, ...]:
    """Returns what `text` lacks of the inputs (by name), the first of it; () when nothing is missing."""
    written, numbers = plain(text), set(_NUMBER.findall(text))
    missing: dict[str, None] = {}
    sides: dict[str, dict[str, str]] = {}
    for name, said in inputs.items():
        for kind, key, value in _found(said):
            if plain(key) not in written:
                missing[f"{kind} {quoted(key)!r} of {name} is missing"] = None
            if value:
                sides.setdefault(plain(key), {})[name] = value
        for number in _NUMBER.findall(_unnumbered(said)):
            if number not in numbers:
                missing[f"the number {number} of {name} is missing"] = None
    for about, by_name in sides.items():
        if len({plain(value) for value in by_name.values()}) < 2:
            continue
        for name, value in by_name.items():
            if plain(value) not in written:
                why = f"the inputs contradict each other about {about!r}"
                missing[f"{why}, and what {name} says is missing: {quoted(value)!r}"] = None
    return tuple(missing)[:_REASONS_MAX]


def _found(text: str) -> Iterator[tuple[str, str, str]]:
    """Yields what a text has: of what kind, what it is about, and what is said of it."""
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        heading = _HEADING.fullmatch(line)
        if heading:
            yield "the heading", heading[1], ""
        elif (item := item_of(line)) is not None:
            yield "the item", *item
        elif "|" in line and not (_is_rule(line) or _is_rule(below)):  # nor what columns are called
            yield "the row", *row_of(line)


def _is_rule(line: str) -> bool:
    return "|" in line and "-" in line and _RULE.fullmatch(line) is not None


def _unnumbered(text: str) -> str:
    """Returns a text without the numbers that only count the items of a list."""
    return "\n".join(
        item[0] + " " + item[1] if (item := item_of(line)) else line for line in text.splitlines()
    )
