"""One task of a brief: the next attempt at it, a question of its worker, or the end of trying.

A worker tries as often as the retries of the brief say, after a pause where it was lost to something that
may pass. When it has, or has said the same twice, or that it lacks a tool, the next worker that is chosen for
the brief takes its place (see `tasks.substitutes`), with tries of its own; after the last one's failure the
task is stuck (see `partial`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from . import (
    backoff,
    beginning,
    budget,
    evaluating,
    fanning,
    notes,
    packing,
    partial_answers,
    second_look,
    speculating,
    straggling,
    tasks,
)
from .attempt import NOBODYS_FAULT, Attempt, Lost, Returned
from .beginning import Gone
from .brief import Question
from .names import ProfileName
from .plan import Task
from .steps import Dispatch, Review, Say, Step, Wait, WhyBeside
from .verdict import Reject, Revise
from .world import LeftAlone, Sighting, World

_TRIES_MAX = 50  # whatever the reason, restarts included
_REASONS_MAX = 20
_REASONS_CHARS_MAX = 24_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A task that no further attempt is made at, and why; `code` is why a brief of this one task fails."""

    code: Literal["attempts", "budget"]
    why: tuple[str, ...]


def task_step(task: Task, sighting: Sighting, world: World) -> Step | Stuck | None:
    """Returns what a task needs next; None when an output of its last turn is accepted."""
    tried = tasks.authored(task.id, sighting)
    if not tried:
        return dispatch(task, sighting, world, ())
    if speculating.accepted(tried, sighting) is not None:
        if tasks.accepted(task.id, sighting) is not None:
            return None
        said = "what it builds on has been done again since"
        return dispatch(same_task(task, tried), sighting, world, (said,))
    unjudged = speculating.unjudged(tried)
    if unjudged is not None:
        return Review(attempt=unjudged.spec.id)
    looks = (second_look.step(task, a, sighting, world) for a in speculating.kept(tried))
    look = next((step for step in looks if step is not None), None)
    if look is not None:
        return look
    if speculating.running(tried):
        return _beside(task, tried, sighting, world)
    return again(task, tried, sighting, world)


def again(
    task: Task, tried: list[Attempt], sighting: Sighting, world: World, extra: str = ""
) -> Step | Stuck:
    """Tries once more with the reasons, asks what the worker asked, hands it to another, or gives up."""
    last = speculating.deciding(tried)
    asked = question(task, last, sighting, world)
    if asked is not None:
        return asked
    why = reasons(last, sighting) + ((extra,) if extra else ())
    told = earlier_reasons(why, [a for a in tried if a is not last], sighting)
    insisted = partial_answers.insisted(sighting.filed.plan)
    fresh = [a for a in tried if a.spec.id.number > insisted.since]
    if not fresh:  # a person wants it tried again, whatever became of it
        return dispatch(task, sighting, world, (*insisted.told, *told))
    mine = same_worker(fresh)
    going_on = same_task(task, fresh)
    used_up = len(counted(mine)) >= tries_max(sighting, world)
    done = used_up or _no_improvement(mine, sighting) or _lacks(last, sighting)
    other = _another(task, fresh, sighting, world) if done else None
    if other is not None:
        going_on = task.model_copy(update={"profile": other})
    if (done and other is None) or len(tried) >= _TRIES_MAX:
        return Stuck(code="attempts", why=why)
    left_s = backoff.left_s(mine, world) if other is None and not extra else 0.0
    if left_s:
        said = f"{why[0]}; it pauses before it tries again"
        return Wait(phase="dispatch", why=said, due_in_s=left_s)
    return dispatch(going_on, sighting, world, told)


