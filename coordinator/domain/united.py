"""What several outputs come to: texts and rows put together, or the places where they contradict."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coordinator.domain import report_rows
from coordinator.domain.brief import Kind
from coordinator.domain.names import Digest, RepoPath, digest
from coordinator.domain.record import one_line
from coordinator.domain.report_rows import Row, Rows
from coordinator.domain.tree import Change

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SENTENCE_CHARS_MAX = 300
_TOLD_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One output by the name of who made it; `empty` when there was nothing to change or to report."""

    name: str
    text: str
    empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """One text (None for changes), and how it came about: for the commit."""

    text: str | None
    summary: str
    compared: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where outputs contradict, and what each says there."""

    where: str
    sides: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What is agreed, and what is not."""

    agreed: str
    places: tuple[Place, ...]


def reports(sides: Sequence[Contribution], kind: Kind) -> Reports | Contradiction:
    """Returns one report: equal ones as they are, rows united, or where they contradict."""
    full = [side for side in sides if not side.empty]
    if not full:
        return Reports(
            text=sides[0].text.strip() + "\n",
            summary=sentence(sides[0].text) or "nothing to report",
            compared=counted(len(sides)),
        )
    texts = {side.text.strip() for side in full}
    if len(full) == len(sides) and len(texts) == 1:
        text = full[0].text
        return Reports(text=text, summary=_said(text, kind, full), compared=_equal(len(full)))
    read = [report_rows.read(side.text, kind) for side in full]
    tables = [rows for rows in read if isinstance(rows, Rows)]
    if len(tables) < len(full) or len({rows.head for rows in tables}) > 1:
        if len(texts) == 1:
            text = full[0].text
            return Reports(text=text, summary=_said(text, kind, full), compared=_equal(len(full)))
        places = tuple((side.name, _told(side.text)) for side in full)
        return Contradiction(
            agreed="Nothing: the texts cannot be put together row by row.",
            places=(Place(where="the report", sides=places),),
        )
    return _rows(full, report_rows.without_twins(tables))


def changes(sides: Sequence[Contribution], *, equal: bool) -> Reports:
    """Returns how changes came together: what the workers say of them, on one line."""
    full = [side for side in sides if not side.empty]
    said = list(dict.fromkeys(sentence(side.text) for side in full if side.text.strip()))
    summary = "; ".join(said) or "change " + _names(full)
    if len(full) == 1:
        return Reports(text=None, summary=summary, compared=counted(len(sides)))
    how = "make the same change" if equal else "change different things"
    return Reports(
        text=None,
        summary=f"{said[0] if equal and said else summary}",
        compared=f"{_number(len(full))} outputs ({_names(full)}) {how}",
    )


def content_digest(
    touched: Iterable[Change], *, report: bytes | None, path: RepoPath | None
) -> Digest:
    """Returns what a changeset is known by, whatever it stands on: an approval binds to it."""
    paths = [
        [c.path, c.after.mode if c.after else None, c.after.oid if c.after else None]
        for c in sorted(touched, key=lambda c: c.path)
    ]
    text = None if report is None else hashlib.sha256(report).hexdigest()
    # JSON escapes lone surrogates, so a path of any bytes has a digest.
    return digest(json.dumps([paths, text, path]).encode())


def sentence(text: str) -> str:
    """Returns the first paragraph of a worker's text, cleaned, on one line and bounded."""
    first = one_line(text.strip().split("\n\n")[0])
    return first if len(first) <= _SENTENCE_CHARS_MAX else first[: _SENTENCE_CHARS_MAX - 1] + "…"


def counted(count: int) -> str:
    """Returns how many outputs were looked at, in words."""
    return "one output" if count == 1 else f"{_number(count)} outputs"


def _rows(sides: Sequence[Contribution], tables: Sequence[Rows]) -> Reports | Contradiction:
    found: dict[str, Row] = {}
    from_whom: dict[str, dict[str, str]] = {}
    for side, rows in zip(sides, tables, strict=True):
        for row in rows.rows:
            found.setdefault(row.key, row)
            from_whom.setdefault(row.key, {})[side.name] = row.value
    places = tuple(
        Place(where=key or "the value", sides=tuple((n, _told(v)) for n, v in values.items()))
        for key, values in from_whom.items()
        if len(set(values.values())) > 1
    )
    shared = sum(len(values) == len(sides) for values in from_whom.values())
    if places:
        agreed = shared - sum(
            len(from_whom[p.where]) == len(sides) for p in places if p.where in from_whom
        )
        told = f"{_rows_word(agreed)} in which all agree, out of {len(from_whom)}."
        return Contradiction(agreed=told, places=places)
    head = tables[0]
    joined = Rows(kind=head.kind, head=head.head, rows=tuple(found.values()))
    only = [
        f"{_rows_word(count)} only from {side.name}"
        for side in sides
        if (count := sum(set(values) == {side.name} for values in from_whom.values()))
    ]
    text = report_rows.write(joined) if only else sides[0].text
    compared = "; ".join([f"{_rows_word(shared)} shared by {_names(sides)}", *only])
    return Reports(
        text=text, summary=f"{_rows_word(len(found))} from {_names(sides)}", compared=compared
    )


def _said(text: str, kind: Kind, sides: Sequence[Contribution]) -> str:
    rows = report_rows.read(text, kind)
    if isinstance(rows, Rows) and rows.head != "{" and not (kind is Kind.JSON and not rows.head):
        found = _rows_word(len(rows.rows))
        return f"{found} from {_names(sides)}"
    return f"{kind} from {_names(sides)}"


def _equal(count: int) -> str:
    return "one output" if count == 1 else f"{_number(count)} equal outputs"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _rows_word(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _names(sides: Sequence[Contribution]) -> str:
    names = [side.name for side in sides]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _told(text: str) -> str:
    said = one_line(text)
    return said if len(said) <= _TOLD_CHARS_MAX else said[: _TOLD_CHARS_MAX - 1] + "…"
