"""The record that stores a plan beside a brief that is open already."""

from . import notes, planning
from .names import Place
from .note import PLAN_FILE, Note, Precondition, PutFile
from .plan import Plan
from .policy import Policy
from .record import Record, Verb
from .world import Sighting


def planned(sighting: Sighting, plan: Plan, *, policy: Policy) -> Note:
    """Returns the note that stores a plan beside a brief that has none."""
    filed = sighting.filed
    return Note(
        record=Record(
            verb=Verb.ACCEPT,
            about=filed.id,
            subject=f"planned as {plan.shape}",
            trailers=(*notes.head(filed), *notes.foot(f"rule {plan.rule}", "2", policy)),
        ),
        when=(Precondition(brief=filed.id, place=Place.OPEN, blob=filed.blob),),
        operations=(PutFile(brief=filed.id, name=PLAN_FILE, content=planning.content(plan)),),
    )
