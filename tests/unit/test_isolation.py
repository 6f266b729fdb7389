"""Where the boundary runs: coupled tasks in sequence, the others apart, each choice with its numbers."""

import pytest

from coordinator.domain import isolation, plan_edges
from coordinator.domain.brief import Input, Kind, OutputFormat
from coordinator.domain.coupling import Coupling, Number
from coordinator.domain.isolation import NOTES_MAX, ordered, unordered
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Part, Plan, Task


def task(name: str, *after: str, is_split: bool = True) -> Task:
    output = OutputFormat(text="changes", kind=Kind.CHANGES)
    return Task(
        id=TaskId(name),
        objective=f"Do {name}.",
        profile=ProfileName("writer"),
        after=tuple(map(TaskId, after)),
        part=Part(output_format=output, guidance="read first") if is_split else None,
    )


def plan(*tasks: Task) -> Plan:
    return Plan(tasks=tasks, notes=("made by hand",))


def scored(score: float) -> Coupling:
    nothing = Number(0.0, "nothing")
    return Coupling(overlap=nothing, relation=nothing, together=Number(score, "because"))


def isolate(made: Plan, score: float = 0.9, threshold: float = 0.5) -> Plan:
    return ordered(made, dict.fromkeys(unordered(made), scored(score)), threshold)


def after(made: Plan) -> dict[str, tuple[str, ...]]:
    return {one.id: tuple(one.after) for one in made.tasks}


def test_coupled_tasks_go_in_sequence_and_the_later_is_given_what_came_of_the_earlier() -> None:
    made = isolate(plan(task("a"), task("b")))
    assert after(made) == {"a": (), "b": ("a",)}
    later = made.task(TaskId("b"))
    assert later is not None
    assert later.part is not None
    assert later.part.inputs == (Input(kind="task", value="a"),)
    choice = "coupling a b: 0.90 >= 0.5, b after a"
    why = "together 0.90 (because); overlap 0.00 (nothing); relation 0.00 (nothing)"
    assert made.notes == ("made by hand", f"{choice}; {why}")


def test_what_is_done_goes_first_and_gets_no_order_among_itself() -> None:
    made = plan(task("new"), task("one"), task("two"))
    done = frozenset({TaskId("one"), TaskId("two")})
    pairs = unordered(made, done)
    assert pairs == (("one", "new"), ("two", "new"))
    found = ordered(made, dict.fromkeys(pairs, scored(0.9)), 0.5)
    assert after(found) == {"new": ("one", "two"), "one": (), "two": ()}


def test_a_revision_keeps_what_was_noted_of_pairs_that_nobody_looks_at_again() -> None:
    found = isolate(plan(task("a"), task("b"), task("c")), score=0.9)
    revised = found.model_copy(update={"tasks": (*found.tasks[:2], task("d"))})
    noted = [note.partition(":")[0] for note in isolate(revised, score=0.1).notes]
    assert noted == ["made by hand", "coupling a b", "coupling a d", "coupling b d"]


def test_tasks_below_the_threshold_stay_apart_and_the_plan_says_why() -> None:
    made = plan(task("a"), task("b"))
    found = isolate(made, score=0.49)
    assert found.tasks == made.tasks
    assert found.notes[1].startswith("coupling a b: 0.49 < 0.5, apart and at once; together 0.49")


def test_the_threshold_itself_is_coupled() -> None:
    assert after(isolate(plan(task("a"), task("b")), score=0.3, threshold=0.3))["b"] == ("a",)


def test_tasks_with_an_order_are_not_looked_at_however_far_it_goes() -> None:
    made = plan(task("a"), task("b", "a"), task("c", "b"), task("d"))
    assert unordered(made) == (("a", "d"), ("b", "d"), ("c", "d"))


def test_the_same_work_given_to_several_workers_is_never_put_in_sequence() -> None:
    assert unordered(plan(task("a", is_split=False), task("b", is_split=False))) == ()


def test_an_order_that_others_made_meanwhile_is_kept_and_there_is_no_cycle() -> None:
    # b waits for a by coupling, a for c by the plan: so c comes before b, whatever the plan lists first.
    made = plan(task("a", "c"), task("b"), task("c"))
    found = isolate(made)
    assert after(found) == {"a": ("c",), "b": ("a", "c"), "c": ()}


@pytest.mark.parametrize("bits", range(64))
def test_no_set_of_couplings_makes_a_cycle(bits: int) -> None:
    edges = (("a", "d"), ("b", "c"), ("a", "c"))  # later, earlier: against the order of the plan
    tasks = [task(name, *(e for later, e in edges if later == name)) for name in "abcdef"]
    made = plan(*tasks)
    pairs = unordered(made)
    couplings = {
        pair: scored(0.9 if (bits >> (n % 6)) & 1 else 0.1) for n, pair in enumerate(pairs)
    }
    found = ordered(made, couplings, 0.5)
    before = plan_edges.before(found.tasks)
    assert all(name not in before[name] for name in before)
    coupled = {pair for pair, one in couplings.items() if one.score >= 0.5}
    assert all(a in before[b] or b in before[a] for a, b in coupled)
    assert all(
        set(one.after) <= set(new.after) for one, new in zip(made.tasks, found.tasks, strict=True)
    )


def test_the_notes_are_bounded() -> None:
    made = plan(*[task(f"t{n}") for n in range(13)])
    pairs = len(unordered(made))
    assert pairs == 78 > NOTES_MAX
    found = isolate(made, score=0.1)
    assert len(found.notes) == 1 + NOTES_MAX + 1
    assert found.notes[-1] == f"{isolation.NOTE}: {pairs - NOTES_MAX} more pairs were looked at"
