"""Another plan where a task has come to nothing: another worker, or two halves; what is done stays."""

from typing import Any

from coordinator.domain import plan_notes
from coordinator.domain.brief import Input, Kind, OutputFormat
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.note import PLAN_FILE, PutFile
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.progress import next_steps
from coordinator.domain.revising import revised
from coordinator.domain.steps import Dispatch, RevisePlan
from tests.support.sightings import ACCEPTED, brief, returned, sighting, world
from tests.support.sightings import revised as turned_down


def worker(name: str, capability: str) -> Profile:
    return Profile(name=ProfileName(name), kind="command", capabilities=frozenset((capability,)))


def task(
    name: str, kind: Kind, *after: str, scope: tuple[str, ...], inputs: tuple[Input, ...] = ()
) -> Task:
    return Task(
        id=TaskId(name),
        objective=f"Do {name}.",
        profile=ProfileName("one"),
        after=tuple(map(TaskId, after)),
        part=Part(
            output_format=OutputFormat(text=kind.value, kind=kind),
            guidance="read first",
            scope_in=scope,
            inputs=inputs,
        ),
    )


def path(name: str) -> Input:
    return Input(kind="path", value=name)


ONE, OTHER = worker("one", "writing"), worker("other", "writing")
OF_TWO = brief(scope_in=("docs/",))
A = task("a", Kind.CHANGES, scope=("docs/a.md",))
B = task("b", Kind.CHANGES, scope=("docs/b.md", "docs/c.md"))
TRIED = (
    returned(1, ACCEPTED, task=A),
    *(returned(n, turned_down(f"no {n}"), task=B) for n in (2, 3, 4)),
)


def another(*workers: Profile, tasks: tuple[Task, ...] = (A, B), **fields: Any) -> Plan | None:
    replans_max = fields.pop("replans_max", 2)
    house = Policy(profiles=workers, doctrine=Doctrine(replans_max=replans_max))
    one = sighting(*fields.pop("tried", TRIED), tasks=tasks, of=OF_TWO, **fields)
    return revised(one, world(one, policy=house))


def test_another_worker_with_the_capability_has_the_task_under_another_id() -> None:
    plan = another(ONE, OTHER)
    assert plan is not None
    assert (plan.revision, plan.revised_because) == (2, "b no 4; other tries it")
    assert [(one.id, one.profile) for one in plan.tasks] == [("a", "one"), ("b-r2", "other")]
    assert plan.tasks[0] == A, "what is unchanged keeps its output"


def test_nobody_comes_to_review_what_they_wrote_or_may_write() -> None:
    assert B.part is not None
    assert A.part is not None
    written = A.model_copy(
        update={
            "profile": ProfileName("ann"),
            "part": A.part.model_copy(update={"workers": (ProfileName("ann"), OTHER.name)}),
        }
    )
    apart = B.model_copy(update={"part": B.part.model_copy(update={"apart": (A.id,)})})
    plan = another(ONE, OTHER, tasks=(written, apart))
    assert plan is not None
    assert plan.revised_because == "b no 4; it is split in two"
    third = another(ONE, OTHER, worker("third", "writing"), tasks=(written, apart))
    assert third is not None
    assert [str(one.profile) for one in third.tasks] == ["ann", "third"]
    lost = (
        returned(1, ACCEPTED, task=B),
        *(returned(n, turned_down("no"), task=A) for n in (2, 3, 4)),
    )
    other = another(ONE, OTHER, worker("third", "writing"), tasks=(A, apart), tried=lost)
    assert other is not None
    assert other.tasks[1].part is not None
    assert (other.tasks[0].id, other.tasks[1].part.apart) == ("a-r2", ("a-r2",))


def test_without_another_worker_a_task_with_several_paths_is_split_in_two() -> None:
    plan = another(ONE, worker("reader", "reading"))
    assert plan is not None
    assert plan.revised_because == "b no 4; it is split in two"
    scopes = [(one.id, one.part.scope_in) for one in plan.tasks if one.part is not None]
    assert scopes[1:] == [("b-r2a", ("docs/b.md",)), ("b-r2b", ("docs/c.md",))]
    assert plan.tasks[1].objective == "Do b.\n\nOnly this part of it: docs/b.md"


def test_what_comes_after_a_split_task_comes_after_both_halves_and_is_given_both() -> None:
    reads = task("r", Kind.LIST, scope=("docs/",), inputs=(path("docs/x.md"), path("docs/y.md")))
    told = Input(kind="task", value="r")
    writes = task("w", Kind.CHANGES, "r", scope=("docs/w.md",), inputs=(told,))
    tried = (
        returned(1, ACCEPTED, task=A),
        *(returned(n, turned_down(f"no {n}"), task=reads) for n in (2, 3, 4)),
    )
    plan = another(ONE, tasks=(A, reads, writes), tried=tried)
    assert plan is not None
    last = plan.tasks[-1]
    assert last.after == ("r-r2a", "r-r2b")
    assert last.part is not None
    assert [item.value for item in last.part.inputs] == ["r-r2a", "r-r2b"]
    halves = [one.part.inputs for one in plan.tasks[1:3] if one.part is not None]
    assert halves == [(path("docs/x.md"),), (path("docs/y.md"),)]


def test_a_plan_is_revised_so_often_and_not_after_a_person_has_spoken() -> None:
    assert another(ONE, OTHER, replans_max=0) is None
    assert another(ONE, OTHER, revision=3) is None
    assert another(ONE, OTHER, answers={"partial.4": "land"}) is None


def test_where_no_rule_has_another_plan_there_is_none() -> None:
    single = task("b", Kind.CHANGES, scope=("docs/b.md",))
    assert another(ONE, tasks=(A, single)) is None
    outside = task("b", Kind.CHANGES, scope=("css/b.css", "css/c.css"))
    assert another(ONE, OTHER, tasks=(A, outside)) is None, "a faulty plan is none"


def test_a_worker_that_tried_an_earlier_revision_is_not_taken_again() -> None:
    now = B.model_copy(update={"id": "b-r2", "profile": "other"})
    tried = (*TRIED, *(returned(n, turned_down(f"no {n}"), task=now) for n in (5, 6, 7)))
    plan = another(ONE, OTHER, tasks=(A, now), tried=tried, revision=2)
    assert plan is not None
    assert [one.id for one in plan.tasks] == ["a", "b-r3a", "b-r3b"]


def test_a_revision_is_stored_before_any_of_its_tasks_is_dispatched() -> None:
    house = Policy(profiles=(ONE, OTHER))
    one = sighting(*TRIED, tasks=(A, B), of=OF_TWO)
    (step,) = next_steps(one, world(one, policy=house))
    assert isinstance(step, RevisePlan)
    note = plan_notes.revised(one, step.plan, policy=house)
    assert note.record.subject == "revision 2 of the plan: b no 4; other tries it"
    (stored,) = note.operations
    assert isinstance(stored, PutFile)
    assert stored.name == PLAN_FILE
    assert stored.content is not None
    plan = Plan.model_validate_json(stored.content)
    then = sighting(*TRIED, plan=plan, of=OF_TWO)
    (dispatched,) = next_steps(then, world(then, policy=house))
    assert isinstance(dispatched, Dispatch)
    assert (dispatched.task.id, dispatched.task.profile, dispatched.number) == ("b-r2", "other", 5)
