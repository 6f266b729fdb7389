"""Renders rows as the list, JSON, table or report that was asked for; the same rows give the same bytes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coordinator.domain.output import Output, Report
from coordinator.domain.package import WantedOutput
from coordinator.domain.record import one_line

Cell = str | int | None
Row = Mapping[str, Cell]

_COUNTS = ("count", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a worker found. `primary` is the column that stands for a row where only a string fits."""

    title: str
    columns: tuple[str, ...]
    primary: str
    group: str  # the column whose values may be the keys of a JSON object
    rows: tuple[Row, ...]
    item: Callable[[Row], str]
    aliases: Mapping[str, str]  # other names under which a schema may ask for a column


def report(findings: Findings, wanted: WantedOutput) -> Output:
    """Returns `findings` in the wanted form; `data` is the same as JSON."""
    rows = tuple({k: _shown(v) for k, v in row.items()} for row in findings.rows)
    shown = replace(findings, rows=rows)
    data = _shaped(shown, wanted.json_schema)
    if wanted.kind == "json":
        text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    elif wanted.kind == "list":
        text = _list(shown)
    elif wanted.kind == "table":
        text = _table(shown)
    else:
        text = _prose(shown)
    return Output(body=Report(text=text, data=data))


def _shown(cell: Cell) -> Cell:
    r"""Returns the cell so that it can be JSON: bytes that are no UTF-8 become `\xNN`."""
    if isinstance(cell, str):
        return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return cell


def _list(findings: Findings) -> str:
    items = [one_line(findings.item(row)) for row in findings.rows]
    return "".join(f"- {item}\n" for item in items)


def _table(findings: Findings) -> str:
    lines = [findings.columns, tuple("---" for _ in findings.columns)]
    lines += [tuple(_field(row.get(c)) for c in findings.columns) for row in findings.rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _field(cell: Cell) -> str:
    return "" if cell is None else one_line(str(cell)).replace("\\", "\\\\").replace("|", "\\|")


def _prose(findings: Findings) -> str:
    found = len(findings.rows)
    counts: dict[str, int] = {}
    for row in findings.rows:
        counts[str(row.get(findings.group))] = counts.get(str(row.get(findings.group)), 0) + 1
    parts = [f"# {findings.title}", f"{found or 'Nothing'} found."]
    if findings.group in findings.columns and 1 < len(counts) <= 8:
        parts[1] = f"{found} found: " + ", ".join(f"{n} {k}" for k, n in counts.items()) + "."
    if found:
        parts.append(_table(findings).rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def _shaped(findings: Findings, schema: Mapping[str, Any] | None) -> Any:
    """Returns the rows as `schema` wants them, as far as its outline can be followed.

    No schema: a list of objects. An object with one array: the rows are that array. An object with
    several: the arrays named after a group take its rows. `count` and `total` are counted.
    """
    if schema is None or schema.get("type") != "object":
        return _items(findings, findings.rows, (schema or {}).get("items"))
    properties: Mapping[str, Any] = schema.get("properties") or {}
    arrays = [name for name, part in properties.items() if _type(part) == "array"]
    value: dict[str, Any] = {}
    for name, part in properties.items():
        if name in arrays:
            rows = findings.rows if len(arrays) == 1 else _grouped(findings, name)
            value[name] = _items(findings, rows, part.get("items"))
        elif _type(part) in ("integer", "number") and name.lower() in _COUNTS:
            value[name] = len(findings.rows)
    return value


def _grouped(findings: Findings, name: str) -> tuple[Row, ...]:
    """Returns the rows of the group that `name` speaks of: `missing_pages` has those of `missing`."""
    key = name.lower().replace("_", " ").replace("-", " ")
    return tuple(
        row
        for row in findings.rows
        if (group := str(row.get(findings.group)).lower()) == key or key.startswith(group)
    )


def _items(findings: Findings, rows: Sequence[Row], schema: Any) -> list[Any]:
    if _type(schema) == "string":
        return list(dict.fromkeys(str(row.get(findings.primary) or "") for row in rows))
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not properties:
        return [dict(row) for row in rows]
    return [_fitted(findings, row, properties, schema) for row in rows]


def _fitted(
    findings: Findings, row: Row, properties: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, Any]:
    fitted: dict[str, Any] = {}
    for name, part in properties.items():
        column = name if name in row else findings.aliases.get(name.lower())
        if column is None or column not in row:
            continue
        cell = row[column]
        if _type(part) == "string":
            cell = "" if cell is None else str(cell)
        if cell is not None or name in schema.get("required", ()) or _nullable(part):
            fitted[name] = cell
    if schema.get("additionalProperties", True):
        used = {findings.aliases.get(n.lower(), n) for n in properties} | set(properties)
        fitted.update({k: v for k, v in row.items() if k not in used})
    return fitted


def _type(schema: Any) -> str | None:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind if isinstance(kind, str) else None


def _nullable(schema: Any) -> bool:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind is None or kind == "null" or (isinstance(kind, list) and "null" in kind)
