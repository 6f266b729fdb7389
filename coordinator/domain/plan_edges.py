"""What goes from one task of a plan to the next, whether it fits there, and which shape all of it has."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from coordinator.domain.brief import Brief, Input, Kind, OutputFormat
from coordinator.domain.names import TaskId
from coordinator.domain.plan import Edge, Plan, Shape, Task

_CHANGES: Mapping[str, Any] = {
    "type": "object",
    "required": ["summary", "paths"],
    "properties": {
        "summary": {"type": "string"},
        "paths": {"type": "array", "items": {"type": "string"}},
    },
}
_TEXTS = (Kind.LIST, Kind.TABLE, Kind.REPORT)


def drawn(plan: Plan, brief: Brief) -> Plan:
    """Returns the plan with the edges and the shape that its tasks have."""
    known = {task.id: task for task in plan.tasks}
    edges = tuple(
        Edge(earlier=name, later=task.id, output_schema=promised(wanted(known[name], brief)))
        for task in plan.tasks
        for name in task.after
        if name in known
    )
    return plan.model_copy(update={"edges": edges, "shape": shape(plan.tasks)})


def wanted(task: Task, brief: Brief) -> OutputFormat:
    """Returns what a task returns."""
    return task.part.output_format if task.part else brief.output_format


def promised(output: OutputFormat) -> dict[str, Any]:
    """Returns the JSON Schema of what a task with this OUTPUT FORMAT gives to the tasks after it."""
    match output.kind:
        case Kind.JSON:
            return dict(output.json_schema or {})
        case Kind.CHANGES:
            return dict(_CHANGES)
        case kind:
            return {"title": (kind or Kind.REPORT).value, "type": "string"}


def misfit(item: Input, output: OutputFormat) -> str | None:
    """Returns why an input cannot be what an earlier task returns, or None."""
    kind = output.kind or Kind.REPORT
    if not item.wants:
        return None
    if item.wants.startswith("{"):
        why = _unlike(promised(output), json.loads(item.wants))
        return f"{why} is not what its schema asks for" if why else None
    any_text = item.wants == Kind.REPORT and kind in _TEXTS
    return None if kind.value == item.wants or any_text else f"it returns {kind.value}"


def shape(tasks: Sequence[Task]) -> Shape:
    """Returns what the graph looks like; tasks that are all free to start at the whole brief are `single`."""
    if len(tasks) == 1 or all(task.part is None and not task.after for task in tasks):
        return "single"
    levels: dict[int, int] = {}
    for level in _levels(tasks).values():
        levels[level] = levels.get(level, 0) + 1
    wide = [level for level, count in levels.items() if count > 1]
    if not wide:
        return "chain"
    # One task may come before those side by side, and one behind them.
    return "fan-out" if len(wide) == 1 and len(levels) <= 3 else "graph"


def before(tasks: Sequence[Task]) -> dict[TaskId, frozenset[TaskId]]:
    """Returns for each task all that come before it, however far; a cycle leads to itself."""
    direct = {task.id: frozenset(task.after) for task in tasks}
    found: dict[TaskId, frozenset[TaskId]] = {}
    for name, first in direct.items():
        reached: set[TaskId] = set()
        left = list(first)
        while left:
            one = left.pop()
            if one not in reached:
                reached.add(one)
                left += direct.get(one, ())
        found[name] = frozenset(reached)
    return found


def _levels(tasks: Sequence[Task]) -> dict[TaskId, int]:
    """Returns how many tasks stand before each one on its longest way; those of a cycle are left out."""
    found: dict[TaskId, int] = {}
    known = {task.id for task in tasks}
    for _ in tasks:
        for task in tasks:
            earlier = known.intersection(task.after)
            if earlier <= found.keys():
                found[task.id] = 1 + max((found[one] for one in earlier), default=-1)
    return found


def _unlike(promise: Any, wish: Any, where: str = "what comes") -> str | None:
    """Returns where a value of the schema `promise` need not be one of `wish`; None where it always is.

    A keyword that is not compared here has to be the same in both. A property that is neither promised
    nor required is let through.
    """
    if promise == wish or wish in ({}, True):
        return None
    if not (isinstance(promise, dict) and isinstance(wish, dict)):
        return where
    for key, said in wish.items():
        if key in ("title", "description", "$schema", "examples", "default", "$comment"):
            continue
        if not _keeps(key, promise, said):
            return where
    for key, below in wish.get("properties", {}).items():
        if key in promise.get("properties", {}) and (
            why := _unlike(promise["properties"][key], below, f"{where}.{key}")
        ):
            return why
        if key not in promise.get("properties", {}) and key in wish.get("required", ()):
            return f"{where}.{key}"
    if "items" in wish:
        return _unlike(promise.get("items", {}), wish["items"], f"{where}[]")
    return None


def _keeps(key: str, promise: Mapping[str, Any], said: Any) -> bool:
    match key:
        case "properties" | "items":
            return True
        case "type":
            return "type" in promise and _types(promise["type"]) <= _types(said)
        case "required":
            return set(said) <= set(promise.get("required", ()))
        case "enum":
            options = promise.get("enum", [promise["const"]] if "const" in promise else None)
            return options is not None and all(option in said for option in options)
        case _:
            return key in promise and bool(promise[key] == said)


def _types(said: Any) -> set[str]:
    types = {said} if isinstance(said, str) else set(said)
    return types | ({"integer"} if "number" in types else set())
