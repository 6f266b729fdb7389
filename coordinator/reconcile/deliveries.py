"""From landed to live: the next step of each environment, one deploy for all the briefs that wait for it."""

from functools import partial

from coordinator.domain.names import Environment, Place
from coordinator.domain.note import Note
from coordinator.domain.world import World
from coordinator.ports import Lane
from coordinator.services.wanted import Desired, Ship, WriteDown, desired, waiting, wanted

from . import revert_steps, work_steps
from .kit import Kit
from .pace import OTHERS_S, Pace


def deliver(kit: Kit, pace: Pace, world: World) -> list[Note]:
    """Takes the next step of each environment that a landed brief waits for (D1, D2)."""
    named = {
        s.filed.brief.deploy
        for s in world.briefs.values()
        if s.filed.place is Place.LANDED and s.filed.brief.deploy
    } | {
        environment
        for environment, state in world.environments.items()
        if state.state in ("failed", "deploying") and _reverts(environment, world)
    }
    says: list[Note] = []
    if not named:
        return says
    before: Desired | None = kit.memory.desired
    wish = desired(world.tip, before=before, objects=kit.ports.objects)
    kit.memory.desired = wish
    for environment in sorted(named):
        says += _deliver_one(kit, pace, environment, wish, world)
    return says


def _reverts(environment: Environment, world: World) -> bool:
    target = world.policy.target(environment)
    return target is not None and target.revert


def _deliver_one(
    kit: Kit, pace: Pace, environment: Environment, wish: Desired, world: World
) -> list[Note]:
    revision, why = kit.memory.stale.get(environment, (None, None))
    step = wanted(
        world,
        environment,
        desired=wish,
        objects=kit.ports.objects,
        stale=why if revision == wish.revision else None,
    )
    if step is None and not waiting(world, environment):
        return []  # what is left after a revert has failed too: the next change or a person starts the next
    pace.busy = True
    match step:
        case Ship():
            run = partial(work_steps.ship, kit, step)
            pace.start(Lane.DEPLOY, f"deploy:{environment}", run)
        case WriteDown(notes=notes):
            return [] if _revert(kit, pace, environment, wish, world) else list(notes)
        case None:
            pace.sync_within(OTHERS_S)
    return []


def _revert(kit: Kit, pace: Pace, environment: Environment, wish: Desired, world: World) -> bool:
    """D3: takes a landing back where the environment says so and the deploy failed."""
    target, state = world.policy.target(environment), world.environments.get(environment)
    failed = state is not None and state.state == "failed" and state.revision == wish.revision
    if target is None or not target.revert or not failed or state is None:
        return False
    briefs = [b for b in waiting(world, environment) if b.id not in kit.memory.irrevertible]
    for filed in briefs[-1:]:  # the newest first; each revert is a new tip
        run = partial(revert_steps.gate, kit, filed, state, world)
        if f"land:{filed.id}" not in kit.ports.lanes.in_flight():
            pace.start(Lane.COMMAND, f"revert:{filed.id}", run)
    return bool(briefs)
