"""Where each task of a plan is: what a person wants to know of a graph that is being worked on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .attempt import Role
from .plan import Plan
from .tasks import in_order

Graph = tuple[tuple[str, tuple[str, ...]], ...]
"""Tasks by their ids, each with those that come before it, and behind them."""


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
    """Returns each task of the plan; the worker is who tried it last, or who is to."""
    done = counting(graph(plan), tries)
    found = []
    for task in plan.tasks:
        mine, turn = _of(task.id, tries)
        if task.id in done:
            state = "done"
        elif any(one.running for one in turn):
            state = "running"
        elif not all(name in done for name in task.after):
            state = "waiting"
        else:
            state = "tried" if mine else "ready"
        found.append(
            TaskProgress(
                id=task.id,
                state=state,
                worker=(mine[-1].worker if mine else "") or task.profile,
                after=tuple(task.after),
                attempts=tuple(one.number for one in mine),
                optional=task.part is not None and task.part.optional,
            )
        )
    return tuple(found)


def graph(plan: Plan) -> Graph:
    """Returns the tasks of a plan with those that come before each, these first."""
    return tuple((task.id, tuple(task.after)) for task in in_order(plan.tasks))


def counting(tasks: Graph, tries: Sequence[Try]) -> Mapping[str, int]:
    """Returns the tasks that are done, each with the number of the attempt that counts.

    As in `tasks.standing`, what was made before the last output that it builds on is not done.
    """
    done: dict[str, int] = {}
    for name, after in tasks:
        _, turn = _of(name, tries)
        good = max((one.number for one in turn if one.accepted), default=0)
        before = [done.get(one) for one in after]
        if good and all(number is not None and number < good for number in before):
            done[name] = good
    return done


def _of(task: str, tries: Iterable[Try]) -> tuple[list[Try], list[Try]]:
    """Returns what was tried for a task, and of that the last turn."""
    mine = [one for one in tries if one.task == task and one.role == "author"]
    return mine, [one for one in mine if one.turn == mine[-1].turn]
