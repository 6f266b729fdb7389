"""How near two paths are by their names alone: the guess about files of whose changes little is known."""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SIDE_MAX = 50  # paths of one side that are looked at; more are thinned out evenly

# Names that are in every folder say nothing about what belongs together.
_COMMON = frozenset({"", "__init__", "index", "readme", "mod", "main", "conftest"})
_TEST = re.compile(r"\Atests?[_-]|[_-](?:tests?|spec)\Z")


class Kin(NamedTuple):
    """What two paths have in common: a stem (`test_x` has that of `x`), and how near their folders are."""

    stem: bool
    folder: int  # 2 the same, 1 parent and child or two of one parent, 0 farther

    def __str__(self) -> str:
        """Returns it in words."""
        where = ("folders apart", "neighbouring folders", "the same folder")[self.folder]
        return f"the same stem in {where}" if self.stem else where


@functools.lru_cache(maxsize=65_536)  # the same paths, for every pair that they are in
def folder(path: str) -> str:
    """Returns the folder that a path stands in; '' is the top."""
    return path.rpartition("/")[0]


@functools.lru_cache(maxsize=65_536)
def stem(path: str) -> str:
    """Returns the name without its endings and without what makes a test of it; '' says nothing."""
    name = path.rpartition("/")[2].lower()
    first = name.split(".")[0] or name
    plain = _TEST.sub("", first)
    return "" if plain in _COMMON else plain


def kin(a: str, b: str) -> Kin:
    """Returns what two paths have in common."""
    here, there = folder(a), folder(b)
    same = bool(stem(a)) and stem(a) == stem(b)
    if here == there:
        return Kin(same, 2)
    up, across = folder(here), folder(there)
    near = up == there or across == here or (up == across and bool(here) and bool(there))
    return Kin(same, 1 if near else 0)


def kinds(side: frozenset[str], other: frozenset[str]) -> frozenset[Kin]:
    """Returns what paths of one side have in common with paths of the other, pair by pair."""
    return frozenset(kin(a, b) for a in thinned(side) for b in thinned(other))


def thinned(paths: Iterable[str]) -> list[str]:
    """Returns at most SIDE_MAX of the paths, evenly spread over their order."""
    ordered = sorted(paths)
    every = -(-len(ordered) // SIDE_MAX) or 1
    return ordered[::every]


def pairs(weights: Iterable[tuple[str, float]]) -> dict[Kin, float]:
    """Returns the sum of the products of all pairs of weights, by what their paths have in common.

    Takes time by the number of paths, not of pairs: sums over folders stand for what is in them.
    """
    entries = list(weights)
    total = _by_folder(entries)
    stems: dict[str, list[tuple[str, float]]] = {}
    for path, weight in entries:
        if stem(path):
            stems.setdefault(stem(path), []).append((path, weight))
    same = [0.0, 0.0, 0.0]
    for group in stems.values():
        if len(group) > 1:
            same = [x + y for x, y in zip(same, _by_folder(group), strict=True)]
    return dict(_split(total, same))


def _split(total: list[float], same: list[float]) -> Iterator[tuple[Kin, float]]:
    for near in (0, 1, 2):
        yield Kin(stem=True, folder=near), same[near]
        yield Kin(stem=False, folder=near), max(0.0, total[near] - same[near])


def _by_folder(entries: list[tuple[str, float]]) -> list[float]:
    """Returns the sums of products by how near the folders are: farther, near, the same."""
    sums: dict[str, float] = {}
    squares = 0.0
    for path, weight in entries:
        here = folder(path)
        sums[here] = sums.get(here, 0.0) + weight
        squares += weight * weight
    everything = sum(sums.values())
    own = sum(x * x for x in sums.values())
    children: dict[str, list[float]] = {}
    upward = 0.0
    for here, weight in sums.items():
        if here:
            upward += weight * sums.get(folder(here), 0.0)
            children.setdefault(folder(here), []).append(weight)
    siblings = sum((sum(ws) ** 2 - sum(w * w for w in ws)) / 2 for ws in children.values())
    same = (own - squares) / 2
    near = upward + siblings
    return [max(0.0, (everything**2 - squares) / 2 - same - near), near, same]
