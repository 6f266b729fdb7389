"""Another plan where a task has come to nothing: another worker for it, or two halves of it. By rules alone.

A revision is stored before any of its tasks is dispatched. What a task came to counts as long as its id is in
the plan, and so a task that is replaced gets another id, and all others keep what they have.
"""

import re
from collections.abc import Iterator

from . import choosing, partial, partial_answers, plan_edges, plan_faults
from .brief import Brief, Input, Kind
from .names import ProfileName, TaskId
from .partial import LostTask
from .plan import Part, Plan, Task
from .policy import Policy, Profile
from .world import Sighting, World

_REVISED = re.compile(r"-r\d+[ab]?\Z")
_SPLITS = (Kind.LIST, Kind.TABLE, Kind.REPORT)  # of a JSON value nobody knows what half of it is


def revised(sighting: Sighting, world: World) -> Plan | None:
    """Returns the next revision of a plan with lost tasks; None when no rule has one, or a person has spoken."""
    plan, policy = sighting.filed.plan, world.policy
    if plan is None or plan.revision > policy.doctrine.replans_max:
        return None
    if any(partial_answers.is_one(question) for question in plan.answers):
        return None
    brief = sighting.filed.brief
    # What was wrong with the plan before (one made by hand) is nothing that a revision must mend.
    known = set(plan_faults.faults(plan, brief, policy, policy.doctrine))
    for gone in partial.wanting(sighting, world):
        if gone.code != "attempts" or gone.task.part is None:
            continue
        for instead, how in _instead(gone.task, gone.task.part, sighting, world):
            found = _replaced(plan, gone, instead, how, brief)
            if known.issuperset(plan_faults.faults(found, brief, policy, policy.doctrine)):
                return found
    return None


def _instead(
    task: Task, part: Part, sighting: Sighting, world: World
) -> Iterator[tuple[tuple[Task, ...], str]]:
    """Yields what may stand in for a task: the same for another worker first, then two halves."""
    plan = sighting.filed.plan
    assert plan is not None
    root = _REVISED.sub("", task.id)
    name = f"{root}-r{plan.revision + 1}"
    other = _other(task, part, root, sighting, world.policy)
    if other is not None:
        given = part.model_copy(update={"workers": ()})
        update = {"id": TaskId(name), "profile": other, "part": given}
        yield (task.model_copy(update=update),), f"{other} tries it"
    halves = _halves(part)
    if halves is not None:
        made = tuple(
            task.model_copy(
                update={"id": TaskId(name + letter), "objective": _only(task, paths), "part": half}
            )
            for letter, (half, paths) in zip("ab", halves, strict=True)
        )
        yield made, "it is split in two"


def _other(
    task: Task, part: Part, root: str, sighting: Sighting, policy: Policy
) -> ProfileName | None:
    """Returns another worker with a capability of the one that was planned, which has not tried."""
    planned = policy.profile(task.profile)
    used = {a.spec.profile for a in sighting.attempts if _REVISED.sub("", a.spec.task) == root} | {
        task.profile
    }
    if planned is None:
        return None
    out = used | _elsewhere(task, sighting)
    fit = (p.name for p in policy.profiles if p.name not in out and _can(p, planned, part))
    return next(fit, None)


def _can(profile: Profile, planned: Profile, part: Part) -> bool:
    kind = part.output_format.kind
    shares = bool(profile.capabilities & planned.capabilities)
    return shares and choosing.is_fit(profile, kind=kind, tools=part.tools)


def _elsewhere(task: Task, sighting: Sighting) -> set[ProfileName]:
    """Returns who may not have a task for what they do, or may do, elsewhere: nobody reviews their own."""
    plan = sighting.filed.plan
    kept_apart = [t for t in (plan.tasks if plan else ()) if _are_apart(t, task)]
    names = {t.id for t in kept_apart}
    may = {name for t in kept_apart for name in (t.profile, *(t.part.workers if t.part else ()))}
    return may | {a.spec.profile for a in sighting.attempts if a.spec.task in names}


def _are_apart(one: Task, other: Task) -> bool:
    return any(a.part is not None and b.id in a.part.apart for a, b in ((one, other), (other, one)))


def _halves(part: Part) -> tuple[tuple[Part, str], tuple[Part, str]] | None:
    """Returns the part with the first and with the second half of its paths, and these; None for one path."""
    if part.output_format.kind is Kind.CHANGES:
        half = len(part.scope_in) // 2
        if not half:
            return None
        first, second = part.scope_in[:half], part.scope_in[half:]
        return (
            (part.model_copy(update={"scope_in": first}), ", ".join(first)),
            (part.model_copy(update={"scope_in": second}), ", ".join(second)),
        )
    named = [item for item in part.inputs if item.kind in ("path", "glob")]
    half = len(named) // 2
    if not half or part.output_format.kind not in _SPLITS:
        return None
    return _with_inputs(part, named[half:], named[:half]), _with_inputs(
        part, named[:half], named[half:]
    )


def _with_inputs(part: Part, without: list[Input], kept: list[Input]) -> tuple[Part, str]:
    inputs = tuple(item for item in part.inputs if item not in without)
    return part.model_copy(update={"inputs": inputs}), ", ".join(item.value for item in kept)


def _only(task: Task, paths: str) -> str:
    return f"{task.objective}\n\nOnly this part of it: {paths}"


def _replaced(
    plan: Plan, gone: LostTask, instead: tuple[Task, ...], how: str, brief: Brief
) -> Plan:
    """Returns the plan with other tasks in the place of one, also where later ones name it."""
    old, new = gone.task.id, tuple(task.id for task in instead)
    found: list[Task] = []
    for task in plan.tasks:
        found += instead if task.id == old else [_following(task, old, new)]
    because = f"{gone.said}; {how}"
    given = {"tasks": tuple(found), "edges": (), "revision": plan.revision + 1}
    return plan_edges.drawn(plan.model_copy(update={**given, "revised_because": because}), brief)


def _apart_from(task: Task, old: TaskId, new: tuple[TaskId, ...]) -> Task:
    if task.part is None or old not in task.part.apart:
        return task
    apart = tuple(one for name in task.part.apart for one in (new if name == old else (name,)))
    return task.model_copy(update={"part": task.part.model_copy(update={"apart": apart})})


def _following(task: Task, old: TaskId, new: tuple[TaskId, ...]) -> Task:
    task = _apart_from(task, old, new)
    if old not in task.after:
        return task
    after = tuple(one for name in task.after for one in (new if name == old else (name,)))
    part = task.part
    if part is not None:
        inputs = tuple(
            one
            for item in part.inputs
            for one in (
                [item.model_copy(update={"value": name}) for name in new]
                if item.kind == "task" and item.value == old
                else [item]
            )
        )
        part = part.model_copy(update={"inputs": inputs})
    return task.model_copy(update={"after": after, "part": part})
