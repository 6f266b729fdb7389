"""When a planner is asked which tasks a brief is made of, how often, and which of its answers is the plan.

Its attempts are ordinary ones with the role `planner`. An answer is a proposal: rules read it, refuse it with
every reason they have, or make a plan of it that is stored as a revision. After so many answers the rules
plan alone. The same goes for a plan of a planner that turns out not to work and that no rule can mend.
"""

from collections.abc import Sequence
from dataclasses import replace

from . import (
    backoff,
    notes,
    partial,
    partial_answers,
    plan_edges,
    plan_faults,
    plan_tasks,
    planner_answer,
    planning,
    tasks,
    trying,
)
from .attempt import Attempt, Returned, Running
from .names import ProfileName, TaskId
from .output import CouldNot
from .plan import Plan, Task
from .plan_faults import PlanFault
from .policy import Policy
from .record import clean, one_line
from .steps import Dispatch, Review, RevisePlan, Say, Step, Wait
from .trying import Stuck
from .verdict import Accept, Finding, Reject, Trust, Verdict, feedback
from .world import Sighting, World

RULE, FALLBACK = "plan.model", "plan.fallback"
NOTE = "planner"
_ASKED_MAX = 50  # whatever the reason, restarts and questions included
_NOTES_MAX = 20
_NOTE_CHARS_MAX = 300
_REASONS_MAX = 60


def is_awaited(plan: Plan) -> bool:
    """Tells whether the tasks of a brief are still a planner's to say."""
    return any(task.role == "planner" for task in plan.tasks)


def asked(sighting: Sighting) -> tuple[Attempt, ...]:
    """Returns what planners were asked since they wrote the plan there is, oldest first."""
    plan = sighting.filed.plan
    since = int(plan.planned_by.rpartition("/")[2] or 0) if plan is not None else 0
    return tuple(a for a in _all(sighting) if a.spec.id.number > since)


def task_steps(plan: Plan, sighting: Sighting, world: World) -> list[Step | Stuck | None]:
    """Returns what each task that may start needs next; where a planner is asked, that is all there is."""
    if is_awaited(plan):
        return [first(sighting, world)]
    done = tasks.standing(sighting)
    return [
        None if task.id in done else trying.task_step(task, sighting, world)
        for task in tasks.startable(plan, done)
    ]


def first(sighting: Sighting, world: World) -> Step:
    """Returns the next step of a brief that has no tasks yet."""
    gone_on = _going_on(sighting, world)
    if gone_on is not None:
        return gone_on
    found = _ask(sighting, world)
    return found if not isinstance(found, Stuck) else _by_rules(sighting, world, found.why)


def another(sighting: Sighting, world: World, stuck: Stuck) -> Step | None:
    """Returns what a planner does about a plan of its own that came to nothing; None where nothing is left."""
    plan, most = sighting.filed.plan, world.policy.doctrine.replans_max
    if plan is None or plan.rule != RULE or is_awaited(plan) or plan.revision > most:
        return None
    if any(partial_answers.is_one(question) for question in plan.answers):
        return None
    wanting = [one.code for one in partial.wanting(sighting, world)] or [stuck.code]
    if "attempts" not in wanting:
        return None
    found = _going_on(sighting, world) or _ask(sighting, world)
    return None if isinstance(found, Stuck) else found


def judged(returned: Returned, sighting: Sighting, world: World) -> Verdict:
    """Returns the verdict on what a planner answered: every reason there is against it, or none."""
    body = returned.output.body
    if isinstance(body, CouldNot):
        code, text = body.why.replace("_", "-"), clean(body.text)
        if body.why == "question":
            return Reject(code=code, findings=(), feedback=(text,))
        said = (Finding(code=code, criterion="a plan", met=False, evidence=text),)
        return Reject(code=code, findings=said, feedback=feedback(said))
    plan, wrong = proposed(returned, sighting, world)
    if wrong or plan is None:
        findings = tuple(
            Finding(
                code=fault.code,
                criterion=fault.task or "the plan",
                met=False,
                evidence=clean(f"{fault.message}; {fault.hint}"),
            )
            for fault in wrong
        )
        return Reject(code="plan", findings=findings, feedback=feedback(findings))
    count = len(plan.tasks)
    told = f"{'1 task' if count == 1 else f'{count} tasks'}, {plan.shape}"
    criterion = "the rules of plans"
    return Accept(
        trust=Trust.VERIFIED,
        findings=(Finding(code="plan", criterion=criterion, met=True, evidence=told),),
    )


