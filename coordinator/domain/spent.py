"""What attempts have cost, and what is set aside for those that run; an unknown cost is counted, not guessed."""

from collections.abc import Iterable
from dataclasses import dataclass

from . import lost_attempts
from .attempt import RESTARTED, Attempt, Lost, Returned

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Money that is gone or may be: `usd` is known or set aside, `unknown` attempts cost nobody knows what."""

    usd: float = 0.0
    unknown: int = 0


NOTHING = Spent()


def of(attempts: Iterable[Attempt]) -> Spent:
    """Returns what `attempts` cost.

    One that runs, and one that a restart ended, may have used all that was set aside for it.
    """
    usd, unknown = 0.0, 0
    for attempt in attempts:
        spec = attempt.spec
        if not spec.cost_usd_max:
            continue
        usage = None
        if isinstance(attempt, Returned):
            usage = attempt.output.usage
        elif isinstance(attempt, Lost) and attempt.reason != RESTARTED:
            usage = attempt.usage
        cost = spec.cost_usd_max if usage is None else usage.cost_usd
        usd += cost or 0.0
        unknown += cost is None
    return Spent(usd=usd, unknown=unknown)


def said(attempts: Iterable[Attempt]) -> str:
    """Returns the money of all attempts as a trailer says it; one unknown makes the sum unknown, never zero."""
    total = 0.0
    for attempt in attempts:
        match attempt:
            case Returned(output=output):
                cost = output.usage.cost_usd
            case Lost():
                cost = lost_attempts.cost(attempt)
            case _:
                cost = None
        if cost is None:
            return "unknown"
        total += cost
    return f"{total:.4f}"


def day_of(timestamp: int) -> int:
    """Returns when the day of `timestamp` began, in unix seconds; days are those of UTC."""
    return timestamp - timestamp % DAY_S
