"""The attempts of one round as a graph shows them: those that are kept, and those that only the journal knows."""

from collections.abc import Iterable, Sequence

from coordinator.desk.kept_attempt import Kept
from coordinator.domain.attempt import Spec
from coordinator.domain.task_progress import Try


def of_round(
    round_: int, kept: Iterable[Kept], begun: Iterable[tuple[Spec, str | None]] = ()
) -> Sequence[Try]:
    """Returns them by number; `begun` are specs with how each attempt ended (None: it runs)."""
    returned = {k.number: (k.spec, k.is_accepted, False) for k in kept if k.spec}
    others = {spec.id.number: (spec, False, ended is None) for spec, ended in begun}
    return [
        Try(
            number=number,
            task=str(spec.task),
            worker=str(spec.profile),
            role=spec.role,
            beside=spec.beside,
            accepted=accepted,
            running=running,
        )
        for number, (spec, accepted, running) in sorted({**others, **returned}.items())
        if spec.round == round_
    ]
