"""How much two pieces of work have to do with each other: three numbers from 0 to 1, and one made of them.

Only what at least one of the two may change couples them: two that read the same file do not meet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .together import Together

WEIGHTS = {
    "overlap": 1.0,  # the same file: the later one would be written on a text that is gone
    "relation": 0.6,  # an import or a link: alone it is enough, where it holds all of one side
    "together": 1.0,  # a chance already
}
"""How much of each number counts in the score."""

SHARED_WRITING = 0.5  # the least overlap of two that may change the same file, be it one of many
DIGITS = 3
_NAMED_MAX = 3

Links = Mapping[str, frozenset[str]]  # file -> the files that it refers to


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The files of one piece of work: what it may change, and what it only reads."""

    changes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()

    @property
    def files(self) -> frozenset[str]:
        """Returns all of them."""
        return self.changes | self.reads


@dataclass(frozen=True, slots=True)
class Number:
    """One number, and how it came about."""

    value: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupling:
    """The three numbers of two pieces of work."""

    overlap: Number
    relation: Number
    together: Number

    @property
    def score(self) -> float:
        """Returns the chance that at least one of the three gets in the way, each counted by its weight."""
        apart = 1.0
        for name, weight in WEIGHTS.items():
            apart *= 1.0 - weight * getattr(self, name).value
        return round(1.0 - apart, DIGITS)

    @property
    def why(self) -> str:
        """Returns the three numbers in words, the largest share of the score first; one reason for all is said once."""
        if self.overlap == self.relation == self.together:
            return self.overlap.why
        shares = {name: WEIGHTS[name] * getattr(self, name).value for name in WEIGHTS}
        order = sorted(shares, key=lambda name: -shares[name])
        return "; ".join(
            f"{name} {getattr(self, name).value:.2f} ({getattr(self, name).why})" for name in order
        )


def coupling(a: Reach, b: Reach, *, links: Links, history: Together) -> Coupling:
    """Returns how two pieces of work are coupled."""
    if not a.changes and not b.changes:
        nothing = Number(0.0, "neither changes anything")
        return Coupling(overlap=nothing, relation=nothing, together=nothing)
    return Coupling(
        overlap=overlap(a, b), relation=relation(a, b, links), together=together(a, b, history)
    )


def overlap(a: Reach, b: Reach) -> Number:
    """Returns which share of the smaller side both have, of what at least one may change.

    A folder that is named has what is below it, be it there or not.
    """
    both = _common(a.changes, b.changes)
    read = _common(a.changes, b.reads) | _common(a.reads, b.changes)
    shared = both | read
    smaller = min(len(a.files), len(b.files))
    if not shared or not smaller:
        return Number(0.0, "no file in common")
    share = min(1.0, len(shared) / smaller)
    if both:
        share = max(SHARED_WRITING, share)
        return Number(round(share, DIGITS), f"both may change {_some(both)}")
    return Number(round(share, DIGITS), f"one may change what the other reads: {_some(read)}")


def relation(a: Reach, b: Reach, links: Links) -> Number:
    """Returns which share of one side refers to the other or is referred to by it, of the side where it is larger."""
    found = [_related(a.changes, b.files, links), _related(b.changes, a.files, links)]
    return max(found, key=lambda number: number.value)


def together(a: Reach, b: Reach, history: Together) -> Number:
    """Returns the chance that the history gives for both to change when one does."""
    found = []
    if a.changes:
        found.append(history.between(a.changes, b.files))
    if b.changes and not (b.changes == b.files and a.changes == a.files):
        found.append(history.between(b.changes, a.files))
    best = max(found, key=lambda chance: chance.value)
    return Number(round(best.value, DIGITS), best.why)


def _related(side: frozenset[str], other: frozenset[str], links: Links) -> Number:
    one, two = side - other, other - side
    pairs = {
        (file, target) if file in one else (target, file)
        for file in one | two
        for target in links.get(file, frozenset())
        if (file in one and target in two) or (file in two and target in one)
    }
    if not pairs:
        return Number(0.0, "no import or link between them is known")
    here, there = {x for x, _ in pairs}, {y for _, y in pairs}
    share = max(len(here) / len(one), len(there) / len(two))
    named = sorted(f"{x} and {y}" for x, y in pairs)
    return Number(round(share, DIGITS), f"import or link between {_listed(named)}")


def _common(side: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Returns the paths of either that are in the other, or below a path of it."""
    below = {x for x in side if not other.isdisjoint(_above(x))}
    return frozenset((side & other) | below | {x for x in other if not side.isdisjoint(_above(x))})


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _some(paths: frozenset[str]) -> str:
    return _listed(sorted(paths))


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
