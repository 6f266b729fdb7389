"""One tick: look at the world, choose, start. Everything slow happens in lanes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from coordinator.domain import progress, steps
from coordinator.domain.names import Environment, Place
from coordinator.domain.note import Note
from coordinator.domain.proof import Claim, Rewritten
from coordinator.domain.steps import Step, Wait
from coordinator.domain.world import Sighting, World
from coordinator.ports import Lane
from coordinator.services import dispatch
from coordinator.services.wanted import Desired, Ship, WriteDown, desired, waiting, wanted

from . import remote_steps, revert_steps, work_steps
from .kit import Kit

logger = logging.getLogger(__name__)

_INTAKE_MAX = 100
_CLAIMS_S = 2.0  # how old a look may be while a brief waits for somebody else's claim
_SOON_S = 0.2
_OTHERS_S = 0.5  # how old a look may be while somebody else holds what we wait for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What a tick came to. `idle`: nothing submitted or working that could go on without a human."""

    idle: bool
    wake_in_s: float
    cannot: str | None = None  # why nothing can be done at all, when that is so


class Coordinator:
    """Reconciles what was asked with what is; holds no state that may not be lost."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._busy = False  # a brief could go on by itself, as of this tick
        self._wake_s = 0.0

    def tick(self) -> Ticked:
        """Observes, decides, starts; returns at once."""
        kit = self._kit
        if not kit.memory.recovered:
            self._start(Lane.REMOTE, "recover", partial(remote_steps.recover, kit))
            return self._ticked(None)
        self._sync_when_due()
        synced = kit.memory.synced
        if synced is None or isinstance(kit.memory.remote, Rewritten):
            return self._ticked(None)
        world = kit.observer.look(
            synced.tip,
            remote=kit.memory.remote,
            prepared=kit.memory.prepared,
            in_flight=kit.ports.lanes.in_flight(),
        )
        self._busy = False
        self._wake_s = min(world.policy.remote_poll_s, world.policy.lease_s / 8)
        self._report(world)
        if world.read_only is not None:
            return self._ticked(world)
        self._keep_up(world)
        self._receive(world)
        says = self._decide(world) + self._deliver(world)
        self._take_in(world)
        self._publish(says, world)
        return self._ticked(world)

    def close(self) -> None:
        """Lets running steps end, then stops every worker."""
        self._kit.ports.lanes.close()
        self._kit.ports.pool.close()

    # -- what every tick sees to

    def _sync_when_due(self) -> None:
        offline = self._kit.memory.remote is not None
        self._sync_within(1.0 if offline else self._kit.observer.policy.remote_poll_s)

    def _sync_within(self, age_s_max: float) -> None:
        """Fetches unless the last fetch is younger than `age_s_max`; then it is waited for."""
        fetched_s = self._kit.ports.remote.fetched_s()
        now_s = self._kit.ports.clock.monotonic_s()
        if fetched_s is None or now_s - fetched_s >= age_s_max:
            self._start(Lane.REMOTE, "sync", self._sync)
        else:
            self._wake_s = min(self._wake_s or age_s_max, fetched_s + age_s_max - now_s)

    def _sync(self) -> None:
        well = self._kit.sync() is not None
        self._kit.ended("sync", well=well)

    def _report(self, world: World) -> None:
        kit = self._kit
        for event in kit.observer.news():
            kit.say(event)
        if kit.memory.told_tip != world.tip:
            self._start(Lane.LOCAL, "tell", partial(work_steps.tell, kit, world))
            if world.policy.follow_checkout:
                self._start(Lane.LOCAL, "follow", partial(work_steps.follow, kit, world))

    def _keep_up(self, world: World) -> None:
        """Intents, renewals and sweeping: before any other write to the remote."""
        kit, ports = self._kit, self._kit.ports
        flying = ports.lanes.in_flight()
        publishing = any(k.startswith(("land:", "records")) for k in flying)
        if world.intents and not publishing:
            self._busy = True
            self._start(Lane.REMOTE, "resolve", partial(remote_steps.resolve, kit), first=True)
        due = dispatch.renewable(world, in_flight=flying)
        if due:
            self._start(Lane.REMOTE, "renew", partial(remote_steps.renew, kit, due), first=True)
        mine = [c for c in map(ports.claims.mine, world.held) if c is not None]
        idle = [
            c
            for c in dispatch.idle_claims(world, mine=mine)
            if not {f"land:{c.brief}", f"claim:{c.brief}"} & flying
        ]
        if idle:
            self._start(Lane.REMOTE, "release", partial(remote_steps.release, kit, idle))
        if not any(k.startswith(("claim:", "land:", "release")) for k in flying):
            gone = dispatch.sweepable(world, strays=ports.claims.strays())
            if gone:
                self._start(Lane.REMOTE, "sweep", partial(remote_steps.sweep, kit, gone))
        self._mind_the_gate(world, flying)

    def _mind_the_gate(self, world: World, flying: frozenset[str]) -> None:
        gate, kit = world.gate, self._kit
        if gate is None or gate.epoch != world.epoch:
            return
        used = any(k.startswith(("gate:", "land:", "gate-lock")) for k in flying)
        if used:
            if gate.unchanged_s >= world.policy.lease_s / 4:
                step = partial(remote_steps.hold_gate, kit)
                self._start(Lane.REMOTE, "gate-lock", step, first=True)
        elif not self._gating(world):
            self._start(Lane.REMOTE, "gate-release", partial(remote_steps.release_gate, kit))

    def _gating(self, world: World) -> bool:
        return any(
            isinstance(progress.next_step(s, world), steps.RunGate | steps.Land)
            for s in world.briefs.values()
            if s.merged is not None
        )

    def _receive(self, world: World) -> None:
        kit, ports = self._kit, self._kit.ports
        for spec, outcome in ports.pool.finished():
            self._busy = True
            key = f"keep:{spec.id.brief}:{spec.id.number}"
            self._start(Lane.LOCAL, key, partial(work_steps.keep, kit, spec, outcome))
        for attempt in ports.pool.running():
            sighting = world.briefs.get(attempt.brief)
            if sighting is None or sighting.filed.place is not Place.OPEN:
                ports.pool.cancel(attempt, reason="the brief is not open any more")
            elif world.remote is None and not isinstance(sighting.claim, Claim):
                ports.pool.cancel(attempt, reason="the claim was lost")
        for spec, _ in ports.journal.begun():
            if spec.id.brief in world.terminal and spec.id not in ports.pool.running():
                ports.journal.forget(spec.id.brief)

    # -- briefs

    def _decide(self, world: World) -> list[Note]:
        """Starts the one next step of each brief; deliver and land come before intake."""
        says: list[Note] = []
        chosen = [(s, progress.next_step(s, world)) for s in world.briefs.values()]
        running = sum(1 for _ in self._kit.ports.pool.running())
        gate_taken = any(k.startswith("gate:") for k in self._kit.ports.lanes.in_flight())
        landing: set[str] = set()
        for sighting, step in sorted(chosen, key=lambda pair: _RANK[type(pair[1])]):
            if isinstance(step, steps.Dispatch):
                if running >= world.policy.attempts_parallel_max:
                    self._busy = True
                    continue
                running += 1
            if isinstance(step, steps.RunGate | steps.Land):
                self._busy = True
                if landing or (gate_taken and isinstance(step, steps.RunGate)):
                    continue  # one change at a time
                landing.add(sighting.filed.id)
            note = self._begin(step, sighting, world)
            if note is not None:
                says.append(note)
        return says

    def _begin(self, step: Step, sighting: Sighting, world: World) -> Note | None:
        kit, brief = self._kit, sighting.filed.id
        self._busy = self._busy or not isinstance(step, Wait) or _goes_on(step, sighting, world)
        match step:
            case steps.Wait():
                if step.phase == "dispatch" and sighting.claim is None:
                    self._sync_within(_CLAIMS_S)
            case steps.Say(note=note):
                return note
            case steps.MakePlan():
                work_steps.make_plan(kit, sighting, world)
            case steps.TakeClaim():
                run = partial(remote_steps.claim, kit, step, sighting)
                self._start(Lane.REMOTE, f"claim:{brief}", run)
            case steps.LetGo(claim=claim):
                run = partial(remote_steps.release, kit, [claim])
                self._start(Lane.REMOTE, "release", run)
            case steps.Dispatch(task=task):
                run = partial(work_steps.dispatch, kit, step, sighting, world)
                self._start(Lane.LOCAL, f"dispatch:{brief}:{task.id}", run)
            case steps.PublishAttempts():
                run = partial(remote_steps.publish, kit, brief)
                self._start(Lane.REMOTE, f"publish:{brief}", run)
            case steps.Review(attempt=attempt):
                run = partial(work_steps.review, kit, attempt, sighting, world)
                self._start(Lane.COMMAND, f"review:{brief}:{attempt.number}", run)
            case steps.Synthesize():
                run = partial(work_steps.synthesize, kit, sighting, world)
                self._start(Lane.LOCAL, f"synthesize:{brief}", run)
            case steps.Merge():
                run = partial(work_steps.merge, kit, sighting, world)
                self._start(Lane.LOCAL, f"merge:{brief}", run)
            case steps.RunGate():
                self._gate(step, world)
            case steps.Land():
                run = partial(remote_steps.publish_landing, kit, sighting, world)
                self._start(Lane.REMOTE, f"land:{brief}", run)
            case steps.Deliver():
                pass  # by environment, below: one deploy serves every brief that waits for it
            case _:
                assert_never(step)
        return None

    def _gate(self, step: steps.RunGate, world: World) -> None:
        kit, gate = self._kit, world.gate
        if gate is not None and gate.epoch == world.epoch:
            run = partial(work_steps.run_gate, kit, step.checks)
            self._start(Lane.COMMAND, f"gate:{step.brief}", run)
        elif gate is None or gate.unchanged_s >= world.policy.lease_s:
            self._start(Lane.REMOTE, "gate-lock", partial(remote_steps.hold_gate, kit))
        else:
            self._sync_within(_OTHERS_S)  # somebody else gates: look again soon

    def _deliver(self, world: World) -> list[Note]:
        """Takes the next step of each environment that a landed brief waits for (D1, D2)."""
        kit = self._kit
        named = {
            s.filed.brief.deploy
            for s in world.briefs.values()
            if s.filed.place is Place.LANDED and s.filed.brief.deploy
        } | {
            environment
            for environment, state in world.environments.items()
            if state.state in ("failed", "deploying") and self._reverts(environment, world)
        }
        says: list[Note] = []
        if not named:
            return says
        before: Desired | None = kit.memory.desired
        wish = desired(world.tip, before=before, objects=kit.ports.objects)
        kit.memory.desired = wish
        for environment in sorted(named):
            says += self._deliver_one(environment, wish, world)
        return says

    def _reverts(self, environment: Environment, world: World) -> bool:
        target = world.policy.target(environment)
        return target is not None and target.revert

    def _deliver_one(self, environment: Environment, wish: Desired, world: World) -> list[Note]:
        kit = self._kit
        revision, why = kit.memory.stale.get(environment, (None, None))
        step = wanted(
            world,
            environment,
            desired=wish,
            objects=kit.ports.objects,
            stale=why if revision == wish.revision else None,
        )
        self._busy = True
        match step:
            case Ship():
                run = partial(work_steps.ship, kit, step)
                self._start(Lane.DEPLOY, f"deploy:{environment}", run)
            case WriteDown(notes=notes):
                return [] if self._revert(environment, wish, world) else list(notes)
            case None:
                self._sync_within(_OTHERS_S)
        return []

    def _revert(self, environment: Environment, wish: Desired, world: World) -> bool:
        """D3: takes a landing back where the environment says so and the deploy failed."""
        kit = self._kit
        target, state = world.policy.target(environment), world.environments.get(environment)
        failed = state is not None and state.state == "failed" and state.revision == wish.revision
        if target is None or not target.revert or not failed or state is None:
            return False
        briefs = [b for b in waiting(world, environment) if b.id not in kit.memory.irrevertible]
        for filed in briefs[-1:]:  # the newest first; each revert is a new tip
            run = partial(revert_steps.gate, kit, filed, state, world)
            if f"land:{filed.id}" not in kit.ports.lanes.in_flight():
                self._start(Lane.COMMAND, f"revert:{filed.id}", run)
        return bool(briefs)

    # -- requests and records

    def _take_in(self, world: World) -> None:
        kit = self._kit
        pending = {n.key for n in kit.memory.pending.values()}
        if kit.ports.inbox.growing():
            self._busy = True
            self._soon()
        requests = world.inbox[:_INTAKE_MAX]
        look = (world.tip, tuple((r.origin.name, r.origin.token) for r in requests))
        if not requests:
            return
        stuck = all(r.origin.name in kit.memory.later for r in requests)
        self._busy = self._busy or not stuck
        if kit.memory.judged == look or pending:
            return
        run = partial(self._judge, requests, world, look)
        self._start(Lane.LOCAL, "intake", run)

    def _judge(self, requests: tuple[object, ...], world: World, look: object) -> None:
        work_steps.intake(self._kit, requests, world)  # type: ignore[arg-type]
        self._kit.memory.judged = look

    def _publish(self, says: list[Note], world: World) -> None:
        kit = self._kit
        notes = {n.key: n for n in (*says, *kit.memory.pending.values())}
        if not notes:
            return
        self._busy = True
        last_s = kit.memory.recorded_s
        since_s = (
            kit.ports.clock.monotonic_s() - last_s
            if last_s is not None
            else world.policy.record_interval_s
        )
        if since_s < world.policy.record_interval_s:  # R4
            self._wake_s = min(self._wake_s, world.policy.record_interval_s - since_s)
            return
        run = partial(remote_steps.records, kit, list(notes.values()), world)
        self._start(Lane.REMOTE, "records", run)

    # -- helpers

    def _start(
        self, lane: Lane, key: str, step: Callable[[], None], *, first: bool = False
    ) -> None:
        kit = self._kit
        if not kit.ready(key):
            self._soon()
            return
        failed = kit.ports.lanes.failures().get(key)
        if failed is not None and kit.ports.clock.monotonic_s() - failed[0] < 1.0:
            self._soon()
            return
        kit.ports.lanes.start(lane, key, step, first=first)

    def _soon(self) -> None:
        self._wake_s = min(self._wake_s or _SOON_S, _SOON_S)

    def _ticked(self, world: World | None) -> Ticked:
        kit = self._kit
        flying = kit.ports.lanes.in_flight() - {"sync", "tell", "follow"}
        cannot = None
        if isinstance(kit.memory.remote, Rewritten):
            cannot = "the remote was rewritten; nothing is done until a human has looked"
        if world is not None and world.read_only is not None:
            cannot = world.read_only
        if world is None:
            return Ticked(idle=False, wake_in_s=max(self._wake_s, _SOON_S), cannot=cannot)
        idle = not (self._busy or flying or kit.memory.pending)
        return Ticked(idle=idle, wake_in_s=max(self._wake_s, 0.02), cannot=cannot)


def _goes_on(step: Wait, sighting: Sighting, world: World) -> bool:
    """Tells whether a waiting brief goes on without a human: it waits for work or for another holder."""
    if sighting.filed.place is Place.WAITING or world.paused is not None:
        return False
    if step.phase != "waiting":
        return True
    places = [progress.place_of(name, world) for name in sighting.filed.brief.after]
    held = sighting.filed.id in world.holds or sighting.filed.brief.name in world.holds
    return not held and Place.WAITING not in places


_RANK: dict[type, int] = {
    kind: rank
    for rank, kind in enumerate(
        (
            steps.Deliver,
            steps.Land,
            steps.RunGate,
            steps.Merge,
            steps.Synthesize,
            steps.Review,
            steps.PublishAttempts,
            steps.Dispatch,
            steps.LetGo,
            steps.TakeClaim,
            steps.MakePlan,
            steps.Say,
            steps.Wait,
        )
    )
}
