"""What the tasks before a task came to: the tree that it begins with, and their outputs as its inputs."""

from collections.abc import Sequence

from coordinator.domain import tasks
from coordinator.domain.attempt import Returned
from coordinator.domain.names import Oid, TaskId
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.plan import Task
from coordinator.domain.world import Sighting
from coordinator.ports import Objects
from coordinator.services import stacking
from coordinator.services.stacking import Layer


def before(task: Task, sighting: Sighting) -> tuple[Returned, ...]:
    """Returns the accepted outputs of all tasks that come before `task`, in the order of the plan."""
    plan = sighting.filed.plan
    wanted: set[TaskId] = set()
    left = list(task.after)
    while left and plan is not None:
        name = left.pop()
        earlier = plan.task(name)
        if earlier is not None and name not in wanted:
            wanted.add(name)
            left += earlier.after
    order = tasks.in_order(plan.tasks) if plan is not None else ()
    found = (tasks.accepted(one.id, sighting) for one in order if one.id in wanted)
    return tuple(returned for returned in found if returned is not None)


def start(task: Task, sighting: Sighting, base: Oid, *, objects: Objects) -> Oid | None:
    """Returns the tree that a task begins with, None for that of the base.

    Changes of earlier tasks whose lines do not overlap are all in it. Where two of them do, the first
    stands: putting the brief together asks about it.
    """
    own = objects.tree_of(base)
    layers = [
        layer
        for r in before(task, sighting)
        if (layer := layer_of(r, r.spec.task, objects=objects))
    ]
    tree = stacking.stack(own, layers, objects=objects).tree
    return None if tree == own else tree


def layer_of(returned: Returned, name: str, *, objects: Objects) -> Layer | None:
    """Returns what an output changes, under the name that its side has; None when it changes nothing."""
    if returned.result is None or not isinstance(returned.output.body, Changes):
        return None
    own = returned.spec.start or objects.tree_of(returned.spec.base)
    return Layer(name=name, start=own, result=returned.result)


def told(returned: Returned) -> str:
    """Returns what a later task is told of an output; its changes are in the tree that it begins with."""
    match returned.output.body:
        case Report(text=text):
            return text
        case Changes(summary=summary, edits=edits):
            return _changed(summary, [edit.path for edit in edits])
        case CouldNot(text=text):
            return text


def _changed(summary: str, paths: Sequence[str]) -> str:
    return "\n".join([summary.strip() or "no summary", *(f"- {path}" for path in paths)]) + "\n"
