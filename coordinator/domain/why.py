"""Why a brief was done as it was, in five answers: its smallest unit, where its state lives, the boundary
between its parts with the numbers, how it was verified, and what it cost for which lift.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .effort import Effort
from .names import BriefId, RepoPath
from .plan import Plan
from .record import Record
from .status import AttemptStatus

_NOTES_MAX = 3
_TASKS_MAX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The five answers, each one short line."""

    unit: str
    state: str
    boundary: str
    verified: str
    cost: str


def why(
    brief: BriefId,
    *,
    plan: Plan | None,
    folder: RepoPath,
    refs_root: str,
    landing: Record | None,
    attempts: Sequence[AttemptStatus],
    effort: Effort | None,
) -> Why:
    """Returns the answers, from what commits and kept attempts say."""
    return Why(
        unit=_unit(plan),
        state=f"{folder} on the branch; attempts in {refs_root}/attempts/{brief}/",
        boundary=_boundary(plan),
        verified=_verified(landing, attempts, effort),
        cost=_cost(effort),
    )


def _unit(plan: Plan | None) -> str:
    if plan is None:
        return "no plan is kept of it"
    names = [f"{task.id} ({task.profile})" for task in plan.tasks]
    left = len(names) - _TASKS_MAX
    said = ", ".join(names[:_TASKS_MAX]) + (f" and {left} more" if left > 0 else "")
    tasks = "one task" if len(names) == 1 else f"{len(names)} tasks"
    revised = f", revision {plan.revision}" if plan.revision > 1 else ""
    by = f", written by {plan.planned_by}" if plan.planned_by else ""
    return f"{tasks}, {plan.shape} by rule {plan.rule}{by}{revised}: {said}"


def _boundary(plan: Plan | None) -> str:
    if plan is None or len(plan.tasks) < 2:
        return "one task, so there is no boundary to draw"
    if not plan.notes:
        who = "its planner" if plan.planned_by else "the brief"
        return f"as {who} draws it: nothing was measured"
    left = len(plan.notes) - _NOTES_MAX
    return "; ".join(plan.notes[:_NOTES_MAX]) + (f"; and {left} more" if left > 0 else "")


def _verified(
    landing: Record | None, attempts: Sequence[AttemptStatus], effort: Effort | None
) -> str:
    parts = []
    if effort is not None and effort.lift is not None:
        parts.append(f"{effort.lift.landed} of {effort.lift.of} criteria met")
    if landing is not None:
        parts += [f"checks {said}" for said in landing.values("Checks")[:1]]
    judges = dict.fromkeys(one.worker for one in attempts if one.role == "evaluator")
    if judges:
        parts.append("evaluated by " + ", ".join(judges))
    if landing is not None:
        parts += list(landing.values("Review")[:1])
        parts += [v for v in landing.values("Decided-By")[:1] if v.startswith("human")]
    return "; ".join(parts) or "nothing of it has been accepted yet"


def _cost(took: Effort | None) -> str:
    if took is None:
        return "nothing has been tried, as far as this clone knows"
    tries = "1 attempt" if took.attempts == 1 else f"{took.attempts} attempts"
    tokens = "unknown tokens" if took.tokens is None else f"{took.tokens:,} tokens"
    usd = "an unknown cost" if took.usd is None else f"{took.usd:.4f} USD"
    ratio = took.multiplier_usd or took.multiplier_tokens
    times = f", {ratio:g} x what won" if ratio is not None else ""
    lift = took.lift
    met = "" if lift is None else f", for {lift.first} -> {lift.landed} of {lift.of} criteria"
    return f"{tries}, {tokens}, {usd}{times}{met}"
