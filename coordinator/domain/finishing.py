"""From accepted outputs to a landing: put together, held or not, merged, gated, landed."""

from collections.abc import Sequence
from typing import assert_never

from . import (
    conflict_notes,
    notes,
    partial,
    partial_answers,
    screen,
    synthesizing,
    tasks,
    trying,
)
from .attempt import Attempt
from .brief import Question
from .changeset import Changeset, Disagreement
from .names import RepoPath, TaskId
from .plan import Task
from .proof import Clash, Merged
from .steps import Land, Merge, RunGate, Say, Step, Synthesize
from .verdict import Trust
from .world import Sighting, World


def put_together(sighting: Sighting, world: World) -> Step:
    """Returns the next step of a brief whose every task has an accepted output."""
    written = synthesizing.step(sighting, world)
    if written is not None:
        return written
    match sighting.synthesis:
        case None:
            return Synthesize(brief=sighting.filed.id)
        case Disagreement(again=str(name)) as said:
            return _again(sighting, said, TaskId(name), world)
        case Disagreement() as said:
            redone = _left_behind(sighting, said, world)
            return redone or Say(conflict_notes.disagreement(sighting, said, policy=world.policy))
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
    return _step(
        trying.dispatch(trying.same_task(task, tried), sighting, world, why), sighting, world
    )


def _held(sighting: Sighting, changeset: Changeset, world: World) -> Step | None:
    plan, policy = sighting.filed.plan, world.policy
    if plan is not None and plan.approved == changeset.digest:
        return None
    protected = screen.protected(changeset, policy)
    if protected:
        text = "It changes protected paths: " + ", ".join(protected[:5])
        return Say(notes.held(sighting, changeset, why="protected", text=text, policy=policy))
    asked = _review(sighting, world)
    if asked:
        return Say(notes.held(sighting, changeset, why="review", text=asked, policy=policy))
    if changeset.trust is Trust.UNVERIFIED and policy.unverified == "hold":
        text = "Nothing that was asked could be checked here; landing.unverified is 'hold'."
        return Say(notes.held(sighting, changeset, why="unverified", text=text, policy=policy))
    return None


def _review(sighting: Sighting, world: World) -> str | None:
    """Returns who wants a person to look at the change before it lands."""
    if sighting.filed.brief.review == "required":
        return "A person has to look at it before it lands: the brief says `review: required`."
    if world.policy.landing_review == "required":
        return "A person has to look at it before it lands: [landing] review is 'required'."
    return None


def _land(sighting: Sighting, world: World) -> Step:
    merged = sighting.merged
    if sighting.refused is not None:
        question = Question(
            id="refused",
            text=f"{sighting.refused}; shall it be tried again?",
            choices=(partial_answers.AGAIN,),
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
    said = "the branch moved under it: " + ", ".join(paths[:5])
    concerned = _changing(sighting, paths)
    for task in concerned:
        step = _redone(task, said, sighting, world)
        if step is not None:
            return step
    # Each has an id of its own, because an answer to it is one more try.
    number = max(a.spec.id.number for task in concerned for a in _tried(task, sighting))
    question = Question(id=f"conflict-{number}", text=said, choices=(partial_answers.AGAIN,))
    why = "What landed since and what was worked out change the same lines."
    note = notes.asked(
        sighting, held="conflict", questions=[question], why=why, policy=world.policy
    )
    return Say(note)


def _left_behind(sighting: Sighting, said: Disagreement, world: World) -> Step | None:
    """Returns the next try of a task that differs from others because they stand on a later base.

    After a clash tasks are done again one by one, and an output of before differs from all that landed
    meanwhile; that is nothing to ask a person.
    """
    paths = tuple(RepoPath(conflict.where) for conflict in said.conflicts)
    standing = tasks.standing(sighting)
    bases = {returned.spec.base for returned in standing.values()}
    plan = sighting.filed.plan
    if len(bases) < 2 or plan is None or all(task.part is None for task in plan.tasks):
        return None
    for task in _changing(sighting, paths):
        told = "the branch moved under it: " + ", ".join(paths[:5])
        step = _redone(task, told, sighting, world)
        if step is not None:
            return step
    return None


def _redone(task: Task, said: str, sighting: Sighting, world: World) -> Step | None:
    """Returns the try of a task on the tip; None where it has been tried there, or often enough."""
    tried = _tried(task, sighting)
    mine = trying.same_worker(tried)
    if world.tip in {a.spec.base for a in tried}:
        return None
    if len(mine) > trying.tries_max(sighting, world):
        return None
    step = trying.dispatch(trying.same_task(task, tried), sighting, world, (said,))
    return _step(step, sighting, world)


def _step(found: Step | trying.Stuck, sighting: Sighting, world: World) -> Step:
    if isinstance(found, trying.Stuck):
        return Say(notes.failed(sighting, code=found.code, why=found.why, policy=world.policy))
    return found


def _tried(task: Task, sighting: Sighting) -> list[Attempt]:
    return tasks.authored(task.id, sighting)


def _changing(sighting: Sighting, paths: Sequence[RepoPath]) -> tuple[Task, ...]:
    """Returns the tasks whose outputs change any of `paths`; all that the brief is made of when none does."""
    plan = sighting.filed.plan
    assert plan is not None
    done = tasks.kept(plan, sighting)
    made_of = tasks.in_order(tasks.contributing(done, sighting.filed.brief))
    standing = tasks.standing(sighting)
    found = (t for t in made_of if set(paths) & tasks.touched(standing[t.id]))
    return tuple(found) or made_of


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
    failing = next((r for c in bare if not (r := world.checks[c.key]).passed), None)
    if failing is not None:
        text = f"the branch itself fails the gate: {failing.name}"
        question = Question(id="gate", text=text, choices=(partial_answers.AGAIN,))
        why = f"{text}; no change is to blame. Mend the branch, then answer."
        tail = failing.tail[-1500:].strip()
        note = notes.asked(
            sighting,
            held="question",
            questions=[question],
            why=why,
            policy=world.policy,
            reasons=(why, f"it said: {tail}") if tail else (),
        )
        return Say(note)
    said = f"the gate {red[0].name} fails on the result: {red[0].tail[-1500:]}"
    return _blamed(red[0].tail, said, sighting, world)


def _blamed(tail: str, said: str, sighting: Sighting, world: World) -> Step:
    """Returns the next try of the task that a red gate speaks of, which is that of all whose paths it names.

    One at a time, and the one that was tried longest ago first: the next gate says whether it was that.
    """
    made_of = _changing(sighting, ())
    standing = tasks.standing(sighting)
    named = [t for t in made_of if any(path in tail for path in tasks.touched(standing[t.id]))]
    why: list[str] = []
    code = "attempts"
    concerned = sorted(named or made_of, key=lambda t: _tried(t, sighting)[-1].spec.id.number)
    for task in concerned:
        step = trying.again(task, _tried(task, sighting), sighting, world, extra=said)
        if not isinstance(step, trying.Stuck):
            return step
        code, why = step.code, [*why, *step.why]
    why = list(dict.fromkeys(why))
    return partial.unfit(sighting, concerned, code=code, why=why, world=world)
