"""The tasks of a plan as the verbs see them: what each is asked, what it waits for, what came of it."""

import re
from collections.abc import Container, Sequence

from . import choosing, speculating
from .attempt import Attempt, Returned, Spec
from .brief import Brief, Kind
from .names import ProfileName, RepoPath, TaskId
from .output import Changes
from .plan import Plan, Task
from .policy import Policy
from .world import Sighting

_PATCHED = re.compile(r"^(?:---|\+\+\+) [ab]/([^\t\n]+)", re.MULTILINE)


def brief_of(brief: Brief, task: Task | None) -> Brief:
    """Returns what a task is asked, as a brief: the sections of its part stand in for the brief's own.

    What a part leaves out is not inherited, but for what bounds the whole: the prohibitions, the deadline,
    the money, and `tools`, which a part can narrow alone.
    """
    if task is None or task.part is None:
        return brief
    part = task.part
    return brief.model_copy(
        update={
            "task": task.objective,
            "inputs": part.inputs,
            "scope_in": part.scope_in,
            "scope_out": (*brief.scope_out, *part.scope_out),
            "scope_prose": part.scope_prose,
            "output_format": part.output_format,
            # Who names a task may say again what its brief says already; it is told and judged once.
            "do_not": tuple(dict.fromkeys((*brief.do_not, *part.do_not))),
            "acceptance": part.acceptance,
            "tools": part.tools or brief.tools,
            "worker": () if part.task_type else (task.profile,),
            "task_type": part.task_type,
        }
    )


def substitutes(brief: Brief, task: Task, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers that may do a task, in order, each when those before it could not."""
    if task.part is not None and task.part.workers:
        return tuple(name for name in task.part.workers if policy.profile(name) is not None)
    return choosing.substitutes(brief_of(brief, task), policy)


def asked_of(sighting: Sighting, spec: Spec) -> Brief:
    """Returns what an attempt was asked, as a brief."""
    plan = sighting.filed.plan
    return brief_of(sighting.filed.brief, plan.task(spec.task) if plan is not None else None)


def authored(task: TaskId, sighting: Sighting) -> list[Attempt]:
    """Returns the attempts at a task itself, oldest first: not those that plan, judge or put together."""
    return [a for a in sighting.attempts if a.spec.task == task and a.spec.role == "author"]


def accepted(task: TaskId, sighting: Sighting) -> Returned | None:
    """Returns the last output of a task when it is good enough and stands on what counts, else None.

    Where what it builds on has been done again since, it was made from something that counts no more.
    """
    return standing(sighting).get(task)


def standing(sighting: Sighting) -> dict[TaskId, Returned]:
    """Returns the output of each task that has one that counts."""
    plan = sighting.filed.plan
    found: dict[TaskId, Returned] = {}
    for task in in_order(plan.tasks) if plan is not None else ():
        last = _last_accepted(task.id, sighting)
        before = [found.get(name) for name in task.after]
        if last is not None and all(
            one is not None and one.spec.id.number < last.spec.id.number for one in before
        ):
            found[task.id] = last
    return found


def startable(plan: Plan, done: Container[TaskId]) -> tuple[Task, ...]:
    """Returns the tasks all of whose predecessors have an output that counts, in the order of the plan."""
    return tuple(task for task in plan.tasks if all(name in done for name in task.after))


def kept(plan: Plan, sighting: Sighting) -> Plan:
    """Returns the plan without the tasks that have no output that counts."""
    done = standing(sighting)
    return plan.model_copy(update={"tasks": tuple(t for t in plan.tasks if t.id in done)})


def contributing(plan: Plan, brief: Brief) -> tuple[Task, ...]:
    """Returns the tasks whose outputs the brief is made of: every change, else what nothing comes after."""
    if brief.output_format.kind is Kind.CHANGES:
        own = [t for t in plan.tasks if t.part is None or _changes(t)]
        return tuple(own)
    before = {earlier for task in plan.tasks for earlier in task.after}
    return tuple(task for task in plan.tasks if task.id not in before)


def touched(returned: Returned) -> frozenset[RepoPath]:
    """Returns the paths that an output changes, by what it says."""
    body = returned.output.body
    if not isinstance(body, Changes):
        return frozenset()
    patched = _PATCHED.findall(body.patch or "")
    return frozenset({*(edit.path for edit in body.edits), *map(RepoPath, patched)})


def in_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Returns tasks so that each comes after those that it waits for; the order of the plan decides the rest."""
    if len(tasks) == 1:  # as most plans have it
        return tuple(tasks)
    left, placed = list(tasks), list[Task]()
    known = {task.id for task in tasks}
    while left:
        done = {task.id for task in placed}
        ready = [task for task in left if done.issuperset(known.intersection(task.after))]
        if not ready:
            return (*placed, *left)  # a cycle: plans with one are refused
        placed += ready
        left = [task for task in left if task not in ready]
    return tuple(placed)


def _changes(task: Task) -> bool:
    return task.part is not None and task.part.output_format.kind is Kind.CHANGES


def _last_accepted(task: TaskId, sighting: Sighting) -> Returned | None:
    """Returns the output of the last turn at a task that is good enough, else None."""
    tried = authored(task, sighting)
    return speculating.accepted(tried, sighting) if tried else None
