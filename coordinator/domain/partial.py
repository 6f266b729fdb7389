"""What becomes of a brief some of whose tasks are lost: landed without them, failed, or put to a person.

A task is lost when it is stuck and nothing of it is left to try, and so is all that comes after it.
Optional tasks may be lost; of the others `on_partial` of the brief decides, once nothing else can run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from . import notes, partial_answers, tasks, trying
from .brief import Question
from .names import TaskId
from .note import Note
from .plan import Plan, Task
from .record import one_line
from .steps import Say
from .world import Sighting, World

_SAID_CHARS_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTask:
    """A task that nothing comes of, and why."""

    task: Task
    code: str
    why: tuple[str, ...]

    @property
    def said(self) -> str:
        """Returns the task and the reason on one line."""
        first = next(iter("".join(self.why[:1]).splitlines()), "") or "no reason given"
        return f"{self.task.id} {one_line(first)[:_SAID_CHARS_MAX]}"


def lost(sighting: Sighting, world: World) -> tuple[LostTask, ...]:
    """Returns the tasks that nothing comes of, in the order in which they would have run."""
    plan = sighting.filed.plan
    found: dict[TaskId, LostTask] = {}
    if plan is None or not plan.several:
        return ()
    startable = {task.id for task in tasks.startable(plan, tasks.standing(sighting))}
    for task in tasks.in_order(plan.tasks):
        before = next((found[name] for name in task.after if name in found), None)
        if before is not None:
            why = f"{before.task.id}, which it comes after, did not complete"
            found[task.id] = LostTask(task=task, code="dependency", why=(why,))
            continue
        step = trying.task_step(task, sighting, world) if task.id in startable else None
        if isinstance(step, trying.Stuck):
            found[task.id] = LostTask(task=task, code=step.code, why=step.why)
    return tuple(found.values())


def wanting(sighting: Sighting, world: World) -> tuple[LostTask, ...]:
    """Returns the lost tasks that the brief cannot do without."""
    gone = lost(sighting, world)
    return tuple(one for one in gone if one.task.part is None or not one.task.part.optional)


def decided(sighting: Sighting, world: World) -> Say | None:
    """Returns how a brief with lost tasks ends or what is asked; None when what there is shall land."""
    plan, brief = sighting.filed.plan, sighting.filed.brief
    assert plan is not None
    gone, needed = lost(sighting, world), wanting(sighting, world)
    done = tasks.kept(plan, sighting)
    can_land = bool(tasks.contributing(done, brief))
    if not done.tasks or not (can_land or needed):
        return Say(_failed(sighting, gone, world))
    if not needed or (brief.on_partial == "land" and can_land):
        return None
    if brief.on_partial != "hold":
        return Say(_failed(sighting, gone, world))
    names = {one.task.id for one in gone}
    number = max((a.spec.id.number for a in sighting.attempts if a.spec.task in names), default=0)
    asked = partial_answers.next_id(plan, number)
    if asked not in plan.answers:
        return Say(_asked(sighting, asked, gone, done, can_land=can_land, world=world))
    if can_land and partial_answers.said(plan.answers[asked]) == partial_answers.LAND:
        return None
    return Say(_failed(sighting, gone, world))


def unfit(
    sighting: Sighting, concerned: Sequence[Task], *, code: str, why: Sequence[str], world: World
) -> Say:
    """Returns how a brief ends, or what is asked, on whose result the gate stays red whatever is done again.

    Nothing of it lands, because nobody knows what would be green without the rest; a brief of several tasks
    that holds what it has is put to a person.
    """
    plan = sighting.filed.plan
    failed = Say(notes.failed(sighting, code=code, why=why, policy=world.policy))
    if plan is None or not plan.several or sighting.filed.brief.on_partial != "hold":
        return failed
    names = {task.id for task in concerned}
    number = max(a.spec.id.number for a in sighting.attempts if a.spec.task in names)
    asked = partial_answers.next_id(plan, number)
    if asked in plan.answers:
        return failed
    choices = partial_answers.CHOICES[1:]
    text = "every task is done, and the gate is red on the result; shall it be tried again?"
    lines = [
        *(f"- {task.id}: done, and nobody is left to do it again" for task in concerned),
        "",
        *why,
        "",
        *(f"`{choice}` {_MEANING[choice]}" for choice in choices),
    ]
    question = Question(id=asked, text=text, choices=choices)
    return Say(
        notes.asked(
            sighting,
            held="question",
            questions=[question],
            why="\n".join(lines),
            policy=world.policy,
        )
    )


def _failed(sighting: Sighting, gone: Sequence[LostTask], world: World) -> Note:
    code = (
        "partial" if any(_is_accepted(task, sighting) for task in _all(sighting)) else _code(gone)
    )
    why = [f"{one.task.id}: {'; '.join(one.why) or 'no reason given'}" for one in gone]
    return notes.failed(sighting, code=code, why=why, policy=world.policy)


def _asked(
    sighting: Sighting,
    question: str,
    gone: Sequence[LostTask],
    done: Plan,
    *,
    can_land: bool,
    world: World,
) -> Note:
    count = len(_all(sighting))
    text = f"{len(done.tasks)} of {count} tasks are done; what shall become of the others?"
    choices = partial_answers.CHOICES if can_land else partial_answers.CHOICES[1:]
    lines = [
        f"{len(gone)} of {count} tasks did not complete.",
        "",
        *(f"- {task.id}: done" for task in done.tasks),
        *(f"- {one.task.id}: not done: {one.said.partition(' ')[2]}" for one in gone),
        "",
        *(f"`{choice}` {_MEANING[choice]}" for choice in choices),
    ]
    asked = Question(id=question, text=text, choices=choices)
    return notes.asked(
        sighting, held="question", questions=[asked], why="\n".join(lines), policy=world.policy
    )


def _all(sighting: Sighting) -> tuple[Task, ...]:
    return sighting.filed.plan.tasks if sighting.filed.plan is not None else ()


def _is_accepted(task: Task, sighting: Sighting) -> bool:
    return tasks.accepted(task.id, sighting) is not None


def _code(gone: Sequence[LostTask]) -> str:
    return next((one.code for one in gone if one.code != "dependency"), "attempts")


_MEANING = {
    partial_answers.LAND: "goes on with what is done.",
    partial_answers.AGAIN: "gives the others new tries; any other text does too, and goes along to them.",
    partial_answers.GIVE_UP: "ends the brief.",
}
