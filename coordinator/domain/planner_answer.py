"""What a planner answers: a typed list of tasks, read in the language of briefs, and what may be wrong with it.

It proposes, and that is all: what a brief does not grant, no answer of a planner does.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from coordinator.domain import brief_tasks, plan_tasks, report_rows
from coordinator.domain.brief import Brief, BriefTask
from coordinator.domain.brief_items import fenced, render_scope
from coordinator.domain.brief_marks import escaped
from coordinator.domain.brief_output import SCHEMA_INFO
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.output import Body, Report
from coordinator.domain.plan import Task
from coordinator.domain.plan_faults import PlanFault
from coordinator.domain.policy import Policy
from coordinator.domain.record import clean, one_line
from coordinator.domain.tool_names import DAEMON

RESERVED = ("plan", "synthesis")  # what attempts of other roles are about
FAULTS_MAX = 40
ANSWER_CHARS_MAX = 100_000  # it is read at each look until its plan is stored

_Text = Annotated[str, Field(max_length=8_000)]
_Item = Annotated[str, Field(max_length=2_000)]
_Items = Annotated[tuple[_Item, ...], Field(max_length=200)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, said: Any) -> Any:
        """What is null is not said; a text holds nothing that a terminal or a commit would obey."""
        if not isinstance(said, dict):
            return said
        return {key: _cleaned(value) for key, value in said.items() if value is not None}


class PlannedTask(_Said):
    """One task as a planner says it; what is empty is not said."""

    id: _Item = Field(default="", description="a word of letters, digits, - and _; at most 40")
    objective: _Text = Field(default="", description="one sentence with a verb: what shall be done")
    inputs: _Items = Field(
        default=(),
        description="paths and globs that it reads, and `task:ID` for what another task returns",
    )
    scope: _Items = Field(default=(), description="paths and globs in bounds, within SCOPE")
    out_of_scope: _Items = Field(default=(), description="paths and globs out of bounds")
    output: _Text = Field(
        default="", description="a list, json, a table, a report, or changes; and what is in it"
    )
    output_schema: _Text = Field(default="", description="a JSON Schema as text, for json")
    guidance: _Text = Field(default="", description="which tools, and how to go about it")
    tools: _Items = Field(default=(), description="only these of the worker's tools")
    do_not: _Items = Field(default=(), description="what must not be done, one thing each")
    acceptance: _Items = Field(default=(), description="how it is checked, one criterion each")
    after: _Items = Field(default=(), description="ids of the tasks that come before it")
    worker: _Item = Field(default="", description="whose it is; or leave it to a capability")
    capability: _Item = Field(default="", description="whoever has it")
    workers: int = Field(default=0, ge=0, description="attempts at once after a failure; 0 = one")


class PlannerAnswer(_Said):
    """The whole answer."""

    why: _Text = Field(default="", description="in one sentence, why it is split like this")
    tasks: Annotated[tuple[PlannedTask, ...], Field(max_length=brief_tasks.TASKS_MAX)]


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of the answer as it is asked for: everything is said, and there are no references."""
    whole = PlannerAnswer.model_json_schema()
    task = whole.pop("$defs")["PlannedTask"]
    whole["properties"]["tasks"]["items"] = _all_said(task)
    return _all_said(whole)


def parse(body: Body) -> PlannerAnswer | tuple[PlanFault, ...]:
    """Returns the answer, or everything in it that has not the wanted form."""
    if not isinstance(body, Report):
        return (_malformed("it is no JSON answer"),)
    try:
        said = body.data if body.data is not None else report_rows.strict_json(body.text)
    except ValueError as error:
        return (_malformed(f"it is not JSON: {error}"),)
    if len(json.dumps(said, ensure_ascii=False)) > ANSWER_CHARS_MAX:
        return (_malformed(f"it is longer than {ANSWER_CHARS_MAX:,} characters"),)
    try:
        return PlannerAnswer.model_validate(said)
    except ValidationError as error:
        told = (f"{_where(one['loc'])}: {one['msg']}" for one in error.errors())
        return tuple(_malformed(one_line(one)) for one in told)[:FAULTS_MAX]


