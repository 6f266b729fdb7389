"""Puts the changes of several outputs on top of each other, each on what those before it came to.

Lines that do not overlap merge. Where they do, what a person has decided stands; without a decision the
earlier side stands for now, and the place is told with what each side says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain import overlap
from coordinator.domain.merged_rows import Place, undecided
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.overlap import Clashing, Overlap
from coordinator.domain.record import one_line
from coordinator.domain.ruling import BRANCH, NEITHER, Choose
from coordinator.domain.tree import Entry
from coordinator.ports import Objects

_QUOTED_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one output changes: the tree that it began with, and the one that came of it."""

    name: str
    start: Oid
    result: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """All layers in one tree, and where nobody has said yet which of them stands."""

    tree: Oid
    places: tuple[Place, ...]


def stack(
    tree: Oid, layers: Sequence[Layer], *, objects: Objects, choose: Choose = undecided
) -> Stack:
    """Returns `tree` with all layers, in their order; one that stands on another comes after it."""
    places: list[Place] = []
    touched: dict[RepoPath, list[Layer]] = {}
    for layer in layers:
        united = objects.unite(tree, layer.start, layer.result)
        tree = united.tree
        for one in united.overlaps:
            parties = _parties(one, layer, touched, objects=objects)
            edits, found = _settled(one, layer, parties, choose=choose, objects=objects)
            tree = objects.edit(tree, edits) if edits else tree
            places += found
        for change in objects.diff(layer.start, layer.result):
            touched.setdefault(change.path, []).append(layer)
    return Stack(tree=tree, places=tuple(places))


def _parties(
    one: Overlap, layer: Layer, touched: dict[RepoPath, list[Layer]], *, objects: Objects
) -> tuple[Layer, ...]:
    """Returns whose change a layer overlaps: of several, those with which it does by itself."""
    near = [path for path in touched if _is_near(path, one.path)]
    earlier = list(dict.fromkeys(other for path in near for other in touched[path]))
    if len(earlier) < 2:
        return tuple(earlier)
    alone = [
        other
        for other in earlier
        if other.start == layer.start and _overlaps(other, layer, one.path, objects=objects)
    ]
    return tuple(alone or earlier)


def _overlaps(other: Layer, layer: Layer, path: RepoPath, *, objects: Objects) -> bool:
    found = objects.unite(other.result, layer.start, layer.result).overlaps
    return any(overlapping.path == path for overlapping in found)


def _is_near(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def _settled(
    one: Overlap,
    layer: Layer,
    parties: Sequence[Layer],
    *,
    choose: Choose,
    objects: Objects,
) -> tuple[dict[RepoPath, Entry | None], list[Place]]:
    """Returns what to set where a layer overlaps others, and the places that are left to ask about."""
    ours = tuple(party.name for party in parties) or (BRANCH,)
    chosen = choose(one.path, (*ours, layer.name))
    if one.parts:
        content = overlap.text(one.parts, lambda part: _side(part, chosen, layer))
        blob = objects.blob(content)
        entry = Entry(one.before.mode if one.before else "100644", blob)
        clashes = () if chosen is not None else overlap.clashing(one.parts)
        return {one.path: entry}, [_lines(one, part, ours, layer) for part in clashes]
    if chosen is None:
        sides = (*((name, one.ours) for name in ours), (layer.name, one.theirs))
        told = tuple((name, _told(one, entry, objects=objects)) for name, entry in sides)
        return {}, [Place(where=one.path, sides=told)]
    if chosen == layer.name:
        return {one.path: one.theirs}, []
    if chosen != NEITHER:
        return {}, []
    # A file where another side made a folder: both go back to what there was.
    back = {
        change.path: objects.entry(layer.start, change.path)
        for party in parties
        for change in objects.diff(party.start, party.result)
        if _is_near(change.path, one.path)
    }
    return {**back, one.path: one.before}, []


def _side(part: Clashing, chosen: str | None, layer: Layer) -> bytes:
    if chosen == NEITHER:
        return part.base
    return part.theirs if chosen == layer.name else part.ours


def _lines(one: Overlap, part: Clashing, ours: Sequence[str], layer: Layer) -> Place:
    last = part.line + max(part.ours.count(b"\n") - 1, 0)
    lines = f"line {part.line}" if last == part.line else f"lines {part.line}-{last}"
    sides = (*((name, _quoted(part.ours)) for name in ours), (layer.name, _quoted(part.theirs)))
    return Place(where=one.path, lines=lines, sides=sides)


def _told(one: Overlap, entry: Entry | None, *, objects: Objects) -> str:
    if entry is None:
        return "it is deleted" if one.before is not None else "it is not there"
    if entry.is_tree:
        return "it is a folder"
    if entry == one.before:
        return "it stays as it was"
    if one.before is not None and entry.mode != one.before.mode:
        return f"its mode is {entry.mode}"
    content = objects.content(entry.oid)
    return _quoted(content) if overlap.is_text(content) else f"{len(content)} bytes, no text"


def _quoted(content: bytes) -> str:
    said = one_line(content.decode("utf-8", "replace"))
    if len(said) > _QUOTED_CHARS_MAX:
        said = said[: _QUOTED_CHARS_MAX - 1] + "…"
    return f'"{said}"' if said else "(no line)"
