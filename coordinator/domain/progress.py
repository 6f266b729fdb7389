"""The state machine: one sighting of a brief in, its one next step out. Pure: same look, same step."""

from collections.abc import Sequence
from enum import Enum
from typing import assert_never

from . import (
    budget,
    claiming,
    finishing,
    notes,
    partial,
    planner,
    planning,
    revising,
    speculating,
    trying,
)
from .attempt import Running
from .claim_name import claim_ref, claimed_paths, overlap
from .names import BriefId, Place, RepoPath, slug
from .proof import Claim, Rewritten
from .steps import (
    Deliver,
    Dispatch,
    LetGo,
    MakePlan,
    PublishAttempts,
    RevisePlan,
    Say,
    Step,
    TakeClaim,
    Wait,
)
from .world import Sighting, World


class Claiming(Enum):
    """Whether a brief that is not claimed yet may be."""

    MAY_CLAIM = "may claim"
    MUST_WAIT = "must wait"


MAY_CLAIM, MUST_WAIT = Claiming.MAY_CLAIM, Claiming.MUST_WAIT


def next_step(sighting: Sighting, world: World, *, claiming: Claiming = MAY_CLAIM) -> Step:
    """Returns the next step of a brief that is open, waiting or landed: the first of `next_steps`."""
    return next_steps(sighting, world, claiming=claiming)[0]


def next_steps(
    sighting: Sighting, world: World, *, claiming: Claiming = MAY_CLAIM
) -> tuple[Step, ...]:
    """Returns what a brief needs next: one step, or one for each of its tasks that can go on by itself.

    With `MUST_WAIT`, a brief without a claim waits until a worker is free.
    """
    before = _before_work(sighting, world, claiming)
    return _work(sighting, world) if before is None else (before,)


def _before_work(sighting: Sighting, world: World, claiming: Claiming) -> Step | None:
    filed = sighting.filed
    if isinstance(world.remote, Rewritten):
        return Wait(phase="waiting", why="the remote was rewritten; a human must look")
    match filed.place:
        case Place.WAITING:
            return Wait(phase="waiting", why=filed.reply.held or "question" if filed.reply else "")
        case Place.LANDED:
            if filed.brief.deploy is None:
                return Wait(phase="deliver", why="no environment is named")
            return Deliver(brief=filed.id, environment=filed.brief.deploy)
        case Place.OPEN:
            return _open(sighting, world, claiming)
        case Place.DONE | Place.REJECTED:
            return Wait(phase="waiting", why="finished")
        case _:
            assert_never(filed.place)


def _open(sighting: Sighting, world: World, claiming: Claiming) -> Step | None:
    """Returns what stands before the work itself; None when a brief is claimed and can be worked on."""
    filed = sighting.filed
    if filed.plan is None:
        return _unplannable(sighting, world) or MakePlan(brief=filed.id)
    if world.paused is not None:
        return Wait(phase="waiting", why=f"paused: {world.paused}")
    if _on_hold(sighting, world):
        return Wait(phase="waiting", why="on hold in state.md")
    blocked = _dependencies(sighting, world)
    if blocked is not None:
        return blocked
    rest = resting(sighting, world)
    if not isinstance(sighting.claim, Claim):
        if rest is not None:
            return rest
        if claiming is MUST_WAIT:
            return Wait(phase="dispatch", why="every worker is busy")
        return left_alone(sighting, world) or _claim(sighting, world)
    if sighting.claim.digest != filed.digest or rest is not None:
        return LetGo(claim=sighting.claim)
    return None


def _unplannable(sighting: Sighting, world: World) -> Step | None:
    """Fails a brief that intake has not seen, or saw under other rules, and whose tasks are no sound plan."""
    wrong = planning.faults(sighting.filed.brief, world.policy)
    if not wrong:
        return None
    why = [f"{fault.code}: {fault.message}; {fault.hint}" for fault in wrong]
    return Say(notes.failed(sighting, code="plan", why=why, policy=world.policy))


def resting(sighting: Sighting, world: World) -> Wait | None:
    """Returns why an open brief lies until the day ends: all that is left of it needs money of that day.

    It is not claimed meanwhile, because a claim keeps others away.
    """
    plan = sighting.filed.plan
    if not budget.is_day_spent(world) or plan is None or sighting.filed.place is not Place.OPEN:
        return None
    if sighting.filed.id in world.unpublished:
        return None
    first, *more = _work(sighting, world)
    return first if isinstance(first, Wait) and first.rests and not more else None


def left_alone(sighting: Sighting, world: World) -> Wait | None:
    """Returns why nobody can begin with a brief now, so that a claim on it would only keep others away."""
    plan = sighting.filed.plan
    if plan is None or not (world.breakers or world.full):
        return None
    found = planner.task_steps(plan, sighting, world)
    waits = [step for step in found if isinstance(step, Wait) and step.due_in_s is not None]
    return waits[0] if waits and len(waits) == sum(step is not None for step in found) else None


def _on_hold(sighting: Sighting, world: World) -> bool:
    return sighting.filed.id in world.holds or sighting.filed.brief.name in world.holds


def _dependencies(sighting: Sighting, world: World) -> Step | None:
    for name in sighting.filed.brief.after:
        place = place_of(name, world)
        if place is Place.REJECTED:
            why = [f"{name}, which this brief comes after, did not complete"]
            note = notes.failed(sighting, code="dependency", why=why, policy=world.policy)
            return Say(note)
        if place is not Place.DONE:
            return Wait(phase="waiting", why=f"after {name}")
    return None


