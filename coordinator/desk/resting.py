"""Says of open briefs that they lie until the day has money again, by the daemon's own rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from coordinator.desk.kept_attempt import Kept
from coordinator.desk.shelf import Shelf
from coordinator.domain import budget, spent
from coordinator.domain.attempt import Attempt, Lost, Returned, Running, Spec
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.policy import Policy
from coordinator.domain.spent import Spent
from coordinator.ports import Journal, Objects

_UNTIL = (
    "it goes on after 00:00 UTC, or when [budget] usd_per_day in .orchestrator/config.toml "
    "allows more"
)


def reasons(
    tip: Oid,
    *,
    shelf: Shelf,
    objects: Objects,
    policy: Policy,
    journal: Journal,
    now: int,
    kept: Callable[[BriefId], Sequence[Kept]],
) -> Mapping[BriefId, str]:
    """Returns why briefs lie, by brief; nothing while this day has money, which is nearly always."""
    if not any(profile.limits.cost_usd_max > 0 for profile in policy.profiles):
        return {}
    begun = journal.begun()
    set_aside = sum(spec.cost_usd_max for spec, ended in begun if ended is None)
    day = Spent(usd=journal.spent_since(spent.day_of(now)) + set_aside)
    if not budget.is_spent(day, policy.usd_per_day):
        return {}
    # The rules of intake and of progress are slow to load, and nearly always not wanted.
    from coordinator.desk.judging import world_of  # noqa: PLC0415
    from coordinator.domain import progress  # noqa: PLC0415

    world = world_of(tip, shelf=shelf, objects=objects, policy=policy)
    world = replace(world, spent_today=day)
    found: dict[BriefId, str] = {}
    for brief, sighting in world.briefs.items():
        round_ = sighting.filed.plan.round if sighting.filed.plan else 0
        tried = _tried(kept(brief), [b for b in begun if b[0].id.brief == brief])
        current = tuple(one for one in tried if one.spec.round == round_)
        wait = progress.resting(replace(sighting, attempts=current), world)
        if wait is not None:
            found[brief] = f"{wait.why}; {_UNTIL}"
    return found


def _tried(kept: Sequence[Kept], begun: Sequence[tuple[Spec, str | None]]) -> tuple[Attempt, ...]:
    returned: list[Attempt] = [
        Returned(spec=k.spec, commit=k.commit, output=k.output, result=None, verdict=k.verdict)
        for k in kept
        if k.spec is not None and k.output is not None
    ]
    known = {one.spec.id for one in returned}
    others = [
        Lost(spec, ended) if ended else Running(spec, 0.0)
        for spec, ended in begun
        if spec.id not in known
    ]
    return tuple(sorted((*returned, *others), key=lambda one: one.spec.id.number))
