"""Attempts at one task that run side by side: which of them decides, and which are stopped.

All rules for several attempts of a task at once have their home here, whoever started them: a second attempt
beside one that takes long (see `straggling`), or more than one after a failed verdict.
The attempts that belong together are a *turn*: the first of them, and those whose spec names its number as
`beside`. Retries come one turn after the other, and only the last turn counts.
In a turn the first output that is accepted decides, and what still runs is stopped; while nothing is accepted,
each output is judged, and what runs is waited for. When all have failed, one of them says how to go on.
"""

from collections.abc import Sequence
from itertools import groupby

from . import evaluating
from .attempt import Attempt, AttemptId, Returned, Running, Spec
from .verdict import Accept
from .world import Sighting


def turn_of(attempt: Attempt) -> int:
    """Returns the number of the first attempt of the turn that an attempt belongs to."""
    return _turn(attempt.spec)


def are_beside(one: Spec, other: Spec) -> bool:
    """Tells whether two attempts of a brief ran side by side: at one task, in one turn."""
    same = (one.round, one.task, one.role) == (other.round, other.task, other.role)
    return same and one.id != other.id and _turn(one) == _turn(other)


def turn(tried: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Returns the last turn of the attempts at one task, oldest first."""
    return tuple(a for a in tried if turn_of(a) == turn_of(tried[-1]))


def kept(tried: Sequence[Attempt]) -> tuple[Returned, ...]:
    """Returns the outputs of the last turn that the rules accept, whatever an evaluator says of them."""
    return tuple(
        a for a in turn(tried) if isinstance(a, Returned) and isinstance(a.verdict, Accept)
    )


def accepted(tried: Sequence[Attempt], sighting: Sighting) -> Returned | None:
    """Returns the output of the last turn that is good enough, else None; of two, the one started later."""
    good = [a for a in kept(tried) if isinstance(evaluating.effective(a, sighting), Accept)]
    return good[-1] if good else None


def unjudged(tried: Sequence[Attempt]) -> Returned | None:
    """Returns the first output of the last turn that nobody has judged."""
    new = (a for a in turn(tried) if isinstance(a, Returned) and a.verdict is None)
    return next(new, None)


def running(tried: Sequence[Attempt]) -> tuple[Running, ...]:
    """Returns what runs of the last turn."""
    return tuple(a for a in turn(tried) if isinstance(a, Running))


def deciding(tried: Sequence[Attempt]) -> Attempt:
    """Returns the attempt whose end says how to go on: what was returned tells more than a loss does."""
    returned = [a for a in turn(tried) if isinstance(a, Returned)]
    return (*turn(tried)[:1], *returned, *kept(tried))[-1]


def is_extra(attempt: Attempt) -> bool:
    """Tells whether an attempt ran beside another, and so is no try of its own."""
    return attempt.spec.beside is not None


def superseded(sighting: Sighting) -> tuple[AttemptId, ...]:
    """Returns what still runs although another attempt at the same has been accepted."""
    mine = sorted(
        (a for a in sighting.attempts if a.spec.role == "author"), key=lambda a: a.spec.task
    )
    by_task = [list(tried) for _, tried in groupby(mine, key=lambda a: a.spec.task)]
    return tuple(
        a.spec.id for tried in by_task if accepted(tried, sighting) for a in running(tried)
    )


def _turn(spec: Spec) -> int:
    return spec.id.number if spec.beside is None else spec.beside
