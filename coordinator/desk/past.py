"""What the commits say, as rows: read once, remembered, and continued from where the last look ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from coordinator.desk.sources import History, Memo
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.record import Verb, parse
from coordinator.domain.status import Saying, SeenCommit, saying

if TYPE_CHECKING:
    from coordinator.ports import Objects

FORMAT = 1
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


def read_past(history: History, objects: Objects, memo: Memo, tip: Oid) -> Past:
    """Returns the history up to `tip`; only what is new since the last look is parsed."""
    known = memo.load("history")
    since = _continues(known, objects, tip)
    if since == tip:
        return Past([_saying(row) for row in known["sayings"]], known["candidates"])
    fresh = history.commits(since, tip)
    sayings = [asdict(said) for said in _sayings(fresh)]
    candidates = [commit.oid for commit in fresh if _may_change_product(commit)]
    if since is not None:
        sayings += known["sayings"]
        candidates += known["candidates"]
    said = {
        "format": FORMAT,
        "tip": tip,
        "sayings": sayings,
        "candidates": candidates[:_CANDIDATES_MAX],
    }
    memo.save("history", said)
    return Past([_saying(row) for row in sayings], candidates[:_CANDIDATES_MAX])


def _continues(known: Mapping[str, Any], objects: Objects, tip: Oid) -> Oid | None:
    """Returns the remembered tip if `tip` descends from it."""
    before = known.get("tip")
    if known.get("format") != FORMAT or not isinstance(before, str):
        return None
    try:
        return Oid(before) if objects.is_ancestor(Oid(before), tip) else None
    except RepositoryError:
        return None


def _sayings(commits: Iterable[SeenCommit]) -> list[Saying]:
    rows = []
    for commit in commits:
        record = parse(commit.message)
        if record is not None and record.trailers:
            rows.append(saying(commit, record))
    return rows


def _may_change_product(commit: SeenCommit) -> bool:
    record = parse(commit.message)
    return record is None or not record.trailers or record.verb not in RECORD_VERBS


def _saying(row: Mapping[str, Any]) -> Saying:
    return Saying(**{**row, "briefs": tuple(row["briefs"])})
