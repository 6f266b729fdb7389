"""What attempts have cost, and what is set aside for those that run; an unknown cost is counted, not guessed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .attempt import RESTARTED, Attempt, Lost, Returned
from .output import Usage

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Money that is gone or may be: `usd` is known or set aside, `unknown` attempts cost nobody knows what."""

    usd: float = 0.0
    unknown: int = 0


NOTHING = Spent()


def of(attempts: Iterable[Attempt], settled: Mapping[str, Usage]) -> Spent:
    """Returns what `attempts` cost; `settled` is what those used that ended without an output, by ref.

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
            usage = settled.get(spec.id.ref)
        cost = spec.cost_usd_max if usage is None else usage.cost_usd
        usd += cost or 0.0
        unknown += cost is None
    return Spent(usd=usd, unknown=unknown)


def day_of(timestamp: int) -> int:
    """Returns when the day of `timestamp` began, in unix seconds; days are those of UTC."""
    return timestamp - timestamp % DAY_S
