"""The tasks that a brief names, as tasks of a plan: whose each is, and what comes before it."""

from collections.abc import Sequence

from coordinator.domain.brief import Brief, BriefTask, Input
from coordinator.domain.choosing import chosen, wanted
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Part, Task
from coordinator.domain.policy import Policy

NOBODY = ProfileName("")
"""The profile of a task that no worker can be chosen for: a fault of its plan."""


class GivenTask(BriefTask):
    """A task that a recipe made: whose it is, and whose it must not be, which no brief says of its own."""

    workers: tuple[ProfileName, ...] = ()
    apart: tuple[TaskId, ...] = ()


def tasks_of(said: Sequence[BriefTask], brief: Brief, policy: Policy) -> tuple[Task, ...]:
    """Returns the tasks of a plan as a brief, or a recipe, says them."""
    return finished(tuple(task_of(one, brief, policy) for one in said), brief)


def task_of(said: BriefTask, brief: Brief, policy: Policy) -> Task:
    """Returns one of them, whatever else there is."""
    profile, capability = _worker(said, brief, policy)
    part = Part(
        output_format=said.output_format,
        guidance=said.guidance,
        inputs=said.inputs,
        scope_in=said.scope_in,
        scope_out=said.scope_out,
        scope_prose=said.scope_prose,
        do_not=said.do_not,
        acceptance=said.acceptance,
        tools=said.tools,
        task_type=capability,
        optional=said.optional,
        workers=said.workers if isinstance(said, GivenTask) else (),
        apart=said.apart if isinstance(said, GivenTask) else (),
    )
    task = Task(id=said.id, objective=said.task, profile=profile, after=said.after, part=part)
    return linked(task)


def finished(tasks: tuple[Task, ...], brief: Brief) -> tuple[Task, ...]:
    """Returns the tasks, of which the only one that nothing comes after answers for ACCEPTANCE of the brief."""
    before = {name for task in tasks for name in task.after}
    last = [task for task in tasks if task.id not in before and task.part is not None]
    if len(last) != 1 or not brief.acceptance:
        return tasks
    return tuple(_answering(task, brief) if task == last[0] else task for task in tasks)


def linked(task: Task) -> Task:
    """Returns a task that comes after whatever it takes as an input, and takes what it comes after."""
    part = task.part
    if part is None:
        return task
    taken = [item.value for item in part.inputs if item.kind == "task"]
    after = tuple(dict.fromkeys((*task.after, *map(TaskId, taken))))
    more = (Input(kind="task", value=name) for name in after if name not in taken)
    inputs = (*part.inputs, *more)
    return task.model_copy(
        update={"after": after, "part": part.model_copy(update={"inputs": inputs})}
    )


def _worker(said: BriefTask, brief: Brief, policy: Policy) -> tuple[ProfileName, str | None]:
    """Returns the worker of a task, and its capability where that is why it was chosen."""
    if said.worker is not None:
        return said.worker, None
    asked = brief.model_copy(
        update={
            "task": said.task,
            "worker": (),
            "task_type": said.task_type,
            "tools": said.tools or brief.tools,
            "output_format": said.output_format,
        }
    )
    if said.task_type is None and brief.worker:
        return brief.worker[0], None
    if able := chosen(asked, policy):
        return able[0], wanted(asked, policy)
    if said.task_type is None and brief.task_type:
        able = chosen(asked.model_copy(update={"task_type": brief.task_type}), policy)
        return (able[0], brief.task_type) if able else (NOBODY, None)
    return NOBODY, None


def _answering(task: Task, brief: Brief) -> Task:
    part = task.part
    assert part is not None
    acceptance = tuple(dict.fromkeys((*part.acceptance, *brief.acceptance)))
    return task.model_copy(update={"part": part.model_copy(update={"acceptance": acceptance})})