def _beside(task: Task, tried: list[Attempt], sighting: Sighting, world: World) -> Step:
    """Waits for what runs, or starts another beside it: after a failed try, or when it takes too long."""
    under_way = speculating.running(tried)[0].spec
    why = f"{under_way.profile} works on it"
    joining = fanning.joining(task, tried, sighting, world)
    second = straggling.second(task, tried, sighting, world)
    found = [one for one in (joining, second) if one is not None]
    who = next((one for one in found if isinstance(one, str)), None)
    if who is None:
        due_s = [one for one in found if not isinstance(one, str)]
        return Wait(phase="dispatch", why=why, due_in_s=min(due_s, default=None))
    before = [a for a in tried if speculating.turn_of(a) != speculating.turn_of(tried[-1])]
    feedback = earlier_reasons((), before, sighting)
    copy = _next(task.model_copy(update={"profile": who}), sighting, feedback)
    reason: WhyBeside = "failed" if who == joining else "slow"
    return replace(copy, beside=speculating.turn_of(tried[-1]), why_beside=reason)


def same_worker(tried: Sequence[Attempt]) -> list[Attempt]:
    """Returns the attempts of the worker that goes on, which is the one that made the last one."""
    profile = speculating.deciding(tried).spec.profile
    return [a for a in tried if a.spec.profile == profile]


def same_task(task: Task, tried: Sequence[Attempt]) -> Task:
    """Returns the task for the worker that made the last attempt at it, whoever was planned."""
    return task.model_copy(update={"profile": speculating.deciding(tried).spec.profile})


def counted(tried: Sequence[Attempt]) -> list[Attempt]:
    """Returns the attempts that count as tries; what a restart cost is nobody's fault.

    A turn is one try, however many ran side by side; and an output that nobody judged, because another
    coordinator had gone on without it, is none.
    """
    fair = [a for a in tried if not (isinstance(a, Lost) and a.reason in NOBODYS_FAULT)]
    judged = [a for a in fair if not (isinstance(a, Returned) and a.verdict is None)]
    return [a for a in judged if not speculating.is_extra(a)]


def tries_max(sighting: Sighting, world: World) -> int:
    """Returns how many attempts at a task may fail: one, the retries, and one for each answer given.

    To be told to go on after a failure is a new start, and no such answer.
    """
    retries = sighting.filed.brief.retries
    plan = sighting.filed.plan
    answers = sum(not partial_answers.is_one(question) for question in plan.answers) if plan else 0
    return 1 + (world.policy.retries if retries is None else retries) + answers


def _another(
    task: Task, tried: Sequence[Attempt], sighting: Sighting, world: World
) -> ProfileName | None:
    """Returns the first worker that may do the task and has not tried; None when all have."""
    used = {attempt.spec.profile for attempt in tried}
    others = tasks.substitutes(sighting.filed.brief, task, world.policy)
    return next((name for name in others if name not in used), None)


def _lacks(last: Attempt, sighting: Sighting) -> bool:
    """Tells whether a worker said that it has no means for it, and never will.

    What it lacks as data may be there next time; a brief of several tasks does not wait for that.
    """
    verdict = last.verdict if isinstance(last, Returned) else None
    plan = sighting.filed.plan
    codes = ("missing-tool", "missing-data") if plan and plan.several else ("missing-tool",)
    return isinstance(verdict, Reject) and verdict.code in codes


def _no_improvement(tried: Sequence[Attempt], sighting: Sighting) -> bool:
    """Tells whether one more try would come to the same.

    The last two outputs are equal; or of the last three neither of the later ones met more criteria than
    the one before it, and the same ones fail in all of them.
    """
    # Of a turn one speaks: those that ran side by side did not know of each other.
    turns = list({speculating.turn_of(a): a for a in tried}.values())
    last = [a for a in turns[-3:] if isinstance(a, Returned)]
    two = [a for a in turns[-2:] if isinstance(a, Returned)]
    if len(two) == 2 and two[0].output.body == two[1].output.body:
        return True
    if len(last) < 3:
        return False
    met, failing = zip(*(_criteria(a, sighting) for a in last), strict=True)
    rose = met[1] > met[0] or met[2] > met[1]
    return bool(failing[0]) and len(set(failing)) == 1 and not rose


