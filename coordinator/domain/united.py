"""What several outputs come to: texts and rows put together, or the places where they contradict."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.domain import merged_rows, report_rows
from coordinator.domain.brief import Kind
from coordinator.domain.merged_rows import Place, Source, quoted, undecided
from coordinator.domain.names import Digest, RepoPath, digest
from coordinator.domain.record import one_line
from coordinator.domain.report_rows import Rows
from coordinator.domain.ruling import NEITHER, Choose
from coordinator.domain.tree import Change

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SENTENCE_CHARS_MAX = 300
_NAMED_MAX = 10
_SOURCES_MAX = 100
ANYTHING = "whether there is anything to do"
REPORT = "the report"
TOGETHER = "the rows together"
WHOLE = frozenset((ANYTHING, REPORT, TOGETHER))
"""Places at which one side must stand: there is nothing else that could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One output by the name of who made it; `empty` when there was nothing to change or to report.

    Those that were asked the same thing have the same `asked`: they must not contradict each other in that.
    """

    name: str
    text: str
    empty: bool
    asked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """One text (None for changes), and how it came about: for the commit."""

    text: str | None
    summary: str
    compared: str
    sources: tuple[Source, ...] = ()  # whose each row is, where not everybody said all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What is agreed, and what is not."""

    agreed: str
    places: tuple[Place, ...]


def heard(
    sides: Sequence[Contribution], choose: Choose
) -> tuple[tuple[Contribution, ...], tuple[Place, ...]]:
    """Returns the outputs that count, and where one finds nothing to do in what another one does."""
    out: set[str] = set()
    places: list[Place] = []
    for asked in dict.fromkeys(side.asked for side in sides):
        same = [side for side in sides if side.asked == asked]
        idle = {side.name for side in same if side.empty}
        busy = {side.name for side in same} - idle
        if not idle or not busy:
            continue
        chosen = choose(ANYTHING, [side.name for side in same])
        if chosen is None or chosen == NEITHER:
            told = tuple((s.name, quoted(s.text) or "nothing") for s in same)
            places.append(Place(where=ANYTHING, sides=told))
        out |= busy if chosen in idle else idle
    return tuple(side for side in sides if side.name not in out), tuple(places)


def reports(
    sides: Sequence[Contribution], kind: Kind, *, schema: Any = None, choose: Choose = undecided
) -> Reports | Contradiction:
    """Returns one report: equal ones as they are, rows united, or where they contradict."""
    kept, opposite = heard(sides, choose)
    found = _of_one_mind(kept, kind, schema, choose)
    if not opposite:
        return found
    if isinstance(found, Contradiction):
        return Contradiction(agreed=found.agreed, places=(*opposite, *found.places))
    return Contradiction(agreed="What those that found something say.", places=opposite)


def _of_one_mind(
    sides: Sequence[Contribution], kind: Kind, schema: Any, choose: Choose
) -> Reports | Contradiction:
    full = [side for side in sides if not side.empty]
    if not full:
        return Reports(
            text=sides[0].text.strip() + "\n",
            summary=sentence(sides[0].text) or "nothing to report",
            compared=counted(len(sides)),
        )
    texts = {side.text.strip() for side in full}
    if len(texts) == 1:
        text = full[0].text
        return Reports(text=text, summary=_said(text, kind, full), compared=_equal(len(full)))
    tables = merged_rows.tables([side.text for side in full], kind)
    if tables is not None:
        return _rows(full, tables, schema, choose)
    return _whole(full, REPORT, kind, choose)


def as_a_whole(
    sides: Sequence[Contribution], kind: Kind, *, fault: str, choose: Choose
) -> Reports | Contradiction:
    """Returns the one output that a person chose where all rows together break what was asked for."""
    found = _whole([side for side in sides if not side.empty], TOGETHER, kind, choose)
    if isinstance(found, Reports):
        return found
    return Contradiction(agreed=f"Every row; but together they break {fault}.", places=found.places)