def tasks_of(
    answer: PlannerAnswer, brief: Brief, policy: Policy
) -> tuple[tuple[Task, ...], tuple[PlanFault, ...]]:
    """Returns the tasks of an answer, and what no plan_faults of them could tell."""
    tasks: list[Task] = []
    faults: list[PlanFault] = []
    for number, said in enumerate(answer.tasks, 1):
        task, wrong = _read(said)
        name = TaskId(said.id or f"#{number}")
        faults += (PlanFault("malformed", name, *one) for one in wrong)
        if task is not None:
            faults += _beyond(task, said, brief, policy)
            tasks.append(_with_workers(plan_tasks.task_of(task, brief, policy), said.workers))
    return tuple(tasks), tuple(faults)


def _with_workers(task: Task, workers: int) -> Task:
    assert task.part is not None
    part = task.part.model_copy(update={"at_once": workers or None})
    return task.model_copy(update={"part": part})


def _read(said: PlannedTask) -> tuple[BriefTask | None, list[tuple[str, str]]]:
    """Returns a task by the grammar of briefs, and what does not keep to it, each with a hint."""
    output = escaped(said.output)
    if said.output_schema:
        output += "\n\n" + fenced(said.output_schema, SCHEMA_INFO)
    written = {
        "id": said.id,
        "task": escaped(said.objective),
        "inputs": list(said.inputs),
        "scope": render_scope(said.scope, said.out_of_scope, ""),
        "output": output,
        "guidance": escaped(said.guidance),
        "tools": list(said.tools),
        "do_not": list(said.do_not),
        "acceptance": list(said.acceptance),
        "after": list(said.after),
        "worker": said.worker,
        "task_type": said.capability,
    }
    text = yaml.safe_dump([{key: value for key, value in written.items() if value}], width=10_000)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None, "a list was written"
    found, faults = brief_tasks.read(node)
    told = [(one_line(fault.message), one_line(fault.hint)) for fault in faults]
    return (found[0] if found else None), told


def _beyond(
    task: BriefTask, said: PlannedTask, brief: Brief, policy: Policy
) -> Iterator[PlanFault]:
    """What a task asks for that its brief, or the house, does not grant."""
    if task.id in RESERVED:
        message = f"no task can be called {task.id!r}"
        yield PlanFault("reserved-id", task.id, message, "give it another id")
    known = {(item.kind, item.value) for item in brief.inputs}
    for item in task.inputs:
        if item.kind in ("url", "from") and (item.kind, item.value) not in known:
            message = f"{task.id!r} takes {item.value}, which INPUTS of the brief does not name"
            yield PlanFault("outside", task.id, message, "take what the brief names")
    for criterion in task.acceptance:
        if criterion.kind == "check" and policy.check(criterion.value.strip()) is None:
            message = f"{task.id!r} names the check {criterion.value.strip()!r}, and there is none"
            names = ", ".join(check.name for check in policy.checks) or "none"
            yield PlanFault("unknown-check", task.id, message, f"the checks are {names}")
    for tool in task.tools:
        granted = tool in brief.tools or (tool == "check_url" and brief.external)
        if tool in DAEMON and not granted:
            message = f"{task.id!r} wants the tool {tool!r}, which the brief does not grant"
            yield PlanFault("ungranted-tool", task.id, message, "go without it")
    named = task.worker or task.task_type
    if brief.worker and named is not None and named not in brief.worker:
        message = f"{task.id!r} is for {named!r}, and the brief names whose it is"
        yield PlanFault("other-worker", task.id, message, f"name {_either(brief.worker)}")
    most = min(policy.doctrine.workers_max, brief.workers or policy.doctrine.workers_max)
    if said.workers > most:
        message = f"{task.id!r} wants {said.workers} attempts at once; {most} is the most"
        yield PlanFault("too-many-workers", task.id, message, "say fewer `workers`")


def _either(names: Sequence[ProfileName]) -> str:
    return " or ".join(names)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value).replace("\r", "").strip()
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _all_said(shape: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema in which every property is required: model servers take no other."""
    properties = {
        name: {key: said for key, said in one.items() if key not in ("title", "default")}
        for name, one in shape["properties"].items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _where(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) or "the answer"


def _malformed(why: str) -> PlanFault:
    hint = "answer with the JSON of the schema alone"
    return PlanFault("malformed", None, f"the answer does not have the wanted form: {why}", hint)
