"""Reads what an attempt needs to know at its base commit, and packs it."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from coordinator.domain import (
    brief_text,
    evaluating,
    packing,
    quoting,
    state_md,
    synthesizing,
    tasks,
    url_inputs,
)
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief, Input
from coordinator.domain.names import BriefId, Oid, Place, RepoPath, TaskId, slug
from coordinator.domain.note import BRIEF_FILE
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.package import NOTHING_FOUND, ContextPackage, PackageInput
from coordinator.domain.plan import Task
from coordinator.domain.policy import PROTECTED_ALWAYS, Policy, Profile
from coordinator.domain.tree import Entry, literal_folder, matches
from coordinator.domain.web import FetchOutcome
from coordinator.domain.world import Sighting, World
from coordinator.ports import Objects, Web
from coordinator.services import earlier, recall

PATHS_MAX = 5_000
CONTENT_CHARS_MAX = 400_000

_CONSTITUTION = RepoPath(f"{PROTECTED_ALWAYS[0]}/constitution.md")
_FINISHED = (Place.DONE, Place.LANDED)
_NOTHING: Mapping[str, FetchOutcome] = MappingProxyType({})


def fetch(brief: Brief, policy: Policy, *, web: Web) -> Mapping[str, FetchOutcome]:
    """Returns what came of each URL of INPUTS, fetched anew: a retry sees what is there now."""
    urls = tuple(dict.fromkeys(item.value for item in brief.inputs if item.kind == "url"))
    if not urls:
        return _NOTHING
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
    fetched: Mapping[str, FetchOutcome] = _NOTHING,
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
    state = _text(own, policy.paths.state_file, objects=objects)
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
            constitution=_text(own, _CONSTITUTION, objects=objects),
            recalled=recalled,
        ),
        feedback=feedback,
        answers=packing.answers(filed.plan, task),
    )


def pack_synthesis(
    sighting: Sighting,
    task: Task,
    *,
    attempt: int,
    base: Oid,
    world: World,
    objects: Objects,
    feedback: Sequence[str],
) -> ContextPackage:
    """Returns the package of one who writes a report from those of others: theirs are all its inputs."""
    package = pack(
        sighting,
        task,
        attempt=attempt,
        base=base,
        world=world,
        objects=objects,
        feedback=feedback,
    )
    inputs = tuple(
        PackageInput(
            kind="task",
            value=name,
            content=packing.cut(synthesizing.text_of(returned), CONTENT_CHARS_MAX),
        )
        for name, returned in synthesizing.outputs(sighting).items()
    )
    return package.model_copy(update={"input_data": inputs})


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
    is_file = entry is not None and entry.mode in ("100644", "100755")
    return objects.content(entry.oid) if is_file and entry is not None else None


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
            return _result_of(given, tree, world, objects=objects)
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


def _result_of(given: PackageInput, tree: Oid, world: World, *, objects: Objects) -> PackageInput:
    """Returns the input with what the brief it names came to: its report, where that was written."""
    for brief in _finished(given.value, tree, world, objects=objects):
        for place in _FINISHED:
            folder = world.policy.paths.folder(place, brief)
            entry = objects.entry(tree, folder)
            if entry is None or not entry.is_tree:
                continue
            found = _report(folder, entry.oid, tree, objects=objects)
            if found is not None:
                content = packing.cut(found, CONTENT_CHARS_MAX)
                return given.model_copy(update={"content": content, "label": brief})
    return given.model_copy(update={"label": "it has no result at the base"})


def _finished(value: str, tree: Oid, world: World, *, objects: Objects) -> Iterator[BriefId]:
    """Yields the ids that `value` may mean: the id itself, then every finished brief of that name."""
    yield BriefId(value)
    name = slug(value)
    for place in _FINISHED:
        top = objects.entry(tree, RepoPath(f"{world.policy.paths.briefs}/{place.value}"))
        for shard in (objects.listing(top.oid) if top and top.is_tree else {}).values():
            for folder in sorted(objects.listing(shard.oid)) if shard.is_tree else ():
                if folder != value and folder.rpartition("-")[0] == name:
                    yield BriefId(folder)


def _report(folder: RepoPath, oid: Oid, tree: Oid, *, objects: Objects) -> str | None:
    """Returns the report in the folder of a finished brief, or at the path that its brief names."""
    result = next((n for n in sorted(objects.listing(oid)) if n.startswith("result.")), None)
    if result is not None:
        return _text(tree, RepoPath(f"{folder}/{result}"), objects=objects)
    said = objects.read(tree, RepoPath(f"{folder}/{BRIEF_FILE}"))
    asked = brief_text.parse(said, name="") if said is not None else ()
    if not isinstance(asked, Brief) or asked.output_format.path is None:
        return None
    found = objects.read(tree, asked.output_format.path)
    return None if found is None else found.decode("utf-8", "replace")


def _text(tree: Oid, path: RepoPath, *, objects: Objects) -> str:
    content = objects.read(tree, path)
    return "" if content is None else content.decode("utf-8", "replace")
