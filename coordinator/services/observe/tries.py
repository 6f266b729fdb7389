"""Attempts at a look: what is kept of them, joined with what the journal and the pool know of the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from coordinator.domain import overtaken
from coordinator.domain.attempt import (
    OVERTAKEN,
    RESTARTED,
    Attempt,
    AttemptId,
    Lost,
    Running,
    Spec,
)
from coordinator.domain.names import BriefId, Place
from coordinator.domain.past import Past
from coordinator.domain.world import Filed
from coordinator.ports import Attempts, Journal, Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the journal has begun, with how it ended, and what of it is `alive`: how long it has been silent."""

    specs: tuple[tuple[Spec, str | None], ...]
    alive: Mapping[AttemptId, float]


def begun(*, journal: Journal, pool: Pool, in_flight: frozenset[str]) -> Begun:
    """Returns what runs, starts, or has ended and is not written down yet, among all that has begun.

    The pool is read first, and the journal once: what ends meanwhile is written down before the pool forgets
    it, and what begins meanwhile is not known at all.
    """
    heard = {**{spec.id: 0.0 for spec, _ in pool.finished()}, **pool.running()}
    specs = journal.begun()
    starting = {
        spec.id: 0.0
        for spec, ended in specs
        if ended is None and f"dispatch:{spec.id.brief}:{spec.task}" in in_flight
    }
    return Begun(specs=specs, alive={**starting, **heard})


def tried(
    live: Iterable[Filed], found: Begun, *, attempts: Attempts, journal: Journal
) -> dict[BriefId, tuple[Attempt, ...]]:
    """Returns the attempts of each open brief, of every round: kept ones, and the journal's others."""
    others: dict[BriefId, list[Attempt]] = {}
    for spec, ended in found.specs:
        others.setdefault(spec.id.brief, []).append(_other(spec, ended, found, journal))
    known = {}
    for filed in live:
        if filed.plan is None or filed.place is not Place.OPEN:
            continue
        kept = attempts.of(filed.id)
        names = {one.spec.id for one in kept}
        rest = [a for a in others.get(filed.id, ()) if a.spec.id not in names]
        known[filed.id] = overtaken.in_order(kept, rest)
    return known


def past(found: Begun, *, journal: Journal, since_s: float) -> tuple[Past, ...]:
    """Returns what the journal remembers; what it takes for running and is not ended with an earlier process.

    Nobody heard when, but before this one began, `since_s` ago: it was a request, and may have used all its
    tokens.
    """
    gone = {spec.id for spec, _ in found.specs} - found.alive.keys()
    return tuple(
        replace(p, ended_ago_s=min(since_s, p.began_ago_s), reason=RESTARTED)
        if p.is_running and p.spec.id in gone
        else p
        for p in journal.past()
    )


def _other(spec: Spec, ended: str | None, found: Begun, journal: Journal) -> Attempt:
    """Returns an attempt as it is when no output of it is kept."""
    if not ended and spec.id in found.alive:
        return Running(spec, found.alive[spec.id])
    if ended is None:
        return Lost(spec, RESTARTED)
    # What nothing else is kept of; '' = it returned something, which was set aside.
    return Lost(spec, ended or OVERTAKEN, journal.spent(spec.id.brief).get(spec.id.ref))