def place_of(name: str, world: World) -> Place | None:
    """Returns where the brief called `name` (an id or a name) is; the newest of its name counts."""
    known = {i: s.filed.place for i, s in world.briefs.items()} | dict(world.terminal)
    if BriefId(name) in known:
        return known[BriefId(name)]
    same = [place for brief, place in known.items() if _is_called(brief, name)]
    live = [place for place in same if not place.terminal]
    if live:
        return live[0]
    return Place.DONE if Place.DONE in same else next(iter(same), None)


def needs_human(sighting: Sighting, world: World) -> bool:
    """Tells whether nothing happens to a brief before a person acts.

    It waits for an answer, is on hold or lacks money, or so does one that it comes after; or that one is
    not there.
    """
    known: set[BriefId] = set()
    chain = [sighting]
    while chain:
        one = chain.pop()
        if one.filed.place is Place.WAITING or _on_hold(one, world) or resting(one, world):
            return True
        if one.filed.id in known or one.filed.place is not Place.OPEN:
            continue
        known.add(one.filed.id)
        for name in one.filed.brief.after:
            if place_of(name, world) is None:
                return True
            chain += [s for s in world.briefs.values() if _is_called(s.filed.id, name)]
    return False


def _is_called(brief: BriefId, name: str) -> bool:
    return brief == name or brief.rpartition("-")[0] == slug(name)


def wanted_paths(sighting: Sighting) -> tuple[RepoPath, ...]:
    """Returns what the brief claims: SCOPE for changes, only the output path for a report (C1)."""
    brief = sighting.filed.brief
    if brief.output_format.kind == "changes":
        return claimed_paths(brief.scope_in or ("**",))
    path = brief.output_format.path
    return (path,) if path else ()


def _claim(sighting: Sighting, world: World) -> Step:
    filed = sighting.filed
    paths = wanted_paths(sighting)
    held = world.held.get(filed.id)
    lease_s = world.policy.lease_s
    if held is not None:
        if held.unchanged_s >= lease_s and held.epoch != world.epoch:
            return TakeClaim(brief=filed.id, paths=paths, stale=held)
        return Wait(phase="dispatch", why=f"held by epoch {held.epoch}")
    taken = claiming.in_the_way(paths, world.claims)
    if taken is not None:
        return Wait(phase="dispatch", why=f"{taken.holder} holds {taken.path or '.'}")
    refs = [claim_ref("", path) for path in paths]
    for other in world.briefs.values():
        if _goes_first(other, sighting, refs, world):
            return Wait(phase="dispatch", why=f"{other.filed.id} has waited longer")
    return TakeClaim(brief=filed.id, paths=paths, stale=None)


def _goes_first(other: Sighting, than: Sighting, refs: Sequence[str], world: World) -> bool:
    """C7: an earlier-accepted, ready, unheld brief that waited longer than `aging`."""
    return (
        other.order < than.order
        and other.filed.place is Place.OPEN
        and other.age_s > world.policy.aging_s
        and other.filed.id not in world.held
        and not _on_hold(other, world)
        and resting(other, world) is None
        and left_alone(other, world) is None
        and _dependencies(other, world) is None
        and any(overlap(r, claim_ref("", p)) for r in refs for p in wanted_paths(other))
    )


def _work(sighting: Sighting, world: World) -> tuple[Step, ...]:
    """Returns a step for each task that can go on; when none can, what becomes of the brief."""
    filed, plan = sighting.filed, sighting.filed.plan
    assert plan is not None
    if filed.id in world.unpublished and world.remote is None:
        return (PublishAttempts(brief=filed.id),)
    found = planner.task_steps(plan, sighting, world)
    steps = [step for step in found if not isinstance(step, trying.Stuck | None)]
    if plan.several and _at_work(sighting) >= world.policy.doctrine.parallel_max:
        steps = [_held_back(step) for step in steps]
    moving = tuple(step for step in steps if not isinstance(step, Wait | Say))
    if moving:
        return moving
    # A question sends the brief to waiting/ and stops its workers, so it waits for those.
    for kind in (_is_at_work, _is_question, _rests):
        first = next((step for step in steps if kind(step)), None)
        if first is not None:
            return (first,)
    stuck = next((step for step in found if isinstance(step, trying.Stuck)), None)
    if stuck is None and speculating.superseded(sighting):
        why = "what ran beside the accepted attempt is being stopped"
        return (Wait(phase="review", why=why),)
    if stuck is None:
        return (finishing.put_together(sighting, world),)
    other = revising.revised(sighting, world) if plan.several else None
    if other is not None:
        return (RevisePlan(brief=filed.id, plan=other),)
    asked = planner.another(sighting, world, stuck)
    if asked is not None:
        return (asked,)
    if not plan.several:
        return (Say(notes.failed(sighting, code=stuck.code, why=stuck.why, policy=world.policy)),)
    return (partial.decided(sighting, world) or finishing.put_together(sighting, world),)


def _at_work(sighting: Sighting) -> int:
    return sum(isinstance(attempt, Running) for attempt in sighting.attempts)


def _held_back(step: Step) -> Step:
    if not isinstance(step, Dispatch):
        return step
    return Wait(phase="dispatch", why="as many workers as may are at work on it")


def _is_at_work(step: Step) -> bool:
    return isinstance(step, Wait) and not step.rests


def _is_question(step: Step) -> bool:
    return isinstance(step, Say)


def _rests(step: Step) -> bool:
    return isinstance(step, Wait) and step.rests
