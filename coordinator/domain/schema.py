"""JSON Schema without surprises: no look-ups on the network, no pattern that can hang."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from coordinator.domain.pattern import pattern

_FAULTS_MAX = 5


def faults(value: Any, schema: Any) -> tuple[str, ...]:
    """Returns where and why `value` does not fit `schema`, at most five; () when it does."""
    try:
        if {"unevaluatedProperties", "patternProperties"} <= set(_keys(schema)):
            # The library reads these two together with the engine that can hang.
            return (": unevaluatedProperties cannot be used together with patternProperties",)
        _Safe.check_schema(schema)
        found = []
        for error in _Safe(schema, registry=Registry()).iter_errors(value):
            where = "".join(f"[{part!r}]" for part in error.absolute_path)
            found.append(f"{where}: {error.message[:200]}")
            if len(found) == _FAULTS_MAX:
                break
    except SchemaError as error:
        return (f": the schema is none: {error.message[:200]}",)
    except Unresolvable as error:
        return (f": the schema refers to what is not in it: {str(error)[:200]}",)
    except RecursionError:
        return (": the schema refers to itself without end",)
    except _UnusablePattern as error:
        return (f": the schema has a pattern that cannot be used: {str(error)[:200]}",)
    return tuple(found)


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, below in schema.items():
            yield key
            yield from _keys(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from _keys(below)


class _UnusablePattern(Exception):
    """A pattern in a schema that `pattern` does not take, or that takes too long."""


def _found(expression: str, text: str) -> bool:
    usable = pattern(f"/{expression}/")
    answer = usable.search(text) if usable else None
    if answer is None:
        raise _UnusablePattern(expression)
    return answer


def _pattern(
    _validator: Any, expression: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(expression, instance):
        yield ValidationError(f"{instance[:100]!r} does not match {expression!r}")


def _pattern_properties(
    validator: Any, properties: dict[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for expression, below in properties.items():
            for key, value in instance.items():
                if _found(expression, key):
                    yield from validator.descend(value, below, path=key, schema_path=expression)


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known, expressions = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, value in instance.items():
        if key in known or any(_found(expression, key) for expression in expressions):
            continue
        if allowed is False:
            yield ValidationError(f"{key[:100]!r} was unexpected")
        else:
            yield from validator.descend(value, allowed, path=key)


_Safe: Any = validators.extend(  # type: ignore[no-untyped-call]  # untyped in the stubs
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)
