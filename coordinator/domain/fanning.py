"""Effort after a failure: a brief with `workers` has its next tries made by several workers at once.

The first try of a task is made by one alone, because most succeed. Which of several attempts counts, and
which are stopped, is said by `speculating`.
"""

from collections.abc import Sequence

from . import beginning, speculating, tasks
from .attempt import Attempt, Returned
from .names import ProfileName
from .plan import Task
from .world import LeftAlone, Sighting, World


def joining(
    task: Task, tried: Sequence[Attempt], sighting: Sighting, world: World
) -> ProfileName | float | None:
    """Returns a worker that makes another attempt beside those of this turn; None when there are enough.

    Where none may begin now, returns in how many seconds to ask again.
    """
    now = speculating.turn(tried)
    if len(now) >= _width(task, sighting, world) or not _has_failed(tried):
        return None
    used = {attempt.spec.profile for attempt in now}
    able = tasks.substitutes(sighting.filed.brief, task, world.policy)
    others = {name: beginning.why_not(name, sighting, world) for name in able if name not in used}
    free = (name for name, why in others.items() if why is None)
    waits = (why.due_in_s for why in others.values() if isinstance(why, LeftAlone))
    return next(free, None) or min(waits, default=None)


def _width(task: Task, sighting: Sighting, world: World) -> int:
    """Returns how many attempts at one task may run at once: the first try was one of the `workers`."""
    own = task.part.at_once if task.part is not None else None
    wanted = own or sighting.filed.brief.workers or 1
    return min(wanted - 1, world.policy.doctrine.workers_max)


def _has_failed(tried: Sequence[Attempt]) -> bool:
    """Tells whether an output of an earlier turn was turned down; a loss says nothing of how hard it is."""
    now = speculating.turn_of(tried[-1])
    return any(isinstance(a, Returned) and speculating.turn_of(a) != now for a in tried)
