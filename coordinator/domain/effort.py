"""What a brief took of all that was tried, against what its winning attempts took, and what that lifted.

The winning attempt of a task is the last one that was accepted, in the newest round; only authors win.
Whoever plans, judges or puts together is part of everything, and never of what won.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .attempt import Role
from .verdict import Accept, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt as far as it is known; one that was lost may have no task, round and role any more."""

    number: int
    task: str | None = None
    round: int = 0
    role: Role = "author"
    tokens: int | None = None  # None: nobody knows
    usd: float | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Criteria met by the first attempts and by those that won, of all that the latter were judged by."""

    first: int
    landed: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Everything that was tried for a brief; what cannot be known is None, and so is a ratio to nothing."""

    attempts: int
    won: int
    tokens: int | None
    usd: float | None
    multiplier_tokens: float | None
    multiplier_usd: float | None
    lift: Lift | None


def effort(tried: Sequence[Tried]) -> Effort | None:
    """Returns what a brief took; None where nothing was tried, or nothing of it is known here."""
    if not tried:
        return None
    won = winning(tried)
    tokens, usd = _sum(one.tokens for one in tried), _sum(one.usd for one in tried)
    return Effort(
        attempts=len(tried),
        won=len(won),
        tokens=None if tokens is None else int(tokens),
        usd=None if usd is None else round(usd, 6),
        multiplier_tokens=_ratio(tokens, _sum(one.tokens for one in won)),
        multiplier_usd=_ratio(usd, _sum(one.usd for one in won)),
        lift=lift(tried),
    )


def winning(tried: Iterable[Tried]) -> tuple[Tried, ...]:
    """Returns the last accepted attempt at each task, of the newest round."""
    authors = [one for one in tried if one.role == "author"]
    newest = max((one.round for one in authors), default=0)
    last: dict[str | None, Tried] = {}
    for one in sorted(authors, key=lambda a: a.number):
        if isinstance(one.verdict, Accept) and one.round == newest:
            last[one.task] = one
    return tuple(last.values())


def lift(tried: Sequence[Tried]) -> Lift | None:
    """Returns how many criteria the first attempt at each task met, and the winning one; None before any won.

    What the first one was not judged by, because something else kept it out, it did not meet.
    """
    won = winning(tried)
    if not won:
        return None
    first = landed = of = 0
    for winner in won:
        asked = _criteria(winner)
        met = asked & _met(winner)
        of, landed = of + len(asked), landed + len(met)
        first += len(asked & _met(_first(winner, tried, alone=len(won) == 1)))
    return Lift(first=first, landed=landed, of=of)


def _first(winner: Tried, tried: Iterable[Tried], *, alone: bool) -> Tried:
    """Returns the first attempt at the task; one that was lost may be at any, unless there is one task."""
    mine = [
        one
        for one in tried
        if one.role == "author" and (one.task == winner.task or (alone and one.task is None))
    ]
    return min(mine, key=lambda one: one.number)


def _criteria(one: Tried) -> frozenset[tuple[str, str]]:
    findings = one.verdict.findings if one.verdict else ()
    return frozenset((found.code, found.criterion) for found in findings)


def _met(one: Tried) -> frozenset[tuple[str, str]]:
    findings = one.verdict.findings if one.verdict else ()
    return frozenset((found.code, found.criterion) for found in findings if found.met is True)


def _sum(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _ratio(everything: float | None, won: float | None) -> float | None:
    """Returns everything over what won; None without a winner that took anything."""
    return round(everything / won, 2) if everything is not None and won else None
