"""The merge worker: rows of its inputs by key, each once, and a question where they contradict each other."""

import json
from typing import Any

import pytest

from coordinator.domain.output import CouldNot, Output, Report
from coordinator.domain.package import NOTHING_FOUND, PackageInput
from tests.support.memory_tools import MemoryTools, OutputKind, package
from workers.merge import Merge


def merge(kind: OutputKind, *texts: str | None, **asked: Any) -> Output:
    """Merges the outputs of tasks a, b, ...; None is one that found nothing."""
    given = package("Put them together.", kind=kind, **asked)
    inputs = tuple(
        PackageInput(kind="task", value=name, content="All is well.", label=NOTHING_FOUND)
        if text is None
        else PackageInput(kind="task", value=name, content=text)
        for name, text in zip("abcd", texts, strict=False)
    )
    found = given.model_copy(update={"input_data": (*given.input_data, *inputs)})
    return Merge().work(found, MemoryTools({}))


def text(output: Output) -> str:
    assert isinstance(output.body, Report), output.body
    return output.body.text


def refused(output: Output) -> CouldNot:
    assert isinstance(output.body, CouldNot), output.body
    return output.body


def test_rows_of_a_fan_out_stand_once_in_the_order_of_the_inputs() -> None:
    assert text(merge("list", "- x: 1\n- `y`: 2\n", None, "- Y: 2\n- z: 3\n")) == (
        "- x: 1\n- `y`: 2\n- z: 3\n"
    )
    table = "| p | n |\n|---|---|\n"
    assert text(merge("table", table + "| a | 1 |\n", "|P|N|\n|-|-|\n|b|2|\n|a|1|\n")) == (
        table + "| a | 1 |\n|b|2|\n"
    )
    found = merge("json", '[{"n": 1, "id": "a"}]', '[{"id": "a/", "n": 1}, {"id": "b", "n": 2}]')
    assert json.loads(text(found)) == [{"n": 1, "id": "a"}, {"id": "b", "n": 2}]
    assert isinstance(found.body, Report)
    assert found.body.data == json.loads(found.body.text)


def test_arrays_in_objects_are_merged_row_by_row() -> None:
    one = {"missing": [{"path": "a", "why": "x"}], "dead": [], "root": "public"}
    two = {"root": "public", "missing": [{"path": "b", "why": "x"}]}
    assert json.loads(text(merge("json", json.dumps(one), json.dumps(two)))) == {
        "missing": [{"path": "a", "why": "x"}, {"path": "b", "why": "x"}],
        "dead": [],
        "root": "public",
    }


def test_the_schema_names_the_key_and_may_ask_for_sources() -> None:
    schema = {
        "type": "array",
        "items": {"x-key": ["file", "line"], "properties": {"sources": {"type": "array"}}},
    }
    row = {"id": 1, "file": "a", "line": 3, "n": 1}
    rows = [json.dumps([row]), json.dumps([{**row, "line": 4}, row])]
    merged = json.loads(text(merge("json", *rows, schema=schema)))
    assert merged == [{**row, "sources": ["a", "b"]}, {**row, "line": 4, "sources": ["b"]}]


def test_a_contradiction_is_a_question_with_both_sides_that_an_answer_settles() -> None:
    inputs = ("- x: 1\n- y: 2\n", "- x: 3\n", "- y: 2\n")
    asked = refused(merge("list", *inputs))
    assert asked.why == "question"
    assert asked.text == (
        "The inputs contradict each other. Which shall stand: a, b, c, neither?\n"
        "- x: a: x: 1; b: x: 3"
    )
    for answer, wanted in (
        ("B", "- x: 3\n- y: 2\n"),
        ("a", "- x: 1\n- y: 2\n"),
        (" neither ", "- y: 2\n"),
    ):
        answers = [(asked.text, answer)]
        assert text(merge("list", *inputs, answers=answers)) == wanted
    for answer in ("c", "the better one"):
        again = refused(merge("list", *inputs, answers=[(asked.text, answer)]))
        assert f"The answer {answer!r} does not settle it." in again.text


@pytest.mark.parametrize(
    ("kind", "texts", "why"),
    [
        ("changes", ("- a\n",), "missing_tool"),
        ("report", ("- a\n",), "missing_tool"),
        ("list", (), "missing_data"),
        ("list", ("- a\n", "Some prose."), "missing_data"),
        ("json", ("[1]", '{"a": 1}'), "missing_data"),
        ("table", (None,), "noop"),
    ],
)
def test_what_it_cannot_merge_it_says(kind: OutputKind, texts: tuple[str], why: str) -> None:
    assert refused(merge(kind, *texts)).why == why


def test_nothing_from_anybody_is_an_empty_answer() -> None:
    assert text(merge("list", None, "- none\n")) == "- none\n"
    assert text(merge("list", None)) == "- none\n"
    assert text(merge("json", None, "[]")) == "[]\n"
