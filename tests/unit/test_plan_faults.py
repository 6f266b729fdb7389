"""What is wrong with a plan: each fault by name, and none in a plan that may be carried out."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coordinator.domain import plan_faults, planning
from coordinator.domain.brief import Brief, BriefTask, Criterion, Input, Kind, OutputFormat
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import ProfileName, RepoPath, TaskId
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.profiles import BUILT_IN
from tests.support.inbox_world import House

WRITER = Profile(
    name=ProfileName("writer"), capabilities=frozenset({"writing"}), tools=frozenset({"read"})
)
POLICY = Policy(profiles=(WRITER, *BUILT_IN))
GUIDE = Input(kind="path", value="docs/guide.md")


def said(name: str, kind: Kind | None = Kind.REPORT, **more: Any) -> BriefTask:
    fields: dict[str, Any] = {
        "task": f"Do {name}.",
        "inputs": (GUIDE,),
        "scope_in": ("docs",),
        "output_format": OutputFormat(text=kind or "", kind=kind),
        "guidance": "Read first.",
        "worker": ProfileName("writer"),
    }
    after = tuple(map(TaskId, more.pop("after", ())))
    return BriefTask(id=TaskId(name), after=after, **{**fields, **more})


def brief(*tasks: BriefTask, kind: Kind = Kind.REPORT, **more: Any) -> Brief:
    fields: dict[str, Any] = {
        "task": "Write the guide.",
        "inputs": (GUIDE,),
        "scope_in": ("docs",),
        "output_format": OutputFormat(text=kind, kind=kind),
    }
    return Brief(name="guide", tasks=tasks, **{**fields, **more})


def codes(asked: Brief, *, policy: Policy = POLICY, doctrine: Doctrine | None = None) -> list[str]:
    plan = planning.make(asked, policy=policy)
    found = plan_faults.faults(plan, asked, policy, doctrine or Doctrine())
    assert all(fault.message and fault.hint for fault in found)
    return [fault.code for fault in found]


def changes(name: str, *scope: str, after: tuple[str, ...] = ()) -> BriefTask:
    return said(name, Kind.CHANGES, scope_in=scope, after=after)


def json_of(**properties: str) -> OutputFormat:
    schema = {
        "type": "object",
        "required": list(properties),
        "properties": {name: {"type": kind} for name, kind in properties.items()},
    }
    return OutputFormat(text="json", kind=Kind.JSON, json_schema=schema)


def takes(name: str, wants: str) -> tuple[Input, ...]:
    return (GUIDE, Input(kind="task", value=name, wants=wants))


def test_a_plan_of_sound_tasks_has_no_fault() -> None:
    a, b = said("a", Kind.LIST), said("b", output_format=json_of(page="string"))
    wants = '{"type": "object", "required": ["page"], "properties": {"page": {"type": "string"}}}'
    last = said("c", after=("a",), inputs=(*takes("b", wants), *takes("a", "report")))
    asked = brief(a, b, last, acceptance=(Criterion(kind="prose", value="x", text="x"),))
    assert codes(asked) == []


FAULTY = {
    "duplicate-task": brief(said("a"), said("a")),
    "unknown-after": brief(said("a", after=("b",))),
    "cycle": brief(said("a", after=("b",)), said("b", after=("a",))),
    "missing-objective": brief(said("a", task=" ")),
    "missing-output": brief(said("a", None)),
    "missing-guidance": brief(said("a", guidance="")),
    "missing-bounds": brief(said("a", scope_in=())),
    "outside": brief(said("a", scope_in=("docs", "src"))),
    "misfit": brief(said("a", Kind.LIST), said("b", inputs=takes("a", "table"))),
    "unknown-worker": brief(said("a", worker=ProfileName("nobody"))),
    "no-worker": brief(said("a", worker=None)),
    "ungranted-tool": brief(said("a", tools=("read", "grep"))),
    "wrong-output": brief(said("a", Kind.CHANGES, worker=ProfileName("search")), kind=Kind.CHANGES),
    "overlap": brief(changes("a", "docs"), changes("b", "docs/guide.md"), kind=Kind.CHANGES),
    "uncovered": brief(said("a", inputs=())),
    "wrong-result": brief(said("a", Kind.LIST)),
}


@pytest.mark.parametrize("code", FAULTY)
def test_a_faulty_plan_says_what_is_wrong_with_it(code: str) -> None:
    assert codes(FAULTY[code]) == [code]


def test_a_plan_without_tasks_and_one_with_more_than_the_doctrine_allows() -> None:
    assert [f.code for f in plan_faults.faults(Plan(tasks=()), brief(), POLICY, Doctrine())] == [
        "no-tasks"
    ]
    asked = brief(said("a"), said("b", after=("a",)))
    assert codes(asked, doctrine=Doctrine(tasks_max=1)) == ["too-many-tasks"]


def test_every_fault_of_a_plan_is_listed() -> None:
    root = Path(__file__).parents[2]
    listed = (root / "docs" / "tasks.md").read_text()

    source = (root / "coordinator" / "domain" / "plan_faults.py").read_text()
    known = set(re.findall(r'"([a-z]+-[a-z-]+|outside|misfit|overlap|uncovered|cycle)"', source))
    assert set(FAULTY) | {"no-tasks", "too-many-tasks"} == known
    assert not {code for code in known if f"`{code}`" not in listed}


def test_changes_side_by_side_have_scopes_apart_and_those_in_order_may_share_one() -> None:
    apart = brief(changes("a", "docs/a"), changes("b", "docs/b"), kind=Kind.CHANGES)
    assert codes(apart) == []
    in_order = brief(changes("a", "docs"), changes("b", "docs", after=("a",)), kind=Kind.CHANGES)
    assert codes(in_order) == []


def test_what_the_brief_names_is_in_some_task() -> None:
    scope = brief(said("a"), scope_in=("docs", "src"))
    assert codes(scope) == ["uncovered"]
    url = brief(said("a"), inputs=(GUIDE, Input(kind="url", value="https://example.com/x")))
    assert codes(url) == ["uncovered"]
    two_ends = brief(
        said("a"), said("b"), acceptance=(Criterion(kind="prose", value="x", text="x"),)
    )
    assert codes(two_ends) == ["uncovered"]


def test_a_criterion_that_no_task_has_is_said_as_it_is_written() -> None:
    written = Criterion(kind="matches", value=r"/index\.html/", text=r"matches: /index\.html/")
    asked = brief(said("a"), said("b"), acceptance=(written,))
    plan = planning.explicit(asked, POLICY)
    (fault,) = plan_faults.faults(plan, asked, POLICY, Doctrine())
    assert fault.message == (
        r"`matches: /index\.html/` is in ACCEPTANCE of the brief, and no task answers for it"
    )


def test_a_task_stays_out_of_what_the_brief_puts_out_of_bounds_and_names_no_path_of_its_own() -> (
    None
):
    assert codes(brief(said("a"), scope_out=("docs",), scope_in=("docs",))) == ["outside"]
    to = OutputFormat(text="report", kind=Kind.REPORT, path=RepoPath("docs/x.md"))
    assert codes(brief(said("a", output_format=to))) == ["outside"]


def test_a_report_is_made_without_changes_and_changes_are_made_by_somebody() -> None:
    mixed = brief(changes("a", "docs"), said("b", after=("a",)))
    assert codes(mixed) == ["wrong-result"]
    assert codes(brief(said("a"), kind=Kind.CHANGES)) == ["wrong-result"]


@pytest.mark.parametrize(
    ("wants", "fits"),
    [
        ("json", True),
        ("report", False),
        ('{"type": "object"}', True),
        ('{"type": "array"}', False),
        ('{"required": ["page"]}', True),
        ('{"required": ["page", "title"]}', False),
        ('{"properties": {"count": {"type": "number"}}}', True),
        ('{"properties": {"count": {"type": "string"}}}', False),
        ('{"minProperties": 1}', False),
    ],
)
def test_what_a_task_takes_fits_what_the_earlier_one_promises(wants: str, fits: bool) -> None:
    first = said("a", output_format=json_of(page="string", count="integer"))
    found = codes(brief(first, said("b", inputs=takes("a", wants))))
    assert found == ([] if fits else ["misfit"])


def test_a_brief_whose_tasks_are_faulty_is_rejected_with_their_lines() -> None:
    text = (
        "---\ntasks:\n  - id: a\n    task: Find `x` in it.\n    inputs: docs/guide.md\n    scope: docs/\n"
        "    output: a list\n    guidance: Look.\n    worker: search\n"
        "  - id: b\n    task: Find `y` in it.\n    scope: src/\n    output: a list\n    after: [a, c]\n"
        "    guidance: Look.\n    worker: nobody\n---\n"
        "TASK: Find where the guide says x or y.\nINPUTS: docs/guide.md\nSCOPE: docs/\nOUTPUT FORMAT: a list\n"
    )
    found = House(policy=replace(House().policy, profiles=BUILT_IN)).check("x", text)
    assert found.verdict == "rejected"
    assert [(f.code, f.line) for f in found.faults] == [
        ("unknown-after", 10),
        ("outside", 10),
        ("unknown-worker", 10),
    ]
