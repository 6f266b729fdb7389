"""What claim refs say: their blobs written and read, and all of them together as one fetch showed them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.domain.claim_name import held_ref
from coordinator.domain.names import BriefId, Digest, Epoch, Oid, RepoPath
from coordinator.domain.proof import ClaimedPath, Deletion
from coordinator.domain.world import HeldRef, SeenClaim
from coordinator.ports import Clock

from . import ref_values
from .git import Git
from .remote import GitRemote

FORMAT = 1
_PARSED_MAX = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one fetch showed."""

    version: int
    held: dict[BriefId, HeldRef]
    gates: dict[str, HeldRef]  # by their refs
    seen: tuple[SeenClaim, ...]
    by_acq: dict[str, list[ClaimedPath]]
    newer: str | None  # why this program is too old for them


class ClaimLooks:
    """Reads and writes claim blobs; looks at the mirror once for each fetch."""

    def __init__(self, git: Git, remote: GitRemote, *, clock: Clock, root: str) -> None:
        self._git = git
        self._remote = remote
        self._clock = clock
        self._root = root
        self._parsed: dict[Oid, dict[str, Any]] = {}
        self._last: Look | None = None

    def look(self) -> Look:
        """Reads the claims of the last fetch; once for each fetch."""
        if self._last is not None and self._last.version == self._remote.version:
            return self._last
        version = self._remote.version
        held_refs, gate_refs = self._remote.mirrored("held/"), self._remote.mirrored("gate/")
        claim_refs = self._remote.mirrored("claims")
        held = {}
        for ref, oid in held_refs.items():
            brief = BriefId(ref.removeprefix(f"{self._root}/held/"))
            held[brief] = self.held_value(brief, ref, oid)
        gates = {ref: self.held_value(BriefId(""), ref, oid) for ref, oid in gate_refs.items()}
        acqs = {h.acq for h in held.values()}
        seen = []
        by_acq: dict[str, list[ClaimedPath]] = {}
        for ref, oid in claim_refs.items():
            claim = self._path_value(ref, oid)
            kept = claim.holder.startswith("person:") or claim.acq in acqs
            orphan_s = 0.0 if kept else self._remote.unchanged_s(ref, oid)
            seen.append(SeenClaim(claim=claim, orphan_s=orphan_s))
            by_acq.setdefault(claim.acq, []).append(claim)
        self._last = Look(
            version=version,
            held=held,
            gates=gates,
            seen=tuple(seen),
            by_acq=by_acq,
            newer=self._newer({**held_refs, **gate_refs, **claim_refs}),
        )
        return self._last

    def _newer(self, refs: Mapping[str, Oid]) -> str | None:
        for ref, oid in refs.items():
            if (number := _whole(self.read(oid).get("format"))) > FORMAT:
                return f"{ref} has format {number}, this program knows {FORMAT}"
        return None

    def _path_value(self, ref: str, oid: Oid) -> ClaimedPath:
        said = self.read(oid)
        person = said.get("person")
        return ClaimedPath(
            path=RepoPath(str(said.get("path", ""))),
            ref=ref,
            oid=oid,
            acq=str(said.get("acq", "")),
            holder=f"person:{person}" if person else str(said.get("brief", "")),
            reason=str(said.get("reason", "")) if person else "",
        )

    def with_acq(self, acq: str) -> list[Deletion]:
        """Returns every ref of one acquisition, leased at what the last fetch showed."""
        look = self.look()
        found = [Deletion(ref=c.ref, oid=c.oid) for c in look.by_acq.get(acq, ())]
        found += [
            Deletion(ref=held_ref(self._root, h.brief), oid=h.oid)
            for h in look.held.values()
            if h.acq == acq
        ]
        return found

    def held_value(self, brief: BriefId, ref: str, oid: Oid) -> HeldRef:
        """Returns what a held/ or gate/ blob says, and for how long the ref has not moved."""
        said = self.read(oid)
        return HeldRef(
            brief=brief,
            oid=oid,
            digest=Digest(str(said.get("digest", ""))),
            epoch=Epoch(str(said.get("epoch", ""))),
            acq=str(said.get("acq", "")),
            counter=_whole(said.get("counter")),
            unchanged_s=self._remote.unchanged_s(ref, oid),
        )

    def write(self, said: dict[str, Any]) -> Oid:
        """Stores what a ref shall say.

        C2: with a fresh nonce in each, or a late release would delete the next holder's claim.
        """
        content = json.dumps({"format": FORMAT, **said, "nonce": self._clock.nonce()})
        return ref_values.store(self._git, content.encode(), root=self._root)

    def refs(self, oid: Oid) -> tuple[str, ...]:
        """Returns the refs of the path claims that belong to a held/ blob."""
        said = self.read(oid).get("refs")
        return tuple(map(str, said)) if isinstance(said, list) else ()

    def read(self, oid: Oid) -> dict[str, Any]:
        """Returns what a claim blob says; nothing for what is not one of ours."""
        if oid not in self._parsed:
            try:
                said = json.loads(ref_values.load(self._git, oid))
            except (ValueError, RecursionError):
                said = {}
            if len(self._parsed) > _PARSED_MAX:
                self._parsed.clear()
            self._parsed[oid] = said if isinstance(said, dict) else {}
        return self._parsed[oid]


def _whole(value: object) -> int:
    """Returns a number of a blob, 0 for what is none: anybody may have written it."""
    return value if isinstance(value, int) else 0
