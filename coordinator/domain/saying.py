"""Commits of ours as rows: which verb, about what, when, and what the trailers say of money and attempts."""

from dataclasses import dataclass

from coordinator.domain import lost_attempts
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.record import Record, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCommit:
    """One commit of the branch; `message` is whole."""

    oid: Oid
    timestamp: int
    author: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One commit of ours, as a row: which verb, about what, and when.

    `lost` are the attempts it names that returned nothing, `questions` counts those of workers.
    """

    verb: str
    oid: Oid
    timestamp: int
    about: str
    subject: str
    briefs: tuple[BriefId, ...] = ()
    cost_usd: float | None = None
    environment: str | None = None
    revision: Oid | None = None
    live: str | None = None
    attempts: int = 0
    lost: tuple[str, ...] = ()
    questions: int = 0

    @property
    def brief(self) -> BriefId | None:
        """Returns the first brief it is about."""
        return next(iter(self.briefs), None)


def saying(commit: SeenCommit, record: Record) -> Saying:
    """Returns the row of one commit of ours."""
    cost = next(iter(record.values("Cost-USD")), "")
    revision = next(iter(record.values("Revision")), None)
    return Saying(
        verb=record.verb,
        oid=commit.oid,
        timestamp=commit.timestamp,
        about=record.about,
        subject=record.subject,
        briefs=tuple(BriefId(value) for value in record.values("Brief-Id")),
        cost_usd=number(cost),
        environment=next(iter(record.values("Environment")), None),
        revision=Oid(revision) if revision else None,
        live=next(iter(record.values("Live")), None),
        attempts=len(record.values("Attempt")),
        lost=tuple(v for v in record.values("Attempt") if lost_attempts.read(v)),
        questions=_workers_questions(record),
    )


def _workers_questions(record: Record) -> int:
    """Counts what a worker asked: `<task>-<number>`. Conflicts, gates and refusals are nobody's question."""
    by_a_worker = any(v.startswith("rule progress.question") for v in record.values("Decided-By"))
    if record.verb is not Verb.ASK or not by_a_worker:
        return 0
    asked = [value.partition(":")[0] for value in record.values("Question")]
    return sum(name.rpartition("-")[2].isdigit() for name in asked)


def number(text: str) -> float | None:
    """Returns the money that a trailer says, None for an unknown one."""
    try:
        return float(text)
    except ValueError:
        return None
