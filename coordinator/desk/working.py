"""What is known of work under way: refs of attempts and claims, and the journal if there is one."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from coordinator.desk import tries
from coordinator.domain.names import BriefId, Place
from coordinator.domain.state_md import Directives
from coordinator.domain.status import Progress, Shelved
from coordinator.domain.task_progress import counting

if TYPE_CHECKING:
    from coordinator.desk.kept_attempt import Kept
    from coordinator.ports import Journal


class Working:
    """How far the briefs of one tip are."""

    def __init__(
        self,
        *,
        counts: Mapping[BriefId, int],
        kept: Callable[[BriefId], "Sequence[Kept]"],
        journal: "Callable[[], Journal] | None",
        held: frozenset[BriefId],
    ) -> None:
        self._counts = counts
        self._kept = kept
        self._journal = journal
        self._held = held
        self._begun: dict[BriefId, int] = {}
        self._running: dict[BriefId, int] = {}
        self._publishing: set[BriefId] = set()
        self._read = journal is None

    def progress(self, shelved: Shelved, *, closed: frozenset[str], asked: Directives) -> Progress:
        """Returns how far the work on one brief is; `closed` are ids and names of completed briefs."""
        count = self._counts.get(shelved.id, 0)
        if shelved.place is not Place.OPEN:
            kept = self._kept(shelved.id) if count and has_graph(shelved) else ()
            return Progress(attempts=count, tasks=shelved.tasks, done=_done(kept, shelved))
        self._read_journal()
        kept = self._kept(shelved.id) if count else ()
        current = [k for k in kept if k.spec is None or k.spec.round == shelved.round]
        return Progress(
            planned=shelved.planned,
            blocked=asked.paused is not None
            or not asked.holds.isdisjoint((shelved.id, shelved.name))
            or any(name not in closed for name in shelved.after),
            claimed=shelved.id in self._held,
            running=self._running.get(shelved.id, 0),
            unjudged=sum(1 for k in current if k.verdict is None),
            accepted=sum(1 for k in current if k.is_accepted),
            attempts=max(count, self._begun.get(shelved.id, 0)),
            tasks=shelved.tasks,
            done=_done(current, shelved),
            publishing=shelved.id in self._publishing,
        )

    def _read_journal(self) -> None:
        """Only work under way needs the journal; a status without any does without it."""
        if self._read or self._journal is None:
            return
        self._read = True
        journal = self._journal()
        for spec, ended in journal.begun():
            brief = spec.id.brief
            self._begun[brief] = self._begun.get(brief, 0) + 1
            if ended is None:
                self._running[brief] = self._running.get(brief, 0) + 1
        self._publishing = {
            brief for p in journal.intents() if p.product is not None for brief in p.briefs
        }


def has_graph(shelved: Shelved) -> bool:
    """Tells whether a brief that has not ended is planned as several tasks."""
    return not shelved.place.terminal and shelved.tasks > 1


def _done(kept: "Sequence[Kept]", shelved: Shelved) -> int:
    """Counts the tasks that are done in the brief's round."""
    return len(counting(shelved.graph, tries.of_round(shelved.round, kept)))
