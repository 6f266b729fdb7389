"""What a task is asked, what it waits for, and whose outputs a brief is made of."""

from typing import Any

import pytest

from coordinator.domain import tasks
from coordinator.domain.brief import Brief, Criterion, Kind, OutputFormat, Prohibition
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Part, Plan, Task

LINES = Prohibition(kind="max_lines", value="9", text="more than 9 lines")
BRIEF = Brief(
    name="guide",
    task="Write the guide.",
    scope_in=("docs/",),
    scope_out=("docs/secret.md",),
    output_format=OutputFormat(text="changes", kind=Kind.CHANGES),
    do_not=(LINES,),
    acceptance=(Criterion(kind="prose", value="", text="it reads well"),),
    tools=("read", "grep"),
    retries=2,
)


def part(kind: Kind = Kind.REPORT, **more: Any) -> Part:
    return Part(output_format=OutputFormat(text=kind, kind=kind), guidance="read first", **more)


def task(name: str, *after: str, kind: Kind | None = Kind.REPORT, **more: Any) -> Task:
    return Task(
        id=TaskId(name),
        objective=f"Do {name}.",
        profile=ProfileName("writer"),
        after=tuple(map(TaskId, after)),
        part=None if kind is None else part(kind, **more),
    )


def test_a_task_without_a_part_is_asked_what_the_brief_says() -> None:
    assert tasks.brief_of(BRIEF, task("guide", kind=None)) is BRIEF


def test_a_part_stands_in_for_the_sections_and_keeps_what_bounds_the_whole() -> None:
    asked = tasks.brief_of(BRIEF, task("outline", scope_in=("notes/",), scope_out=("notes/x",)))
    assert asked.task == "Do outline."
    assert asked.scope_in == ("notes/",)
    assert asked.scope_out == ("docs/secret.md", "notes/x")
    assert asked.output_format.kind is Kind.REPORT
    assert asked.acceptance == ()
    assert asked.do_not == (LINES,)
    assert asked.retries == 2
    assert (asked.tools, asked.worker) == (("read", "grep"), ("writer",))


def test_a_prohibition_that_a_brief_and_its_part_have_is_said_once() -> None:
    files = Prohibition(kind="new_files", value="", text="new files")
    assert tasks.brief_of(BRIEF, task("a", do_not=(files, LINES))).do_not == (LINES, files)


def test_a_part_that_names_a_capability_leaves_the_worker_open() -> None:
    asked = tasks.brief_of(BRIEF, task("outline", task_type="research", tools=("read",)))
    assert (asked.worker, asked.task_type, asked.tools) == ((), "research", ("read",))


@pytest.mark.parametrize(
    ("kind", "made_of"), [(Kind.CHANGES, ["b", "c"]), (Kind.REPORT, ["c", "d"])]
)
def test_a_brief_is_made_of_its_changes_or_of_what_nothing_comes_after(
    kind: Kind, made_of: list[str]
) -> None:
    brief = BRIEF.model_copy(update={"output_format": OutputFormat(text=kind, kind=kind)})
    plan = Plan(
        tasks=(
            task("a"),
            task("b", "a", kind=Kind.CHANGES),
            task("c", "b", kind=Kind.CHANGES),
            task("d", "a"),
        )
    )
    assert [one.id for one in tasks.contributing(plan, brief)] == made_of


def test_tasks_come_after_those_that_they_wait_for() -> None:
    found = tasks.in_order((task("c", "b"), task("b", "a"), task("a"), task("d")))
    assert [one.id for one in found] == ["a", "d", "b", "c"]
