"""What is wrong with a plan, pure: whoever made it, nothing of it is dispatched before there is nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coordinator.domain import plan_edges, tasks
from coordinator.domain.brief import Brief, Input, Kind
from coordinator.domain.brief_items import PROSE
from coordinator.domain.claim_name import claim_ref, overlap
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import RepoPath, TaskId
from coordinator.domain.plan import Plan, Task
from coordinator.domain.plan_tasks import NOBODY
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.tree import literal_folder, matches


@dataclass(frozen=True, slots=True)
class PlanFault:
    """One thing wrong with a plan; `task` is None where it is about no task alone."""

    code: str
    task: TaskId | None
    message: str
    hint: str


def faults(plan: Plan, brief: Brief, policy: Policy, doctrine: Doctrine) -> tuple[PlanFault, ...]:
    """Returns everything that is wrong with a plan of `brief`; () when it may be carried out."""
    found = [*_size(plan, doctrine), *_order(plan)]
    codes = {fault.code for fault in found}
    if codes & {"no-tasks", "duplicate-task"}:
        return tuple(found)  # which task is meant cannot be told
    is_ordered = "cycle" not in codes
    for task in plan.tasks:
        if task.part is not None:
            found += [*_sections(task), *_bounds(task, brief), *_fit(task, plan, brief)]
        found += _worker(task, brief, policy)
    split = [task for task in plan.tasks if task.part is not None]
    found += _overlaps(split) if is_ordered else ()
    if len(split) == len(plan.tasks):
        found += _uncovered(split, brief)
        found += _result(plan, brief) if is_ordered else ()
    return tuple(found)


def _size(plan: Plan, doctrine: Doctrine) -> Iterator[PlanFault]:
    count = len(plan.tasks)
    if not count:
        yield PlanFault("no-tasks", None, "the plan has no task", "name at least one")
    if count > doctrine.tasks_max:
        message = f"the plan has {count} tasks; {doctrine.tasks_max} is the most"
        hint = "make fewer of them, or raise tasks_max in .orchestrator/doctrine.toml"
        yield PlanFault("too-many-tasks", None, message, hint)


def _order(plan: Plan) -> Iterator[PlanFault]:
    known = [task.id for task in plan.tasks]
    for name in dict.fromkeys(name for name in known if known.count(name) > 1):
        message = f"two tasks are called {name!r}"
        yield PlanFault("duplicate-task", name, message, "give one of them another id")
    earlier = plan_edges.before(plan.tasks)
    for task in plan.tasks:
        for name in (name for name in task.after if name not in known):
            message = f"{task.id!r} comes after {name!r}, and there is no such task"
            hint = f"the tasks are {', '.join(known)}"
            yield PlanFault("unknown-after", task.id, message, hint)
    round_ = [name for name in dict.fromkeys(known) if name in earlier[name]]
    if round_:
        message = f"the tasks {', '.join(round_)} wait for one another"
        yield PlanFault("cycle", round_[0], message, "leave one of their `after` out")


def _sections(task: Task) -> Iterator[PlanFault]:
    """Every task has an objective, an output format, tool guidance and boundaries."""
    part = task.part
    assert part is not None
    changes = part.output_format.kind is Kind.CHANGES
    if not task.objective.strip():
        hint = "say in `task` what shall be done, in one sentence with a verb"
        yield PlanFault("missing-objective", task.id, f"{task.id!r} has no objective", hint)
    if part.output_format.kind is None:
        said = "names none of the kinds" if part.output_format.text else "is missing"
        hint = "a list, json, a table, a report, or changes"
        message = f"the output format of {task.id!r} {said}"
        yield PlanFault("missing-output", task.id, message, hint)
    if not part.guidance.strip():
        hint = "say in `guidance` which tools to use, and how to go about it"
        yield PlanFault("missing-guidance", task.id, f"{task.id!r} has no tool guidance", hint)
    if not (part.scope_in or (part.scope_prose and not changes)):
        hint = "say in `scope` which paths are in bounds, and which are not"
        message = f"{task.id!r} has no boundaries: `scope` names nothing in bounds"
        yield PlanFault("missing-bounds", task.id, message, hint)


def _bounds(task: Task, brief: Brief) -> Iterator[PlanFault]:
    part = task.part
    assert part is not None
    inside = brief.scope_in or ("**",)
    for path in part.scope_in:
        if not any(covers(outer, path) for outer in inside):
            message = f"{task.id!r} has {path} in bounds, which SCOPE of the brief has not"
            yield PlanFault("outside", task.id, message, f"stay within {', '.join(inside)}")
        elif any(covers(outer, path) for outer in brief.scope_out):
            message = f"{task.id!r} has {path} in bounds, which SCOPE of the brief puts out of them"
            yield PlanFault("outside", task.id, message, "name other paths")
    path_ = part.output_format.path
    if path_ is not None and path_ != brief.output_format.path:
        message = f"{task.id!r} writes {path_}, and only OUTPUT FORMAT of the brief names a path"
        yield PlanFault("outside", task.id, message, "leave the path out: its report goes on")


def _fit(task: Task, plan: Plan, brief: Brief) -> Iterator[PlanFault]:
    part = task.part
    assert part is not None
    for item in (item for item in part.inputs if item.kind == "task"):
        earlier = plan.task(TaskId(item.value))
        if earlier is None or item.value not in task.after:
            if item.value not in task.after:
                message = (
                    f"{task.id!r} takes what {item.value!r} returns, and does not come after it"
                )
                hint = f"name {item.value!r} in its `after`"
                yield PlanFault("unknown-after", task.id, message, hint)
            continue
        if why := plan_edges.misfit(item, plan_edges.wanted(earlier, brief)):
            message = f"what {item.value!r} returns does not fit {task.id!r}: {why}"
            hint = f"change the output of {item.value!r}, or what {task.id!r} takes"
            yield PlanFault("misfit", task.id, message, hint)


def _worker(task: Task, brief: Brief, policy: Policy) -> Iterator[PlanFault]:
    profile = policy.profile(task.profile)
    listed = ", ".join(str(p.name) for p in policy.profiles)
    if profile is None:
        message, code = f"there is no worker {str(task.profile)!r}", "unknown-worker"
        if task.profile == NOBODY:
            message, code = f"no worker can be chosen for {task.id!r}", "no-worker"
        yield PlanFault(code, task.id, message, f"name one in `worker`: {listed}")
        return
    for able in tasks.substitutes(brief, task, policy) if task.part and task.part.workers else ():
        if (other := policy.profile(able)) is not None and other != profile:
            yield from _unfit(other, task, brief)
    yield from _unfit(profile, task, brief)


def _unfit(profile: Profile, task: Task, brief: Brief) -> Iterator[PlanFault]:
    asked = tasks.brief_of(brief, task)
    for tool in asked.tools:
        if tool not in profile.tools or (brief.tools and tool not in brief.tools):
            who = profile.name if tool not in profile.tools else "the brief"
            message = f"{task.id!r} wants the tool {tool!r}, which {who} does not grant"
            granted = profile.tools & set(brief.tools) if brief.tools else profile.tools
            hint = f"what may be used is {', '.join(sorted(granted)) or 'nothing'}"
            yield PlanFault("ungranted-tool", task.id, message, hint)
    kind = asked.output_format.kind
    if kind is not None and profile.output_kinds and kind.value not in profile.output_kinds:
        message = f"{task.id!r} asks for {kind.value}, and {profile.name} does not return that"
        hint = f"{profile.name} returns {', '.join(sorted(profile.output_kinds))}"
        yield PlanFault("wrong-output", task.id, message, hint)


def _overlaps(split: Sequence[Task]) -> Iterator[PlanFault]:
    """Two tasks that may change the same path have an order."""
    earlier = plan_edges.before(split)
    changing = [t for t in split if t.part and t.part.output_format.kind is Kind.CHANGES]
    claimed = {task.id: _claimed(task) for task in changing}
    for n, one in enumerate(changing):
        for other in changing[n + 1 :]:
            if one.id in earlier[other.id] or other.id in earlier[one.id]:
                continue
            for path in _common(claimed[one.id], claimed[other.id]):
                message = f"{one.id!r} and {other.id!r} may both change {path or 'everything'}"
                hint = "let one come after the other, or give them scopes that do not overlap"
                yield PlanFault("overlap", other.id, message, hint)


def _claimed(task: Task) -> dict[str, RepoPath]:
    """Returns the folders and files that a task may change, by the refs that would claim them."""
    assert task.part is not None
    folders = [literal_folder(path) for path in task.part.scope_in]
    return {claim_ref("", folder): folder for folder in folders}


def _common(one: Mapping[str, RepoPath], other: Mapping[str, RepoPath]) -> list[RepoPath]:
    above = {ancestor for ref in other for ancestor in _above(ref)}
    return [
        path
        for ref, path in one.items()
        if ref in other or ref in above or any(ancestor in other for ancestor in _above(ref))
    ]


def _above(ref: str) -> list[str]:
    """Returns the refs of the folders that a path is in, up to the whole tree."""
    parts = ref.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts))]


def _uncovered(split: Sequence[Task], brief: Brief) -> Iterator[PlanFault]:
    """What the brief names and no task has."""
    parts = [task.part for task in split if task.part is not None]
    scopes = [path for part in parts for path in part.scope_in]
    given = [item for part in parts for item in part.inputs]
    for path in brief.scope_in:
        if scopes and not any(_touch(path, own) for own in scopes):
            message = f"{path} is in SCOPE of the brief, and no task has it in bounds"
            yield PlanFault("uncovered", None, message, "give it to a task, or leave it out")
    for item in brief.inputs:
        if item.label != PROSE and not any(_reads(item, own) for own in given):
            shown = item.label or "data" if item.kind == "data" else item.value
            message = f"{shown} is in INPUTS of the brief, and no task reads it"
            yield PlanFault("uncovered", None, message, "give it to a task, or leave it out")
    had = {criterion.text for part in parts for criterion in part.acceptance}
    for criterion in brief.acceptance:
        if criterion.text not in had:
            # Word for word: a planner copies it, and a pattern has backslashes.
            message = (
                f"`{criterion.text}` is in ACCEPTANCE of the brief, and no task answers for it"
            )
            hint = "name it at a task, or let one task come after all others"
            yield PlanFault("uncovered", None, message, hint)


def _result(plan: Plan, brief: Brief) -> Iterator[PlanFault]:
    """What the last tasks return is what the brief asks for; a report is made without changes."""
    kind = brief.output_format.kind
    if kind is None:
        return
    if kind is Kind.CHANGES:
        if not tasks.contributing(plan, brief):
            message = "the brief asks for changes, and no task makes any"
            yield PlanFault("wrong-result", None, message, "ask one task for changes")
        return
    for task in plan.tasks:
        if plan_edges.wanted(task, brief).kind is Kind.CHANGES:
            message = f"{task.id!r} makes changes, and the brief asks for {kind.value}"
            yield PlanFault("wrong-result", task.id, message, "ask it for a report")
    for task in tasks.contributing(plan, brief):
        own = plan_edges.wanted(task, brief).kind
        if own not in (None, Kind.CHANGES, kind):
            message = f"the brief asks for {kind.value}, and {task.id!r}, a last one, returns {own}"
            yield PlanFault("wrong-result", task.id, message, f"ask it for {kind.value}")


def covers(outer: str, inner: str) -> bool:
    """Tells whether all that `inner` names is in `outer`; a glob is compared by its text or its folder."""
    if outer == inner or outer in ("**", "."):
        return True
    return matches(literal_folder(inner) or "**", outer)


def _touch(one: str, other: str) -> bool:
    return overlap(claim_ref("", literal_folder(one)), claim_ref("", literal_folder(other)))


def _reads(item: Input, own: Input) -> bool:
    paths = ("path", "glob")
    if item.kind in paths and own.kind in paths:
        return _touch(item.value, own.value)
    return (item.kind, item.value) == (own.kind, own.value)
