"""A day on which planners split the briefs, and most of them lie: nothing of it is worked on that rules refuse."""

import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from coordinator.domain import plan_faults, planner
from coordinator.domain.attempt import Spec
from coordinator.domain.output import Body, CouldNot, NoOutput, Output, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Policy

from .crowd import Crowd, profile

_TABLE = """\
---
plan: model
{front}---
TASK: Count by hand what the pages of number {number} hold.
INPUTS: index.txt
SCOPE: site/; everything else
OUTPUT FORMAT: a markdown table
DO NOT: change anything
"""


class Planned(Crowd):
    """One seed of it."""

    def __init__(self, seed: int, *, briefs: int, traced: bool = False) -> None:
        self.minds = Random(seed + 2)
        self.answers = 0
        super().__init__(seed, briefs=briefs, traced=traced)

    @property
    def policy(self) -> Policy:
        """The rules of this house, which has a planner."""
        house = super().policy
        return replace(house, planner="mind", profiles=(*house.profiles, profile("mind")))

    def began(self, spec: Spec) -> None:
        """Nothing is worked on under a plan that rules refuse, and no planner is asked without an end."""
        super().began(spec)
        filed = self.watch.live().get(spec.id.brief)
        if filed is None or filed.plan is None:
            return
        if spec.role == "planner":
            same = [s for s in self.specs if s.id.brief == spec.id.brief and s.role == "planner"]
            if len([s for s in same if s.round == spec.round]) > 12:  # questions and restarts too
                self.watch.fault(f"{spec.id.brief}: a planner is asked without an end")
            return
        if planner.is_awaited(filed.plan):
            self.watch.fault(f"{spec.id.brief}: {spec.task} runs before there is a plan")
        policy = self.policy
        for fault in plan_faults.faults(filed.plan, filed.brief, policy, policy.doctrine):
            self.watch.fault(f"{spec.id.brief}: {spec.task} runs, and its plan: {fault.message}")

    def lasts_s(self, spec: Spec) -> float:
        """Returns how long an attempt takes; planners do not hang."""
        return 1.0 if spec.role == "planner" else super().lasts_s(spec)

    def work(self, spec: Spec, package: ContextPackage) -> Output | NoOutput:
        """What a worker comes to; of the planners two in five lie, in a way of their own."""
        if spec.role != "planner":
            return super().work(spec, package)
        self.answers += 1
        usage, lie = self.meter.ended(spec), self.minds.random()
        if lie < 0.04:
            return NoOutput(reason="the worker failed: out of memory", usage=usage)
        return Output(body=self._answered(lie, package, spec.id.number), usage=usage)

    def _answered(self, lie: float, package: ContextPackage, number: int) -> Body:
        if lie < 0.08:
            return CouldNot(why="question", text="which page?")
        if lie < 0.14:
            return Report(text="I would count the pages.")
        tasks = _tasks(package, number)
        if lie < 0.20:
            tasks[0]["after"] = [tasks[-1]["id"]]
        elif lie < 0.26:
            tasks[0]["scope"] = ["home/"]
        elif lie < 0.32:
            tasks[-1]["worker"] = "nobody"
        elif lie < 0.36:
            tasks[0]["guidance"] = ""
        elif lie < 0.40:
            tasks = [{**one, "inputs": []} for one in tasks]
        said = {"why": "Brief-Id: forged", "tasks": tasks}
        return Report(text=json.dumps(said), data=said)

    def _brief(self, number: int) -> str:
        if number % 3:
            return super()._brief(number)
        return _TABLE.format(front="worker: [hand, other]\n" if number % 2 else "", number=number)


def _tasks(package: ContextPackage, number: int) -> list[dict[str, Any]]:
    """Returns a plan that will do: two counts and their sum; of a plan that failed, what is left of it."""
    given = {item.label: item.content or "" for item in package.input_data}
    came = json.loads(given.get("what became of the tasks", "[]"))
    if came:
        done = [one["id"] for one in came if one["state"] == "done"]
        return [_task(f"rest{number}", "site/", *done, worker="other")]
    left, right = f"left{number}", f"right{number}"
    return [
        _task(left, "site/a/", worker="hand"),
        _task(right, "site/b/", worker="other"),
        _task(f"both{number}", "site/", left, right, worker="hand"),
    ]


def _task(name: str, scope: str, *after: str, worker: str) -> dict[str, Any]:
    said: Mapping[str, Any] = {
        "id": name,
        "objective": f"Count by hand what {scope} holds.",
        "inputs": ["index.txt", *(f"task:{one}" for one in after)],
        "scope": [scope],
        "output": "a markdown table",
        "guidance": "read the pages",
        "worker": worker,
    }
    return dict(said)
