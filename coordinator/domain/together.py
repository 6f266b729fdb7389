"""How often files change together: a chance, learned from commits, that falls back on what names say.

The question is: when one side is worked on, how likely is it that the other has to change as well? The
answer is a share of commits, smoothed: a side that hardly ever changed is guessed from how often the
other changes at all, and from how much more often than by chance files as near as these change together
in this repository (same folder, same stem, ...). That factor is learned too, so a repository whose
folders are drawers for unrelated things is not taken for one whose folders are modules.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from . import kinship
from .kinship import Kin
from .names import Oid

COMMITS_MAX = 5_000  # the newest of them are learned from
PATHS_MAX = 30  # a commit that touches more is a sweep: it says nothing of any two of its files
HALF_LIFE = 500  # so many commits ago counts half
EVIDENCE = 5.0  # the guess weighs as much as so many commits of a side
UNSEEN = 1.0  # a file counts as changed so often before its first commit
PRIOR_LIFT = 2.0  # so many chance pairs stand for what a kind of pair has not shown yet


@dataclass(frozen=True, slots=True)
class Touched:
    """What one commit touched: its paths as they are called after it, and what it renamed.

    A commit that touches more than PATHS_MAX is kept for its renames alone.
    """

    commit: Oid
    paths: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How likely two sides change together, and the commits behind it."""

    value: float
    both: int
    one: int
    other: int
    kin: Kin | None
    lift: float = 1.0

    @property
    def why(self) -> str:
        """Returns it in words."""
        if self.kin is None:
            return "one side has no file of its own"
        commits = "commit" if self.both == 1 else "commits"
        seen = f"{self.both} {commits} with both, {self.one} and {self.other} with each"
        return f"{seen}; {self.kin}, which here is {self.lift:.1f} times chance"


class Together:
    """What a history says about files that change together. Newest commits first; they count most."""

    def __init__(
        self, history: Iterable[Touched], *, ours: Callable[[str], bool] | None = None
    ) -> None:
        """Learns. Paths that are `ours` are left out: the coordinator changes them with everything."""
        self._weights: list[float] = []
        self._in: dict[str, list[int]] = {}
        changed: list[tuple[str, ...]] = []
        now: dict[str, str] = {}
        for touched in history:
            for old, new in touched.renamed:
                now[old] = now.get(new, new)
            if len(touched.paths) > PATHS_MAX:
                continue
            kept = {now.get(path, path) for path in touched.paths if not (ours and ours(path))}
            if kept:
                changed.append(tuple(sorted(kept)))
        for number, paths in enumerate(changed):
            self._weights.append(0.5 ** (number / HALF_LIFE))
            for path in paths:
                self._in.setdefault(path, []).append(number)
        self._total = sum(self._weights)
        self._lifts, self._usual = self._learned(changed)

    @property
    def commits(self) -> int:
        """Returns how many commits it has learned from."""
        return len(self._weights)

    def known(self) -> frozenset[str]:
        """Returns the files that it has seen change."""
        return frozenset(self._in)

    def company(self, side: frozenset[str]) -> tuple[str, ...]:
        """Returns the files that changed in a commit with one of `side`, those that did most first."""
        commits = self._commits(side)
        joint = {
            path: self._mass(commits.intersection(numbers))
            for path, numbers in self._in.items()
            if path not in side
        }
        return tuple(sorted((x for x in joint if joint[x]), key=lambda path: (-joint[path], path)))

    def between(self, side: frozenset[str], other: frozenset[str]) -> Chance:
        """Returns the chance that both change when one does; what both have in common is left out.

        It is the geometric mean of the two directions: a file that changes with everything (a list of
        changes, say) is not coupled to everything.
        """
        one, two = side - other, other - side
        if not one or not two:
            return Chance(value=0.0, both=0, one=0, other=0, kin=None)
        here, there = self._commits(one), self._commits(two)
        shared = here & there
        nearest = max(kinship.kinds(one, two), key=lambda kin: (self._lift(kin), kin))
        lift = self._lift(nearest)
        both = self._mass(shared)
        forth = self._given(both, self._mass(here), lift * self._rate(two, there))
        back = self._given(both, self._mass(there), lift * self._rate(one, here))
        return Chance(
            value=(forth * back) ** 0.5,
            both=len(shared),
            one=len(here),
            other=len(there),
            kin=nearest,
            lift=lift,
        )

    def _given(self, both: float, mass: float, guess: float) -> float:
        return (both + EVIDENCE * min(1.0, guess)) / (mass + EVIDENCE)

    def _rate(self, paths: frozenset[str], commits: set[int]) -> float:
        """Returns the share of commits that touch any of the paths, as if each file had been seen before."""
        known = UNSEEN * len(self._in) + self._total
        return min(1.0, (self._mass(commits) + UNSEEN * len(paths)) / known) if known else 0.0

    def _commits(self, paths: frozenset[str]) -> set[int]:
        found: set[int] = set()
        for path in paths:
            found.update(self._in.get(path, ()))
        return found

    def _mass(self, commits: set[int]) -> float:
        # Sorted, because the sum of floats depends on their order and that of a set is nobody's promise.
        return sum(self._weights[number] for number in sorted(commits))

    def _lift(self, kin: Kin) -> float:
        return self._lifts.get(kin, self._usual)

    def _learned(self, changed: Sequence[tuple[str, ...]]) -> tuple[dict[Kin, float], float]:
        """Returns how many times more often than by chance pairs of each kind changed together."""
        if not self._total:
            return {}, 1.0
        masses = [(path, self._mass(set(numbers))) for path, numbers in self._in.items()]
        chance = {kin: x / self._total for kin, x in kinship.pairs(masses).items()}
        seen: dict[Kin, float] = {}
        for weight, paths in zip(self._weights, changed, strict=True):
            for kin, count in kinship.pairs((path, 1.0) for path in paths).items():
                seen[kin] = seen.get(kin, 0.0) + weight * count
        usual = sum(seen.values()) / max(sum(chance.values()), 1e-9)
        lifts = {
            kin: (seen.get(kin, 0.0) + usual * PRIOR_LIFT) / (expected + PRIOR_LIFT)
            for kin, expected in chance.items()
        }
        return lifts, usual
