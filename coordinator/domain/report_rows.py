"""The text of a report as rows, where it has any: list items, members of a JSON array or object, table rows."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from coordinator.domain.brief import Kind

_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(\S.*)")
_CONTINUED = re.compile(r"\s{2,}\S")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_CELL = re.compile(r"(?<!\\)\|")
_PAIR = re.compile(r"(.+?)(?:: | -> | → | => | — | - )(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: `key` is what it is about, `value` all of it.

    `about` and `says` are the same in the form in which rows of several outputs are compared (`row_keys`);
    `within` is the member of an object that the row is an element of.
    """

    key: str
    value: str
    raw: Any
    about: str = ""
    says: str = ""
    within: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A report as rows. `head` is what rows must share to be put together (a table's header).

    `order` has the members of an object, `arrays` those of them whose elements are rows.
    """

    kind: Kind
    head: str
    rows: tuple[Row, ...]
    order: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()


def read(text: str, kind: Kind) -> Rows | str:
    """Returns the rows of `text`, or why it is not of that kind. A report in prose has no rows."""
    match kind:
        case Kind.LIST:
            return _list(text)
        case Kind.JSON:
            return _json(text)
        case Kind.TABLE:
            return _table(text)
        case Kind.REPORT | Kind.CHANGES:
            return "it is prose"


def write(rows: Rows) -> str:
    """Returns the text of `rows`; read(write(r)) gives the same rows back."""
    if rows.head == "{":
        return _dumped(_object(rows))
    if rows.kind is Kind.JSON or rows.head == "[":
        return _dumped([row.raw for row in rows.rows])
    lines = [rows.head] if rows.head else []
    return "\n".join([*lines, *(str(row.raw) for row in rows.rows)]) + "\n"


def strict_json(text: str) -> Any:
    """Returns the JSON value of `text`; NaN and Infinity are none. Raises ValueError."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def elements(values: Iterable[Any]) -> tuple[Row, ...]:
    """Returns the elements of an array as rows; what they are about is told over all arrays (`row_keys`)."""
    return tuple(Row(key=canonical(one), value=canonical(one), raw=one) for one in values)


def canonical(value: Any) -> str:
    """Returns a JSON value on one line, with its keys in order."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def columns(head: str) -> tuple[str, ...]:
    """Returns the names of the columns of a table, by its head."""
    return tuple(cell.casefold() for cell in _cells(head.split("\n", maxsplit=1)[0]))


def item_of(line: str) -> tuple[str, str] | None:
    """Returns what a list item is about, and what it says of it ('' where it is one thing); None if it is none."""
    found = _ITEM.fullmatch(line.rstrip())
    if found is None:
        return None
    pair = _PAIR.fullmatch(found[1])
    return (pair[1], pair[2]) if pair else (found[1], "")


def row_of(line: str) -> tuple[str, str]:
    """Returns the first cell of a table row, and the others as one text."""
    first, *others = _cells(line.strip())
    return first, " | ".join(others)


def _object(rows: Rows) -> dict[str, Any]:
    """Returns the object of its members, elements of arrays in their arrays."""
    members: dict[str, Any] = {row.key: row.raw for row in rows.rows if row.within is None}
    for name in rows.arrays:
        members[name] = [row.raw for row in rows.rows if row.within == name]
    order = dict.fromkeys((*rows.order, *members))
    return {name: members[name] for name in order if name in members}


def _list(text: str) -> Rows | str:
    if text.lstrip().startswith("["):
        try:
            found = strict_json(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return Rows(kind=Kind.LIST, head="[", rows=elements(found))
    items: list[list[str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found_item = _ITEM.fullmatch(line)
        if found_item:
            items.append([line.rstrip()])
        elif items and _CONTINUED.match(line):
            items[-1].append(line.rstrip())
        else:
            return f"line {number} is no list item: {line.strip()[:80]!r}"
    rows = tuple(_item("\n".join(item)) for item in items)
    if [row.value.casefold().strip(" .") for row in rows] == ["none"]:
        rows = ()  # a list of nothing, as people write it
    return Rows(kind=Kind.LIST, head="", rows=rows)


def _item(raw: str) -> Row:
    first = _ITEM.match(raw)
    said = " ".join((first[1] + raw[first.end() :] if first else raw).split())
    pair = _PAIR.fullmatch(said)
    return Row(key=pair[1] if pair else said, value=said, raw=raw)


def _json(text: str) -> Rows | str:
    try:
        value = strict_json(text)
    except ValueError as error:
        return f"it is not JSON: {error}"
    if isinstance(value, list):
        return Rows(kind=Kind.JSON, head="[", rows=elements(value))
    if isinstance(value, dict):
        rows = tuple(Row(key=k, value=canonical(v), raw=v) for k, v in value.items())
        return Rows(kind=Kind.JSON, head="{", rows=rows)
    return Rows(kind=Kind.JSON, head="", rows=(Row(key="", value=canonical(value), raw=value),))


def _table(text: str) -> Rows | str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or "|" not in lines[0] or not _RULE.fullmatch(lines[1]):
        return "it does not start with a header row and a line of dashes"
    header = _cells(lines[0])
    if len(_cells(lines[1])) != len(header):
        return "the line of dashes has another number of cells than the header"
    rows = []
    for number, line in enumerate(lines[2:], 1):
        cells = _cells(line)
        if "|" not in line or len(cells) != len(header):
            return f"row {number} has not the {len(header)} cells of the header: {line[:80]!r}"
        rows.append(Row(key=cells[0], value=" | ".join(cells), raw=line))
    head = f"{lines[0]}\n{lines[1]}"
    return Rows(kind=Kind.TABLE, head=head, rows=tuple(rows))


def _cells(line: str) -> list[str]:
    plain = line.removeprefix("|")
    if plain.endswith("|") and not plain.endswith("\\|"):
        plain = plain[:-1]
    return [" ".join(cell.split()) for cell in _CELL.split(plain)]


def _dumped(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
