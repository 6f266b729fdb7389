"""Taking a landing back whose deploy was never seen live (rule D3), and shipping what is left."""

import logging
from functools import partial

from coordinator.domain import delivery_notes
from coordinator.domain.proof import Clash, Landed
from coordinator.domain.world import Filed, LiveState, World
from coordinator.ports import Lane
from coordinator.services import land

from . import remote_steps, work_steps
from .kit import Kit

logger = logging.getLogger(__name__)


def gate(kit: Kit, filed: Filed, state: LiveState, world: World) -> None:
    """Runs the gate on the branch without the landing, then asks the remote lane to publish it."""
    landing, synced = kit.observer.landed_at(filed.id), kit.memory.synced
    if landing is None or synced is None:
        kit.memory.irrevertible[filed.id] = "its landing is not on the branch"
        return
    changeset = land.take_back(landing, filed.id, objects=kit.ports.objects)
    merged = kit.ports.objects.merge(changeset, claim=None, synced=synced)
    if isinstance(merged, Clash):
        kit.memory.irrevertible[filed.id] = "what landed since changes the same lines"
        return
    checks = remote_steps.wanted_checks(kit, merged, world)
    work_steps.run_gate(kit, checks)
    if remote_steps.gate_results(kit, merged, world) is None:
        kit.memory.irrevertible[filed.id] = "the gate fails without it"
        return
    run = partial(publish, kit, filed, state, world)
    kit.ports.lanes.start(Lane.REMOTE, f"land:{filed.id}", run)


def publish(kit: Kit, filed: Filed, state: LiveState, world: World) -> None:
    """Publishes the revert; a tip that moved meanwhile is gated again."""
    landing = kit.observer.landed_at(filed.id)
    assert landing is not None
    outcome = land.publish_revert(
        land.take_back(landing, filed.id, objects=kit.ports.objects),
        filed,
        note=lambda gated: delivery_notes.reverted(
            filed, landing, gated, state, policy=world.policy
        ),
        results=lambda merged: remote_steps.gate_results(kit, merged, world),
        policy=world.policy,
        remote=kit.ports.remote,
        objects=kit.ports.objects,
        committer=kit.committer,
        journal=kit.ports.journal,
        clock=kit.ports.clock,
    )
    logger.info("revert brief=%s outcome=%s", filed.id, outcome)
    kit.catch_up()
    kit.ended(f"land:{filed.id}", well=isinstance(outcome, Landed))
