"""Rows of several outputs put together by what they are about, with who each of them came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .brief import Kind
from .record import one_line
from .report_rows import Row, Rows, columns, read
from .row_keys import keyed
from .ruling import NEITHER, Choose

TOLD_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where outputs contradict (a path or the key of a row, with lines where it has any), and what each says."""

    where: str
    lines: str = ""
    sides: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who said a row, by its key."""

    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedRows:
    """The rows that stand, whose each of them is, and where sides contradict."""

    rows: Rows
    sources: tuple[Source, ...]
    places: tuple[Place, ...]
    agreed: tuple[str, ...]  # keys that nobody contradicts


def undecided(where: str, names: Sequence[str]) -> str | None:
    """Chooses nothing: every contradiction is told."""
    del where, names
    return None


def tables(texts: Sequence[str], kind: Kind) -> tuple[Rows, ...] | None:
    """Returns the rows of texts that can be put together row by row, None when they cannot."""
    found = [rows for text in texts if isinstance(rows := read(text, kind), Rows)]
    heads = {columns(r.head) if kind is Kind.TABLE else r.head for r in found}
    same = len(heads) == 1
    return tuple(found) if len(found) == len(texts) and same else None


def merged(
    names: Sequence[str],
    found: Sequence[Rows],
    *,
    schema: Any = None,
    choose: Choose = undecided,
) -> MergedRows:
    """Returns all rows, each once, in the order of first appearance; `names` are the sides that they are of.

    Where rows of one key differ, the chosen side's stands; without a choice the first one, and it is told.
    """
    by_about: dict[str, dict[str, Row]] = {}
    told_apart = keyed(found, schema)
    for name, rows in zip(names, told_apart, strict=True):
        for row in rows.rows:
            by_about.setdefault(row.about, {}).setdefault(name, row)
    kept: list[Row] = []
    sources: list[Source] = []
    places: list[Place] = []
    agreed: list[str] = []
    for sides in by_about.values():
        first = next(iter(sides.values()))
        where = first.key or "the value"
        if len({row.says for row in sides.values()}) == 1:
            agreed.append(where)
            kept.append(first)
            sources.append(Source(key=where, names=tuple(sides)))
            continue
        said = choose(where, tuple(sides))
        if said is None:
            values = tuple((name, quoted(row.value)) for name, row in sides.items())
            places.append(Place(where=where, sides=values))
        if said != NEITHER:
            row = sides[said] if said is not None else first
            kept.append(row)
            same = tuple(name for name, other in sides.items() if other.says == row.says)
            sources.append(Source(key=where, names=same))
    rows = replace(told_apart[0], rows=tuple(kept))
    return MergedRows(rows=rows, sources=tuple(sources), places=tuple(places), agreed=tuple(agreed))


def with_sources(found: MergedRows, schema: Any) -> Rows:
    """Returns the rows, each with who said it, where they are objects and their schema has `sources`."""
    items = schema.get("items") if isinstance(schema, Mapping) else None
    properties = items.get("properties") if isinstance(items, Mapping) else None
    raws = [row.raw for row in found.rows.rows]
    wanted = found.rows.head == "[" and isinstance(properties, Mapping) and "sources" in properties
    if not wanted or not all(isinstance(raw, dict) and "sources" not in raw for raw in raws):
        return found.rows
    rows = tuple(
        replace(row, raw={**row.raw, "sources": list(source.names)})
        for row, source in zip(found.rows.rows, found.sources, strict=True)
    )
    return replace(found.rows, rows=rows)


def quoted(text: str) -> str:
    """Returns a text on one line, cleaned and bounded."""
    said = one_line(text)
    return said if len(said) <= TOLD_CHARS_MAX else said[: TOLD_CHARS_MAX - 1] + "…"
