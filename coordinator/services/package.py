"""Reads what an attempt needs to know at its base commit, and packs it."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from coordinator.domain import (
    evaluating,
    packing,
    partial,
    planner,
    planner_package,
    quoting,
    state_md,
    synthesizing,
    tasks,
    url_inputs,
)
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief, Input
from coordinator.domain.names import Oid, RepoPath, TaskId
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.package import NOTHING_FOUND, ContextPackage, PackageInput
from coordinator.domain.plan import Task
from coordinator.domain.policy import PROTECTED_ALWAYS, Policy, Profile
from coordinator.domain.tree import Entry, literal_folder, matches
from coordinator.domain.web import FetchOutcome
from coordinator.domain.world import Sighting, World
from coordinator.ports import Objects, Web
from coordinator.services import earlier, recall, results
from coordinator.services.results import CONTENT_CHARS_MAX

PATHS_MAX = 5_000

_CONSTITUTION = RepoPath(f"{PROTECTED_ALWAYS[0]}/constitution.md")
NOT_FETCHED: Mapping[str, FetchOutcome] = MappingProxyType({})


def fetch(brief: Brief, policy: Policy, *, web: Web) -> Mapping[str, FetchOutcome]:
    """Returns what came of each URL of INPUTS, fetched anew: a retry sees what is there now."""
    urls = tuple(dict.fromkeys(item.value for item in brief.inputs if item.kind == "url"))
    if not urls:
        return NOT_FETCHED
    return dict(zip(urls, web.fetch_all(urls, hosts=policy.network_hosts), strict=True))


def pack(
    sighting: Sighting,
    task: Task,
    *,
    attempt: int,
    base: Oid,
    world: World,
    objects: Objects,
    feedback: Sequence[str],
    fetched: Mapping[str, FetchOutcome] = NOT_FETCHED,
) -> ContextPackage:
    """Returns the package of one attempt: all of it read at `base`, nothing from the user's checkout.

    `fetched` is what came of the URLs of INPUTS.
    """
    filed, policy = sighting.filed, world.policy
    profile = policy.profile(task.profile)
    assert profile is not None
    asked = tasks.brief_of(filed.brief, task)
    own = objects.tree_of(base)
    start = earlier.start(task, sighting, base, objects=objects)
    tree = start or own
    state = results.text(own, policy.paths.state_file, objects=objects)
    inputs = [
        _of_task(item, sighting)
        if item.kind == "task"
        else _input(item, tree, world, fetched, objects=objects)
        for item in asked.inputs
    ]
    recalled = recall.excerpts(
        asked,
        profile.name,
        inputs=inputs,
        tree=own,
        policy=policy,
        landings=world.landings,
        objects=objects,
    )
    return packing.package(
        asked,
        task,
        brief_id=filed.id,
        attempt=attempt,
        base=base,
        start=start,
        profile=profile,
        policy=policy,
        inputs=inputs,
        memory=packing.memory(
            state=state_md.hand_written(state),
            constitution=results.text(own, _CONSTITUTION, objects=objects),
            recalled=recalled,
        ),
        feedback=feedback,
        answers=packing.answers(filed.plan, task),
    )


def for_synthesizer(given: ContextPackage, sighting: Sighting) -> ContextPackage:
    """Returns the package of one who writes a report from those of others: theirs are all its inputs."""
    inputs = tuple(
        PackageInput(
            kind="task",
            value=name,
            content=packing.cut(synthesizing.text_of(returned), CONTENT_CHARS_MAX),
        )
        for name, returned in synthesizing.outputs(sighting).items()
    )
    return given.model_copy(update={"input_data": inputs})


def for_planner(
    given: ContextPackage, sighting: Sighting, task: Task, world: World
) -> ContextPackage:
    """Returns the package of a planner: the brief, who could work on it, and what came of a plan before."""
    profile = world.policy.profile(task.profile)
    assert profile is not None
    return planner_package.package(
        given,
        sighting.filed.brief,
        profile=profile,
        policy=world.policy,
        spent=sighting.spent,
        came=_came(sighting, world),
    )


def _came(sighting: Sighting, world: World) -> tuple[planner_package.Came, ...]:
    """Returns what became of the tasks of a plan that is to be made anew."""
    plan = sighting.filed.plan
    if plan is None or planner.is_awaited(plan):
        return ()
    standing = tasks.standing(sighting)
    why = {one.task.id: "; ".join(one.why) for one in partial.lost(sighting, world)}
    return tuple(
        planner_package.Came(
            task=one,
            is_done=one.id in standing,
            told=earlier.told(standing[one.id]) if one.id in standing else why.get(one.id, ""),
        )
        for one in plan.tasks
    )


def pack_evaluation(
    sighting: Sighting,
    profile: Profile,
    *,
    about: int,
    attempt: int,
    objects: Objects,
    feedback: Sequence[str],
) -> ContextPackage:
    """Returns the package of an evaluation of attempt `about`, read where that attempt was read."""
    author = next(
        a
        for a in sighting.attempts
        if isinstance(a, Returned) and a.spec.role == "author" and a.spec.id.number == about
    )
    given = ContextPackage.model_validate_json(objects.content(author.spec.package))
    return quoting.package(
        given,
        tasks.asked_of(sighting, author.spec),
        attempt=attempt,
        asked=evaluating.open_findings(author.verdict),
        shown=_quoted(author, objects=objects),
        profile=profile,
        feedback=feedback,
    )


def _quoted(author: Returned, *, objects: Objects) -> str:
    match author.output.body:
        case Report(text=text) | CouldNot(text=text):
            return quoting.report(text)
        case Changes():
            start = author.spec.start or objects.tree_of(author.spec.base)
            changed = objects.diff(start, author.result or start)
            return quoting.changes(
                quoting.ChangedFile(
                    path=change.path,
                    before=_blob(change.before, objects=objects),
                    after=_blob(change.after, objects=objects),
                )
                for change in changed
            )


def _blob(entry: Entry | None, *, objects: Objects) -> bytes | None:
    return objects.content(entry.oid) if entry is not None and entry.is_file else None


def _of_task(item: Input, sighting: Sighting) -> PackageInput:
    """Returns the output of an earlier task as an input."""
    returned = tasks.accepted(TaskId(item.value), sighting)
    content = "" if returned is None else packing.cut(earlier.told(returned), CONTENT_CHARS_MAX)
    nothing = returned is not None and isinstance(returned.output.body, CouldNot)
    label = NOTHING_FOUND if nothing else item.label
    return PackageInput(kind="task", value=item.value, label=label, content=content)


def _input(
    item: Input, tree: Oid, world: World, fetched: Mapping[str, FetchOutcome], *, objects: Objects
) -> PackageInput:
    given = PackageInput(kind=item.kind, value=item.value, label=item.label)
    match item.kind:
        case "path" | "glob":
            return _listed(given, tree, objects=objects)
        case "from":
            return results.given(given, tree, world, objects=objects)
        case "data":
            return given.model_copy(update={"content": item.value})
        case "url":
            outcome = fetched.get(item.value)
            if outcome is None:
                return given
            return url_inputs.given(given, outcome, urls=len(fetched))
        case "task":
            return given


def _listed(given: PackageInput, tree: Oid, *, objects: Objects) -> PackageInput:
    """Returns the input with what it names at the base; too many are left to the worker's own tools.

    Half a list would read as a whole one, so there is none then, and the label says so.
    """
    paths: list[str] = []
    unreadable = 0
    for path in _named(given.value, tree, objects=objects):
        try:
            path.encode()
        except UnicodeEncodeError:
            unreadable += 1
            continue
        paths.append(path)
        if len(paths) > PATHS_MAX:
            label = f"more than {PATHS_MAX} files: list them with a tool"
            return given.model_copy(update={"label": label})
    label = (
        f"{unreadable} file names that are not UTF-8 are left out" if unreadable else given.label
    )
    return given.model_copy(update={"paths": tuple(paths), "label": label})


def _named(value: str, tree: Oid, *, objects: Objects) -> Iterator[RepoPath]:
    for path, _ in objects.walk(tree, literal_folder(value)):
        if matches(path, value):
            yield path