def proposed(
    returned: Returned, sighting: Sighting, world: World
) -> tuple[Plan | None, tuple[PlanFault, ...]]:
    """Returns the plan that an answer comes to, and everything that is wrong with it."""
    plan, brief, policy = sighting.filed.plan, sighting.filed.brief, world.policy
    assert plan is not None, "nobody is asked beside no plan"
    answer = planner_answer.parse(returned.output.body)
    if isinstance(answer, tuple):
        return None, answer
    new, wrong = planner_answer.tasks_of(answer, brief, policy)
    stays = done(sighting)
    names = {task.id for task in stays}
    kept = {task.id for task in new} & names
    fresh = tuple(task for task in new if task.id not in kept)
    all_of_it = plan_tasks.finished((*stays, *fresh), brief)
    label = f"{returned.spec.profile}/{returned.spec.id.number}"
    made = plan.model_copy(
        update={
            # What is done was asked as it was asked.
            "tasks": (*stays, *all_of_it[len(stays) :]),
            "edges": (),
            "rule": RULE,
            "revision": plan.revision + 1,
            "revised_because": _because(sighting, world, label),
            "planned_by": label,
            "doctrine": policy.doctrine.digest,
            "notes": tuple(n for n in plan.notes if not n.startswith(f"{NOTE} "))
            + ((f"{NOTE} {label}: {_short(answer.why)}",) if answer.why else ()),
        }
    )
    made = plan_edges.drawn(made, brief)
    # What rules of today have against tasks that are done is nothing that an answer could mend.
    before = set(() if is_awaited(plan) else _faults(plan, sighting, policy))
    found = (f for f in _faults(made, sighting, policy) if f not in before)
    wrong = (*wrong, *_used(fresh, sighting), *found)
    return made, tuple(dict.fromkeys(wrong))[: planner_answer.FAULTS_MAX]


def done(sighting: Sighting) -> tuple[Task, ...]:
    """Returns the tasks whose outputs count: they stay in every later plan, as they are."""
    plan = sighting.filed.plan
    if plan is None or is_awaited(plan):
        return ()
    standing = tasks.standing(sighting)
    return tuple(task for task in plan.tasks if task.id in standing)


def task(sighting: Sighting, world: World) -> Task:
    """Returns what the planner of the house is asked to do."""
    asking = planning.planner_task(sighting.filed.brief, ProfileName(world.policy.planner))
    assert asking.part is not None
    wanted = asking.part.output_format.model_copy(update={"json_schema": planner_answer.schema()})
    part = asking.part.model_copy(update={"output_format": wanted})
    return asking.model_copy(update={"part": part})


def _all(sighting: Sighting) -> list[Attempt]:
    return [a for a in sighting.attempts if a.spec.role == "planner"]


def _going_on(sighting: Sighting, world: World) -> Step | None:
    """Returns what an answer that is there, or on its way, leads to; None when another one is needed."""
    tried = asked(sighting)
    last = tried[-1] if tried else None
    match last:
        case Running():
            return Wait(phase="plan", why=f"{last.spec.profile} plans it")
        case Returned(verdict=None):
            return Review(attempt=last.spec.id)
        case Returned(verdict=Accept()):
            plan, wrong = proposed(last, sighting, world)
            if plan is not None and not wrong:
                return RevisePlan(brief=sighting.filed.id, plan=plan)
    return None


def _ask(sighting: Sighting, world: World) -> Step | Stuck:
    """Asks (again), as often as the doctrine lets a plan be made anew in one round."""
    tried, policy = asked(sighting), world.policy
    why = _reasons(tried, sighting, world)
    if not policy.planner:
        return Stuck(code="attempts", why=("there is no planner here any more", *why))
    asking = task(sighting, world)
    if tried:
        question = trying.question(asking, tried[-1], sighting, world)
        if question is not None:
            return _as_planner(question)
    used_up = len(_answers(_all(sighting))) > policy.doctrine.replans_max
    if used_up or len(_all(sighting)) >= _ASKED_MAX:
        return Stuck(code="attempts", why=why or ("it was asked as often as it may be",))
    left_s = backoff.left_s(tried, world)
    if left_s:
        said = f"{why[0]}; it pauses before it is asked again"
        return Wait(phase="plan", why=said, due_in_s=left_s)
    return _as_planner(trying.dispatch(asking, sighting, world, why))


