"""Where the boundary between tasks runs: what is coupled goes in sequence, the rest apart and at once."""

from collections.abc import Iterator, Mapping

from . import plan_edges, plan_tasks
from .coupling import Coupling
from .names import TaskId
from .plan import Plan, Task

NOTES_MAX = 60
NOTE = "coupling"

Pair = tuple[TaskId, TaskId]  # what is done first, else in the order of the plan


def unordered(plan: Plan, done: frozenset[TaskId] = frozenset()) -> tuple[Pair, ...]:
    """Returns the pairs of tasks of which neither waits for the other.

    Tasks without a part are left out: they are the same work, given to several workers. An order between
    two that are done would have one of them done again.
    """
    own = [task for task in plan.tasks if task.part is not None]
    own.sort(key=lambda task: task.id not in done)
    before = plan_edges.before(plan.tasks)
    return tuple(
        (one.id, two.id)
        for number, one in enumerate(own)
        for two in own[number + 1 :]
        if one.id not in before[two.id]
        and two.id not in before[one.id]
        and not done.issuperset((one.id, two.id))
    )


def ordered(plan: Plan, couplings: Mapping[Pair, Coupling], threshold: float) -> Plan:
    """Returns the plan with coupled pairs in sequence, and a note for each pair that was looked at.

    The one that is done, else the one that the plan names first, goes first, and its result is an input of
    the other. A pair that others have put the other way round by then stays so: there is never a cycle.
    What was noted of an earlier revision stays where it is about other pairs of the same tasks.
    """
    tasks = {task.id: task for task in plan.tasks}
    notes = []
    kept = [note for note in plan.notes if not _is_past(note, tasks, couplings)]
    for (one, two), found in couplings.items():
        if found.score >= threshold:
            turned = two in plan_edges.before(tuple(tasks.values()))[one]
            first, second = (two, one) if turned else (one, two)
            tasks[second] = _following(tasks[second], first)
            notes.append(_note(first, second, found, f">= {threshold:g}, {second} after {first}"))
        else:
            notes.append(_note(one, two, found, f"< {threshold:g}, apart and at once"))
    return plan.model_copy(
        update={
            "tasks": tuple(tasks[task.id] for task in plan.tasks),
            "notes": (*kept, *_bounded(notes)),
        }
    )


def _following(task: Task, first: TaskId) -> Task:
    """Returns a task that waits for another, and is given its result."""
    after = task.after if first in task.after else (*task.after, first)
    return plan_tasks.linked(task.model_copy(update={"after": after}))


def _note(one: TaskId, two: TaskId, found: Coupling, choice: str) -> str:
    return f"{NOTE} {one} {two}: {found.score:.2f} {choice}; {found.why}"


def _is_past(note: str, tasks: Mapping[TaskId, Task], couplings: Mapping[Pair, Coupling]) -> bool:
    """Tells whether a note is about tasks that are no more, or about a pair that is looked at again."""
    words = note.partition(":")[0].split()
    if words[:1] != [NOTE]:
        return False
    one, two = (*map(TaskId, words[1:]), TaskId(""), TaskId(""))[:2]
    again = (one, two) in couplings or (two, one) in couplings
    return again or not {one, two} <= tasks.keys()


def _bounded(notes: list[str]) -> Iterator[str]:
    yield from notes[:NOTES_MAX]
    if len(notes) > NOTES_MAX:
        yield f"{NOTE}: {len(notes) - NOTES_MAX} more pairs were looked at"
