"""What all attempts used, from the audit trail: their refs, and the trailers of the commits that name them.

An attempt that a commit names and nobody can show any more is counted: at what the commit says that all of
its attempts cost, where it names no other, else at an unknown cost.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.desk.kept_attempt import Kept
from coordinator.desk.trials import Trials, each
from coordinator.domain import lost_attempts, saying
from coordinator.domain.expenses import Expense, LandedChange
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.policy import Policy
from coordinator.domain.record import Record, Verb, parse
from coordinator.domain.saying import SeenCommit

_NAMED = re.compile(
    r"(?P<worker>\S+)/(?P<number>\d{1,9}) (?:accepted|rejected|evaluator|planner|superseded|unjudged)\b"
    r".* (?P<ref>\S+) \S+"
)


@dataclass(slots=True)
class _Named:
    """What commits say of the attempts at one brief: the day on which each was first named."""

    refs: dict[str, tuple[str, str]] = field(default_factory=dict)  # ref -> (worker, day)
    lost: dict[str, str] = field(default_factory=dict)  # trailer -> day
    alone: dict[str, float] = field(default_factory=dict)  # ref -> cost, where no other is named


@dataclass(frozen=True, slots=True)
class Trail:
    """What the commits of a branch say about money, once read."""

    named: Mapping[BriefId, _Named]
    landings: tuple[tuple[BriefId, Oid], ...]
    reverted: frozenset[str]


def read(commits: Iterable[SeenCommit]) -> Trail:
    """Returns what `commits`, newest first, say."""
    named: dict[BriefId, _Named] = {}
    landings: dict[BriefId, Oid] = {}
    reverted: set[str] = set()
    for commit in reversed(tuple(commits)):
        record = parse(commit.message)
        if record is None or record.brief is None:
            continue
        day = time.strftime("%Y-%m-%d", time.gmtime(commit.timestamp))
        _name(named.setdefault(record.brief, _Named()), record, day)
        reverted.update(record.values("Reverts"))
        if record.verb is Verb.LAND:
            landings[record.brief] = commit.oid
    return Trail(named, tuple(landings.items()), frozenset(reverted))


def expenses(
    trail: Trail, kept: Mapping[BriefId, Sequence[Kept]], *, trials: Trials, policy: Policy
) -> tuple[Expense, ...]:
    """Returns what each attempt used, of all that the trail or a ref knows."""
    briefs = dict.fromkeys((*trail.named, *kept, *trials.briefs_here()))
    return tuple(
        one
        for brief in briefs
        for one in _of(
            brief,
            trail.named.get(brief, _Named()),
            kept.get(brief, ()),
            here=trials.lost_here(brief),
            policy=policy,
        )
    )


def landed(trail: Trail, stands: Mapping[BriefId, bool]) -> tuple[LandedChange, ...]:
    """Returns the newest landing of each brief; one that was taken back is not in HEAD."""
    return tuple(
        LandedChange(brief=brief, oid=oid, in_head=oid not in trail.reverted and stands[brief])
        for brief, oid in trail.landings
    )


def _name(named: _Named, record: Record, day: str) -> None:
    values = record.values("Attempt")
    for value in values:
        found = _NAMED.fullmatch(value)
        if found:
            named.refs.setdefault(found["ref"], (found["worker"], day))
            usd = saying.number(next(iter(record.values("Cost-USD")), ""))
            if usd is not None and len(values) == 1:
                named.alone[found["ref"]] = usd
        elif lost_attempts.read(value):
            named.lost.setdefault(value, day)


def _of(
    brief: BriefId, named: _Named, kept: Sequence[Kept], *, here: Iterable[str], policy: Policy
) -> Iterable[Expense]:
    suffixes = {_place(ref): (*said, named.alone.get(ref)) for ref, said in named.refs.items()}
    numbers = {one.number for one in kept}
    for one in kept:
        worker, day, _ = suffixes.pop(_place(one.ref), ("", "", None))
        yield _returned(brief, one, worker=worker, day=day, policy=policy)
    for worker, day, usd in suffixes.values():
        yield Expense(brief=brief, worker=worker, model=_model(worker, policy), day=day, usd=usd)
    for value, said in each((*here, *named.lost)).items():
        if said.number not in numbers:
            yield Expense(
                brief=brief,
                worker=said.worker,
                model=_model(said.worker, policy),
                day=named.lost.get(value, ""),
                tokens_in=said.tokens_in,
                tokens_out=said.tokens_out,
                usd=said.cost_usd,
            )


def _returned(brief: BriefId, kept: Kept, *, worker: str, day: str, policy: Policy) -> Expense:
    used = kept.output.usage if kept.output else None
    name = str(kept.spec.profile) if kept.spec else worker
    model = kept.spec.model if kept.spec else ""
    return Expense(
        brief=brief,
        worker=name or "unknown",
        model=model or _model(name, policy),
        day=day,
        tokens_in=used.tokens_in if used else None,
        tokens_out=used.tokens_out if used else None,
        usd=used.cost_usd if used else None,
    )


def _model(worker: str, policy: Policy) -> str:
    """Returns the model that a worker asks now: older attempts do not say which one they asked."""
    profile = policy.profile(worker)
    return profile.model if profile else ""


def _place(ref: str) -> str:
    """Returns what a ref and the trailer that names it have in common: the house may keep refs elsewhere."""
    return ref.rpartition("/")[2]
