"""What the parts of a context package take of a worker's attention: tokens by source.

It reads the stored JSON as it is, so that a package of another version is counted too: a field that is
not known here counts under its own name.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import token_estimate

_RULES = "constitution.md:"
_NAMES = {
    "description": "task",
    "tools_available": "tools",
    "acceptance_criteria": "acceptance",
    "do_not": "do not",
    "constraints": "output format and limits",
}
# Which package it is, and for whom: hardly anything, and nothing that anybody chose.
_ENVELOPE = ("format", "brief_id", "task_id", "attempt", "task_type", "base", "start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One part of a package, and about how many tokens it is."""

    source: str
    tokens: int


def by_source(package: Mapping[str, Any]) -> tuple[Source, ...]:
    """Returns the tokens of each part that says something, in the order of the package."""
    found = [Source(source=name, tokens=_tokens(said)) for name, said in _parts(package) if said]
    envelope = {name: package[name] for name in _ENVELOPE if package.get(name) is not None}
    return (*found, Source(source="envelope", tokens=_tokens(envelope)))


def total(sources: tuple[Source, ...]) -> int:
    """Returns the tokens of all parts."""
    return sum(one.tokens for one in sources)


def _parts(package: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, said in package.items():
        if field in _ENVELOPE:
            continue
        if field == "input_data" and isinstance(said, list):
            for number, one in enumerate(said, 1):
                yield f"input {number}: {_input_name(one)}", one
        elif field == "memory" and isinstance(said, list):
            for one in said:
                yield _memory_name(one), one
        else:
            yield _NAMES.get(field, field.replace("_", " ")), said


def _input_name(one: Any) -> str:
    if not isinstance(one, Mapping):
        return "?"
    words = str(one.get("value", "")).split()
    shown = " ".join(words[:6]) + (" ..." if len(words) > 6 else "")
    return f"{one.get('kind', '?')} {shown}".strip()


def _memory_name(one: Any) -> str:
    first = str(one).partition("\n")[0]
    if first.startswith(_RULES):
        return "rules: constitution.md"
    return f"memory: {first.rstrip(':')}" if first.endswith(":") else "memory"


def _tokens(said: Any) -> int:
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return token_estimate.of_text(text)
