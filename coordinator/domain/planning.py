"""How a brief becomes a plan: one task for each worker, the tasks it names, a recipe's, or one for a planner.

The last is a plan until the planner has answered (see `planner`); all others are made by rules alone.
"""

from coordinator.domain import plan_edges, plan_faults, plan_tasks, recipes
from coordinator.domain.brief import Brief, Kind, OutputFormat
from coordinator.domain.choosing import chosen
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.plan_faults import PlanFault
from coordinator.domain.policy import Policy
from coordinator.domain.recipe_given import Files

PLANNING = TaskId("plan")


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
    if asks_model(brief, policy):
        plan = asking(brief, policy)
    elif brief.tasks:
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


def asking(brief: Brief, policy: Policy) -> Plan:
    """Returns the plan that asks the planner of the house for another one."""
    task = planner_task(brief, ProfileName(policy.planner))
    return Plan(rule="plan.model", revision=0, tasks=(task,))


def planner_task(brief: Brief, planner: ProfileName) -> Task:
    """Returns what a planner has to do; what it answers is no part of what the brief returns."""
    part = Part(
        output_format=OutputFormat(text="json", kind=Kind.JSON),
        guidance="Tools only read: what is asked for is the plan.",
        inputs=brief.inputs,
        scope_in=brief.scope_in,
        scope_prose=brief.scope_prose,
    )
    objective = f"Say which tasks this is made of: {brief.task}"
    return Task(id=PLANNING, objective=objective, profile=planner, part=part, role="planner")


def is_split(brief: Brief) -> bool:
    """Tells whether a brief says itself which tasks it is made of."""
    return bool(brief.tasks or brief.recipe)


def asks_model(brief: Brief, policy: Policy) -> bool:
    """Tells whether a planner says which tasks a brief is made of."""
    if is_split(brief) or not policy.planner or brief.plan == "rules":
        return False
    return brief.plan == "model" or (policy.plan == "always" and not brief.worker)


def is_divided(brief: Brief, policy: Policy) -> bool:
    """Tells whether its tasks have workers of their own, so that the brief need not find one."""
    return is_split(brief) or asks_model(brief, policy)


def faults(brief: Brief, policy: Policy, files: Files | None = None) -> tuple[PlanFault, ...]:
    """Returns what is wrong with how a brief wants to be planned, and with the tasks that it names."""
    if brief.plan == "model" and is_split(brief):
        said = "tasks" if brief.tasks else "a recipe, which makes them"
        message = f"the brief wants a model's plan, and names {said}"
        return (PlanFault("two-plans", None, message, "leave one of the two out"),)
    if brief.plan == "model" and not policy.planner:
        message = "the brief wants a model's plan, and there is no planner here"
        hint = "leave `plan` out, or name a worker as `planner` of [brain] in .orchestrator/config.toml"
        return (PlanFault("no-planner", None, message, hint),)
    if not is_split(brief):
        return ()
    wrong = recipes.faults(brief, policy, files)
    plan = make(brief, policy=policy, files=files)
    return wrong or plan_faults.faults(plan, brief, policy, policy.doctrine)


def profiles(brief: Brief, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers that a brief goes to, in the order of its tasks; a planner says which later."""
    if asks_model(brief, policy):
        return (ProfileName(policy.planner),)
    if not is_split(brief):
        return chosen(brief, policy)
    named = (task.profile for task in make(brief, policy=policy).tasks)
    return tuple(dict.fromkeys(name for name in named if name != plan_tasks.NOBODY))


def content(plan: Plan) -> bytes:
    """Returns the bytes of plan.json."""
    return plan.model_dump_json(indent=2).encode() + b"\n"
