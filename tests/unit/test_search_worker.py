"""The search worker: which pattern it takes, where it looks, and the forms it answers in."""

from typing import Any

import pytest

from coordinator.domain.profiles import BUILT_IN
from tests.support.memory_tools import MemoryTools, package, refusal, rows, text
from workers.search import Search

FILES: dict[str, str | bytes] = {
    "src/a.py": "import os\n# TODO: later\r\nx = 1  # todo | now\n",
    "src/b.py": "y = 2\n",
    "docs/a.md": "A TODO here",
    "img/x.png": b"\x89PNG\0TODO",
    "briefs/open/ab/x/brief.md": "TASK: find TODO",
}


def found(task: str, **asked: Any) -> list[tuple[Any, ...]]:
    output = Search().work(package(task, kind="json", **asked), MemoryTools(FILES))
    return [tuple(row.values()) for row in rows(output)]


@pytest.mark.parametrize(
    "task",
    [
        r"List every line that matches /\btodo\b/i in the code.",
        "List /TODO|todo/ and not `import`.",
    ],
)
def test_a_regular_expression_in_the_task_is_the_pattern(task: str) -> None:
    assert found(task, inputs=["src/**"]) == [
        ("src/a.py", 2, 3, "# TODO: later"),
        ("src/a.py", 3, 10, "x = 1  # todo | now"),
    ]


@pytest.mark.parametrize("task", ['List "x = 1" in src.', "List where `x = 1` stands in a/b/c."])
def test_quoted_text_is_taken_literally(task: str) -> None:
    assert found(task) == [("src/a.py", 3, 1, "x = 1  # todo | now")]


def test_its_description_says_how_it_is_told_a_pattern() -> None:
    described = next(one.description for one in BUILT_IN if one.name == "search")
    ways = described.partition(" its objective has as ")[2].split(" or ")
    lines = {"a.md": "some text\n", "b.md": "an expression\n"}
    for way, path in zip(ways, lines, strict=True):
        output = Search().work(package(f"List {way} here.", kind="json"), MemoryTools(lines))
        assert [row["path"] for row in rows(output)] == [path]


@pytest.mark.parametrize(
    "data", [{"pattern": "/^y/"}, {"": "pattern: /^Y/i"}, {"text pattern": "y ="}]
)
def test_data_gives_the_pattern_before_the_task_does(data: dict[str, str]) -> None:
    assert found('List "TODO".', data=data) == [("src/b.py", 1, 1, "y = 2")]


def test_binary_files_and_briefs_are_left_out() -> None:
    assert {row[0] for row in found("List /TODO/ everywhere.")} == {"docs/a.md", "src/a.py"}


def test_scope_and_inputs_bound_where_it_looks() -> None:
    assert [r[0] for r in found("List /todo/i.", inside=("docs/",))] == ["docs/a.md"]
    assert [r[0] for r in found("List /todo/i.", outside=("src/**",))] == ["docs/a.md"]
    assert [r[0] for r in found("List /todo/i.", inputs=["**/*.md"])] == ["docs/a.md"]


def test_a_list_and_a_table_hold_a_line_for_each_match() -> None:
    asked = package("List /todo/i.", kind="list", inputs=["src"])
    assert text(Search().work(asked, MemoryTools(FILES))) == (
        "- src/a.py:2: # TODO: later\n- src/a.py:3: x = 1 # todo | now\n"
    )
    asked = package("List /now/.", kind="table")
    assert text(Search().work(asked, MemoryTools(FILES))) == (
        "| path | line | column | text |\n| --- | --- | --- | --- |\n"
        "| src/a.py | 3 | 17 | x = 1 # todo \\| now |\n"
    )


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": {"type": "string"}}, ["docs/a.md", "src/a.py"]),
        (
            {
                "type": "object",
                "properties": {
                    "matches": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "file": {"type": "string"},
                                "line_number": {"type": "integer"},
                            },
                            "additionalProperties": False,
                        },
                    },
                    "count": {"type": "integer"},
                },
            },
            {
                "matches": [
                    {"file": "docs/a.md", "line_number": 1},
                    {"file": "src/a.py", "line_number": 2},
                ],
                "count": 2,
            },
        ),
    ],
)
def test_a_schema_shapes_the_rows(schema: dict[str, Any], expected: Any) -> None:
    asked = package("List /TODO/.", kind="json", schema=schema)
    assert rows(Search().work(asked, MemoryTools(FILES))) == expected


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("List all the things.", "Which pattern?"),
        ("List /(/ here.", "no regular expression"),
        ("List /a/q here.", "unknown flag 'q'"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_a_question(task: str, said: str) -> None:
    why, asked = refusal(Search().work(package(task), MemoryTools(FILES)))
    assert why == "question"
    assert said in asked


@pytest.mark.parametrize(
    ("answer", "places"),
    [
        ("/todo/i", ["docs/a.md:1", "src/a.py:2", "src/a.py:3"]),
        ('Everything that says "x = 1", thank you', ["src/a.py:3"]),
        ("todo", ["src/a.py:3"]),
    ],
)
def test_an_answer_gives_the_pattern(answer: str, places: list[str]) -> None:
    _, question = refusal(Search().work(package("List the notes."), MemoryTools(FILES)))
    asked = package("List the notes.", kind="json", answers=[(question, answer)])
    found = rows(Search().work(asked, MemoryTools(FILES)))
    assert [f"{row['path']}:{row['line']}" for row in found] == places


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("the notes we left", "The answer 'the notes we left' is none."),
        ("/(/", "/(/ is no regular expression: missing ), unterminated subpattern at position 0."),
    ],
)
def test_an_answer_that_is_no_pattern_is_asked_again_and_the_next_one_counts(
    answer: str, why: str
) -> None:
    first = ("Which pattern? TASK names none.", answer)
    said, again = refusal(
        Search().work(package("List the notes.", answers=[first]), MemoryTools(FILES))
    )
    how = 'Write /a regular expression/ or "literal text".'
    assert (said, again) == ("question", f"Which pattern? {why} {how}")
    asked = package("List the notes.", kind="json", answers=[first, (again, "/^y/")])
    assert len(rows(Search().work(asked, MemoryTools(FILES)))) == 1


def test_answers_to_other_questions_are_no_pattern() -> None:
    asked = package("List the notes.", answers=[("Which sitemap is meant: a, b?", "a")])
    assert refusal(Search().work(asked, MemoryTools(FILES)))[0] == "question"


def test_it_changes_nothing() -> None:
    output = Search().work(package("Replace /a/.", kind="changes"), MemoryTools(FILES))
    assert refusal(output)[0] == "missing_tool"


def test_inputs_that_name_nothing_are_missing_data() -> None:
    output = Search().work(package("List /a/.", inputs=["nowhere/"]), MemoryTools(FILES))
    assert refusal(output)[0] == "missing_data"


def test_no_match_is_an_empty_report() -> None:
    output = Search().work(package("List /never/.", kind="report"), MemoryTools(FILES))
    assert text(output) == "# Lines that match never\n\nNothing found.\n"


def test_names_and_lines_that_are_no_utf8_are_shown_escaped() -> None:
    files: dict[str, str | bytes] = {"caf\udce9.txt": b"caf\xe9"}
    output = Search().work(package("List /caf/.", kind="json"), MemoryTools(files))
    assert rows(output) == [{"path": "caf\\xe9.txt", "line": 1, "column": 1, "text": "caf\\xe9"}]
