"""What the branch says happened: the order of accepts, the landings, and what is new since the last look."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from coordinator.domain import entries
from coordinator.domain.entries import Source
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.record import FORMAT, Verb
from coordinator.domain.record import parse as parse_record
from coordinator.ports import Objects

_LOG_MAX = 20_000
_SOURCES_MAX = 500


class BranchLog:
    """Reads the first parents of the branch, each commit once; the newest 20,000 at a start."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._order: dict[BriefId, int] = {}
        self._landed_at: dict[BriefId, Oid] = {}
        self._asked_at: dict[BriefId, Oid] = {}
        self._landings: Mapping[BriefId, Oid] = {}
        self._sources: deque[Source] = deque(maxlen=_SOURCES_MAX)
        self._told: set[str] = set()
        self._to_remember: tuple[tuple[Source, ...], frozenset[str]] = ((), frozenset())
        self.newer: str | None = None  # why this program is too old for the branch
        self._logged: Oid | None = None
        self._news: tuple[Mapping[str, Any], ...] = ()

    def read(self, tip: Oid) -> None:
        """Keeps the order of accepts and the landings, from what the branch gained since the last look."""
        if tip == self._logged:
            return
        first = self._logged is None
        news: list[Mapping[str, Any]] = []
        for commit, message in self._objects.log(self._logged, tip, count_max=_LOG_MAX):
            record = parse_record(message)
            if record is None:
                continue
            if self.newer is None and record.format > FORMAT:
                self.newer = (
                    f"commit {commit[:12]} has format {record.format}, this program knows {FORMAT}"
                )
            news.append(
                {
                    "event": record.verb.value,
                    "brief": record.brief,
                    "about": record.about,
                    "commit": commit,
                    "subject": record.subject,
                }
            )
            if record.brief is None:
                continue
            if record.verb is Verb.ACCEPT:
                self._order.setdefault(record.brief, len(self._order) + 1)
            elif record.verb in (Verb.ASK, Verb.HOLD):
                self._asked_at[record.brief] = commit
            elif record.verb is Verb.LAND:
                self._landed_at[record.brief] = commit
                self._told.update(value.partition(" ")[0] for value in record.values("Memory"))
            found = entries.source(commit, record)
            if found is not None:
                self._sources.append(found)
        self._logged = tip
        if news:  # steps may hold what was returned before
            self._landings = dict(self._landed_at)
            self._to_remember = (tuple(self._sources), frozenset(self._told))
        if not first:
            self._news = (*self._news, *news)

    def news(self) -> tuple[Mapping[str, Any], ...]:
        """Returns what the branch gained between the last two looks, as events; each is told once."""
        news, self._news = self._news, ()
        return news

    def landed_at(self, brief: BriefId) -> Oid | None:
        """Returns the newest landing of `brief` on the branch as last read."""
        return self._landed_at.get(brief)

    def asked_at(self, brief: BriefId) -> Oid | None:
        """Returns the newest commit that made `brief` wait for a person."""
        return self._asked_at.get(brief)

    def landings(self) -> Mapping[BriefId, Oid]:
        """Returns the newest landing of each brief; what is read later does not change it."""
        return self._landings

    def to_remember(self) -> tuple[tuple[Source, ...], frozenset[str]]:
        """Returns the newest 500 commits that something is remembered from, oldest first.

        Beside them, the ids of entries that landings have written already.
        """
        return self._to_remember

    def place(self, brief: BriefId) -> int:
        """Returns the position of its accept commit; 0 for one from before what is read."""
        return self._order.get(brief, 0)
