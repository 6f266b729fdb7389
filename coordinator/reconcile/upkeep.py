"""What every tick sees to before any brief: intents, leases, leftovers, and what came back from workers."""

from functools import partial

from coordinator.domain import progress, speculating, steps
from coordinator.domain.attempt import SUPERSEDED
from coordinator.domain.names import Place
from coordinator.domain.proof import Claim, Planned
from coordinator.domain.world import World
from coordinator.ports import Lane
from coordinator.services import dispatch

from . import remote_steps, work_steps
from .kit import Kit
from .pace import OTHERS_S, Pace


def keep_up(kit: Kit, pace: Pace, world: World) -> None:
    """Intents, renewals and sweeping: before any other write to the remote."""
    ports = kit.ports
    flying = ports.lanes.in_flight()
    publishing = any(k.startswith(("land:", "records")) for k in flying)
    unknown = [planned for planned in world.intents if not _asked(planned, world)]
    if unknown and not publishing:
        pace.busy = True
        step = partial(remote_steps.resolve, kit, unknown)
        pace.start(Lane.REMOTE, "resolve", step, first=True)
    due = dispatch.renewable(world, in_flight=flying)
    if due:
        pace.start(Lane.REMOTE, "renew", partial(remote_steps.renew, kit, due), first=True)
    mine = [c for c in map(ports.claims.mine, world.held) if c is not None]
    idle = [
        c
        for c in dispatch.idle_claims(world, mine=mine)
        if not {f"land:{c.brief}", f"claim:{c.brief}"} & flying
    ]
    if idle:
        pace.start(Lane.REMOTE, "release", partial(remote_steps.release, kit, idle))
    # What is being let go of needs no sweeping; what could not be, is swept like what others left.
    if (not idle or kit.failing("release")) and not any(
        k.startswith(("claim:", "land:", "release")) for k in flying
    ):
        gone = dispatch.sweepable(world, strays=ports.claims.strays(), branch=kit.branch)
        if gone:
            pace.start(Lane.REMOTE, "sweep", partial(remote_steps.sweep, kit, gone))
    if world.remote is None and dispatch.is_left_over(world) and not kit.failing("sweep"):
        pace.busy = True  # swept as soon as a second look has seen it
        pace.sync_within(OTHERS_S)
    _mind_the_gate(kit, pace, world, flying)


def _asked(planned: Planned, world: World) -> bool:
    """Tells whether a human is being asked about it: the record of that is what fences it (P4)."""
    sightings = [world.briefs.get(brief) for brief in planned.briefs]
    return any(sighting is not None and sighting.refused is not None for sighting in sightings)


def _mind_the_gate(kit: Kit, pace: Pace, world: World, flying: frozenset[str]) -> None:
    gate = world.gate
    if gate is None or gate.epoch != world.epoch:
        return
    used = any(k.startswith(("gate:", "land:", "gate-lock")) for k in flying)
    if used:
        if gate.unchanged_s >= world.policy.lease_s / 4:
            step = partial(remote_steps.hold_gate, kit)
            pace.start(Lane.REMOTE, "gate-lock", step, first=True)
    elif not _gating(world):
        pace.start(Lane.REMOTE, "gate-release", partial(remote_steps.release_gate, kit))


def _gating(world: World) -> bool:
    return any(
        isinstance(progress.next_step(s, world), steps.RunGate | steps.Land)
        for s in world.briefs.values()
        if s.merged is not None
    )


def receive(kit: Kit, pace: Pace, world: World) -> None:
    """Keeps what came back, stops what nobody waits for, forgets what has ended."""
    ports = kit.ports
    for spec, outcome in ports.pool.finished():
        pace.busy = True
        key = f"keep:{spec.id.brief}:{spec.id.number}"
        pace.start(Lane.LOCAL, key, partial(work_steps.keep, kit, spec, outcome))
    for attempt in ports.pool.running():
        sighting = world.briefs.get(attempt.brief)
        if sighting is None or sighting.filed.place is not Place.OPEN:
            ports.pool.cancel(attempt, reason="the brief is not open any more")
        elif world.remote is None and not isinstance(sighting.claim, Claim):
            ports.pool.cancel(attempt, reason="the claim was lost")
        elif attempt in speculating.superseded(sighting):
            ports.pool.cancel(attempt, reason=SUPERSEDED)
    for spec, _ in ports.journal.begun():
        if spec.id.brief in world.terminal and spec.id not in ports.pool.running():
            ports.journal.forget(spec.id.brief)
