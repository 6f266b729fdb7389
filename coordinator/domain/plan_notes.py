"""The records that store a plan beside a brief that is open already."""

from dataclasses import replace

from . import notes, planning
from .names import Place
from .note import PLAN_FILE, Note, Precondition, PutFile
from .plan import Plan
from .policy import Policy
from .record import Record, Verb
from .world import Sighting


def key(sighting: Sighting) -> str:
    """Returns the key of a note that stores a plan."""
    return f"{Verb.ACCEPT}:{sighting.filed.id}"


def when(sighting: Sighting) -> tuple[Precondition, ...]:
    """Returns when a plan may be stored: never twice, and never over one that was stored meanwhile."""
    filed = sighting.filed
    return (Precondition(brief=filed.id, place=Place.OPEN, blob=filed.blob, folder=filed.folder),)


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
        when=when(sighting),
        operations=(PutFile(brief=filed.id, name=PLAN_FILE, content=planning.content(plan)),),
    )


def revised(sighting: Sighting, plan: Plan, *, policy: Policy) -> Note:
    """Returns the note that stores another plan in the place of one that cannot be carried out."""
    note = planned(sighting, plan, policy=policy)
    record = replace(
        note.record,
        subject=f"revision {plan.revision} of the plan: {plan.revised_because}",
        prose=f"The plan was revised, because {plan.revised_because}.\n"
        + "\n".join(f"- {task.id}: {task.profile}" for task in plan.tasks),
        trailers=(*notes.head(sighting.filed), *notes.foot("rule plan.revised", "2", policy)),
    )
    return replace(note, record=record)
