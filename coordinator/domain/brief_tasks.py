"""`tasks:` in the front matter of a brief: each task with sections of its own, read as those of the brief are.

A section is a text, or a list of items; an item that YAML takes for a mapping (`- check: style`) is the text
that it looks like.
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from coordinator.domain import brief_yaml
from coordinator.domain.brief import BriefTask, Fault, Input, Kind, OutputFormat
from coordinator.domain.brief_criteria import read_criteria, read_prohibitions, render_items
from coordinator.domain.brief_items import Inputs, Scope, render_inputs, render_scope
from coordinator.domain.brief_layout import Line, Part, Section, layout, prose
from coordinator.domain.brief_marks import escaped
from coordinator.domain.brief_output import (
    json_object,
    read_output_format,
    render_output_format,
    schema_fault,
)
from coordinator.domain.brief_paths import without_bullet
from coordinator.domain.names import TaskId

KEYS = (
    "id",
    "task",
    "inputs",
    "scope",
    "output",
    "guidance",
    "tools",
    "do_not",
    "acceptance",
    "after",
    "worker",
    "task_type",
    "optional",
)
TASKS_MAX = 200
_NAMES = {
    "task": "TASK",
    "guidance": "TASK",
    "inputs": "INPUTS",
    "scope": "SCOPE",
    "output": "OUTPUT FORMAT",
    "do_not": "DO NOT",
    "acceptance": "ACCEPTANCE",
}
_SECTION = "front matter"
_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}"
_OF_TASK = re.compile(r"(?:from\s*:\s*)?task\s*:", re.IGNORECASE)
_INPUT = re.compile(
    rf"(?:from\s*:\s*)?task\s*:\s*`?(?P<id>{_ID})`?(?:\s+as\s+(?P<wants>\S.*))?\Z", re.IGNORECASE
)


def read(node: yaml.Node) -> tuple[tuple[BriefTask, ...], list[Fault]]:
    """Returns the tasks that `tasks:` lists, and every fault with its line."""
    line = brief_yaml.line_of(node)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        return (), [_fault("bad-value", line, "`tasks` is not a list", "write `- id: outline`")]
    if len(node.value) > TASKS_MAX:
        message = f"`tasks` has {len(node.value)} of them; {TASKS_MAX} is the most"
        return (), [_fault("too-large", line, message, "split the brief")]
    found: list[BriefTask] = []
    faults: list[Fault] = []
    for item in node.value:
        reader = _Reader(item)
        task = reader.read()
        faults += reader.faults
        if task is not None:
            found.append(task)
    return tuple(found), faults


def lines(node: yaml.Node) -> Mapping[str, int]:
    """Returns the line of each task by its id; of two with one id, that of the first."""
    found: dict[str, int] = {}
    for item in node.value if isinstance(node, yaml.SequenceNode) else ():
        for key, value in brief_yaml.entries(item) or ():
            if key == "id" and (name := brief_yaml.word(value)):
                found.setdefault(name, brief_yaml.line_of(item))
    return found


def render(tasks: tuple[BriefTask, ...]) -> list[dict[str, Any]]:
    """Returns the tasks as YAML has them, in one fixed form."""
    return [{key: value for key, value in _said(task).items() if value} for task in tasks]


def _said(task: BriefTask) -> dict[str, Any]:
    wanted = task.output_format
    given = [item for item in task.inputs if item.kind != "task"]
    earlier = [_of_task(item) for item in task.inputs if item.kind == "task"]
    return {
        "id": str(task.id),
        "task": escaped(task.task),
        "inputs": escaped("\n".join([*filter(None, [render_inputs(tuple(given))]), *earlier])),
        "scope": escaped(render_scope(task.scope_in, task.scope_out, task.scope_prose)),
        "output": escaped("\n\n".join(filter(None, (wanted.text, render_output_format(wanted))))),
        "guidance": escaped(task.guidance),
        "tools": list(task.tools),
        "do_not": escaped(render_items(task.do_not)),
        "acceptance": escaped(render_items(task.acceptance)),
        "after": [str(name) for name in task.after],
        "worker": task.worker,
        "task_type": task.task_type,
        "optional": task.optional,
    }


def _of_task(item: Input) -> str:
    return f"- from: task:{item.value}" + (f" as {item.wants}" if item.wants else "")


class _Reader:
    """Reads one task."""

    def __init__(self, node: yaml.Node) -> None:
        self.node = node
        self.line = brief_yaml.line_of(node)
        self.faults: list[Fault] = []
        self.said: dict[str, yaml.Node] = {}

    def read(self) -> BriefTask | None:
        """Returns the task; None without an id."""
        entries = brief_yaml.entries(self.node)
        if entries is None:
            self._bad("a task is not a mapping", "write `- id: outline`, and its sections below")
            return None
        for key, value in entries:
            self._take(key, value)
        name = self._value("id", _id, "a word of letters, digits, '-' and '_'")
        if "id" not in self.said:
            self._bad("a task has no `id`", "give it one, as in `- id: outline`")
        if name is None:
            return None
        inputs, scope = self._inputs(), Scope()
        for section in self._sections("scope"):
            scope.read(section)
        wanted, faults = self._output()
        do_not, more = read_prohibitions(self._sections("do_not"))
        acceptance, most = read_criteria(self._sections("acceptance"))
        self._add(*scope.faults, *faults, *more, *most)
        after = self._value("after", brief_yaml.words, "the id of a task, or a list of ids") or ()
        return BriefTask(
            id=TaskId(name),
            task=self._prose("task"),
            inputs=inputs,
            scope_in=tuple(scope.inside),
            scope_out=tuple(scope.outside),
            scope_prose="\n".join(dict.fromkeys(p.strip() for p in scope.prose if p.strip())),
            output_format=wanted,
            guidance=self._prose("guidance"),
            do_not=do_not,
            acceptance=acceptance,
            tools=self._value("tools", brief_yaml.words, "a list of tools") or (),
            after=tuple(TaskId(one) for one in after),
            worker=self._value("worker", brief_yaml.word, "the name of one worker"),
            task_type=self._value("task_type", brief_yaml.word, "a word"),
            optional=self._value("optional", brief_yaml.yes, "true or false") or False,
        )

    def _take(self, key: str, value: yaml.Node) -> None:
        line = brief_yaml.line_of(value)
        shown = "`" + brief_yaml.UNPRINTABLE.sub("?", key)[:40] + "`"
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.6)
            hint = f"did you mean `{near[0]}`?" if near else f"a task has {', '.join(KEYS)}"
            self._add(_fault("unknown-key", line, f"a task has no {shown}", hint))
        elif key in self.said:
            message, hint = f"{shown} is said twice of one task", "keep one of the two"
            self._add(_fault("duplicate-key", line, message, hint))
        elif not brief_yaml.is_empty(value):
            self.said[key] = value

    def _value(self, key: str, read: Callable[[yaml.Node], Any], wanted: str) -> Any:
        node = self.said.get(key)
        if node is None:
            return None
        value = read(node)
        if value is None:
            message = f"`{key}` of a task is not {wanted}"
            self._add(_fault("bad-value", brief_yaml.line_of(node), message, f"write {wanted}"))
        return value

    def _prose(self, key: str) -> str:
        return "\n\n".join(t for t in (prose(s.parts) for s in self._sections(key)) if t)

    def _output(self) -> tuple[OutputFormat, list[Fault]]:
        sections = self._sections("output")
        return read_output_format(sections)

    def _inputs(self) -> tuple[Input, ...]:
        """Returns what the repository gives, then what earlier tasks do."""
        given = Inputs()
        earlier: dict[Input, None] = {}
        for section in self._sections("inputs"):
            kept: list[Part] = []
            for part in section.parts:
                line = without_bullet(part.text) if isinstance(part, Line) else ""
                if not _OF_TASK.match(line):
                    kept.append(part)
                elif found := self._earlier(part.number, line):
                    earlier[found] = None
            section.parts = kept
            given.read(section)
        self._add(*given.faults)
        return (*given.items, *earlier)

    def _earlier(self, number: int, line: str) -> Input | None:
        found = _INPUT.match(line)
        hint = "write `from: task:ID`, or `from: task:ID as KIND`, with a kind or a JSON Schema"
        if found is None:
            self._add(_fault("bad-value", number, "this names no task", hint))
            return None
        wants = _wants((found["wants"] or "").strip())
        if wants is None:
            self._add(_fault("bad-value", number, "this is neither a kind nor a schema", hint))
            return None
        return Input(kind="task", value=found["id"], wants=wants)

    def _sections(self, key: str) -> list[Section]:
        """Returns a section for the text, or for each item of the list, that a key has."""
        node = self.said.get(key)
        if node is None:
            return []
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found = (self._section(key, item) for item in items)
        return [section for section in found if section is not None]

    def _section(self, key: str, node: yaml.Node) -> Section | None:
        text = brief_yaml.as_text(node)
        line = brief_yaml.line_of(node)
        if text is None:
            message = f"`{key}` of a task is not a text, or a list of texts"
            hint = "write it as the sections of a brief are written"
            self._add(_fault("bad-value", line, message, hint))
            return None
        found = layout(f"## {_NAMES[key]}\n{text}")
        # The lines of a block stand below the '|' that begins it.
        first = line - 1 if getattr(node, "style", None) in ("|", ">") else None
        self._add(*(replace(f, line=_at(f.line, first, line)) for f in found.faults))
        if len(found.sections) != 1 and not found.faults:
            message = f"`{key}` of a task holds another section"
            hint = "write it into its own setting, or put a backslash before the line"
            self._add(_fault("bad-value", line, message, hint))
        section = found.sections[0]
        section.parts = [replace(p, number=_at(p.number, first, line)) for p in section.parts]
        section.line = line
        return section

    def _bad(self, message: str, hint: str) -> None:
        self._add(_fault("bad-value", self.line, message, hint))

    def _add(self, *faults: Fault) -> None:
        self.faults += [replace(fault, section=_SECTION) for fault in faults]


def _at(number: int, first: int | None, line: int) -> int:
    return line if first is None else first + number


def _id(node: yaml.Node) -> str | None:
    value = brief_yaml.word(node)
    return value if value and re.fullmatch(_ID, value) else None


def _wants(said: str) -> str | None:
    """Returns the kind or the schema that an input asks for, in one form; None for anything else."""
    if not said.startswith("{"):
        kind = said.strip("`").lower()
        return kind if kind in ("", *Kind) else None
    schema = json_object(said)
    return None if schema is None or schema_fault(schema) else json.dumps(schema)


def _fault(code: str, line: int, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section=_SECTION, message=message, hint=hint)
