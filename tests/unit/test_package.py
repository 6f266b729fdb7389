import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from coordinator.domain import packing
from coordinator.domain.brief import Brief, Input, Kind, OutputFormat
from coordinator.domain.brief_text import render
from coordinator.domain.names import BriefId, ProfileName, RepoPath, TaskId
from coordinator.domain.output import Body
from coordinator.domain.package import NOTHING_FOUND, ContextPackage
from coordinator.domain.packing import numbered_rules
from coordinator.domain.plan import Part, Plan, Task
from coordinator.services.package import PATHS_MAX, pack
from tests.support.judging import BRIEF, Desk, brief, could_not, criterion, prohibition, report
from tests.support.sightings import ACCEPTED

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "package.schema.json"
TASK = Task(
    id=TaskId("links"), objective="Mend the links of the guide.", profile=ProfileName("links")
)
STATE = (
    "# State\n\nThe old guide is frozen.\n\n<!-- coordinator:begin -->\nsecret of ours\n"
    "<!-- coordinator:end -->\n"
)
RULES = (
    "# Rules\n\nBecause.\n\n1. **Only land writes.** Always.\n   Even on Sundays.\n2) No guesses.\n"
)


@pytest.fixture
def desk() -> Desk:
    return Desk(
        {
            "docs/a.md": "a",
            "docs/b/c.md": "c",
            "docs/b/d.txt": "d",
            "memory/state.md": STATE,
            ".orchestrator/constitution.md": RULES,
            "briefs/done/aa/audit-aa000001/result.md": "- a found thing\n",
            "briefs/done/bb/count-bb000001/brief.md": _counted(),
            "out/count.json": '{"count": 3}\n',
        }
    )


def _counted() -> str:
    wanted = OutputFormat.model_validate(
        {"text": "a JSON object in out/count.json", "kind": "json", "path": "out/count.json"}
    )
    asked = Brief(name="count", task="Count the pages of the site.", output_format=wanted)
    return render(asked)


def packed(desk: Desk, of: Brief, *feedback: str) -> ContextPackage:
    return pack(
        desk.sighting(of),
        TASK,
        attempt=2,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=feedback,
    )


def given(kind: str, value: str) -> Input:
    return Input.model_validate({"kind": kind, "value": value})


def test_a_package_says_all_that_one_worker_may_know(desk: Desk) -> None:
    asked = brief(
        Kind.LIST,
        path="out/list.md",
        scope_in=("docs",),
        scope_out=("docs/b",),
        scope_prose="the guide",
        do_not=(prohibition("prose", "guess"),),
        acceptance=(criterion("matches", "/a/"),),
        deadline_s=60.0,
        max_tokens=1_000,
        retries=1,
        task_type="audit",
    )
    said = packed(desk, asked, "shape: it was no list")
    assert (said.brief_id, said.task_id, said.attempt, said.base) == (BRIEF, "links", 2, desk.base)
    assert (said.task_type, said.description) == ("audit", "Mend the links of the guide.")
    assert said.tools_available == ("list", "read")
    assert said.constraints.deadline_seconds == 60
    assert (said.constraints.max_tokens, said.constraints.max_retries) == (1_000, 1)
    assert said.constraints.output_format.kind == "list"
    assert said.constraints.output_format.path == "out/list.md"
    assert (said.scope.inside, said.scope.outside) == (("docs",), ("docs/b",))
    assert said.scope.prose == "the guide"
    assert said.do_not == ("prose guess",)
    assert said.acceptance_criteria == ("matches: /a/",)
    assert said.feedback == ("shape: it was no list",)
    assert ContextPackage.model_validate_json(said.model_dump_json()) == said


def test_a_package_holds_what_was_asked_and_answered_for_its_task(desk: Desk) -> None:
    plan = Plan(
        tasks=(TASK,),
        questions={"links-1": "Which guide?", "links-2": "Which of them?", "other-3": "What?"},
        answers={
            "links-1": "the guide",
            "links-2": "the old one",
            "conflict": "links",
            "other-3": "x",
        },
    )
    sighting = desk.sighting(brief())
    sighting = replace(sighting, filed=replace(sighting.filed, plan=plan))
    said = pack(
        sighting,
        TASK,
        attempt=3,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=(),
    )
    assert [(a.question, a.answer) for a in said.answers] == [
        ("Which guide?", "the guide"),
        ("Which of them?", "the old one"),
    ]
    sighting = replace(sighting, filed=replace(sighting.filed, plan=None))
    assert packing.answers(sighting.filed.plan, TASK) == ()


