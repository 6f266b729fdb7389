"""Recipes that divide: a request by what it is about, or the inputs among several."""

import itertools
import json
from collections.abc import Sequence

from coordinator.domain.brief import BriefTask, Input, Kind, OutputFormat
from coordinator.domain.brief_paths import is_glob
from coordinator.domain.recipe_given import Files, Given, of_kind

FILES_MAX = 2_000
"""The most files that a plan names one by one."""

_DIVIDED = ("path", "glob", "url")


def route(given: Given) -> tuple[BriefTask, ...]:
    """Returns a classification, what is known and what is allowed side by side, and a reply from both."""
    brief, kinds = given.brief, given.said["kinds"]
    schema = {
        "type": "object",
        "required": ["kind", "why"],
        "properties": {"kind": {"enum": list(kinds)}, "why": {"type": "string"}},
    }
    classify = given.task(
        "classify",
        f"Say which kind of request this is: {brief.task}",
        workers=given.who("classifier", Kind.JSON),
        output=OutputFormat(
            text="a JSON object: the kind, and why", kind=Kind.JSON, json_schema=schema
        ),
        guidance=f"The kinds are {', '.join(kinds)}. Decide by what the inputs say, in few calls.",
    )
    one_of = [("classify", json.dumps(schema))]
    lookup = given.task(
        "lookup",
        f"Find what is known about a request of this kind: {brief.task}",
        workers=given.who("finder", Kind.REPORT),
        output=of_kind(Kind.REPORT, "a report: what is known, with file and line"),
        guidance="Search and read the inputs. Say what could not be found.",
        takes=one_of,
    )
    policy = given.task(
        "policy",
        f"Say what the rules allow and forbid for a request of this kind: {brief.task}",
        workers=given.who("keeper", Kind.REPORT),
        output=of_kind(Kind.REPORT, "a report: each rule word for word, with file and line"),
        guidance="Read the rules among the inputs, and nothing else. Quote them.",
        takes=one_of,
    )
    reply = given.task(
        "reply",
        brief.task,
        workers=given.who("writer", given.kind),
        output=given.output,
        guidance="What is known and what is allowed are inputs that come from tasks. Say nothing "
        "that neither of them has.",
        takes=[*one_of, ("lookup", "report"), ("policy", "report")],
    )
    return (classify, lookup, policy, reply)


def map_reduce(given: Given) -> tuple[BriefTask, ...]:
    """Returns a task for each part of the inputs, and one that makes one list of theirs.

    Changes need no such task: those of all parts are put together as they are.
    """
    brief, changes = given.brief, given.kind is Kind.CHANGES
    parts = tuple(
        given.task(
            f"part-{number}",
            brief.task,
            workers=given.who("mapper", given.kind),
            output=given.draft,
            guidance="Look only at the inputs that are named here: the others are somebody else's.",
            inputs=items,
            scope=[item.value for item in items if item.kind in ("path", "glob")]
            if changes
            else None,
            acceptance=brief.acceptance if changes else (),
        )
        for number, items in enumerate(divided(given), 1)
    )
    if changes:
        return parts
    reduce = given.task(
        "reduce",
        f"Put what the parts found together, each row once: {brief.task}",
        workers=given.who("reducer", given.kind),
        output=given.output,
        guidance="All of it is in the inputs that come from tasks. Two rows of one key are one row.",
        inputs=(),
        takes=[(str(part.id), given.kind.value) for part in parts],
    )
    return (*parts, reduce)


def divided(given: Given) -> tuple[tuple[Input, ...], ...]:
    """Returns the inputs in as many parts as there shall be, in order and of about one size.

    Data and what another brief returned are in each of them.
    """
    found = items(given)
    rest = tuple(item for item in given.brief.inputs if item.kind not in _DIVIDED)
    count = min(len(found), int(given.said["parts"][0]))
    return tuple((*some, *rest) for some in _cut(found, count))


def items(given: Given) -> tuple[Input, ...]:
    """Returns what is divided: what INPUTS name, or its files where it names fewer things than parts."""
    named = tuple(item for item in given.brief.inputs if item.kind in _DIVIDED)
    if len(named) >= int(given.said["parts"][0]) or given.files is None or is_too_much(given):
        return named
    return tuple(dict.fromkeys(one for item in named for one in _files(item, given.files)))


def empty(given: Given) -> str | None:
    """Returns an item that names no file, where somebody has looked; else None."""
    return next((item for item, files in (given.files or {}).items() if not files), None)


def is_too_much(given: Given) -> bool:
    """Tells whether the files are too many to be named one by one."""
    return sum(map(len, (given.files or {}).values())) > FILES_MAX


def may_be_several(given: Given) -> bool:
    """Tells whether nobody has looked, and what INPUTS name may be several files."""
    return given.files is None and any(i.kind in ("path", "glob") for i in given.brief.inputs)


def _files(item: Input, files: Files) -> tuple[Input, ...]:
    """Returns each file that an item names; one with a name that INPUTS cannot have leaves it whole."""
    found = files.get(item.value, ())
    if not found or not all(map(_is_plain, found)):
        return (item,)
    return tuple(Input(kind="path", value=path) for path in found)


def _is_plain(path: str) -> bool:
    return path.isprintable() and not is_glob(path)


def _cut(items: Sequence[Input], count: int) -> list[tuple[Input, ...]]:
    ends = [number * len(items) // count for number in range(count + 1)] if count else [0]
    return [tuple(items[a:b]) for a, b in itertools.pairwise(ends)]
