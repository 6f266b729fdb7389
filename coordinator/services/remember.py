"""Works out which entries of memory a landing carries: its brief's own, and those that wait for a landing.

What waits comes from commits alone, so another clone, or this one without its run folder, finds the same.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError

from coordinator.domain import brief_text, choosing, entries, tasks
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief
from coordinator.domain.changeset import Changeset
from coordinator.domain.entries import Source, Subject
from coordinator.domain.errors import MissingObject
from coordinator.domain.memory_md import KeptEntry, MemoryEntry
from coordinator.domain.names import BriefId, Oid, Place, RecordPaths, RepoPath
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE
from coordinator.domain.package import ContextPackage
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy
from coordinator.domain.record import Verb
from coordinator.domain.world import Sighting
from coordinator.ports import Objects
from coordinator.services import recall

ENTRIES_MAX = 20  # in one landing; the others wait for the next

_PLACES = {Verb.ACCEPT: Place.OPEN, Verb.ASK: Place.WAITING, Verb.FAIL: Place.REJECTED}


def with_entries(
    changeset: Changeset,
    sighting: Sighting,
    *,
    tip: Oid,
    sources: Sequence[Source],
    told: Collection[str],
    policy: Policy,
    objects: Objects,
    timestamp: int,
) -> Changeset:
    """Returns the changeset with what its landing writes into decisions.md and lessons.md of the tip.

    `sources` are the commits that something is remembered from, oldest first; `told` the ids of entries
    that a landing has written already, which are not written again when a person removes them. What other
    briefs left goes along only where the product changes anyway: a report needs no gate but for its own.
    A file that is not there, or is a link, gets no entries.
    """
    tree = objects.tree_of(tip)
    there = {
        name
        for name in (policy.paths.decisions_file, policy.paths.lessons_file)
        if (entry := objects.entry(tree, name)) is not None and entry.is_file
    }
    if not there:
        return changeset
    day = datetime.fromtimestamp(timestamp, UTC).date().isoformat()
    changes = bool(changeset.touched)
    waiting = [
        kept
        for source in sources
        if changes or source.brief == changeset.brief
        for kept in remembered(source, policy=policy, objects=objects, day=day)
    ]
    own = _own(sighting, changeset, policy=policy, objects=objects, day=day)
    known = {*told, *(kept.entry.id for kept in recall.kept(tree, policy.paths, objects=objects))}
    new = {kept.entry.id: kept for kept in (*reversed(waiting), *own)}  # the oldest of an id stands
    chosen = [k for k in new.values() if k.entry.id not in known and k.file in there]
    mine = [kept for kept in chosen if kept.entry.brief == changeset.brief]
    others = [kept for kept in reversed(chosen) if kept.entry.brief != changeset.brief]
    return replace(changeset, entries=tuple([*mine, *others][:ENTRIES_MAX]))


def remembered(
    source: Source, *, policy: Policy, objects: Objects, day: str
) -> tuple[KeptEntry, ...]:
    """Returns the entries that one commit gives rise to; () where its brief cannot be read any more."""
    read = _filed(source, policy.paths, objects=objects)
    if read is None:
        return ()
    brief, plan, tree = read
    about = _subject(
        brief,
        plan,
        of=source.brief,
        tree=tree,
        commit=source.commit,
        policy=policy,
        objects=objects,
        day=day,
    )
    match source.verb:
        case Verb.ACCEPT:
            return _kept(entries.decisions(about, plan), policy.paths.decisions_file)
        case Verb.ASK:
            found = entries.lesson_of_question(about, plan, source)
        case _:
            found = entries.lesson_of_failure(about, source)
    return _kept(found, policy.paths.lessons_file)


def _own(
    sighting: Sighting, changeset: Changeset, *, policy: Policy, objects: Objects, day: str
) -> tuple[KeptEntry, ...]:
    """Returns what the brief that lands leaves: its answers, and what its attempts went through."""
    filed = sighting.filed
    if filed.plan is None:
        return ()
    about = _subject(
        filed.brief,
        filed.plan,
        of=filed.id,
        tree=changeset.result,
        commit=changeset.base,
        policy=policy,
        objects=objects,
        day=day,
    )
    tried = [a for task in filed.plan.tasks for a in tasks.authored(task.id, sighting)]
    feedback = list(_feedback(tried, objects=objects))
    lessons = entries.lessons_of_tries(about, tried, feedback)
    return (
        *_kept(entries.decisions(about, filed.plan), policy.paths.decisions_file),
        *_kept(lessons, policy.paths.lessons_file),
    )


def _subject(
    brief: Brief,
    plan: Plan,
    *,
    of: BriefId,
    tree: Oid,
    commit: Oid,
    policy: Policy,
    objects: Objects,
    day: str,
) -> Subject:
    return entries.subject(
        plan,
        of=of,
        kind=choosing.wanted(brief, policy),
        paths=[p for p in entries.named_paths(brief) if recall.is_there(p, tree, objects=objects)],
        commit=commit,
        day=day,
    )


def _kept(found: Iterable[MemoryEntry], file: RepoPath) -> tuple[KeptEntry, ...]:
    return tuple(KeptEntry(file=file, entry=entry) for entry in found)


def _filed(
    source: Source, paths: RecordPaths, *, objects: Objects
) -> tuple[Brief, Plan, Oid] | None:
    """Returns the brief and its plan as the commit left them, with its tree."""
    folder = paths.folder(_PLACES[source.verb], source.brief)
    try:
        tree = objects.tree_of(source.commit)
        text = objects.read(tree, RepoPath(f"{folder}/{BRIEF_FILE}"))
        planned = objects.read(tree, RepoPath(f"{folder}/{PLAN_FILE}"))
    except MissingObject:
        return None
    brief = brief_text.parse(text, name="") if text is not None else ()
    if planned is None or not isinstance(brief, Brief):
        return None
    try:
        return brief, Plan.model_validate_json(planned), tree
    except ValidationError:
        return None


def _feedback(tried: Iterable[object], *, objects: Objects) -> Iterator[str]:
    """Yields what attempts were told of those before them: it stands in their packages."""
    for attempt in tried:
        if not isinstance(attempt, Returned):
            continue
        try:
            package = ContextPackage.model_validate_json(objects.content(attempt.spec.package))
        except (MissingObject, ValidationError):
            continue
        yield from package.feedback
