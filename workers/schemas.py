"""JSON Schemas of answers, within what every model server takes.

That is an object at the top, every property required, additionalProperties false, no numeric or length
limits and no references: what a wanted schema says beyond it is checked when the answer has come.
"""

from collections.abc import Mapping
from typing import Any, Literal

from coordinator.domain.package import ContextPackage

Delivery = Literal["answer", "folder", "tools"]
"""How changes come back: in the answer, as what was done to a folder, or through tools that edit."""

WHYS = ("noop", "missing_tool", "missing_data", "question")

_STRING: dict[str, Any] = {"type": "string"}
_WHY: dict[str, Any] = {"type": "string", "enum": ["", *WHYS]}
_PLAIN = ("string", "integer", "number", "boolean", "null")


def answer_schema(package: ContextPackage, *, changes: Delivery = "answer") -> dict[str, Any]:
    """Returns the JSON Schema of the answer to `package` (see `parse_answer`)."""
    wanted = package.constraints.output_format
    if wanted.kind != "changes":
        properties = {"kind": _one_of("report", "could_not"), "text": _STRING, "why": _WHY}
        shape = value_schema(package)
        if shape is not None:
            properties["data"] = {"anyOf": [shape, {"type": "null"}]}
        return _object(properties)
    properties = {
        "kind": _one_of("changes", "could_not"),
        "summary": _STRING,
        "text": _STRING,
        "why": _WHY,
    }
    if changes == "answer":
        edit = {
            "path": _STRING,
            "content": {"anyOf": [_STRING, {"type": "null"}]},
            "mode": _one_of("", "100644", "100755"),
        }
        properties["edits"] = {"type": "array", "items": _object(edit)}
    return _object(properties)


def value_schema(package: ContextPackage) -> dict[str, Any] | None:
    """Returns the shape of `data` where JSON is wanted and the shape can be asked of any server."""
    wanted = package.constraints.output_format
    if wanted.kind != "json" or wanted.json_schema is None:
        return None
    return _strict(wanted.json_schema)


def _strict(schema: Any) -> dict[str, Any] | None:
    """Returns the outline of `schema` in the common subset; None when it has none there."""
    if not isinstance(schema, Mapping):
        return None
    kind = schema.get("type")
    if "enum" in schema:
        members = schema["enum"]
        plain = isinstance(members, list) and all(isinstance(m, str) for m in members)
        return {"type": "string", "enum": list(members)} if members and plain else None
    if kind == "object":
        return _strict_object(schema)
    if kind == "array":
        items = _strict(schema.get("items"))
        return {"type": "array", "items": items} if items is not None else None
    if isinstance(kind, list) and kind and all(one in _PLAIN for one in kind):
        return {"anyOf": [{"type": one} for one in kind]}
    return {"type": kind} if kind in _PLAIN else None


def _strict_object(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    properties = schema.get("properties")
    # A property that may be left out has no counterpart where all are required.
    if not isinstance(properties, Mapping) or set(properties) != set(schema.get("required", ())):
        return None
    parts = {str(name): _strict(part) for name, part in properties.items()}
    made = {name: part for name, part in parts.items() if part is not None}
    return _object(made) if made and len(made) == len(parts) else None


def _one_of(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
