"""What commits say of attempts: each with what became of it, and who judged what rules had left open."""

from collections.abc import Sequence

from . import evaluating, lost_attempts, speculating
from .attempt import Attempt, Lost, Returned, Role
from .verdict import Accept

SUPERSEDED_BY, NEVER_JUDGED = "superseded", "unjudged"
UNJUDGED = (SUPERSEDED_BY, NEVER_JUDGED)
"""What a trailer says of an output without a verdict."""


def attempts(tried: Sequence[Attempt]) -> tuple[tuple[str, str], ...]:
    """Returns an Attempt trailer for each: worker/number, what became of it, its ref and commit."""
    said = []
    for attempt in tried:
        label = f"{attempt.spec.profile}/{attempt.spec.id.number}"
        match attempt:
            case Returned(spec=spec, commit=commit) if spec.role == "evaluator":
                code = "" if isinstance(attempt.verdict, Accept) else "void "
                said.append(("Attempt", f"{label} evaluator {code}{spec.id.ref} {commit}"))
            case Returned(spec=spec, commit=commit) if spec.role == "planner":
                code = "" if isinstance(attempt.verdict, Accept) else "refused "
                said.append(("Attempt", f"{label} planner {code}{spec.id.ref} {commit}"))
            case Returned(commit=commit, spec=spec):
                words = _judged(attempt, tried) + as_role(spec.role)
                said.append(("Attempt", f"{label} {words} {spec.id.ref} {commit}"))
            case Lost():
                said.append(("Attempt", lost_attempts.said(attempt)))
            case _:
                role = "" if attempt.spec.role == "author" else f" as {attempt.spec.role}"
                said.append(("Attempt", f"{label} running{role}"))
    return tuple(said)


def as_role(role: Role) -> str:
    """Returns what follows the verdict on an attempt that is not one at a task itself.

    Of an evaluator or a planner the role stands in the verdict's place.
    """
    return " as synthesizer" if role == "synthesizer" else ""


def evaluations(tried: Sequence[Attempt]) -> tuple[str, ...]:
    """Returns who judged what rules had left open: worker/number."""
    return tuple(
        f"{a.spec.profile}/{a.spec.id.number}"
        for a in tried
        if a.spec.role == "evaluator" and isinstance(a, Returned) and isinstance(a.verdict, Accept)
    )


def is_superseded(returned: Returned, tried: Sequence[Attempt]) -> bool:
    """Tells whether nobody judges an output, because another attempt beside it was accepted first."""
    if returned.verdict is not None:
        return False
    beside = (
        a
        for a in tried
        if isinstance(a, Returned) and speculating.are_beside(a.spec, returned.spec)
    )
    return any(isinstance(evaluating.combined(a, tried), Accept) for a in beside)


def _judged(returned: Returned, tried: Sequence[Attempt]) -> str:
    """Returns what became of an output, as its trailer says it."""
    verdict = evaluating.combined(returned, tried)
    if verdict is None:
        return SUPERSEDED_BY if is_superseded(returned, tried) else NEVER_JUDGED
    return "accepted" if isinstance(verdict, Accept) else f"rejected {_code(verdict)}"


def _code(verdict: object) -> str:
    return str(getattr(verdict, "code", "not-met"))
