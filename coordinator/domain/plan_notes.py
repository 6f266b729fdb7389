"""The records that store a plan beside a brief that is open already."""

from dataclasses import replace

from . import attempt_notes, notes, planner, planning
from .names import Place
from .note import PLAN_FILE, Note, Precondition, PutFile
from .plan import Plan, Task
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
    """Returns the note that stores another plan in the place of one that cannot be carried out.

    Where a planner was asked for it, its attempts stand in the note, and so do the reasons that its answers
    were refused for when rules made the plan in the end.
    """
    note, before = planned(sighting, plan, policy=policy), sighting.filed.plan
    is_new = before is None or (plan.rule, plan.planned_by) != (before.rule, before.planned_by)
    asked = planner.asked(sighting) if is_new else ()
    refused = plan.notes if plan.rule == planner.FALLBACK else ()
    record = replace(
        note.record,
        subject=f"revision {plan.revision} of the plan: {plan.revised_because}",
        prose=f"{_prose(plan)}\n"
        + "\n".join(f"- {task.id}: {task.profile}{_after(task)}" for task in plan.tasks),
        trailers=(
            *notes.head(sighting.filed),
            *attempt_notes.attempts(asked),
            *(("Reason", said) for said in refused),
            *notes.foot(f"rule {plan.rule if is_new else 'plan.revised'}", "2", policy),
        ),
    )
    return replace(note, record=record)


def _prose(plan: Plan) -> str:
    if plan.revision > 1:
        return f"The plan was revised, because {plan.revised_because}."
    if plan.rule == planner.FALLBACK:
        return f"The plan was made by rules, because {plan.revised_because}."
    return f"{plan.revised_because}, and the rules of plans let it pass."


def _after(task: Task) -> str:
    return f", after {', '.join(task.after)}" if task.after else ""
