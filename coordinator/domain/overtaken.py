"""Attempts of a coordinator that another one went on without, because it did not know of them.

Whoever takes a brief over numbers its attempts on from what is on the remote. When the one before comes back
with attempts that it had not published, or that were lost and stand in its journal alone, both have used the
same numbers, and its own are older than they look.
"""

from collections.abc import Collection, Iterable, Sequence

from .attempt import Attempt, AttemptId, Returned, Running

Place = tuple[str, int]
"""The epoch and the number of an attempt."""


def place(attempt: AttemptId) -> Place:
    """Returns where an attempt stands."""
    return attempt.epoch, attempt.number


def overtaken_at(one: Place, known: Collection[Place]) -> int | None:
    """Returns the number at which another epoch went on without an attempt; None when none did.

    An epoch that ended before this one began has lower numbers only; one that began later, and knew of the
    attempt, has higher ones only.
    """
    epoch, number = one
    begun = min((n for e, n in known if e == epoch), default=number)
    others: dict[str, list[int]] = {}
    for other, n in known:
        if other != epoch:
            others.setdefault(other, []).append(n)
    found = (min(ns) for ns in others.values() if min(ns) <= number and max(ns) >= begun)
    return min(found, default=None)


def in_order(kept: Sequence[Returned], others: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Returns the attempts of a brief, oldest first; `others` are those of which no output is kept."""
    rest = tuple(others)
    known = [place(a.spec.id) for a in (*kept, *rest)]

    def age(attempt: Attempt) -> tuple[int, int, int]:
        number = attempt.spec.id.number
        at = None
        if not isinstance(attempt, Returned | Running):
            at = overtaken_at(place(attempt.spec.id), known)
        return (number, 1, 0) if at is None else (at, 0, number)

    return tuple(sorted((*kept, *rest), key=age))