def test_memory_is_what_people_wrote_and_the_rules(desk: Desk) -> None:
    state, rules = packed(desk, brief()).memory
    assert "The old guide is frozen." in state
    assert "secret of ours" not in state
    assert rules.splitlines()[1:] == [
        "1. **Only land writes.** Always. Even on Sundays.",
        "2. No guesses.",
    ]
    assert packed(Desk({"a.md": "x"}), brief()).memory == ()


def test_rules_are_read_however_they_are_numbered() -> None:
    text = "# 1. A heading\n\n- 3. Third.\n\nNot a rule.\n\n**4.** Fourth.\n"
    assert numbered_rules(text) == ("3. Third.", "4. Fourth.")


def test_a_brief_narrows_the_tools_and_the_time_of_its_worker_and_never_widens_them(
    desk: Desk,
) -> None:
    said = packed(desk, brief(tools=("read", "push"), deadline_s=99_999.0))
    assert said.tools_available == ("read",)
    assert said.constraints.deadline_seconds == 300


@pytest.mark.parametrize(
    ("kind", "value", "paths"),
    [
        ("path", "docs/a.md", ("docs/a.md",)),
        ("path", "docs/b/", ("docs/b/c.md", "docs/b/d.txt")),
        ("glob", "docs/**/*.md", ("docs/a.md", "docs/b/c.md")),
        ("glob", "*.none", ()),
        ("path", "gone.md", ()),
    ],
)
def test_paths_are_resolved_at_the_base(
    desk: Desk, kind: str, value: str, paths: tuple[str, ...]
) -> None:
    (item,) = packed(desk, brief(inputs=(given(kind, value),))).input_data
    assert (item.paths, item.content) == (paths, None)


def test_half_a_list_of_paths_is_never_given() -> None:
    desk = Desk({"a/0": "x"})
    entry = desk.objects.entry(desk.tree, RepoPath("a/0"))
    edits = {RepoPath(f"a/{n}"): entry for n in range(PATHS_MAX + 1)}
    desk.base = desk.trees.commit(desk.objects.edit(desk.tree, edits))
    (item,) = packed(desk, brief(inputs=(given("path", "a"),))).input_data
    assert item.paths == ()
    assert "more than 5000 files" in item.label


def test_a_name_that_is_not_text_does_not_spoil_a_package() -> None:
    desk = Desk({"a/\udcff.md": "x", "a/b.md": "x"})
    said = packed(desk, brief(inputs=(given("glob", "a/*"),)))
    assert said.input_data[0].paths == ("a/b.md",)
    assert "not UTF-8" in said.input_data[0].label
    assert "a/b.md" in said.model_dump_json()


def test_data_is_given_whole_and_the_result_of_another_brief_with_it(desk: Desk) -> None:
    inputs = (
        given("data", "key: value"),
        given("from", "audit"),
        given("from", "audit-aa000001"),
        given("from", "count"),
        given("from", "nobody"),
        given("url", "https://site.example/"),
    )
    data, by_name, by_id, at_its_path, nobody, url = packed(desk, brief(inputs=inputs)).input_data
    assert data.content == "key: value"
    assert by_name.content == by_id.content == "- a found thing\n"
    assert by_name.label == BriefId("audit-aa000001")
    assert at_its_path.content == '{"count": 3}\n'
    assert (nobody.content, nobody.label) == (None, "it has no result at the base")
    assert url.content is None


def test_what_earlier_tasks_returned_is_given_and_who_found_nothing_is_marked(desk: Desk) -> None:
    said: dict[str, Body] = {
        "links": report("- a\n"),
        "search": could_not("noop", "All is well."),
    }
    done = [
        replace(desk.returned(body, profile=name, number=n), verdict=ACCEPTED)
        for n, (name, body) in enumerate(said.items(), 1)
    ]
    of = brief(Kind.LIST)
    part = Part(
        output_format=of.output_format,
        guidance="merge",
        inputs=tuple(given("task", name) for name in said),
    )
    after = tuple(map(TaskId, said))
    last = Task(id=TaskId("all"), objective="", profile=TASK.profile, after=after, part=part)
    one = desk.sighting(of, *done)
    assert one.filed.plan is not None
    plan = Plan(tasks=(*one.filed.plan.tasks, last))
    package = pack(
        replace(one, filed=replace(one.filed, plan=plan)),
        last,
        attempt=3,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=(),
    )
    assert [(i.value, i.label, i.content) for i in package.input_data] == [
        ("links", "", "- a\n"),
        ("search", NOTHING_FOUND, "All is well."),
    ]


