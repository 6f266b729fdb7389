"""One tick: look at the world, choose, start. Everything slow happens in lanes."""

import logging
from dataclasses import dataclass
from functools import partial

from coordinator.domain.note import Note
from coordinator.domain.proof import Rewritten
from coordinator.domain.request import Drop, Request
from coordinator.domain.world import World
from coordinator.ports import Lane

from . import (
    briefs,
    deliveries,
    reminders,
    remote_steps,
    request_steps,
    troubles,
    upkeep,
    work_steps,
)
from .kit import Kit
from .pace import SOON_S, Pace
from .troubles import Trouble

logger = logging.getLogger(__name__)

_INTAKE_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What a tick came to. `idle`: nothing submitted or working that could go on without a human."""

    idle: bool
    wake_in_s: float
    cannot: str | None = None  # why nothing can be done at all, when that is so
    troubles: tuple[Trouble, ...] = ()  # what stands in the way, and what to do about it


class Coordinator:
    """Reconciles what was asked with what is; holds no state that may not be lost."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._pace = Pace(kit)

    def tick(self) -> Ticked:
        """Observes, decides, starts; returns at once."""
        kit, pace = self._kit, self._pace
        if not kit.memory.recovered:
            pace.start(Lane.REMOTE, "recover", partial(remote_steps.recover, kit))
            return self._ticked(None)
        pace.sync_when_due()
        world = self._look()
        if world is None:
            return self._ticked(None)
        pace.begin(min(world.policy.remote_poll_s, world.policy.lease_s / 8))
        kit.memory.forget(world)
        self._report(world)
        if world.read_only is not None:
            return self._ticked(world)
        upkeep.keep_up(kit, pace, world)
        upkeep.receive(kit, pace, world)
        says = briefs.decide(kit, pace, world) + deliveries.deliver(kit, pace, world)
        self._take_in(world)
        self._publish(says, world)
        return self._ticked(world)

    def close(self) -> None:
        """Lets running steps end, then stops every worker."""
        self._kit.ports.lanes.close()
        self._kit.ports.pool.close()

    def _look(self) -> World | None:
        """Looks at the newest tip that is known; None when nothing can be decided on it.

        Steps fetch while we look. A claim must not meet a tip older than the fetch that showed it (C4),
        nor a deletion of claims the tip before the landing that made it; and what is held must not be of
        another fetch than whose it is. So a look that a fetch came between is thrown away.
        """
        kit = self._kit
        tip, fetched_s = kit.ports.remote.tip(), kit.ports.remote.fetched_s()
        if tip is None or isinstance(kit.memory.remote, Rewritten):
            return None
        world = kit.observer.look(
            tip,
            remote=kit.memory.remote,
            prepared=kit.memory.prepared,
            in_flight=kit.ports.lanes.in_flight(),
        )
        if (kit.ports.remote.tip(), kit.ports.remote.fetched_s()) != (tip, fetched_s):
            self._pace.soon()
            return None
        return world

    def _report(self, world: World) -> None:
        kit, pace = self._kit, self._pace
        for event in kit.observer.news():
            kit.say(event)
        reminders.remind(kit, world)
        if kit.memory.told_tip != world.tip:
            pace.start(Lane.LOCAL, "tell", partial(request_steps.tell, kit, world))
            if world.policy.follow_checkout:
                pace.start(Lane.LOCAL, "follow", partial(work_steps.follow, kit, world))

    def _take_in(self, world: World) -> None:
        kit, pace = self._kit, self._pace
        pending = bool(kit.memory.pending)
        if kit.ports.inbox.growing():
            pace.busy = True
            pace.soon()
        # What is asked about briefs that are filed goes first: a full queue is emptied by a cancel.
        ordered = sorted(world.inbox, key=lambda request: isinstance(request, Drop))
        requests = tuple(ordered[:_INTAKE_MAX])
        look = (world.tip, tuple((r.origin.name, r.origin.token) for r in requests))
        if not requests:
            kit.memory.judged = None  # the same file may be dropped again at the same tip
            return
        stuck = all(r.origin.name in kit.memory.later for r in requests)
        pace.busy = pace.busy or not stuck
        if kit.memory.judged == look or pending:
            return
        run = partial(self._judge, requests, world, look)
        pace.start(Lane.LOCAL, "intake", run)

    def _judge(self, requests: tuple[Request, ...], world: World, look: object) -> None:
        request_steps.intake(self._kit, requests, world)
        self._kit.memory.judged = look

    def _publish(self, says: list[Note], world: World) -> None:
        kit, pace = self._kit, self._pace
        # Steps write there meanwhile, so it is copied in one go.
        notes = {n.key: n for n in (*says, *tuple(kit.memory.pending.values()))}
        if not notes:
            return
        pace.busy = True
        last_s = kit.memory.recorded_s
        since_s = (
            kit.ports.clock.monotonic_s() - last_s
            if last_s is not None
            else world.policy.record_interval_s
        )
        if since_s < world.policy.record_interval_s:  # R4
            pace.wake_s = min(pace.wake_s, world.policy.record_interval_s - since_s)
            return
        run = partial(remote_steps.records, kit, list(notes.values()), world)
        pace.start(Lane.REMOTE, "records", run)

    def _ticked(self, world: World | None) -> Ticked:
        kit, pace = self._kit, self._pace
        flying = kit.ports.lanes.in_flight() - {"sync"}
        cannot = None
        if isinstance(kit.memory.remote, Rewritten):
            cannot = kit.memory.remote.advice
        found = troubles.found(kit, world)
        if world is not None and world.read_only is not None:
            cannot = world.read_only
        if world is None:
            return Ticked(
                idle=False, wake_in_s=max(pace.wake_s, SOON_S), cannot=cannot, troubles=found
            )
        idle = not (pace.busy or flying or kit.memory.pending)
        return Ticked(idle=idle, wake_in_s=max(pace.wake_s, 0.02), cannot=cannot, troubles=found)
