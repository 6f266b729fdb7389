"""What is coupled to what at a tip, for people who cut work into parts by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.domain.brief_paths import inside
from coordinator.domain.errors import RepositoryError
from coordinator.services.isolate import Ground

if TYPE_CHECKING:
    from coordinator.domain.coupling import Coupling
    from coordinator.domain.names import Oid, RecordPaths
    from coordinator.ports import CoChange, Objects

SIDES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupled:
    """One pair: its score, the three numbers that it is made of, and how they came about."""

    a: str
    b: str
    score: float
    overlap: float
    relation: float
    together: float
    why: str


def coupled(
    sides: Sequence[str],
    *,
    tip: Oid,
    paths: RecordPaths,
    objects: Objects,
    past: CoChange,
    most: int,
) -> tuple[Coupled, ...]:
    """Returns each pair of several paths; of one path what is coupled to it most, at most `most`.

    Raises RepositoryError for a path that is not there, and BriefError for one that cannot be.
    """
    if len(sides) > SIDES_MAX:
        raise RepositoryError(
            f"{len(sides)} paths are too many pairs", hint=f"name at most {SIDES_MAX}"
        )
    ground = Ground(tip, paths=paths, objects=objects, past=past)
    plain = [inside(side) for side in sides]
    files = [ground.here(side) for side in plain]
    nowhere = [side for side, found in zip(plain, files, strict=True) if not found]
    if nowhere:
        raise RepositoryError(
            f"no file is named by {', '.join(nowhere)} at {tip[:12]}",
            hint="paths count from the top of the repository; record paths are left out",
        )
    if len(plain) == 1:
        return tuple(_pair(plain[0], b, c) for b, c in ground.nearest(files[0], count=most))
    found = [(plain[one], plain[two], c) for one, two, c in ground.between(files)]
    return tuple(_pair(a, b, c) for a, b, c in sorted(found, key=lambda x: -x[2].score))


def _pair(a: str, b: str, found: Coupling) -> Coupled:
    return Coupled(
        a=a,
        b=b,
        score=found.score,
        overlap=found.overlap.value,
        relation=found.relation.value,
        together=found.together.value,
        why=found.why,
    )
