"""Steps that store plans, with the tasks that are coupled in sequence."""

from collections.abc import Callable
from functools import partial

from coordinator.domain import plan_notes, planning
from coordinator.domain.brief import Brief
from coordinator.domain.plan import Plan
from coordinator.domain.world import Sighting, World
from coordinator.services import isolate as isolate_service

from .kit import Kit


def isolate(kit: Kit, world: World) -> Callable[[Plan, Brief], Plan]:
    """Returns what puts coupled tasks in sequence, at the tip of this look."""
    return partial(
        isolate_service.isolated,
        tip=world.tip,
        policy=world.policy,
        objects=kit.ports.objects,
        past=kit.ports.past,
    )


def make_plan(kit: Kit, sighting: Sighting, world: World) -> None:
    """Stores a plan for a brief that has none (made by hand, or by an older version)."""
    brief = sighting.filed.brief
    plan = isolate(kit, world)(planning.make(brief, policy=world.policy), brief)
    note = plan_notes.planned(sighting, plan, policy=world.policy)
    kit.memory.pending[note.key] = note
