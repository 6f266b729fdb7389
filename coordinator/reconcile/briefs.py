"""The next step of each brief, or of each of its tasks: chosen by the state machine, started in its lane."""

from functools import partial
from typing import assert_never

from coordinator.domain import fairness, progress, steps, tasks
from coordinator.domain.names import Place
from coordinator.domain.note import Note
from coordinator.domain.steps import Step, Wait
from coordinator.domain.world import Sighting, World
from coordinator.ports import Lane

from . import plan_steps, remote_steps, work_steps
from .kit import Kit
from .pace import CLAIMS_S, OTHERS_S, Pace
from .room import Room


def decide(kit: Kit, pace: Pace, world: World) -> list[Note]:
    """Starts what each brief needs next; deliver and land come before intake.

    Only as many briefs are claimed as workers can be busy with: a claim keeps others away. Who gets a claim
    or a worker, where not all can, is said by `fairness`.
    """
    says: list[Note] = []
    flying = kit.ports.lanes.in_flight()
    room = Room(kit, world, flying)
    chosen = []
    for sighting in fairness.in_order(world):
        may = progress.MAY_CLAIM if room.for_claim() else progress.MUST_WAIT
        for step in progress.next_steps(sighting, world, claiming=may):
            room.take(step)
            chosen.append((sighting, step))
    for sighting, step in sorted(chosen, key=lambda pair: _rank(pair[1])):
        if not room.allows(step, sighting):
            pace.busy = True
            continue
        note = _begin(kit, pace, step, sighting, world)
        if note is not None:
            says.append(note)
    return says


def _begin(kit: Kit, pace: Pace, step: Step, sighting: Sighting, world: World) -> Note | None:
    brief = sighting.filed.id
    pace.busy = pace.busy or not isinstance(step, Wait) or _goes_on(step, sighting, world)
    match step:
        case steps.Wait():
            if step.due_in_s is not None:
                pace.wake_within(step.due_in_s)
            elif step.phase == "dispatch" and sighting.claim is None and not step.rests:
                pace.sync_within(CLAIMS_S)
        case steps.Say(note=note):
            return note
        case steps.MakePlan():
            plan_steps.make_plan(kit, sighting, world)
        case steps.RevisePlan(plan=plan):
            run = partial(plan_steps.revise, kit, sighting, plan, world)
            pace.start(Lane.LOCAL, f"plan:{brief}", run)
        case steps.TakeClaim():
            run = partial(remote_steps.claim, kit, step, sighting, world)
            pace.start(Lane.REMOTE, f"claim:{brief}", run)
        case steps.LetGo(claim=claim):
            run = partial(remote_steps.release, kit, [claim])
            pace.start(Lane.REMOTE, "release", run)
        case steps.Dispatch(task=task, role=role):
            run = partial(work_steps.dispatch, kit, step, sighting, world)
            # Fetching may take its time, and must not hold up what is decided in the local lane.
            fetches = role == "author" and any(
                item.kind == "url" for item in tasks.brief_of(sighting.filed.brief, task).inputs
            )
            lane = Lane.COMMAND if fetches else Lane.LOCAL
            pace.start(lane, f"dispatch:{brief}:{task.id}", run)
        case steps.PublishAttempts():
            run = partial(remote_steps.publish, kit, brief)
            pace.start(Lane.REMOTE, f"publish:{brief}", run)
        case steps.Review(attempt=attempt):
            if work_steps.check_key(attempt) not in kit.ports.lanes.in_flight():
                run = partial(work_steps.review, kit, attempt, sighting, world)
                pace.start(Lane.LOCAL, f"review:{brief}:{attempt.number}", run)
        case steps.Synthesize():
            run = partial(work_steps.synthesize, kit, sighting, world)
            pace.start(Lane.LOCAL, f"synthesize:{brief}", run)
        case steps.Merge():
            run = partial(work_steps.merge, kit, sighting, world)
            pace.start(Lane.LOCAL, f"merge:{brief}", run)
        case steps.RunGate():
            _gate(kit, pace, step, world)
        case steps.Land():
            run = partial(remote_steps.publish_landing, kit, sighting, world)
            pace.start(Lane.REMOTE, f"land:{brief}", run, first=True)
        case steps.Deliver():
            pass  # by environment, below: one deploy serves every brief that waits for it
        case _:
            assert_never(step)
    return None


def _gate(kit: Kit, pace: Pace, step: steps.RunGate, world: World) -> None:
    gate = world.gate
    if gate is not None and gate.epoch == world.epoch:
        run = partial(work_steps.run_gate, kit, step.checks)
        pace.start(Lane.COMMAND, f"gate:{step.brief}", run)
    elif gate is None or gate.unchanged_s >= world.policy.lease_s:
        pace.start(Lane.REMOTE, "gate-lock", partial(remote_steps.hold_gate, kit))
    else:
        pace.sync_within(OTHERS_S)  # somebody else gates: look again soon


def _goes_on(step: Wait, sighting: Sighting, world: World) -> bool:
    """Tells whether a waiting brief goes on without a human: it waits for work or for another holder."""
    if sighting.filed.place is Place.WAITING or world.paused is not None or step.rests:
        return False
    return step.phase != "waiting" or not progress.needs_human(sighting, world)


def _rank(step: Step) -> tuple[int, bool]:
    """Returns what comes first; a second attempt at something takes what the others leave."""
    return _RANK[type(step)], isinstance(step, steps.Dispatch) and step.beside is not None


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
            steps.RevisePlan,
            steps.Say,
            steps.Wait,
        )
    )
}
