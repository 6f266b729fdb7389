"""When an attempt takes so much longer than others did that a second one is started beside it."""

from collections.abc import Sequence
from statistics import median

from . import beginning, speculating, tasks
from .attempt import Attempt, Running, Spec
from .names import ProfileName
from .plan import Task
from .policy import Policy
from .world import Sighting, World


def second(
    task: Task, tried: Sequence[Attempt], sighting: Sighting, world: World
) -> ProfileName | float | None:
    """Returns who makes a second attempt now, or in how many seconds to ask again; None for never.

    There is one second attempt at most for each try, and it is paid for like any other or not made.
    """
    only = speculating.turn(tried)
    policy = world.policy.speculation
    if not policy.enabled or len(only) > 1 or not isinstance(only[0], Running):
        return None
    begun = next((p for p in world.past if p.spec.id == only[0].spec.id), None)
    usual_s = usual(only[0].spec, world)
    if begun is None or usual_s is None:
        return None
    left_s = usual_s * policy.factor - begun.wall_s
    if left_s > 0:
        return left_s
    if copies(world) >= copies_max(world.policy):
        return None  # until one ends, which wakes everybody
    return _who(task, only[0].spec, sighting, world)


def usual(spec: Spec, world: World) -> float | None:
    """Returns the median time of attempts like this one: of its worker, else of workers of its kind.

    None while there are too few of either to say.
    """
    ended = [p for p in world.past if p.has_returned and p.spec.role == spec.role]
    mine = [p.wall_s for p in ended if p.spec.profile == spec.profile]
    if len(mine) < world.policy.speculation.samples_min:
        kind = _kind(world.policy, spec.profile)
        mine = [p.wall_s for p in ended if kind and _kind(world.policy, p.spec.profile) == kind]
    return median(mine) if len(mine) >= world.policy.speculation.samples_min else None


def copies(world: World) -> int:
    """Returns how many second attempts run."""
    return sum(
        isinstance(a, Running) and speculating.is_extra(a)
        for sighting in world.briefs.values()
        for a in sighting.attempts
    )


def copies_max(policy: Policy) -> int:
    """Returns how many second attempts may run at once."""
    return max(1, int(policy.speculation.share_max * policy.attempts_parallel_max))


def _who(task: Task, spec: Spec, sighting: Sighting, world: World) -> ProfileName | None:
    """Returns another worker that may do it, else the same; None when nobody may begin.

    A worker on trial is none for it: what it is tried with is an attempt that is needed.
    """
    able = tasks.substitutes(sighting.filed.brief, task, world.policy)
    others = [name for name in able if name != spec.profile]
    fit = (
        name
        for name in (*others, spec.profile)
        if name not in world.breakers and beginning.why_not(name, sighting, world) is None
    )
    return next(fit, None)


def _kind(policy: Policy, profile: str) -> str | None:
    found = policy.profile(profile)
    return found.kind if found is not None else None
