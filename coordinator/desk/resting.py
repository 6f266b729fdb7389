"""Says why nobody works on open briefs: no money, a limit, a worker that only fails, a claim; by the daemon's rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING

from coordinator.desk.kept_attempt import Kept
from coordinator.desk.shelf import Shelf
from coordinator.domain import budget, overtaken, spent
from coordinator.domain.attempt import Attempt, Lost, Returned, Running, Spec
from coordinator.domain.names import BriefId, Oid, RepoPath
from coordinator.domain.policy import Policy
from coordinator.domain.spent import Spent
from coordinator.domain.status import ClaimStatus
from coordinator.ports import Journal, Objects

if TYPE_CHECKING:
    from coordinator.domain.world import Sighting, World

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
    for sighting in _sightings(world, begun, kept):
        wait = progress.resting(sighting, world)
        if wait is not None:
            found[sighting.filed.id] = f"{wait.why}; {_UNTIL}"
    return found


def delays(
    tip: Oid,
    *,
    shelf: Shelf,
    objects: Objects,
    policy: Policy,
    journal: Journal,
    now: int,
    kept: Callable[[BriefId], Sequence[Kept]],
) -> Mapping[BriefId, str]:
    """Returns why briefs wait that nobody works on: a limit of the house, or a worker that only fails."""
    past = journal.past()
    if not policy.limits and sum(one.has_failed for one in past) < max(1, policy.breaking.failures):
        return {}
    from coordinator.desk.judging import world_of  # noqa: PLC0415  see above
    from coordinator.domain import breaker, fairness, progress  # noqa: PLC0415

    full, breakers = fairness.full(past, policy), breaker.opened(past, policy)
    if not full and not breakers:
        return {}
    world = world_of(tip, shelf=shelf, objects=objects, policy=policy)
    world = replace(world, past=past, full=full, breakers=breakers)
    found: dict[BriefId, str] = {}
    for sighting in _sightings(world, journal.begun(), kept):
        if any(isinstance(one, Running) for one in sighting.attempts):
            continue
        wait = progress.left_alone(sighting, world)
        if wait is not None and wait.due_in_s is not None:
            when = datetime.fromtimestamp(now + ceil(wait.due_in_s), UTC)
            found[sighting.filed.id] = f"{wait.why}; again at {when:%H:%M:%S} UTC, or sooner"
    return found


def kept_out(
    tip: Oid,
    *,
    shelf: Shelf,
    objects: Objects,
    policy: Policy,
    claims: Sequence[ClaimStatus],
) -> Mapping[BriefId, str]:
    """Returns which of `claims` keeps briefs from their paths, each a person's: it does not pass by itself."""
    from coordinator.desk.judging import world_of  # noqa: PLC0415  see above
    from coordinator.domain.claim_name import claim_ref, overlap  # noqa: PLC0415
    from coordinator.domain.progress import wanted_paths  # noqa: PLC0415

    taken = [(claim_ref("", RepoPath(one.path)), one) for one in claims]
    found: dict[BriefId, str] = {}
    for brief, sighting in world_of(
        tip, shelf=shelf, objects=objects, policy=policy
    ).briefs.items():
        wanted = [claim_ref("", path) for path in wanted_paths(sighting)]
        one = next((c for ref, c in taken if any(overlap(ref, w) for w in wanted)), None)
        if one is not None:
            why = f": {one.reason}" if one.reason else ""
            found[brief] = f"{one.path or '.'} is claimed by {one.holder}{why}"
    return found


def _sightings(
    world: "World",
    begun: Sequence[tuple[Spec, str | None]],
    kept: Callable[[BriefId], Sequence[Kept]],
) -> "Iterator[Sighting]":
    """Yields the briefs of a look with their attempts of the current round."""
    for brief, sighting in world.briefs.items():
        round_ = sighting.filed.plan.round if sighting.filed.plan else 0
        tried = _tried(kept(brief), [b for b in begun if b[0].id.brief == brief])
        yield replace(sighting, attempts=tuple(one for one in tried if one.spec.round == round_))


def _tried(kept: Sequence[Kept], begun: Sequence[tuple[Spec, str | None]]) -> tuple[Attempt, ...]:
    returned = [
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
    return overtaken.in_order(returned, others)
