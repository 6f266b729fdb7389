"""What steps have worked out for the next look; losing all of it costs time and nothing else."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from coordinator.domain.changeset import Synthesis
from coordinator.domain.check import Check
from coordinator.domain.names import BriefId, Digest, Oid
from coordinator.domain.proof import Clash, Merged

_KEPT_MAX = 512  # more than briefs that can be claimed at once


@dataclass(kw_only=True)
class Prepared:
    """What steps worked out from durable facts and may work out again: a cache by content, no state."""

    synthesis: dict[tuple[BriefId, tuple[str, ...]], Synthesis] = field(default_factory=dict)
    merged: dict[tuple[Digest, Oid, Oid], Merged | Clash] = field(default_factory=dict)
    gates: dict[Oid, tuple[Check, ...]] = field(default_factory=dict)
    refused: dict[tuple[BriefId, Oid], str] = field(default_factory=dict)

    def forget(self, live: Collection[BriefId]) -> None:
        """Drops what is about other briefs than `live`, and of the rest all but the newest 512.

        Steps add to it meanwhile, so keys are copied in one go.
        """
        by_brief: tuple[dict[Any, Any], ...] = (self.synthesis, self.refused)
        for cache in by_brief:
            for key in [key for key in tuple(cache) if key[0] not in live]:
                cache.pop(key, None)
        by_content: tuple[dict[Any, Any], ...] = (self.synthesis, self.merged, self.gates)
        for cache in by_content:
            for key in tuple(cache)[: max(0, len(cache) - _KEPT_MAX)]:
                cache.pop(key, None)
