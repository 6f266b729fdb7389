"""What the one who asked is told: the state of a brief as the branch says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.domain import reply
from coordinator.domain.names import BriefId, Oid, Place, RecordPaths
from coordinator.domain.note import REPLY_FILE
from coordinator.ports import Objects

_STATES = {
    Place.OPEN: "working",
    Place.LANDED: "working",
    Place.WAITING: "input_required",
    Place.DONE: "completed",
    Place.REJECTED: "rejected",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """The two forms of a reply: `fields` for programs, `text` for people."""

    fields: Mapping[str, Any]
    text: str


def tell(brief: BriefId, tree: Oid, *, objects: Objects, paths: RecordPaths) -> Telling | None:
    """Returns what `tree` says of `brief`; None when it is nowhere in it."""
    for place in Place:
        folder = objects.entry(tree, paths.folder(place, brief))
        if folder is not None and folder.is_tree:
            return _telling(brief, place, folder.oid, objects=objects)
    return None


def _telling(brief: BriefId, place: Place, folder: Oid, *, objects: Objects) -> Telling:
    file = objects.listing(folder).get(REPLY_FILE)
    said = reply.parse(objects.content(file.oid)) if file is not None else None
    state = _STATES[place]
    if place is Place.REJECTED and said is not None:
        state = said.state
    fields: dict[str, Any] = {"schema": 1, "id": brief, "state": state}
    if said is None or place in (Place.OPEN, Place.LANDED):
        return Telling(fields, f"{brief} is {state}.")
    shown = said.model_dump(mode="json", exclude={"text", "state"}, exclude_defaults=True)
    return Telling({**shown, **fields}, f"{brief}: {state}\n\n{said.text}".strip())
