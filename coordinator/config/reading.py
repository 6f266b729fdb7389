"""TOML into a model: what is wrong with a text of ours, each fault on a line of its own."""

import difflib
import tomllib
from collections.abc import Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from coordinator.domain.errors import ConfigError, NewerSchemaError

SCHEMA = 1  # of every text of ours
MEND = "mend that line, commit and push it"


def faults(error: ValidationError, model: type[BaseModel], file: str) -> str:
    """Returns what is wrong with the text of `file`, a line for each fault."""
    found = (_fault(model, detail["type"], detail["loc"], detail) for detail in error.errors())
    return "\n".join(f"{file}: {fault}" for fault in found)


def toml(text: bytes, file: str) -> dict[str, Any]:
    """Returns what the text of `file` says.

    Raises ConfigError where it is not TOML, and NewerSchemaError where a later program wrote it.
    """
    raw = _loaded(text, file)
    number = raw.get("schema", SCHEMA)
    if isinstance(number, int) and number > SCHEMA:
        raise NewerSchemaError(
            f"{file}: schema {number} is newer than this program knows ({SCHEMA}): read-only",
            hint="install the newer coordinator that wrote it",
        )
    return raw


def _loaded(text: bytes, file: str) -> dict[str, Any]:
    hint = "correct the line; https://toml.io shows the syntax"
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: it is not UTF-8", hint=hint) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: it is not TOML: {error}", hint=hint) from error


def _fault(model: type[BaseModel], kind: str, loc: Sequence[int | str], detail: Any) -> str:
    parts = [part for part in loc if part != "[key]"]
    if parts[:1] == ["environments"] and len(parts) > 3:
        del parts[2]  # pydantic names the kind of environment in between
    key = dotted(parts)
    if kind == "extra_forbidden":
        return f"{key}: there is no such setting{_did_you_mean(model, loc)}"
    if kind == "missing":
        return f"{key}: it is required"
    if kind == "union_tag_not_found":
        return f'{key}.kind: it is required, "directory" or "command"'
    if kind == "union_tag_invalid":
        return f'{key}.kind: must be "directory" or "command"'
    if kind == "model_type":
        return f"{key}: must be a table, [{key}]"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    said = "" if isinstance(detail["input"], dict | list) else f" (is {detail['input']!r:.60})"
    return f"{key or 'config'}: {message}{said}"


def dotted(parts: Sequence[int | str]) -> str:
    """Returns the key as people write it: `gate[0].run`, counted from 0."""
    key = ""
    for part in parts:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _did_you_mean(model: type[BaseModel], loc: Sequence[int | str]) -> str:
    known = _names(model, loc[:-1])
    close = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(sorted(known))}"


def _names(annotation: Any, loc: Sequence[int | str]) -> list[str]:
    """Returns the settings of the table at `loc`, found along the annotations of the models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return _names(fields[str(loc[0])].annotation, loc[1:]) if loc else list(fields)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _names(arguments[0], loc)
    if (
        origin is Union or str(origin) == "<class 'types.UnionType'>"
    ):  # the next part names the kind
        kinds = {get_args(a.model_fields["kind"].annotation)[0]: a for a in arguments}
        return _names(kinds[loc[0]], loc[1:])
    return _names(arguments[-1], loc[1:])  # of a list or a dict