def _whole(
    sides: Sequence[Contribution], where: str, kind: Kind, choose: Choose
) -> Reports | Contradiction:
    """Returns the one of several texts that a person chose: they cannot be put together row by row."""
    chosen = choose(where, [side.name for side in sides])
    one = next((side for side in sides if side.name == chosen), None)
    if one is not None:
        summary = _said(one.text, kind, [one])
        return Reports(text=one.text, summary=summary, compared=counted(len(sides)))
    places = tuple((side.name, quoted(side.text)) for side in sides)
    return Contradiction(
        agreed="Nothing: the texts cannot be put together row by row.",
        places=(Place(where=where, sides=places),),
    )


def changes(sides: Sequence[Contribution], *, equal: bool, of: int) -> Reports:
    """Returns how changes came together: what the workers say of them, on one line."""
    said = list(dict.fromkeys(sentence(side.text) for side in sides if side.text.strip()))
    summary = "; ".join(said) or "change " + _names(sides)
    if len(sides) == 1:
        return Reports(text=None, summary=summary, compared=counted(of))
    how = "make the same change" if equal else "change different things"
    return Reports(
        text=None,
        summary=f"{said[0] if equal and said else summary}",
        compared=f"{_number(len(sides))} outputs ({_names(sides)}) {how}",
    )


def nothing(sides: Sequence[Contribution], *, of: int) -> Reports:
    """Returns the report of a brief for changes that came to none."""
    told = sentence(sides[0].text) or "Nothing to change."
    return Reports(text=told + "\n", summary="nothing to change", compared=counted(of))


def written(text: str, names: Sequence[str], *, by: str) -> Reports:
    """Returns the report that somebody wrote from those of others."""
    return Reports(
        text=text,
        summary=f"report from {_list_of(names)}, put into words by {by}",
        compared=f"{counted(len(names))}, put into words by {by}",
    )


def told_sources(sources: Sequence[Source]) -> tuple[str, ...]:
    """Returns whose each row is, a line for each, the first of them."""
    told = [f"{quoted(one.key)}: {', '.join(one.names)}" for one in sources[:_SOURCES_MAX]]
    more = len(sources) - len(told)
    return (*told, *((f"and {more} more rows",) if more else ()))


def agreed_paths(paths: Sequence[str], places: Sequence[Place]) -> str:
    """Returns what of several changes nobody contradicts, counted and named."""
    merged = list(dict.fromkeys(place.where for place in places if place.lines))
    agreed = [path for path in paths if path not in {place.where for place in places}]
    rest = f"all other lines{_listed(merged, ' of ')}"
    if merged and not agreed:
        return rest
    count = "1 path" if len(agreed) == 1 else f"{len(agreed)} paths"
    told = f"{count}, which nobody contradicts{_listed(agreed)}"
    return f"{told[:-1]}; and {rest}" if merged else told


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


def _rows(
    sides: Sequence[Contribution], tables: Sequence[Rows], schema: Any, choose: Choose
) -> Reports | Contradiction:
    names = [side.name for side in sides]
    found = merged_rows.merged(names, tables, schema=schema, choose=choose)
    if found.places:
        count = len(found.agreed) + len(found.places)
        told = f"{len(found.agreed)} of {_rows_word(count)}, which nobody contradicts"
        return Contradiction(agreed=told + _listed(found.agreed), places=found.places)
    shared = sum(len(source.names) == len(sides) for source in found.sources)
    only = [
        f"{_rows_word(count)} only from {name}"
        for name in names
        if (count := sum(source.names == (name,) for source in found.sources))
    ]
    raws = [row.raw for row in found.rows.rows]
    same = raws == [row.raw for row in tables[0].rows]
    rows = merged_rows.with_sources(found, schema)
    text = sides[0].text if same and rows == found.rows else report_rows.write(rows)
    return Reports(
        text=text,
        summary=f"{_rows_word(len(raws))} from {_names(sides)}",
        compared="; ".join([f"{_rows_word(shared)} shared by {_names(sides)}", *only]),
        sources=found.sources if shared < len(raws) else (),
    )


def _listed(keys: Sequence[str], joint: str = ": ") -> str:
    """Returns the first of them, so that what is agreed has names."""
    if not keys:
        return "."
    more = f" and {len(keys) - _NAMED_MAX} more" if len(keys) > _NAMED_MAX else ""
    return f"{joint}{', '.join(quoted(key) for key in keys[:_NAMED_MAX])}{more}."


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
    return _list_of([side.name for side in sides])


def _list_of(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
