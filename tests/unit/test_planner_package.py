"""What a planner is told: the brief, the workers with what they can and cost, and what became of a plan."""

import json
from dataclasses import replace
from typing import Any

from coordinator.domain import planner, planner_answer, planning
from coordinator.domain.brief import Brief, Input, Kind
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.package import ContextPackage
from coordinator.domain.plan import Task
from coordinator.domain.planner_package import Came, package
from coordinator.domain.policy import Limits, Price, Profile
from coordinator.domain.spent import Spent
from coordinator.services.package import for_planner, pack
from tests.support.judging import PROFILES, Desk, brief
from workers.prompt import prompt
from workers.schemas import value_schema

MIND = Profile(name=ProfileName("mind"), tools=frozenset({"read", "file_write", "web_search"}))
DEAR = Profile(
    name=ProfileName("dear"),
    capabilities=frozenset({"writing"}),
    output_kinds=frozenset({"report"}),
    model="m-1",
    price=Price(input_usd=3.0, output_usd=15.0),
    limits=Limits(cost_usd_max=0.5),
)
ASKS: Brief = brief(
    Kind.REPORT,
    plan="model",
    scope_in=("docs",),
    inputs=(Input(kind="glob", value="docs/*.md"),),
    budget_usd=2.0,
    workers=2,
)


def packed(*feedback: str) -> ContextPackage:
    desk = Desk({"docs/a.md": "a\n", "docs/b.md": "b\n"})
    desk.policy = replace(desk.policy, planner="mind", profiles=(*PROFILES, MIND, DEAR))
    one = desk.sighting(ASKS)
    filed = replace(one.filed, plan=planning.make(ASKS, policy=desk.policy))
    one = replace(one, filed=filed, spent=Spent(usd=0.25))
    task = planner.task(one, desk.world)
    given = pack(
        one,
        task,
        attempt=1,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=feedback,
    )
    return for_planner(given, one, task, desk.world)


def data(of: ContextPackage) -> dict[str, str]:
    return {item.label: item.content or "" for item in of.input_data if item.kind == "data"}


def test_a_planner_is_told_the_brief_the_workers_and_the_limits() -> None:
    found = packed("cycle: a: why")
    assert list(data(found)) == ["the brief", "the workers", "the limits"]
    assert data(found)["the brief"].startswith("---\nbudget: 2\nplan: model\nworkers: 2\n---\n")
    workers = {one["name"]: one for one in json.loads(data(found)["the workers"])}
    assert workers["dear"] == {
        "name": "dear",
        "description": "",
        "capabilities": ["writing"],
        "returns": ["report"],
        "tools": [],
        "tokens_max": 200_000,
        "cost": {
            "usd_per_attempt_max": 0.5,
            "model": "m-1",
            "usd_per_million_tokens": {"in": 3.0, "out": 15.0},
        },
    }
    assert workers["links"]["cost"] == "none"
    limits: dict[str, Any] = json.loads(data(found)["the limits"])
    assert (limits["usd_per_brief"], limits["usd_spent"]) == (2.0, 0.25)
    assert limits["checks"] == ["links", "css"]
    assert "more than 2 `workers`" in found.description
    assert found.input_data[-1].paths == ("docs/a.md", "docs/b.md")
    assert found.feedback == ("cycle: a: why",)
    assert (found.task_type, found.tools_available) == ("planning", ("read",))


def test_the_answer_is_asked_for_in_a_form_that_every_model_server_takes() -> None:
    found = packed()
    wanted = found.constraints.output_format
    assert (wanted.kind, wanted.json_schema) == ("json", planner_answer.schema())
    shape = value_schema(found)
    assert shape is not None
    assert shape["properties"]["tasks"]["items"]["additionalProperties"] is False
    assert "Say which tasks the brief is made of." in prompt(found)


def test_for_another_plan_it_is_told_what_became_of_each_task() -> None:
    one = Task(id=TaskId("a"), objective="Do a.", profile=ProfileName("dear"))
    came = (
        Came(task=one, is_done=True, told="x" * 9_000),
        Came(task=one.model_copy(update={"id": "b"}), is_done=False, told="it broke"),
    )
    found = package(packed(), ASKS, profile=MIND, policy=Desk({}).policy, spent=Spent(), came=came)
    assert "There was a plan already" in found.description
    done, gone = json.loads(data(found)["what became of the tasks"])
    assert (done["state"], len(done["returned"]) < 2_200) == ("done", True)
    assert (gone["state"], gone["why"]) == ("not done", "it broke")
