"""How a brief becomes a plan: one task for each worker, all of them free to start."""

from coordinator.domain.brief import Brief
from coordinator.domain.choosing import chosen
from coordinator.domain.names import TaskId
from coordinator.domain.plan import Plan, Task
from coordinator.domain.policy import Policy


def single(
    brief: Brief,
    *,
    policy: Policy,
    accepted_at: int = 0,
    requested_by: str = "",
    requests: tuple[str, ...] = (),
) -> Plan:
    """Returns the plan `single`: a task with the whole of TASK for each worker, in the brief's order."""
    tasks = tuple(
        Task(id=TaskId(profile), objective=brief.task, profile=profile)
        for profile in chosen(brief, policy)
    )
    return Plan(
        shape="single",
        rule="plan.single",
        tasks=tasks,
        name=brief.name,
        accepted_at=accepted_at,
        requested_by=requested_by,
        requests=requests,
    )


def content(plan: Plan) -> bytes:
    """Returns the bytes of plan.json."""
    return plan.model_dump_json(indent=2).encode() + b"\n"
