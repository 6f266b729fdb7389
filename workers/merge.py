"""Merges what earlier tasks returned: lists, tables or JSON, by key, each row once; no model is asked."""

import json
from collections.abc import Sequence
from typing import Any

from coordinator.domain import merged_rows, report_rows
from coordinator.domain.brief import Kind
from coordinator.domain.merged_rows import MergedRows, Place
from coordinator.domain.output import Output, Report
from coordinator.domain.package import NOTHING_FOUND, ContextPackage, PackageInput
from coordinator.domain.ruling import NEITHER
from coordinator.domain.worker import Tools

from . import reading

_QUESTION = "The inputs contradict each other."
_TOLD_MAX = 20
_KINDS = (Kind.LIST, Kind.TABLE, Kind.JSON)
_EMPTY = {Kind.LIST: "- none\n", Kind.JSON: "[]\n"}


class Merge:
    """Puts rows together by the rules of synthesis: a contradiction is a question with both sides."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns every row of every input once, in the order of the inputs."""
        del tools  # all that it needs is in the package
        wanted = package.constraints.output_format
        kind = Kind(wanted.kind)
        if kind not in _KINDS:
            return reading.missing_tool("The merge worker returns a list, a table or JSON.")
        given = _given(package)
        if not given:
            return reading.missing_data("INPUTS name no task, no data and no result to merge.")
        found = {name: text for name, text in given.items() if text.strip()}
        if not found:
            return _empty(kind)
        for name, text in found.items():
            fault = report_rows.read(text, kind)
            if isinstance(fault, str):
                return reading.missing_data(f"What {name} returned is no {kind}: {fault}")
        tables = merged_rows.tables(tuple(found.values()), kind)
        if tables is None:
            told = "; ".join(f"{name}: {merged_rows.quoted(t)}" for name, t in found.items())
            return reading.missing_data(f"The inputs have not the same form: {told}")
        answers = [a.answer.strip() for a in package.answers if a.question.startswith(_QUESTION)]

        def choose(_: str, names: Sequence[str]) -> str | None:
            return next((said for one in reversed(answers) if (said := _side(one, names))), None)

        merged = merged_rows.merged(tuple(found), tables, schema=wanted.json_schema, choose=choose)
        if merged.places:
            return _question(merged.places, tuple(found), answers)
        return _report(merged, wanted.json_schema)


def _given(package: ContextPackage) -> dict[str, str]:
    """Returns the texts to merge by the names of their inputs; one that found nothing is an empty text."""
    found: dict[str, str] = {}
    for item in package.input_data:
        if item.kind not in ("task", "data", "from"):
            continue
        name = _name(item, len(found) + 1)
        text = item.content if item.content is not None else ""
        found[name] = "" if item.label == NOTHING_FOUND else text
    return found


def _name(item: PackageInput, number: int) -> str:
    return (item.label or f"data {number}") if item.kind == "data" else item.value


def _side(answer: str, names: Sequence[str]) -> str | None:
    """Returns the side that an answer names, None where it names none of these."""
    known = (*names, NEITHER)
    return next((name for name in known if name.casefold() == answer.casefold()), None)


def _question(places: Sequence[Place], names: Sequence[str], answers: Sequence[str]) -> Output:
    told = [
        f"{place.where}: " + "; ".join(f"{name}: {said}" for name, said in place.sides)
        for place in places[:_TOLD_MAX]
    ]
    more = [f"and {len(places) - _TOLD_MAX} more"] if len(places) > _TOLD_MAX else []
    known = ", ".join((*names, NEITHER))
    again = f" The answer {answers[-1]!r} does not settle it." if answers else ""
    listed = "\n".join(f"- {one}" for one in (*told, *more))
    return reading.question(f"{_QUESTION}{again} Which shall stand: {known}?\n{listed}")


def _report(merged: MergedRows, schema: dict[str, Any] | None) -> Output:
    rows = merged_rows.with_sources(merged, schema)
    text = report_rows.write(rows)
    if not rows.rows and rows.head == "":
        text = _EMPTY[Kind.LIST]
    data = json.loads(text) if rows.kind is Kind.JSON else None
    return Output(body=Report(text=text, data=data))


def _empty(kind: Kind) -> Output:
    text = _EMPTY.get(kind)
    if text is None:
        return reading.nothing_to_do("No input has a row.")
    return Output(body=Report(text=text))
