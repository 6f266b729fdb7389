"""What a planner is told: the brief, who could work on it, within which numbers, and what came of a plan before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.domain import brief_text, packing
from coordinator.domain.brief import Brief
from coordinator.domain.package import ContextPackage, PackageInput
from coordinator.domain.plan import Task
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.spent import Spent
from coordinator.domain.tool_names import READING

TASK_TYPE = "planning"
_TOLD_CHARS_MAX = 2_000

_TASK = """\
Say which tasks the brief is made of. You do none of them, and you change nothing.
The brief and the workers are given as data below. Look into the repository where that helps.

An answer is JSON: `why` in one sentence, and `tasks`. What is not needed is empty. Each task has

- `id`, and `objective`: one sentence with a verb;
- `output`: a list, json, a table, a report, or changes (the first of these words counts), and what is in it; \
`output_schema` is a JSON Schema, for json;
- `guidance`: which tools to use, and how to go about it;
- `scope` and `out_of_scope`: paths and globs, within SCOPE of the brief;
- `inputs`: paths and globs, and `task:ID` for what another task returns, which then comes first;
- `after`: ids of tasks that come before it; `acceptance` and `do_not`, written as in a brief;
- `worker`, or `capability`; `tools` narrows what the worker may use; `workers` is how many may try at once \
after a failure.

A task knows what it is told and nothing else; a worker sees neither the brief nor the other tasks.
Rules read the answer, and refuse it where
- a task lacks its objective, output, guidance or scope, or is for nobody who can do it with those tools;
- there are more than {tasks_max} tasks, or they wait for one another in a circle;
- two tasks without an order may change the same path;
- a path of SCOPE, an item of INPUTS or a criterion of ACCEPTANCE belongs to no task (where one task comes \
after all others, it answers for ACCEPTANCE of the brief as well);
- the last tasks do not return what OUTPUT FORMAT asks for; a brief that asks for changes is made of the \
changes of all tasks, and any other has no task that makes some;
- it names a URL, another brief, a check or a worker that the brief does not let it;
- a task has more than {workers_max} `workers`.

Tasks that are coupled are put in sequence, whatever you say; up to {parallel_max} run at a time.
One task is a good plan where parts would only wait for each other: each costs its own reading."""

_AGAIN = """

There was a plan already, and it came to nothing: what became of its tasks is given as data.
Those that are done stay as they are, with what they returned; your answer may take that as `task:ID`, and \
need not name them. Say the tasks that are missing. What was tried in vain needs another id, and another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What became of one task of the plan before."""

    task: Task
    is_done: bool
    told: str  # what it returned, or why it did not


def package(
    given: ContextPackage,
    brief: Brief,
    *,
    profile: Profile,
    policy: Policy,
    spent: Spent,
    came: Sequence[Came],
) -> ContextPackage:
    """Returns the package of a planner, from what any attempt at its task would be given."""
    doctrine = policy.doctrine
    told = _TASK.format(
        tasks_max=doctrine.tasks_max,
        workers_max=min(doctrine.workers_max, brief.workers or doctrine.workers_max),
        parallel_max=doctrine.parallel_max,
    )
    limits = {
        "usd_per_brief": policy.usd_per_brief if brief.budget_usd is None else brief.budget_usd,
        "usd_spent": round(spent.usd, 6),
        "retries": policy.retries if brief.retries is None else brief.retries,
        "checks": [check.name for check in policy.checks],
    }
    data = [
        ("the brief", brief_text.render(brief)),
        ("the workers", _json([_worker(one) for one in policy.profiles])),
        ("the limits", _json(limits)),
        *([("what became of the tasks", _json([_came(one) for one in came]))] if came else []),
    ]
    more = (PackageInput(kind="data", value="", label=name, content=text) for name, text in data)
    return given.model_copy(
        update={
            "task_type": TASK_TYPE,
            "description": told + (_AGAIN if came else ""),
            "tools_available": tuple(sorted(profile.tools & set(READING))),
            "input_data": (*more, *given.input_data),
        }
    )


def _worker(profile: Profile) -> dict[str, Any]:
    limits, price = profile.limits, profile.price
    dear = None
    if limits.cost_usd_max:
        dear = {"usd_per_attempt_max": limits.cost_usd_max, "model": profile.model}
    if dear is not None and price is not None:
        dear |= {"usd_per_million_tokens": {"in": price.input_usd, "out": price.output_usd}}
    return {
        "name": profile.name,
        "description": profile.description,
        "capabilities": sorted(profile.capabilities),
        "returns": sorted(profile.output_kinds),
        "tools": sorted(profile.tools),
        "tokens_max": limits.tokens_max,
        "cost": dear or "none",
    }


def _came(one: Came) -> dict[str, Any]:
    wanted = one.task.part.output_format.kind if one.task.part is not None else None
    return {
        "id": one.task.id,
        "objective": one.task.objective,
        "worker": one.task.profile,
        "output": wanted.value if wanted is not None else "",
        "state": "done" if one.is_done else "not done",
        "returned" if one.is_done else "why": packing.cut(one.told, _TOLD_CHARS_MAX),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
