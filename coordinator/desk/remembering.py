"""What is remembered, and whether it is still so: the entries of a tip beside what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.domain import memory_choice
from coordinator.domain.names import BriefId, Oid, RecordPaths, RepoPath
from coordinator.domain.record import Verb
from coordinator.services import recall

if TYPE_CHECKING:
    from coordinator.desk.past import Past
    from coordinator.domain.brief import Fault
    from coordinator.domain.memory_md import MemoryEntry
    from coordinator.ports import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEntry:
    """One entry and its state; `why` is empty while it is fresh."""

    file: RepoPath
    entry: MemoryEntry
    state: memory_choice.State
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMemory:
    """Every entry of a tip, and what looks like one and cannot be read."""

    entries: tuple[CheckedEntry, ...]
    faults: tuple[tuple[RepoPath, Fault], ...]

    @property
    def is_fresh(self) -> bool:
        """Tells whether all of it is still so, and can be read."""
        return not self.faults and all(one.state == "fresh" for one in self.entries)


def check(tip: Oid, paths: RecordPaths, *, past: Past, objects: Objects) -> CheckedMemory:
    """Returns what is remembered at `tip`, entry by entry."""
    tree = objects.tree_of(tip)
    files = recall.files(tree, paths, objects=objects)
    entries = recall.kept(tree, paths, objects=objects)
    gone = memory_choice.superseded(entries)
    landings = landings_of(past)
    checked = []
    for one in entries:
        aged = recall.age(one, tree=tree, gone=gone, landings=landings, objects=objects)
        checked.append(CheckedEntry(file=one.file, entry=one.entry, state=aged.state, why=aged.why))
    return CheckedMemory(
        entries=tuple(checked),
        faults=tuple((name, fault) for name, file in files for fault in file.faults),
    )


def landings_of(past: Past) -> Mapping[BriefId, Oid]:
    """Returns the newest landing of each brief."""
    found: dict[BriefId, Oid] = {}
    for said in past.sayings:
        if said.verb == Verb.LAND:
            for brief in said.briefs:
                found.setdefault(brief, Oid(said.oid))
    return found
