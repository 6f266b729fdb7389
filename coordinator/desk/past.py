"""What the commits say, as rows: read once, remembered, and continued from where the last look ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coordinator.desk.sources import History, Memo
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.record import Verb, parse
from coordinator.domain.saying import Saying, SeenCommit, saying

if TYPE_CHECKING:
    from coordinator.ports import Objects

FORMAT = 2
_CANDIDATES_MAX = 64
RECORD_VERBS = frozenset(Verb) - {Verb.LAND, Verb.REVERT}
"""Verbs that change record paths only."""


class Past:
    """Rows of a tip's history, newest first."""

    def __init__(self, sayings: Sequence[Saying], candidates: Sequence[Oid]) -> None:
        self.sayings = tuple(sayings)
        self.candidates = tuple(candidates)  # commits that may have changed the product tree
        self._by_brief: dict[BriefId, list[Saying]] = {}
        for said in reversed(self.sayings):
            for brief in said.briefs:
                self._by_brief.setdefault(brief, []).append(said)

    def of(self, brief: BriefId) -> tuple[Saying, ...]:
        """Returns what was said about a brief, oldest first."""
        return tuple(self._by_brief.get(brief, ()))

    def last(self, brief: BriefId, *verbs: Verb) -> Saying | None:
        """Returns the newest commit about a brief with one of `verbs`."""
        return next((s for s in reversed(self.of(brief)) if s.verb in verbs), None)

    def deploys(self) -> Mapping[str, Saying]:
        """Returns the newest deploy of each environment."""
        found: dict[str, Saying] = {}
        for said in self.sayings:
            if said.verb == Verb.DEPLOY:
                found.setdefault(said.environment or said.about, said)
        return found


class Forgetful:
    """A memo for one question about another branch: it must not replace what the tip's look left."""

    def load(self, name: str) -> dict[str, object]:
        """Returns nothing."""
        del name
        return {}

    def save(self, name: str, said: object) -> None:
        """Saves nothing."""
        del name, said


def read_past(history: History, objects: Objects, memo: Memo, tip: Oid) -> Past:
    """Returns the history up to `tip`; only what is new since the last look is parsed."""
    known = memo.load("history")
    since = _continues(known, objects, tip)
    if since == tip:
        return Past([_saying(row) for row in known["sayings"]], known["candidates"])
    sayings, candidates = _read(history.commits(since, tip))
    rows = [_row(one) for one in sayings]
    before = []
    if since is not None:
        before = [_saying(row) for row in known["sayings"]]
        rows += known["sayings"]
        candidates += known["candidates"]
    said = {
        "format": FORMAT,
        "tip": tip,
        "sayings": rows,
        "candidates": candidates[:_CANDIDATES_MAX],
    }
    memo.save("history", said)
    return Past([*sayings, *before], candidates[:_CANDIDATES_MAX])


def _continues(known: Mapping[str, Any], objects: Objects, tip: Oid) -> Oid | None:
    """Returns the remembered tip if `tip` descends from it."""
    before = known.get("tip")
    if known.get("format") != FORMAT or not isinstance(before, str):
        return None
    try:
        return Oid(before) if objects.is_ancestor(Oid(before), tip) else None
    except RepositoryError:
        return None


def _read(commits: Iterable[SeenCommit]) -> tuple[list[Saying], list[Oid]]:
    """Returns the rows of our commits, and the commits that may have changed the product tree."""
    sayings, candidates = [], []
    for commit in commits:
        record = parse(commit.message)
        ours = record is not None and bool(record.trailers)
        if record is not None and ours:
            sayings.append(saying(commit, record))
        if record is None or not ours or record.verb not in RECORD_VERBS:
            candidates.append(commit.oid)
    return sayings, candidates


def _row(said: Saying) -> dict[str, Any]:
    return {name: getattr(said, name) for name in Saying.__slots__}


def _saying(row: Mapping[str, Any]) -> Saying:
    return Saying(**{**row, "briefs": tuple(row["briefs"]), "lost": tuple(row["lost"])})
