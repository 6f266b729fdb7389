"""OUTPUT FORMAT: which kind comes back, where a report is written, and the schema of JSON."""

import json
import re
from typing import Any

from coordinator.domain.brief import Fault, Kind, OutputFormat
from coordinator.domain.brief_items import fenced, path_fault
from coordinator.domain.brief_layout import Fence, Part, Section, prose
from coordinator.domain.brief_paths import is_glob, normal, outside, pathlike, sentence_end
from coordinator.domain.names import RepoPath

SCHEMA_INFO = "json schema"
_SCHEMA_WORDS = frozenset(
    [
        "$schema",
        "$ref",
        "type",
        "properties",
        "items",
        "required",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "$defs",
    ]
)
_CHANGES = (
    r"changes?|changed|changesets?|edits?|edited|patch(?:es)?|diffs?|fix(?:es)?|fixed|in[ -]place"
    r"|updated|corrected|corrections?|modified|rewritten"
)
_KINDS: tuple[tuple[Kind, str], ...] = (
    (Kind.CHANGES, _CHANGES),
    (Kind.JSON, r"json"),
    (Kind.TABLE, r"tables?"),
    (Kind.LIST, r"lists?|bullets?|bulleted|inventory"),
    (Kind.REPORT, r"reports?|summary|audit|prose|notes?|document|text"),
)
_NEGATED = re.compile(r"\b(?:no|not|without|never)\s+(?:any\s+|other\s+)*(?:\w+)", re.IGNORECASE)
_WHERE = re.compile(
    r"(?:\b(?:at|into|(?:saved?|stored?|put|kept)(?:\s+it)?\s+(?:to|as|in|at)"
    r"|(?:written|writes?)(?:\s+it)?\s+(?:to|as|in|into|at)"
    r"|(?:report|list|table|json|object|array|file|summary|inventory|audit|document)\s+(?:in|to|as)"
    r"|path:|file:)|->|→)"
    r"\s*(?:the\s+file\s+)?(?:`(?P<ticked>[^`]+)`|(?P<word>[^\s,;`]+))",
    re.IGNORECASE,
)


def read_output_format(sections: list[Section]) -> tuple[OutputFormat, list[Fault]]:
    """Returns what OUTPUT FORMAT asks for; a schema is taken out of the text."""
    faults: list[Fault] = []
    schema: dict[str, Any] | None = None
    texts: list[str] = []
    for section in sections:
        kept: list[Part] = []
        for part in section.parts:
            found = _fence_schema(part, faults) if isinstance(part, Fence) else None
            if found is None:
                kept.append(part)
            elif schema is None:
                schema = found
        text, inline = _inline_schema(prose(kept), section.line, faults)
        schema = schema if schema is not None else inline
        texts.append(text)
    text = "\n\n".join(t for t in texts if t)
    kind = _kind(text)
    if kind is None and schema is not None:
        kind = Kind.JSON
    path = None if kind is Kind.CHANGES else _path(text)
    if path and (fault := path_fault(sections[0].line, "OUTPUT FORMAT", path)):
        faults.append(fault)
        path = None
    return OutputFormat(text=text, kind=kind, path=path, json_schema=schema), faults


def render_output_format(wanted: OutputFormat) -> str:
    """Returns what stands below the text: the schema, in a fence of its own."""
    if wanted.json_schema is None:
        return ""
    return fenced(json.dumps(wanted.json_schema, indent=2), SCHEMA_INFO)


def _kind(text: str) -> Kind | None:
    """Returns the kind whose word comes first; a report or list that is said to be JSON or a table is that."""
    plain = re.sub(r"`[^`]*`|\S*[/.]\w\S*", " ", _without_fences(text))
    plain = _NEGATED.sub(" ", plain).lower()
    first: dict[Kind, int] = {}
    for kind, words in _KINDS:
        if found := re.search(rf"\b(?:{words})\b", plain):
            first[kind] = found.start()
    if not first:
        return None
    kind = min(first, key=lambda k: first[k])
    finer = {
        Kind.REPORT: (Kind.JSON, Kind.TABLE, Kind.LIST),
        Kind.LIST: (Kind.JSON,),
        Kind.TABLE: (),
    }
    return next((k for k in finer.get(kind, ()) if k in first), kind)


def _path(text: str) -> RepoPath | None:
    for found in _WHERE.finditer(_without_fences(text)):
        word = found["ticked"] or sentence_end(found["word"])
        if word.endswith("/") or is_glob(word) or "://" in word:
            continue
        if found["ticked"] or pathlike(word) or outside(word):
            return RepoPath(normal(word))
    return None


def _without_fences(text: str) -> str:
    return re.sub(r"(?ms)^(`{3,}|~{3,})[^\n]*\n.*?^\1[`~]*$", " ", text)


def _fence_schema(part: Fence, faults: list[Fault]) -> dict[str, Any] | None:
    info = part.info.lower()
    named = "schema" in info
    if not named and not info.startswith("json"):
        return None
    schema = json_object(part.content)
    if schema is None or not (named or _SCHEMA_WORDS & schema.keys()):
        if named:
            faults.append(bad_schema(part.number, "OUTPUT FORMAT", "is not a JSON object"))
        return None
    if why := schema_fault(schema):
        faults.append(bad_schema(part.number, "OUTPUT FORMAT", why))
    return schema


def _inline_schema(text: str, line: int, faults: list[Fault]) -> tuple[str, dict[str, Any] | None]:
    """Takes `schema: {...}` out of the text."""
    found = re.search(r"\bschema\s*:\s*(?=\{)", text, re.IGNORECASE)
    if found is None:
        return text, None
    try:
        value, end = json.JSONDecoder().raw_decode(text, found.end())
    except (ValueError, RecursionError):
        faults.append(bad_schema(line, "OUTPUT FORMAT", "is not a JSON object"))
        return text, None
    if why := schema_fault(value):
        faults.append(bad_schema(line, "OUTPUT FORMAT", why))
    left = text[: found.start()].rstrip(" \t,;(") + " " + text[end:].lstrip(" \t,;)")
    return "\n".join(x.strip() for x in left.split("\n")).strip(), dict(value)


def json_object(text: str) -> dict[str, Any] | None:
    """Returns the JSON object that `text` is, or None; NaN and infinities are not JSON."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def schema_fault(schema: dict[str, Any]) -> str | None:
    """Returns why this is not a JSON Schema, or None."""
    import jsonschema  # noqa: PLC0415 - slow to load, and most briefs have no schema

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = "/".join(str(p) for p in error.absolute_path) or "its top"
        return f"is not a JSON Schema: see {where}"
    except RecursionError:
        return "is nested too deeply"
    return None


def bad_schema(line: int, section: str, why: str) -> Fault:
    """Returns the fault of a schema; `why` goes on with 'the schema'."""
    hint = "write a JSON Schema as one JSON object"
    return _fault("bad-schema", line, section, f"the schema {why}", hint)


def _fault(code: str, line: int, section: str, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section=section, message=message, hint=hint)
