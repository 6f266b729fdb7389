"""Reads the answer of a model or an agent into a report, changes or a typed "could not", or says what is wrong."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, cast

from coordinator.domain import report_rows, schema
from coordinator.domain.brief import Kind
from coordinator.domain.names import RepoPath
from coordinator.domain.output import Changes, CouldNot, Edit, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import Tools, UnusableAnswer

from .schemas import WHYS, Delivery

Why = Literal["noop", "missing_tool", "missing_data", "question"]

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)
_MODES = ("", "100644", "100755")
_SHOWN_CHARS = 200


def parse_answer(
    package: ContextPackage,
    data: Any,
    text: str,
    *,
    changes: Delivery = "answer",
    tools: Tools | None = None,
) -> Report | Changes | CouldNot:
    """Returns what an answer says. Raises UnusableAnswer with what does not fit, for the next try.

    Args:
        package: what was asked.
        data: the answer as JSON where its maker gives it so; None to find it in `text`.
        text: the answer as it was written.
        changes: how changes come; unless in the answer, those returned have no edits.
        tools: where given, an edit of a file that is there keeps its mode.
    """
    answer = data if data is not None else _found(text)
    if not isinstance(answer, Mapping):
        raise _unusable("fields", f"the answer is {_name(answer)}, not a JSON object")
    kind = answer.get("kind")
    wanted = "changes" if package.constraints.output_format.kind == "changes" else "report"
    if kind == "could_not":
        return _could_not(answer)
    if kind not in ("report", "changes"):
        raise _unusable("fields", f'"kind" is {_shown(kind)}; it must be "{wanted}" or "could_not"')
    if kind != wanted:
        raise _unusable("kind", f"{wanted} was asked for, and the answer is {kind}")
    if kind == "report":
        return _report(package, answer)
    return _changes(answer, changes, tools)


def could_not(why: Any, text: Any) -> CouldNot:
    """Returns the typed "could not". Raises UnusableAnswer when it is none."""
    if why not in WHYS:
        raise _unusable("fields", f'"why" is {_shown(why)}; it must be one of {", ".join(WHYS)}')
    if not isinstance(text, str) or not text.strip():
        raise _unusable("fields", '"text" must say why it could not be done')
    return CouldNot(why=cast("Why", why), text=text.strip())


def _could_not(answer: Mapping[str, Any]) -> CouldNot:
    return could_not(answer.get("why"), answer.get("text") or answer.get("summary"))


def _report(package: ContextPackage, answer: Mapping[str, Any]) -> Report:
    wanted = package.constraints.output_format
    text, data = answer.get("text", ""), answer.get("data")
    if not isinstance(text, str):
        raise _unusable("fields", f'"text" is {_name(text)}, not a string')
    if wanted.kind == "json":
        value = data if data is not None else _json(text)
        if wanted.json_schema is not None:
            _fits(value, wanted.json_schema)
        return Report(text=json.dumps(value, indent=2, ensure_ascii=False) + "\n", data=value)
    if wanted.kind == "report":
        if not text.strip():
            raise _unusable("format", 'the report in "text" is empty')
        return Report(text=text.rstrip() + "\n")
    rows = report_rows.read(text, Kind(wanted.kind))
    if isinstance(rows, str):
        raise _unusable("format", f'"text" is no {wanted.kind}: {rows}')
    return Report(text=text.rstrip() + "\n" if text.strip() else "")


def _json(text: str) -> Any:
    if not text.strip():
        raise _unusable("format", 'there is no JSON: "data" is null, and "text" is empty')
    whole = _FENCED.fullmatch(text.strip())
    try:
        return report_rows.strict_json(whole[1] if whole else text)
    except ValueError as error:
        raise _unusable("format", f'"text" is not JSON: {error}') from error


def _fits(value: Any, wanted: dict[str, Any]) -> None:
    faults = schema.faults(value, wanted)
    if faults:
        told = "; ".join(fault.removeprefix(": ") for fault in faults)
        raise _unusable("schema", f"the JSON does not fit the wanted schema: {told}")


def _changes(answer: Mapping[str, Any], changes: Delivery, tools: Tools | None) -> Changes:
    summary = answer.get("summary") or answer.get("text")
    if not isinstance(summary, str) or not summary.strip():
        raise _unusable("fields", '"summary" must say in a sentence what was changed')
    if changes != "answer":
        return Changes(edits=(), summary=summary.strip())
    edits = answer.get("edits")
    if not isinstance(edits, list):
        raise _unusable("fields", f'"edits" is {_name(edits)}, not a list')
    if not edits:
        raise _unusable(
            "fields", '"edits" is empty: with nothing to change, answer could_not with noop'
        )
    made = tuple(_edit(number, one, tools) for number, one in enumerate(edits, 1))
    paths = [edit.path for edit in made]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise _unusable("fields", f"{twice[0]} is there more than once: give each file once, whole")
    return Changes(edits=made, summary=summary.strip())


def _edit(number: int, one: Any, tools: Tools | None) -> Edit:
    here = f"edit {number}"
    if not isinstance(one, Mapping):
        raise _unusable("fields", f"{here} is {_name(one)}, not a JSON object")
    path, content, mode = one.get("path"), one.get("content"), one.get("mode") or ""
    if not isinstance(path, str) or not path.strip():
        raise _unusable("fields", f'"path" of {here} is {_shown(path)}, not the path of a file')
    if "content" not in one or not isinstance(content, str | None):
        raise _unusable(
            "fields", f'"content" of {here} must be the whole new text, or null to delete'
        )
    if mode not in _MODES:
        raise _unusable(
            "fields", f'"mode" of {here} is {_shown(mode)}; it must be "", "100644" or "100755"'
        )
    if not mode and tools is not None and tools.executable(RepoPath(path)):
        mode = "100755"
    return Edit(
        path=RepoPath(path),
        mode="100755" if mode == "100755" else "100644",
        content_b64=None if content is None else encoded(content),
    )


def encoded(content: str) -> str:
    """Returns the base64 of a text in UTF-8; a lone surrogate becomes a question mark."""
    return base64.b64encode(content.encode("utf-8", "replace")).decode("ascii")


def _found(text: str) -> Any:
    """Returns the JSON of an answer: the whole of it, its only fenced block, or its outermost braces."""
    said = text.strip()
    if not said:
        raise _unusable("not-json", "the answer is empty")
    blocks = _FENCED.findall(said)
    braces = said[said.find("{") : said.rfind("}") + 1]
    tried = [said, *(blocks if len(blocks) == 1 else ()), *([braces] if braces else ())]
    why = ""
    for candidate in tried:
        try:
            return report_rows.strict_json(candidate)
        except ValueError as error:
            why = why or str(error)
    raise _unusable("not-json", f"the answer is not JSON ({why}); it begins {_shown(said)}")


def _unusable(
    fault: Literal["not-json", "fields", "kind", "format", "schema"], message: str
) -> UnusableAnswer:
    return UnusableAnswer(message, fault=fault)


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= _SHOWN_CHARS else shown[:_SHOWN_CHARS] + "…"


def _name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