def _criteria(tried: Returned, sighting: Sighting) -> tuple[int, frozenset[tuple[str, str]]]:
    """Returns how many criteria an output met, and which ones it failed."""
    verdict = evaluating.combined(tried, sighting.attempts)
    findings = verdict.findings if verdict is not None else ()
    failing = frozenset((f.code, f.criterion) for f in findings if f.met is False)
    return sum(finding.met is True for finding in findings), failing


def question(task: Task, last: Attempt, sighting: Sighting, world: World) -> Step | Stuck | None:
    """Asks what a worker asked, or goes on with the answer; None when it asked nothing."""
    plan = sighting.filed.plan
    if not (isinstance(last, Returned) and isinstance(last.verdict, Reject) and plan):
        return None
    if last.verdict.code != "question":
        return None
    question = Question(
        id=packing.question_id(task, last.spec.id.number), text=last.verdict.feedback[0]
    )
    if question.id in plan.answers:
        # The package holds every answer.
        return dispatch(same_task(task, [last]), sighting, world, ())
    why = f"The worker {last.spec.profile} cannot go on without an answer."
    note = notes.asked(
        sighting, held="question", questions=[question], why=why, policy=world.policy
    )
    return Say(note)


def reasons(last: Attempt, sighting: Sighting) -> tuple[str, ...]:
    """Returns why an attempt would not do."""
    if isinstance(last, Lost):
        return (f"an attempt was lost: {last.reason}",)
    verdict = evaluating.combined(last, sighting.attempts) if isinstance(last, Returned) else None
    return verdict.feedback if isinstance(verdict, Reject | Revise) else ()


def earlier_reasons(
    why: tuple[str, ...], earlier: Sequence[Attempt], sighting: Sighting
) -> tuple[str, ...]:
    """Returns the reasons of the last attempt and of all before it: newest first, each once, bounded.

    A worker that knows only the last one mends that, and breaks again what was mended before.
    """
    told = [*why]
    for attempt in reversed(earlier):
        told += reasons(attempt, sighting)
    kept, chars = list[str](), 0
    for reason in dict.fromkeys(told):
        chars += min(len(reason), packing.FEEDBACK_CHARS_MAX)
        if kept and (len(kept) >= _REASONS_MAX or chars > _REASONS_CHARS_MAX):
            break
        kept.append(reason)
    return tuple(kept)


def dispatch(
    task: Task, sighting: Sighting, world: World, feedback: tuple[str, ...]
) -> Step | Stuck:
    """Returns the step that starts the next attempt, or what becomes of it where nobody can make it now.

    What the brief may cost comes back only by a person, so a worker that can be paid takes over, as soon as
    one may, or the task is stuck; what the day may cost comes back by itself. A worker that only fails is
    stood in for by another, or waited for; one at its limit is waited for; one that is gone is stood in for.
    """
    hindered = beginning.why_not(task.profile, sighting, world)
    if hindered is None:
        return _next(task, sighting, feedback)
    is_day = isinstance(hindered, budget.Lack) and hindered.of == "day"
    if is_day or hindered is world.full.get(task.profile):
        return beginning.waiting(hindered)
    used = {a.spec.profile for a in tasks.authored(task.id, sighting)}
    able = tasks.substitutes(sighting.filed.brief, task, world.policy)
    others = {name: beginning.why_not(name, sighting, world) for name in able if name not in used}
    free = next((name for name, why in others.items() if why is None), None)
    if free is not None:
        return _next(task.model_copy(update={"profile": free}), sighting, feedback)
    waits = [why for why in (hindered, *others.values()) if isinstance(why, LeftAlone)]
    if waits:
        return beginning.waiting(min(waits, key=lambda wait: wait.due_in_s))
    code: Literal["attempts", "budget"] = "attempts" if isinstance(hindered, Gone) else "budget"
    return Stuck(code=code, why=(hindered.why, *feedback))


def _next(task: Task, sighting: Sighting, feedback: tuple[str, ...]) -> Dispatch:
    return Dispatch(
        brief=sighting.filed.id,
        task=task,
        number=second_look.next_number(sighting),
        feedback=feedback,
    )