def test_the_same_base_gives_the_same_bytes_whatever_the_tip_is(desk: Desk) -> None:
    asked = brief(inputs=(given("glob", "docs/**"),))
    before = packed(desk, asked).model_dump_json()
    world = replace(desk.world, tip=desk.trees.commit(desk.trees.tree({"x": "y"})))
    after = pack(
        desk.sighting(asked),
        TASK,
        attempt=2,
        base=desk.base,
        world=world,
        objects=desk.objects,
        feedback=(),
    )
    assert after.model_dump_json() == before


def test_the_published_schema_is_the_one_of_the_code() -> None:
    model: type[BaseModel] = ContextPackage
    assert json.loads(SCHEMA_FILE.read_text("utf-8")) == model.model_json_schema()


def test_what_was_decided_about_the_paths_goes_along_and_says_what_has_changed_since() -> None:
    start = Desk({"docs/a.md": "a", "docs/old.md": "old", "src/app.py": "1"})

    def entry(name: str, path: str, more: str = "") -> str:
        fields = f"id: {name}; date: 2026-03-01; commit: {start.base}; paths: {path}{more}"
        return f"## {name.capitalize()}\n\n{fields}\n\nBecause.\n\n"

    decisions = entry("capitals", "docs/a.md") + entry("frozen", "docs/old.md")
    lessons = entry("later", "src/app.py") + entry("mending", "src", "; kind: links")
    tree = start.trees.tree(
        {
            "docs/old.md": "changed",
            "memory/decisions.md": decisions,
            "memory/lessons.md": lessons,
        },
        on=start.tree,
    )
    desk = Desk({})
    desk.trees, desk.objects = start.trees, start.objects
    desk.base = start.trees.commit(tree)
    said = packed(desk, brief(Kind.LIST, scope_in=("docs",))).memory
    stale = f"(stale: docs/old.md changed since {start.base[:12]})"
    assert said == (
        f"decisions.md:\nFrozen (frozen, 2026-03-01; on docs/old.md)\n{stale}\nBecause.",
        "decisions.md:\nCapitals (capitals, 2026-03-01; on docs/a.md)\nBecause.",
        "lessons.md:\nMending (mending, 2026-03-01; for links)\nBecause.",
    )


def test_what_was_decided_about_a_file_that_an_input_links_to_goes_along() -> None:
    page = "See [the app](../src/app.py) and [the web](https://site.example/src/other.py).\n"
    start = Desk({"docs/a.md": page, "src/app.py": "1", "src/other.py": "2"})
    fields = f"date: 2026-03-01; commit: {start.base}"
    text = (
        f"## App\n\nid: app; {fields}; paths: src/app.py\n\nSo.\n\n"
        f"## Other\n\nid: other; {fields}; paths: src/other.py\n\nSo.\n"
    )
    start.base = start.trees.commit(start.trees.tree({"memory/decisions.md": text}, on=start.tree))
    said = packed(start, brief(Kind.LIST, inputs=(given("path", "docs/a.md"),))).memory
    assert said == (
        "decisions.md:\nApp (app, 2026-03-01; on src/app.py, which an input links to)\nSo.",
    )


def test_a_house_may_want_no_memory_in_packages() -> None:
    start = Desk({"docs/a.md": "a"})
    fields = f"id: a; date: 2026-03-01; commit: {start.base}; paths: docs/a.md"
    files = {"memory/decisions.md": f"## A\n\n{fields}\n\nBecause.\n"}
    start.base = start.trees.commit(start.trees.tree(files, on=start.tree))
    asked = brief(Kind.LIST, scope_in=("docs",))
    assert len(packed(start, asked).memory) == 1
    start.policy = replace(start.policy, memory_tokens_max=0)
    assert packed(start, asked).memory == ()
