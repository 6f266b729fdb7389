"""Reads every brief from its folder at the tip; shards that did not change are remembered, not read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from coordinator.desk.sources import Memo
from coordinator.domain.names import BriefId, Oid, Place, RecordPaths
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE, REPLY_FILE
from coordinator.domain.plan import Plan
from coordinator.domain.reply import Reply
from coordinator.domain.reply import parse as parse_reply
from coordinator.domain.status import Shelved
from coordinator.domain.task_progress import graph
from coordinator.domain.tree import Entry

if TYPE_CHECKING:
    from coordinator.ports import Objects

FORMAT = 2
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Shelf:
    """The briefs of one tip."""

    def __init__(self, objects: Objects, memo: Memo, *, paths: RecordPaths) -> None:
        self._objects = objects
        self._memo = memo
        self._paths = paths

    def all(self, tip: Oid) -> tuple[Shelved, ...]:
        """Returns every brief at `tip`, in no order that means anything."""
        known = self._memo.load("briefs")
        before = known.get("folders", {}) if known.get("format") == FORMAT else {}
        folders: dict[str, list[dict[str, Any]]] = {}
        for place, folder in self._folders(tip):
            key = f"{place.value}:{folder}"
            folders[key] = before.get(key) or [
                _row(shelved) for shelved in self._read_folder(place, folder)
            ]
        if folders.keys() != before.keys():
            self._memo.save("briefs", {"format": FORMAT, "folders": folders})
        return tuple(_shelved(row) for rows in folders.values() for row in rows)

    def has_text(self, tip: Oid | None, shelved: Shelved) -> bool:
        """Tells whether the brief's own text is kept: of one that intake refused, it is not."""
        return tip is not None and BRIEF_FILE in self.folder(tip, shelved.id, shelved.place)

    def has_open(self, tip: Oid) -> bool:
        """Tells whether any brief is open at `tip`."""
        return any(one.place is Place.OPEN for one in self.all(tip))

    def folder(self, tip: Oid, brief: BriefId, place: Place) -> Mapping[str, Entry]:
        """Returns the files of one brief."""
        entry = self._objects.entry(self._objects.tree_of(tip), self._paths.folder(place, brief))
        return self._objects.listing(entry.oid) if entry and entry.is_tree else {}

    def _folders(self, tip: Oid) -> Iterator[tuple[Place, Oid]]:
        """Yields what is remembered as one: a shard of two hex characters, or the waiting folder."""
        root = self._objects.entry(self._objects.tree_of(tip), self._paths.briefs)
        if root is None or not root.is_tree:
            return
        places = self._objects.listing(root.oid)
        for place in Place:
            there = places.get(place.value)
            if there is None or not there.is_tree:
                continue
            if place is Place.WAITING:
                yield place, there.oid
                continue
            for shard in self._objects.listing(there.oid).values():
                if shard.is_tree:
                    yield place, shard.oid

    def _read_folder(self, place: Place, folder: Oid) -> Iterator[Shelved]:
        for name, entry in self._objects.listing(folder).items():
            if entry.is_tree:
                yield self._read(place, BriefId(name), self._objects.listing(entry.oid))

    def _read(self, place: Place, brief: BriefId, files: Mapping[str, Entry]) -> Shelved:
        reply = parse_reply(self._content(files, REPLY_FILE))
        # What ended needs neither its settings nor its plan; most briefs of an old repository have.
        live = not place.terminal
        head = front_matter(self._content(files, BRIEF_FILE)) if live else {}
        plan = _plan(self._content(files, PLAN_FILE)) if live or not reply else None
        return Shelved(
            id=brief,
            place=place,
            name=(plan.name if plan else "") or (reply.name if reply else "") or name_of(brief),
            priority=_whole(head.get("priority")),
            after=_names(head.get("after")),
            deploy=str(head["deploy"]) if head.get("deploy") else None,
            accepted_at=plan.accepted_at if plan else 0,
            round=plan.round if plan else 1,
            graph=graph(plan) if plan else (),
            planned=bool(plan and plan.tasks) if live else PLAN_FILE in files,
            reply=reply.model_copy(update={"text": "", "faults": ()}) if reply else None,
        )

    def _content(self, files: Mapping[str, Entry], name: str) -> bytes:
        entry = files.get(name)
        if entry is None or not entry.is_file:
            return b""
        return self._objects.content(entry.oid)


def name_of(brief: BriefId) -> str:
    """Returns the readable part of an id."""
    return brief.rpartition("-")[0] or brief


def front_matter(content: bytes) -> dict[str, Any]:
    """Returns the YAML settings at the top of a brief, {} when there are none that can be read."""
    text = content.decode("utf-8", "replace")
    if not text.startswith("---\n"):
        return {}
    try:
        said = yaml.load(text[4:].partition("\n---")[0], Loader=_LOADER)  # noqa: S506  a safe loader
    except yaml.YAMLError:
        return {}
    return said if isinstance(said, dict) else {}


def _plan(content: bytes) -> Plan | None:
    try:
        return Plan.model_validate_json(content) if content else None
    except ValueError:
        return None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _row(shelved: Shelved) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(shelved, name) for name in Shelved.__slots__}
    if shelved.reply is not None:
        row["reply"] = shelved.reply.model_dump(mode="json", exclude_defaults=True) | {
            "state": shelved.reply.state
        }
    return row


def _shelved(row: Mapping[str, Any]) -> Shelved:
    said = row["reply"]
    return Shelved(
        **{
            **row,
            "place": Place(row["place"]),
            "after": tuple(row["after"]),
            "graph": tuple((name, tuple(after)) for name, after in row["graph"]),
            "reply": Reply(**said) if said else None,
        }
    )
