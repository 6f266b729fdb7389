"""How a brief becomes a plan, by rules alone: one task for each worker, the tasks it names, or a recipe's."""

from coordinator.domain import plan_edges, plan_faults, plan_tasks, recipes
from coordinator.domain.brief import Brief
from coordinator.domain.choosing import chosen
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Plan, Task
from coordinator.domain.plan_faults import PlanFault
from coordinator.domain.policy import Policy
from coordinator.domain.recipe_given import Files


def make(
    brief: Brief,
    *,
    policy: Policy,
    accepted_at: int = 0,
    requested_by: str = "",
    requests: tuple[str, ...] = (),
    files: Files | None = None,
) -> Plan:
    """Returns the plan of a brief: the one way from a brief to its tasks (see plan_faults for what may be wrong).

    `files` are those that folders and globs of INPUTS name at the tip, for a recipe that divides them.
    """
    if brief.tasks:
        plan = explicit(brief, policy)
    else:
        plan = single(brief, policy) if brief.recipe is None else expanded(brief, policy, files)
    return plan_edges.drawn(plan, brief).model_copy(
        update={
            "doctrine": policy.doctrine.digest,
            "name": brief.name,
            "accepted_at": accepted_at,
            "requested_by": requested_by,
            "requests": requests,
        }
    )


def single(brief: Brief, policy: Policy) -> Plan:
    """Returns the plan `single`: a task with the whole of TASK for each worker, in the brief's order."""
    tasks = tuple(
        Task(id=TaskId(profile), objective=brief.task, profile=profile)
        for profile in chosen(brief, policy)
    )
    return Plan(shape="single", rule="plan.single", tasks=tasks)


def explicit(brief: Brief, policy: Policy) -> Plan:
    """Returns the plan of the tasks that a brief names."""
    return Plan(rule="plan.tasks", tasks=plan_tasks.tasks_of(brief.tasks, brief, policy))


def expanded(brief: Brief, policy: Policy, files: Files | None = None) -> Plan:
    """Returns the plan that the recipe of a brief makes; it has no task where the recipe is used wrongly."""
    recipe = recipes.RECIPES.get(brief.recipe or "")
    tasks = plan_tasks.tasks_of(recipes.tasks(brief, policy, files), brief, policy)
    review = recipe.review if recipe else ""
    return Plan(rule=f"recipe.{brief.recipe}", review=review, tasks=tasks)


def is_split(brief: Brief) -> bool:
    """Tells whether a brief says itself which tasks it is made of."""
    return bool(brief.tasks or brief.recipe)


def faults(brief: Brief, policy: Policy, files: Files | None = None) -> tuple[PlanFault, ...]:
    """Returns what is wrong with the tasks, or with the recipe, that a brief names."""
    if not is_split(brief):
        return ()
    wrong = recipes.faults(brief, policy, files)
    plan = make(brief, policy=policy, files=files)
    return wrong or plan_faults.faults(plan, brief, policy, policy.doctrine)


def profiles(brief: Brief, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers that a brief goes to, in the order of its tasks."""
    if not is_split(brief):
        return chosen(brief, policy)
    named = (task.profile for task in make(brief, policy=policy).tasks)
    return tuple(dict.fromkeys(name for name in named if name != plan_tasks.NOBODY))


def content(plan: Plan) -> bytes:
    """Returns the bytes of plan.json."""
    return plan.model_dump_json(indent=2).encode() + b"\n"
