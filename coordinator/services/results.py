"""What other briefs came to, as an input of one that is worked on."""

from collections.abc import Iterator

from coordinator.domain import brief_text, packing
from coordinator.domain.brief import Brief
from coordinator.domain.names import BriefId, Oid, Place, RepoPath, slug
from coordinator.domain.note import BRIEF_FILE
from coordinator.domain.package import PackageInput
from coordinator.domain.world import World
from coordinator.ports import Objects

CONTENT_CHARS_MAX = 400_000

_FINISHED = (Place.DONE, Place.LANDED)


def given(item: PackageInput, tree: Oid, world: World, *, objects: Objects) -> PackageInput:
    """Returns the input with what the brief it names came to: its report, where that was written."""
    for brief in _finished(item.value, tree, world, objects=objects):
        for place in _FINISHED:
            folder = world.policy.paths.folder(place, brief)
            entry = objects.entry(tree, folder)
            if entry is None or not entry.is_tree:
                continue
            found = _report(folder, entry.oid, tree, objects=objects)
            if found is not None:
                content = packing.cut(found, CONTENT_CHARS_MAX)
                return item.model_copy(update={"content": content, "label": brief})
    return item.model_copy(update={"label": "it has no result at the base"})


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
        return text(tree, RepoPath(f"{folder}/{result}"), objects=objects)
    said = objects.read(tree, RepoPath(f"{folder}/{BRIEF_FILE}"))
    asked = brief_text.parse(said, name="") if said is not None else ()
    if not isinstance(asked, Brief) or asked.output_format.path is None:
        return None
    found = objects.read(tree, asked.output_format.path)
    return None if found is None else found.decode("utf-8", "replace")


def text(tree: Oid, path: RepoPath, *, objects: Objects) -> str:
    """Returns the text of a file; nothing where there is none."""
    content = objects.read(tree, path)
    return "" if content is None else content.decode("utf-8", "replace")
