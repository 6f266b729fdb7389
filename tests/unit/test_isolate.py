"""Coupled tasks of real trees: what a task reaches, and what its plan then says."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from coordinator.domain.brief import Brief, Input, Kind, OutputFormat
from coordinator.domain.coupling import Reach
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import Oid, ProfileName, RecordPaths, RepoPath, TaskId
from coordinator.domain.note import PutFile
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.policy import Policy
from coordinator.domain.together import Touched
from coordinator.reconcile import plan_steps
from coordinator.reconcile.kit import Kit, Memory
from coordinator.services import isolate
from coordinator.services.isolate import Ground
from tests.support.sightings import ACCEPTED, returned, sighting, world
from tests.support.trees import Trees

FILES = {
    "src/core.py": "import json\n",
    "src/view.py": "from src import core\n",
    "src/apart.py": "",
    "docs/guide.md": "see [core](../src/core.py)\n",
    "docs/news.md": "",
    "data/a.csv": "",
    "data/b.csv": "",
    "briefs/open/x/brief.md": "[core](../../../src/core.py)",
    "memory/plan.md": "",
}


class Past:
    """A history in which the two files of data change together."""

    def __init__(self, *pairs: tuple[str, ...]) -> None:
        self.pairs = pairs
        self.asked = 0

    def touched(self, tip: Oid) -> Sequence[Touched]:
        self.asked += 1
        return [Touched(tip, pair) for pair in self.pairs for _ in range(20)]


TOGETHER = Past(("data/a.csv", "data/b.csv"), ("docs/news.md",))


@pytest.fixture(scope="module")
def trees() -> Trees:
    return Trees()


@pytest.fixture(scope="module")
def tip(trees: Trees) -> Oid:
    return trees.commit(trees.tree(FILES))


@pytest.fixture
def ground(trees: Trees, tip: Oid) -> Ground:
    return Ground(tip, paths=RecordPaths(), objects=trees.objects, past=TOGETHER)


def output(kind: Kind, path: str | None = None) -> OutputFormat:
    return OutputFormat(text=kind, kind=kind, path=RepoPath(path) if path else None)


def brief(kind: Kind, *scope: str, path: str | None = None, inputs: tuple[str, ...] = ()) -> Brief:
    items = tuple(Input(kind="path", value=value) for value in inputs)
    return Brief(name="x", scope_in=scope, inputs=items, output_format=output(kind, path))


def task(name: str, *scope: str, kind: Kind = Kind.CHANGES) -> Task:
    part = Part(output_format=output(kind), guidance="look", scope_in=scope)
    return Task(id=TaskId(name), objective=name, profile=ProfileName("w"), part=part)


def isolated(
    trees: Trees, tip: Oid, *tasks: Task, threshold: float = 0.5, past: Past = TOGETHER
) -> Plan:
    policy = replace(Policy(), doctrine=Doctrine(coupling_threshold=threshold))
    return isolate.isolated(
        Plan(tasks=tasks),
        brief(Kind.CHANGES, "."),
        tip=tip,
        policy=policy,
        objects=trees.objects,
        past=past,
    )


def test_a_task_that_changes_files_reaches_its_scope_and_reads_its_inputs(ground: Ground) -> None:
    asked = brief(Kind.CHANGES, "src/*.py", inputs=("docs/guide.md",))
    asked = asked.model_copy(update={"scope_out": ("src/apart.py",)})
    assert ground.reach(asked) == Reach(
        changes=frozenset({"src/core.py", "src/view.py"}), reads=frozenset({"docs/guide.md"})
    )


def test_a_task_that_reports_changes_its_report_alone(ground: Ground) -> None:
    assert ground.reach(brief(Kind.REPORT, "data", path="out/report.md")) == Reach(
        changes=frozenset({"out/report.md"}), reads=frozenset({"data/a.csv", "data/b.csv"})
    )
    assert ground.reach(brief(Kind.LIST, "data")).changes == frozenset()


def test_what_is_not_there_yet_stands_for_itself_and_records_are_not_looked_at(
    ground: Ground,
) -> None:
    assert ground.named(["new/page.md", "fresh/*.md", "**/*.none"]) == {"new/page.md", "fresh"}
    assert not ground.here("briefs") | ground.here("memory/plan.md")


def test_coupled_tasks_go_in_sequence_with_an_edge_and_the_others_apart(
    trees: Trees, tip: Oid
) -> None:
    plan = isolated(
        trees, tip,
        task("core", "src/core.py"), task("view", "src/view.py"), task("apart", "src/apart.py"),
        task("a", "data/a.csv"), task("b", "data/b.csv"),
    )  # fmt: skip
    assert {one.id: one.after for one in plan.tasks if one.after} == {
        "view": ("core",),
        "b": ("a",),
    }
    assert [(edge.earlier, edge.later) for edge in plan.edges] == [("core", "view"), ("a", "b")]
    assert plan.shape == "graph"
    assert len(plan.notes) == 10
    said = {tuple(note.split()[1:3]): note for note in plan.notes}
    assert "import or link between src/core.py and src/view.py" in said["core", "view:"]
    assert "20 commits with both" in said["a", "b:"]
    assert "apart and at once" in said["core", "apart:"]


def test_what_is_done_comes_first_in_the_plan_that_is_stored_next(trees: Trees, tip: Oid) -> None:
    core, view = task("core", "src/core.py"), task("view", "src/view.py")
    of = brief(Kind.CHANGES, ".")
    one = sighting(returned(1, ACCEPTED, task=view), of=of, tasks=(view,))
    ports = SimpleNamespace(objects=trees.objects, past=TOGETHER)
    kit = SimpleNamespace(memory=Memory(), ports=ports)
    seen = replace(world(one), tip=tip)
    plan_steps.revise(cast("Kit", kit), one, Plan(tasks=(core, view), revision=2), seen)
    (note,) = kit.memory.pending.values()
    (stored,) = (op.content for op in note.operations if isinstance(op, PutFile))
    made = Plan.model_validate_json(stored or b"")
    assert {t.id: t.after for t in made.tasks} == {"core": ("view",), "view": ()}


def test_the_threshold_is_that_of_the_doctrine(trees: Trees, tip: Oid) -> None:
    tasks = (task("core", "src/core.py"), task("view", "src/view.py"))
    loose, strict = (isolated(trees, tip, *tasks, threshold=t) for t in (0.95, 0.1))
    assert (loose.tasks[1].after, strict.tasks[1].after) == ((), ("core",))


def test_a_plan_of_one_task_or_of_one_for_each_worker_reads_nothing(trees: Trees, tip: Oid) -> None:
    past = Past()
    one = isolated(trees, tip, task("only", "src"), past=past)
    assert (one.notes, past.asked) == ((), 0)


def test_tasks_that_only_read_stay_apart_whatever_they_read(trees: Trees, tip: Oid) -> None:
    plan = isolated(trees, tip, task("a", "src", kind=Kind.LIST), task("b", "src", kind=Kind.LIST))
    assert plan.tasks[1].after == ()
    assert "neither changes anything" in plan.notes[0]


def test_the_nearest_files_are_those_that_refer_to_it_or_changed_with_it(ground: Ground) -> None:
    near = ground.nearest(frozenset({"src/core.py"}), count=2)
    assert [path for path, _ in near] == ["src/view.py", "docs/guide.md"]
    assert [path for path, _ in ground.nearest(frozenset({"data/a.csv"}), count=1)] == [
        "data/b.csv"
    ]


def test_links_are_read_of_so_many_files_only(trees: Trees) -> None:
    files = {f"many/{n:04}.md": f"[next]({n + 1:04}.md)\n" for n in range(isolate.READ_MAX + 20)}
    tip = trees.commit(trees.tree(files))
    ground = Ground(tip, paths=RecordPaths(), objects=trees.objects, past=Past())
    assert len(ground.links(set(files))) == isolate.READ_MAX
