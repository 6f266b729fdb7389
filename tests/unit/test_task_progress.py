"""Where each task of a graph is."""

from typing import Any

from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Plan, Task
from coordinator.domain.task_progress import Try, counting, graph, progress


def task(name: str, *after: str) -> Task:
    before = tuple(TaskId(one) for one in after)
    return Task(id=TaskId(name), objective=name, profile=ProfileName("links"), after=before)


def tried(number: int, name: str, **fields: Any) -> Try:
    return Try(number=number, task=name, worker="search", **fields)


PLAN = Plan(shape="graph", tasks=(task("a"), task("b", "a"), task("c"), task("d", "b", "c")))


def test_a_task_is_done_running_tried_ready_or_waiting() -> None:
    tries = (
        tried(1, "a"),
        tried(2, "a", accepted=True),
        tried(3, "c", running=True),
        tried(4, "a", role="evaluator"),
    )
    found = progress(PLAN, tries)
    assert [(one.id, one.state) for one in found] == [
        ("a", "done"),
        ("b", "ready"),
        ("c", "running"),
        ("d", "waiting"),
    ]
    assert [one.worker for one in found] == ["search", "links", "search", "links"]
    assert (found[0].attempts, found[3].after) == ((1, 2), ("b", "c"))


def test_of_two_chances_one_is_enough() -> None:
    found = progress(PLAN, (tried(1, "a", accepted=True), tried(2, "a", beside=1)))
    assert (found[0].state, found[0].attempts) == ("done", (1, 2))


def test_what_was_made_before_the_output_that_it_builds_on_is_not_done() -> None:
    tries = [tried(1, "a", accepted=True), tried(2, "b", accepted=True)]
    assert [one.state for one in progress(PLAN, tries)][:2] == ["done", "done"]
    tries.append(tried(3, "a", accepted=True))
    assert [one.state for one in progress(PLAN, tries)][:2] == ["done", "tried"]


def test_what_was_accepted_and_then_tried_again_is_not_done() -> None:
    found = progress(PLAN, (tried(1, "a", accepted=True), tried(2, "a")))
    assert [one.state for one in found] == ["tried", "waiting", "ready", "waiting"]


def test_the_tasks_that_count_are_those_that_are_shown_as_done() -> None:
    """`status` counts with the one, `show` lists with the other."""
    tries = [tried(1, "a", accepted=True), tried(2, "b", accepted=True), tried(3, "c")]
    for more in ([], [tried(4, "a", accepted=True)], [tried(4, "a")], [tried(4, "c", beside=3)]):
        now = [*tries, *more]
        shown = {one.id for one in progress(PLAN, now) if one.state == "done"}
        assert set(counting(graph(PLAN), now)) == shown
    assert counting(graph(PLAN), [*tries, tried(4, "a", accepted=True)]) == {"a": 4}
