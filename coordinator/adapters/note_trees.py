"""Applies notes to trees: preconditions looked up, operations carried out, state.md written anew.

This is rule R2 in code: a note is judged and applied on whatever tree it meets.
"""

from collections.abc import Mapping

from coordinator.domain import plan_md, state_md
from coordinator.domain.names import BriefId, Environment, Oid, Place, RecordPaths, RepoPath
from coordinator.domain.note import (
    MoveBrief,
    NewBrief,
    Note,
    Operation,
    Precondition,
    PutFile,
    SayLive,
    TickPlan,
)
from coordinator.domain.record import Verb
from coordinator.domain.tree import Entry
from coordinator.ports import Objects


def place_of(
    tree: Oid, brief: BriefId, *, objects: Objects, paths: RecordPaths
) -> tuple[Place, Oid] | None:
    """Returns where `brief` is in `tree`, with the tree of its folder; None when it is nowhere."""
    for place in Place:
        entry = objects.entry(tree, paths.folder(place, brief))
        if entry is not None and entry.is_tree:
            return place, entry.oid
    return None


def holds(condition: Precondition, tree: Oid, *, objects: Objects, paths: RecordPaths) -> bool:
    """Tells whether the brief is where `condition` wants it, as the brief.md that it wants."""
    there = place_of(tree, condition.brief, objects=objects, paths=paths)
    if there is None or condition.place is None:
        return there is None and condition.place is None
    place, folder = there
    if place is not condition.place or condition.folder not in (None, folder):
        return False
    if condition.blob is None:
        return True
    file = objects.listing(folder).get("brief.md")
    return file is not None and file.oid == condition.blob


def apply(note: Note, tree: Oid, *, objects: Objects, paths: RecordPaths) -> Oid | None:
    """Returns `tree` after `note`, state.md included; None when a precondition does not hold."""
    if not all(holds(c, tree, objects=objects, paths=paths) for c in note.when):
        return None
    places: dict[BriefId, Place] = {}
    result = tree
    for operation in note.operations:
        result = _carry_out(operation, result, places, objects=objects, paths=paths)
    return _with_state(note, result, objects=objects, paths=paths)


def _carry_out(
    operation: Operation,
    tree: Oid,
    places: dict[BriefId, Place],
    *,
    objects: Objects,
    paths: RecordPaths,
) -> Oid:
    match operation:
        case NewBrief(brief=brief, place=place):
            places[brief] = place
            return tree
        case MoveBrief(brief=brief, to=to):
            there = place_of(tree, brief, objects=objects, paths=paths)
            if there is None:
                return tree
            places[brief] = to
            moved: dict[RepoPath, Entry | None] = {
                paths.folder(there[0], brief): None,
                paths.folder(to, brief): Entry("040000", there[1]),
            }
            return tree if there[0] is to else objects.edit(tree, moved)
        case PutFile(brief=brief, name=name, content=content):
            place_now = places.get(brief)
            if place_now is None:
                found = place_of(tree, brief, objects=objects, paths=paths)
                if found is None:
                    return tree
                place_now = found[0]
            path = RepoPath(f"{paths.folder(place_now, brief)}/{name}")
            entry = None if content is None else Entry("100644", objects.blob(content))
            return objects.edit(tree, {path: entry})
        case TickPlan(name=name, brief=brief):
            return _ticked(tree, name, brief, objects=objects, paths=paths)
        case SayLive():
            return tree  # state.md says it, at the end


def _ticked(tree: Oid, name: str, brief: BriefId, *, objects: Objects, paths: RecordPaths) -> Oid:
    content = objects.read(tree, paths.plan_file)
    if content is None:
        return tree
    text = content.decode("utf-8", "surrogateescape")
    ticked = plan_md.tick(text, name, brief)
    if ticked == text:
        return tree
    blob = objects.blob(ticked.encode("utf-8", "surrogateescape"))
    return objects.edit(tree, {paths.plan_file: Entry("100644", blob)})


def _with_state(note: Note, tree: Oid, *, objects: Objects, paths: RecordPaths) -> Oid:
    """R3: state.md is rendered from the tree, inside a commit that is made anyway."""
    before = (objects.read(tree, paths.state_file) or b"").decode("utf-8", "surrogateescape")
    live: Mapping[Environment, tuple[Oid, int]] = {
        Environment(o.environment): (o.revision, o.generation)
        for o in note.operations
        if isinstance(o, SayLive)
    }
    landed = note.record.about if note.record.verb is Verb.LAND else None
    snapshot = state_md.StateSnapshot(
        open=tuple(_ids(tree, Place.OPEN, objects=objects, paths=paths)),
        waiting=tuple(_ids(tree, Place.WAITING, objects=objects, paths=paths)),
        landed=landed,
        waiting_for=_waiting_for(note),
        live=live,
    )
    after = state_md.render(before, snapshot)
    if after == before:
        return tree
    blob = objects.blob(after.encode("utf-8", "surrogateescape"))
    return objects.edit(tree, {paths.state_file: Entry("100644", blob)})


def _waiting_for(note: Note) -> dict[BriefId, str]:
    """Returns what a brief that this note sends to waiting/ waits for."""
    waits = [
        o.brief
        for o in note.operations
        if isinstance(o, MoveBrief | NewBrief) and _target(o) is Place.WAITING
    ]
    return dict.fromkeys(waits, note.record.subject)


def _target(operation: MoveBrief | NewBrief) -> Place:
    return operation.to if isinstance(operation, MoveBrief) else operation.place


def _ids(tree: Oid, place: Place, *, objects: Objects, paths: RecordPaths) -> list[BriefId]:
    folder = objects.entry(tree, RepoPath(f"{paths.briefs}/{place.value}"))
    if folder is None or not folder.is_tree:
        return []
    top = objects.listing(folder.oid)
    if place is Place.WAITING:
        return sorted(BriefId(name) for name, e in top.items() if e.is_tree)
    return sorted(
        BriefId(name)
        for shard in top.values()
        if shard.is_tree
        for name, e in objects.listing(shard.oid).items()
        if e.is_tree
    )
