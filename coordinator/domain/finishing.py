"""From accepted outputs to a landing: put together, held or not, merged, gated, landed."""

from typing import assert_never

from . import conflict_notes, notes, screen, tasks, trying
from .brief import Question
from .changeset import Changeset, Disagreement
from .names import RepoPath, TaskId
from .proof import Clash, Merged
from .steps import Land, Merge, RunGate, Say, Step, Synthesize
from .verdict import Trust
from .world import Sighting, World


def put_together(sighting: Sighting, world: World) -> Step:
    """Returns the next step of a brief whose every task has an accepted output."""
    match sighting.synthesis:
        case None:
            return Synthesize(brief=sighting.filed.id)
        case Disagreement(again=str(name)) as said:
            return _again(sighting, said, TaskId(name), world)
        case Disagreement() as said:
            return Say(conflict_notes.disagreement(sighting, said, policy=world.policy))
        case Changeset() as changeset:
            return _held(sighting, changeset, world) or _land(sighting, world)
        case _:
            assert_never(sighting.synthesis)


def _again(sighting: Sighting, said: Disagreement, name: TaskId, world: World) -> Step:
    """A person said in words what shall stand: one worker tries again, and hears it."""
    tried = tasks.authored(name, sighting)
    task = sighting.filed.plan.task(name) if sighting.filed.plan else None
    assert task is not None
    why = (f"outputs contradicted each other, and a person answered: {said.question}",)
    return trying.dispatch(trying.same_task(task, tried), sighting, world, why)


def _held(sighting: Sighting, changeset: Changeset, world: World) -> Step | None:
    plan, policy = sighting.filed.plan, world.policy
    if plan is not None and plan.approved == changeset.digest:
        return None
    protected = screen.protected(changeset, policy)
    if protected:
        text = "It changes protected paths: " + ", ".join(protected[:5])
        return Say(notes.held(sighting, changeset, why="protected", text=text, policy=policy))
    if changeset.trust is Trust.UNVERIFIED and policy.unverified == "hold":
        text = "Nothing that was asked could be checked here; landing.unverified is 'hold'."
        return Say(notes.held(sighting, changeset, why="unverified", text=text, policy=policy))
    return None


def _land(sighting: Sighting, world: World) -> Step:
    merged = sighting.merged
    if sighting.refused is not None:
        question = Question(
            id="refused",
            text=f"{sighting.refused}; shall it be tried again?",
            choices=("try again",),
        )
        why = f"It cannot land: {sighting.refused}. The work is kept; mend that, then answer."
        note = notes.asked(
            sighting, held="question", questions=[question], why=why, policy=world.policy
        )
        return Say(note)
    match merged:
        case None:
            return Merge(brief=sighting.filed.id)
        case Clash(paths=paths):
            return _clashed(sighting, paths, world)
        case Merged():
            return _gate(sighting, world)
        case _:
            assert_never(merged)


def _clashed(sighting: Sighting, paths: tuple[RepoPath, ...], world: World) -> Step:
    """Somebody changed the same lines since the base: the work is done again on the new base."""
    plan = sighting.filed.plan
    assert plan is not None
    said = "the branch moved under it: " + ", ".join(paths[:5])
    task = plan.tasks[0]
    tried = tasks.authored(task.id, sighting)
    bases = {a.spec.base for a in tried}
    mine = trying.same_worker(tried)
    if world.tip not in bases and len(mine) <= trying.tries_max(sighting, world):
        return trying.dispatch(trying.same_task(task, tried), sighting, world, (said,))
    # Each has an id of its own, because an answer to it is one more try.
    number = max(a.spec.id.number for a in tried)
    question = Question(id=f"conflict-{number}", text=said, choices=("try again",))
    why = "What landed since and what was worked out change the same lines."
    note = notes.asked(
        sighting, held="conflict", questions=[question], why=why, policy=world.policy
    )
    return Say(note)


def _gate(sighting: Sighting, world: World) -> Step:
    missing = tuple(c for c in sighting.gate_checks if c.key not in world.checks)
    red = [
        world.checks[c.key]
        for c in sighting.gate_checks
        if c.key in world.checks and not world.checks[c.key].passed
    ]
    if not red:
        if missing:
            return RunGate(brief=sighting.filed.id, checks=missing)
        return Land(brief=sighting.filed.id)
    bare = [c for c in sighting.tip_checks if c.command.name in {r.name for r in red}]
    unknown = tuple(c for c in bare if c.key not in world.checks)
    if unknown:  # L8: before anybody is blamed, the bare tip must be green
        return RunGate(brief=sighting.filed.id, checks=unknown)
    if any(not world.checks[c.key].passed for c in bare):
        text = f"the branch itself fails the gate: {red[0].name}"
        question = Question(id="gate", text=text, choices=("try again",))
        why = f"{text}; no change is to blame. Mend the branch, then answer."
        note = notes.asked(
            sighting, held="question", questions=[question], why=why, policy=world.policy
        )
        return Say(note)
    plan = sighting.filed.plan
    assert plan is not None
    said = f"the gate {red[0].name} fails on the result: {red[0].tail[-1500:]}"
    task = plan.tasks[0]
    tried = tasks.authored(task.id, sighting)
    return trying.again(task, tried, sighting, world, extra=said)