def _as_planner(found: Step | Stuck) -> Step | Stuck:
    return replace(found, role="planner") if isinstance(found, Dispatch) else found


def _answers(tried: Sequence[Attempt]) -> list[Attempt]:
    """Returns the attempts that count: neither what a restart cost, nor what a person had to say first."""
    return [a for a in trying.counted(tried) if not _is_question(a)]


def _is_question(attempt: Attempt) -> bool:
    verdict = attempt.verdict if isinstance(attempt, Returned) else None
    return isinstance(verdict, Reject) and verdict.code == "question"


def _reasons(tried: Sequence[Attempt], sighting: Sighting, world: World) -> tuple[str, ...]:
    """Returns everything that answers were refused for, the newest first."""
    told: list[str] = []
    for attempt in reversed(tried):
        told += () if _is_question(attempt) else trying.reasons(attempt, sighting)
        if isinstance(attempt, Returned) and isinstance(attempt.verdict, Accept):
            # The rules have changed since it was let pass.
            wrong = proposed(attempt, sighting, world)[1]
            told += [f"{f.code}: {f.task or 'the plan'}: {f.message}; {f.hint}" for f in wrong]
    return tuple(dict.fromkeys(told))[:_REASONS_MAX]


def _by_rules(sighting: Sighting, world: World, why: Sequence[str]) -> Step:
    """Returns the plan that rules make instead, with why it is theirs; a brief that they cannot plan fails."""
    filed, policy = sighting.filed, world.policy
    assert filed.plan is not None, "it asks for one"
    made = plan_edges.drawn(planning.single(filed.brief, policy), filed.brief)
    wrong = plan_faults.faults(made, filed.brief, policy, policy.doctrine)
    if wrong:
        own = [f"by rules there is no plan either: {f.message}; {f.hint}" for f in wrong]
        code = [f"{NOTE}: {reason}" for reason in why]
        return Say(notes.failed(sighting, code="plan", why=[*own, *code], policy=policy))
    because = f"the planner gave none that will do: {_short(why[0] if why else 'no answer')}"
    plan = filed.plan.model_copy(
        update={
            "tasks": made.tasks,
            "edges": made.edges,
            "shape": made.shape,
            "rule": FALLBACK,
            "revision": filed.plan.revision + 1,
            "revised_because": because,
            "doctrine": policy.doctrine.digest,
            "notes": tuple(f"{NOTE}: {_short(reason)}" for reason in why[:_NOTES_MAX]),
        }
    )
    return RevisePlan(brief=filed.id, plan=plan)


def _because(sighting: Sighting, world: World, label: str) -> str:
    plan = sighting.filed.plan
    if plan is None or is_awaited(plan):
        return f"{label} wrote it"
    gone = next(iter(partial.wanting(sighting, world)), None)
    why = gone.said if gone is not None else f"{plan.tasks[0].id} came to nothing"
    return f"{why}; {label} wrote another"


def _faults(plan: Plan, sighting: Sighting, policy: Policy) -> tuple[PlanFault, ...]:
    return plan_faults.faults(plan, sighting.filed.brief, policy, policy.doctrine)


def _used(fresh: Sequence[Task], sighting: Sighting) -> list[PlanFault]:
    """A task that was tried in vain keeps its name: what it came to would count for another one."""
    tried: set[TaskId] = {a.spec.task for a in sighting.attempts if a.spec.role == "author"}
    return [
        PlanFault(
            "used-id",
            one.id,
            f"{one.id!r} has been tried already, and came to nothing",
            "give what takes its place another id",
        )
        for one in fresh
        if one.id in tried
    ]


def _short(text: str) -> str:
    return one_line(text)[:_NOTE_CHARS_MAX]
