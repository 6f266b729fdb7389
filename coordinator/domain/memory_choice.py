"""Which entries of memory a package gets: by path, by kind of brief, by link, by words, within a budget."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from . import token_estimate
from .memory_md import KeptEntry, MemoryEntry
from .packing import cut
from .tree import literal_folder, matches

ENTRY_CHARS_MAX = 2_000

State = Literal["fresh", "stale", "superseded", "dangling"]

_PATH, _KIND, _LINK, _WORDS = 1_000, 500, 300, 100
_DEPTH_MAX = 40
_SHARED_MIN = 2  # one word in common is chance
_WORD = re.compile(r"[^\W_][\w-]{3,}")
_EVERYWHERE = frozenset(
    "about after again also answer answered asked attempt because been before brief both branch"  # noqa: SIM905  a list of eighty lines says no more
    " change changes come each every file files find first from give have here into inputs last like"
    " line lines list make many more most must need never next none only other over page pages path"
    " paths read result said same scope shall should some such task than that their them then there"
    " these they this those time until used very want wants were what when where which while will"
    " with without worker would write your".split()
)


@dataclass(frozen=True, slots=True)
class Aged:
    """What has become of an entry: `why` says it where it is not fresh."""

    state: State
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a package is about: SCOPE and INPUTS, what they link to, the words of TASK, its kinds."""

    paths: tuple[str, ...]
    linked: tuple[str, ...]
    text: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Fit:
    score: int
    because: str


def chosen(
    entries: Sequence[KeptEntry],
    about: About,
    *,
    age: Callable[[KeptEntry], Aged],
    tokens_max: int,
) -> tuple[str, ...]:
    """Returns the excerpts, most specific and then newest first; what does not fit is left out.

    Superseded ones never go in. `age` is asked only about those that may.
    """
    gone = superseded(entries)
    rare = _rare([kept.entry for kept in entries])
    found = []
    for number, kept in enumerate(entries):
        fit = _fit(kept.entry, about, rare)
        if fit is not None and kept.entry.id not in gone:
            found.append((fit.score, kept.entry.date, number, kept, fit.because))
    found.sort(key=lambda one: one[:3], reverse=True)
    left = tokens_max
    excerpts = []
    for _, _, _, kept, because in found:
        if left <= 0:
            break
        excerpt = _excerpt(kept, because, age(kept))
        tokens = token_estimate.of_text(excerpt)
        if tokens <= left:
            excerpts.append(excerpt)
            left -= tokens
    return tuple(excerpts)


def superseded(entries: Sequence[KeptEntry]) -> dict[str, str]:
    """Returns the ids that another entry stands in for, with the id of that one."""
    return {old: kept.entry.id for kept in entries for old in kept.entry.supersedes}


def overlaps(one: str, other: str) -> bool:
    """Tells whether two paths, folders or globs may mean the same file.

    A glob and another, or a folder, do where the folder that one names literally is in the other's.
    """
    if _is_glob(one) and not _is_glob(other):
        return overlaps(other, one)
    if not _is_glob(one):
        within = matches(_plain(one), other) or matches(_literal(other), one)
        if within or not _is_glob(other) or "." in one.rpartition("/")[2]:
            return within
    return matches(_literal(one), _literal(other)) or matches(_literal(other), _literal(one))


def _fit(entry: MemoryEntry, about: About, rare: frozenset[str]) -> _Fit | None:
    """Returns how well an entry fits; the best reason counts."""
    if by_path := _deepest(entry.paths, about.paths):
        return _Fit(_PATH + by_path[0], f"on {by_path[1]}")
    if kind := next((kind for kind in entry.kind if kind in about.kinds), None):
        return _Fit(_KIND, f"for {kind}")
    if by_link := _deepest(entry.paths, about.linked):
        return _Fit(_LINK + by_link[0], f"on {by_link[1]}, which an input links to")
    shared = sorted(rare & _words(f"{entry.title} {entry.prose}") & _words(about.text))
    if len(shared) >= _SHARED_MIN:
        return _Fit(_WORDS + len(shared), f"about {', '.join(shared[:4])}")
    if any(overlaps(mine, theirs) for mine in entry.paths for theirs in about.paths):
        return _Fit(0, "within SCOPE")
    return None


def _deepest(paths: Sequence[str], others: Sequence[str]) -> tuple[int, str] | None:
    """Returns how many folders deep two paths meet, and the path of the entry; None for the whole tree."""
    met = [
        (min(_depth(mine), _depth(theirs)), mine)
        for mine in paths
        for theirs in others
        if overlaps(mine, theirs)
    ]
    deep = [one for one in met if one[0] > 0]
    return max(deep, key=lambda one: one[0]) if deep else None


def _depth(path: str) -> int:
    folder = _literal(path)
    return min(folder.count("/") + 1, _DEPTH_MAX) if folder else 0


def _excerpt(kept: KeptEntry, because: str, aged: Aged) -> str:
    entry = kept.entry
    mark = f"\n({aged.state}: {aged.why})" if aged.state != "fresh" else ""
    name = kept.file.rpartition("/")[2]
    head = f"{name}:\n{entry.title} ({entry.id}, {entry.date}; {because}){mark}"
    return cut(f"{head}\n{entry.prose}".rstrip(), ENTRY_CHARS_MAX)


def _rare(entries: Sequence[MemoryEntry]) -> frozenset[str]:
    """Returns the words that stand in few entries: in one, or in a fifth of many."""
    counted: Counter[str] = Counter()
    for entry in entries:
        counted.update(_words(f"{entry.title} {entry.prose}"))
    few = max(1, len(entries) // 5)
    return frozenset(word for word, count in counted.items() if count <= few)


def _words(text: str) -> set[str]:
    return {found[0].strip("-") for found in _WORD.finditer(text.casefold())} - _EVERYWHERE


def _plain(path: str) -> str:
    return path.removeprefix("./").rstrip("/")


def _literal(path: str) -> str:
    return literal_folder(path)


def _is_glob(path: str) -> bool:
    return any(char in path for char in "*?[")
