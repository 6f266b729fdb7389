"""What is asked where outputs contradict each other: what is agreed, what is not, who says what, the options."""

from . import notes
from .brief import Question
from .changeset import Conflict, Disagreement
from .note import Note
from .policy import Policy
from .world import Sighting

_CONFLICTS_MAX = 30


def disagreement(sighting: Sighting, said: Disagreement, *, policy: Policy) -> Note:
    """Returns the one question that a disagreement becomes: agreed, not agreed, evidence, options."""
    question = Question(id=said.id, text=said.question, choices=said.options)
    told = [f"Agreed: {said.agreed}", *map(_evidence, said.conflicts[:_CONFLICTS_MAX])]
    if len(said.conflicts) > _CONFLICTS_MAX:
        told.append(f"{len(said.conflicts) - _CONFLICTS_MAX} more places")
    choices = ", ".join(said.options)
    told.append(f"Answer {choices}; or in words, which go to a worker that then tries again.")
    return notes.asked(
        sighting,
        held="conflict",
        questions=[question],
        why="\n".join(told),
        reasons=told,
        policy=policy,
    )


def _evidence(conflict: Conflict) -> str:
    where = f"{conflict.where} {conflict.lines}".strip()
    sides = (
        f"{side.name}{f' (attempt {side.attempt.number})' if side.attempt else ''}: {side.text}"
        for side in conflict.sides
    )
    return f"{where}: {'; '.join(sides)}"
