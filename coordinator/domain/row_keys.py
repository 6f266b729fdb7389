"""What rows are about, told over all outputs at once: which field is the key, and when two say the same.

The key is the first column of a table, what a list item says before `: ` or ` -> `, the name of a member of
an object, and of objects in an array the field that the schema names as `x-key`, else `id`, `key`, `name` or
`path`, else the field that comes first in all of them. A key must name one row in each output: where it does
not the next one is tried, and where none does the whole row is its key.

Case, white space, quotes and a slash at the end make no difference, unless one output tells rows apart by them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .report_rows import Row, Rows, canonical, elements

_FIELDS = ("id", "key", "name", "path")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"


def keyed(tables: Sequence[Rows], schema: Any = None) -> tuple[Rows, ...]:
    """Returns the same rows, each with what it is about and what it says in the form that is compared."""
    if all(rows.head == "{" for rows in tables):
        return _members(tables, schema)
    if all(rows.head == "[" for rows in tables):
        return _named(tables, _wanted(schema))
    return _compared(tables)


def plain(text: str) -> str:
    """Returns a text as it is compared: case, white space, quotes and slashes at the end do not count."""
    return " ".join(_word(word) for word in text.casefold().split())


def _word(word: str) -> str:
    end = word[-1] if word[-1] in ":;," else ""
    bare = word.removesuffix(end).strip(_QUOTES).rstrip("/")
    return bare + end if bare else word


def _members(tables: Sequence[Rows], schema: Any) -> tuple[Rows, ...]:
    """Returns the members of objects; those that are arrays wherever they are, row by row."""
    order = tuple(dict.fromkeys(row.key for rows in tables for row in rows.rows))
    values: dict[str, list[Any]] = {}
    for rows in tables:
        for row in rows.rows:
            values.setdefault(row.key, []).append(row.raw)
    arrays = [name for name in order if all(isinstance(v, list) for v in values[name])]
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    found = [
        [
            replace(row, about=row.key, says=canonical([row.key, _same(row.raw)]))
            for row in rows.rows
            if row.key not in arrays
        ]
        for rows in tables
    ]
    for name in arrays:
        inner = [
            Rows(kind=rows.kind, head="[", rows=elements(_array(rows, name))) for rows in tables
        ]
        below = properties.get(name) if isinstance(properties, Mapping) else None
        for kept, rows in zip(found, _named(inner, _wanted(below)), strict=True):
            kept += [
                replace(row, key=f"{name}: {row.key}", about=f"{name}\0{row.about}", within=name)
                for row in rows.rows
            ]
    return tuple(
        replace(rows, rows=tuple(kept), order=order, arrays=tuple(arrays))
        for rows, kept in zip(tables, found, strict=True)
    )


def _array(rows: Rows, name: str) -> Sequence[Any]:
    """Returns the array of that name; an object that lacks it has found nothing for it."""
    return next((row.raw for row in rows.rows if row.key == name), ())


def _wanted(schema: Any) -> tuple[str, ...]:
    """Returns the fields that a schema says are the key together."""
    if not isinstance(schema, Mapping):
        return ()
    said = schema.get("x-key") or (_part(schema, "items") or {}).get("x-key")
    if isinstance(said, str):
        return (said,)
    return tuple(one for one in said if isinstance(one, str)) if isinstance(said, list) else ()


def _part(schema: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    part = schema.get(name)
    return part if isinstance(part, Mapping) else None


def _named(tables: Sequence[Rows], wanted: tuple[str, ...]) -> tuple[Rows, ...]:
    """Returns the elements of arrays by the first key that names one element in each array."""
    raws = [row.raw for rows in tables for row in rows.rows]
    objects = [raw for raw in raws if isinstance(raw, Mapping)]
    firsts = {next(iter(raw), "") for raw in objects}
    candidates = [wanted] if wanted else []
    candidates += [(field,) for field in (*_FIELDS, *(firsts if len(firsts) == 1 else ()))]
    for fields in candidates:
        if len(objects) < len(raws) or not all(set(fields) <= set(raw) for raw in objects):
            continue
        found = [
            replace(rows, rows=tuple(_by(fields, row) for row in rows.rows)) for rows in tables
        ]
        if not any(_has_twins(rows) for rows in found):
            return _compared(found)
    return _compared(tables)


def _by(fields: tuple[str, ...], row: Row) -> Row:
    said = [row.raw[name] for name in fields]
    key = ", ".join(one if isinstance(one, str) else canonical(one) for one in said)
    return replace(row, key=key, about=canonical(_same(said)), says=canonical(_same(row.raw)))


def _same(value: Any) -> Any:
    """Returns a JSON value with its texts as they are compared."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: _same(one) for name, one in value.items()}
    return [_same(one) for one in value] if isinstance(value, list) else value


def _compared(tables: Sequence[Rows]) -> tuple[Rows, ...]:
    """Returns the rows with both forms filled in, by ever stricter rules until none hides a row of an output."""
    loose = [replace(r, rows=tuple(_loosely(row) for row in r.rows)) for r in tables]
    if any(len({r.says for r in t.rows}) < len({r.value for r in t.rows}) for t in loose):
        loose = [
            replace(t, rows=tuple(replace(r, about=r.key, says=r.value) for r in t.rows))
            for t in tables
        ]
    if any(_has_twins(rows) for rows in loose):
        loose = [
            replace(t, rows=tuple(replace(r, key=r.value, about=r.says) for r in t.rows))
            for t in loose
        ]
    return tuple(loose)


def _loosely(row: Row) -> Row:
    if row.about:
        return row
    is_json = not isinstance(row.raw, str) or row.value == canonical(row.raw)
    says = canonical(_same(row.raw)) if is_json else plain(row.value)
    return replace(row, about=plain(row.key), says=says)


def _has_twins(rows: Rows) -> bool:
    """Tells whether a key names two rows that say different things."""
    return len({row.about for row in rows.rows}) < len({row.says for row in rows.rows})
