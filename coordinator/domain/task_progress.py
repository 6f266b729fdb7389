"""Where each task of a plan is: what a person wants to know of a graph that is being worked on."""

from collections.abc import Sequence
from dataclasses import dataclass

from .attempt import Role
from .plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt of the current round, as far as a graph shows it."""

    number: int
    task: str
    worker: str = ""
    role: Role = "author"
    accepted: bool = False
    running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """One task: done, running, tried (and not good enough yet), ready, or waiting for others."""

    id: str
    state: str
    worker: str
    after: tuple[str, ...]
    attempts: tuple[int, ...]
    optional: bool


def progress(plan: Plan, tries: Sequence[Try]) -> tuple[TaskProgress, ...]:
    """Returns each task of the plan; the worker is who tried it last, or who is to."""
    done = {task.id for task in plan.tasks if _state(task.id, tries) == "done"}
    found = []
    for task in plan.tasks:
        mine = [one for one in tries if one.task == task.id and one.role == "author"]
        untried = "ready" if done.issuperset(task.after) else "waiting"
        found.append(
            TaskProgress(
                id=task.id,
                state=_state(task.id, tries) or untried,
                worker=(mine[-1].worker if mine else "") or task.profile,
                after=tuple(task.after),
                attempts=tuple(one.number for one in mine),
                optional=task.part is not None and task.part.optional,
            )
        )
    return tuple(found)


def _state(task: str, tries: Sequence[Try]) -> str | None:
    """Returns the state of a task that has been tried, by its last attempt."""
    mine = [one for one in tries if one.task == task and one.role == "author"]
    if not mine:
        return None
    last = max(mine, key=lambda one: one.number)
    return "done" if last.accepted else "running" if last.running else "tried"
