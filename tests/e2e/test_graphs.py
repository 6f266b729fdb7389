"""Briefs of several tasks, the whole way: side by side, one after the other, and without those that fail."""

from pathlib import Path

import pytest

from tests.support.graphs import TEXT, changing, opened
from tests.support.repos import git
from tests.support.worked import worked

MEETS = """\
---
kind: command
description: writes into its file which files there are, once both are at work
capabilities: [{name}]
confinement: none
command: |
  touch {place}/{name}
  until test -e {place}/a -a -e {place}/b; do sleep 0.05; done
  ls docs > docs/{name}.md
returns: [changes]
---
"""
LISTS = """\
---
kind: command
description: writes into its file which files there are
capabilities: [{name}]
command: ["sh", "-c", "ls docs > docs/{name}.md"]
returns: [changes]
---
"""
FAILS = """\
---
kind: command
description: never can
capabilities: [fails]
command: "echo it is broken >&2; exit 7"
returns: [changes]
---
"""
WORKERS = {name: LISTS.format(name=name) for name in ("a", "b", "c")} | {"fails": FAILS}


AND_B = "a.md[^$]*b.md"


def test_tasks_run_side_by_side_and_later_ones_see_what_earlier_ones_did(tmp_path: Path) -> None:
    meeting = {name: MEETS.format(name=name, place=tmp_path) for name in ("a", "b")}
    made = worked(tmp_path, {**WORKERS, **meeting})
    graph = [
        changing("a", "docs/a.md", profile="a", says="a.md"),
        changing("b", "docs/b.md", profile="b", says="b.md"),
        changing("c", "docs/c.md", "a", "b", profile="c", says=AND_B),
    ]
    shown = opened(made, TEXT, graph).ran()
    assert shown["state"] == "completed", shown  # each of the two waited for the other
    tried = [(one["n"], one["task"], one["verdict"]) for one in shown["attempts"]]
    assert tried == [(1, "a", "accept"), (2, "b", "accept"), (3, "c", "accept")]
    assert made.at_tip("docs/a.md").split() == ["a.md", "guide.md"]
    assert made.at_tip("docs/c.md").split() == ["a.md", "b.md", "c.md", "guide.md"]


def test_a_brief_lands_without_the_task_that_failed_once_a_person_says_so(tmp_path: Path) -> None:
    made = worked(tmp_path, WORKERS)
    graph = [
        changing("a", "docs/a.md", profile="a", says="a.md"),
        changing("b", "docs/b.md", profile="fails", says="b.md"),
        changing("c", "docs/c.md", "a", "b", profile="c", says=AND_B),
    ]
    brief = opened(made, "---\nretries: 0\n---\n" + TEXT, graph)
    shown = brief.ran()
    assert shown["state"] == "input_required", shown
    graph_ = [(one["id"], one["state"], one["attempts"]) for one in shown["graph"]]
    assert graph_ == [("a", "done", [1]), ("b", "tried", [2]), ("c", "waiting", [])]
    (listed,) = made.run("status", "--json").json["briefs"]
    assert listed["tasks"] == {"done": 1, "of": 3}
    (question,) = shown["questions"]
    assert question["choices"] == ["land", "try again", "give up"]
    assert "- a: done" in shown["reasons"][0].splitlines()
    assert "c: not done: b, which it comes after, did not complete" in shown["reasons"][0]

    brief.answer(question["id"], "try again")
    shown = brief.ran()
    (again,) = shown["questions"]
    assert again["id"] != question["id"]
    assert [one["verdict"] for one in shown["attempts"]] == ["accept", "lost", "lost"]

    brief.answer(again["id"], "land")
    shown = brief.ran()
    assert shown["state"] == "completed", shown
    assert made.at_tip("docs/a.md").split() == ["a.md", "guide.md"]
    lacking = [line for line in brief.landing().splitlines() if line.startswith("Partial: ")]
    assert lacking[0].startswith("Partial: b an attempt was lost: ")
    assert lacking[1] == "Partial: c b, which it comes after, did not complete"


@pytest.mark.parametrize(("on_partial", "state"), [("land", "completed"), ("fail", "failed")])
def test_a_brief_says_itself_what_becomes_of_it_when_a_task_fails(
    tmp_path: Path, on_partial: str, state: str
) -> None:
    made = worked(tmp_path, WORKERS)
    graph = [
        changing("a", "docs/a.md", profile="a", says="a.md"),
        changing("b", "docs/b.md", profile="fails", says="b.md"),
    ]
    front = f"---\nretries: 0\non_partial: {on_partial}\n---\n"
    shown = opened(made, front + TEXT, graph).ran()
    assert shown["state"] == state, shown
    if state == "completed":
        assert made.at_tip("docs/a.md").split() == ["a.md", "guide.md"]
        assert shown["reasons"] == [
            "not done: b an attempt was lost: the worker failed: exit 7: it is broken"
        ]
    else:
        assert shown["reasons"] == [
            "b: an attempt was lost: the worker failed: exit 7: it is broken"
        ]


def test_a_task_that_its_worker_cannot_do_goes_to_another_by_a_revision_of_the_plan(
    tmp_path: Path,
) -> None:
    able = LISTS.format(name="b").replace("capabilities: [b]", "capabilities: [fails]")
    made = worked(tmp_path, {**WORKERS, "b": able})
    graph = [
        changing("a", "docs/a.md", profile="a", says="a.md"),
        changing("b", "docs/b.md", profile="fails", says="b.md"),
    ]
    shown = opened(made, "---\nretries: 0\n---\n" + TEXT, graph).ran()
    assert shown["state"] == "completed", shown
    assert (shown["plan"]["revision"], shown["plan"]["tasks"][1]["id"]) == (2, "b-r2")
    assert [(one["worker"], one["verdict"]) for one in shown["attempts"]] == [
        ("a", "accept"),
        ("fails", "lost"),
        ("b", "accept"),
    ]
    log = git(made.site.hub, "log", "--format=%s", "main")
    assert "revision 2 of the plan" in log
