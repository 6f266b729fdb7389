"""Where each task of a plan is: what a person wants to know of a graph that is being worked on."""

from collections.abc import Sequence
from dataclasses import dataclass

from .attempt import Role
from .plan import Plan
from .tasks import in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt of the current round, as far as a graph shows it."""

    number: int
    task: str
    worker: str = ""
    role: Role = "author"
    beside: int | None = None  # the attempt that it was started next to, as another chance
    accepted: bool = False
    running: bool = False

    @property
    def turn(self) -> int:
        """Returns the number of the first attempt of its turn."""
        return self.number if self.beside is None else self.beside


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
    """Returns each task of the plan; the worker is who tried it last, or who is to.

    As in `tasks.standing`, what was made before the last output that it builds on is not done.
    """
    done: dict[str, int] = {}  # task -> the attempt that counts
    found = {}
    for task in in_order(plan.tasks):
        mine = [one for one in tries if one.task == task.id and one.role == "author"]
        turn = [one for one in mine if one.turn == mine[-1].turn]
        good = max((one.number for one in turn if one.accepted), default=0)
        before = [done.get(name) for name in task.after]
        if good and all(number is not None and number < good for number in before):
            done[task.id], state = good, "done"
        elif any(one.running for one in turn):
            state = "running"
        elif None in before:
            state = "waiting"
        else:
            state = "tried" if mine else "ready"
        found[task.id] = TaskProgress(
            id=task.id,
            state=state,
            worker=(mine[-1].worker if mine else "") or task.profile,
            after=tuple(task.after),
            attempts=tuple(one.number for one in mine),
            optional=task.part is not None and task.part.optional,
        )
    return tuple(found[task.id] for task in plan.tasks)
