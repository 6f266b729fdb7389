"""Steps that store plans, with the tasks that are coupled in sequence."""

from collections.abc import Callable
from functools import partial

from coordinator.domain import plan_notes, planning, tasks
from coordinator.domain.brief import Brief
from coordinator.domain.names import TaskId
from coordinator.domain.plan import Plan
from coordinator.domain.world import Sighting, World
from coordinator.services import intake
from coordinator.services import isolate as isolate_service

from .kit import Kit


def isolate(
    kit: Kit, world: World, *, done: frozenset[TaskId] = frozenset()
) -> Callable[[Plan, Brief], Plan]:
    """Returns what puts coupled tasks in sequence, at the tip of this look; what is `done` stays so."""
    return partial(
        isolate_service.isolated,
        done=done,
        tip=world.tip,
        policy=world.policy,
        objects=kit.ports.objects,
        past=kit.ports.past,
    )


def make_plan(kit: Kit, sighting: Sighting, world: World) -> None:
    """Stores a plan for a brief that has none (made by hand, or by an older version)."""
    brief = sighting.filed.brief
    files = intake.Look(world, kit.ports.objects).listed(brief)
    plan = isolate(kit, world)(planning.make(brief, policy=world.policy, files=files), brief)
    note = plan_notes.planned(sighting, plan, policy=world.policy)
    kit.memory.pending[note.key] = note


def revise(kit: Kit, sighting: Sighting, plan: Plan, world: World) -> None:
    """Stores a plan in the place of another one; it is worked out once for each state of the brief."""
    known = kit.memory.pending.get(plan_notes.key(sighting))
    if known is not None and known.when == plan_notes.when(sighting):
        return
    done = frozenset(tasks.standing(sighting))
    found = isolate(kit, world, done=done)(plan, sighting.filed.brief)
    note = plan_notes.revised(sighting, found, policy=world.policy)
    kit.memory.pending[note.key] = note
