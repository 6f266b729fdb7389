"""What was asked: the value that a brief file says. Its text form is `brief_text`'s."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .names import BriefId, Digest, Environment, ProfileName, RepoPath, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a brief; `line` is 1-based, 0 when it has no line."""

    code: str
    line: int
    section: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to clarify; `id` is what `coordinator answer` names."""

    id: str
    text: str
    choices: tuple[str, ...] = ()


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Value):
    """One item of INPUTS. `value` is a path, a glob, a URL, fenced data, a brief's name or id, or a task's id."""

    kind: Literal["path", "glob", "url", "data", "from", "task"]
    value: str
    label: str = ""  # info string of fenced data
    wants: str = ""  # of a task's output: the kind that it must have, or a JSON Schema as text


class Kind(StrEnum):
    """What OUTPUT FORMAT asks for."""

    LIST = "list"
    JSON = "json"
    TABLE = "table"
    REPORT = "report"
    CHANGES = "changes"


class OutputFormat(_Value):
    """What comes back, and where a report is written (None: `briefs/done/<id>/result.<ext>`)."""

    text: str
    kind: Kind | None
    path: RepoPath | None = None
    json_schema: dict[str, Any] | None = None


class Criterion(_Value):
    """One item of ACCEPTANCE; `value` is what follows the colon, `text` the whole item."""

    kind: Literal["check", "schema", "matches", "only", "exists", "prose"]
    value: str
    text: str


class Prohibition(_Value):
    """One item of DO NOT; all but prose are checked on the resulting tree."""

    kind: Literal["path", "new_files", "max_lines", "matches", "prose"]
    value: str
    text: str


class BriefTask(_Value):
    """One of the tasks that a brief names: its own sections, and which others come before it."""

    id: TaskId
    task: str = ""
    inputs: tuple[Input, ...] = ()
    scope_in: tuple[str, ...] = ()
    scope_out: tuple[str, ...] = ()
    scope_prose: str = ""
    output_format: OutputFormat = OutputFormat(text="", kind=None)
    guidance: str = ""  # which tools, and how to go about it
    do_not: tuple[Prohibition, ...] = ()
    acceptance: tuple[Criterion, ...] = ()
    tools: tuple[str, ...] = ()
    after: tuple[TaskId, ...] = ()
    worker: ProfileName | None = None
    task_type: str | None = None
    optional: bool = False  # the brief can do without what comes of it


class Brief(_Value):
    """A brief as parsed. An incomplete one (empty sections) is a value too: intake asks."""

    name: str
    task: str = ""
    inputs: tuple[Input, ...] = ()
    scope_in: tuple[str, ...] = ()  # paths and globs
    scope_out: tuple[str, ...] = ()
    scope_prose: str = ""
    output_format: OutputFormat = OutputFormat(text="", kind=None)
    do_not: tuple[Prohibition, ...] = ()
    acceptance: tuple[Criterion, ...] = ()
    worker: tuple[ProfileName, ...] = ()
    task_type: str | None = None
    tools: tuple[str, ...] = ()
    priority: int = 0
    after: tuple[str, ...] = ()  # names or ids of briefs
    deadline_s: float | None = None
    max_tokens: int | None = None
    budget_usd: float | None = None
    retries: int | None = None
    deploy: Environment | None = None
    again: int | None = None
    external: bool = False  # links that lead out of the repository are looked at too
    tasks: tuple[BriefTask, ...] = ()
    plan: Literal["rules", "model"] | None = None  # who makes its tasks, where it names none
    recipe: str | None = None  # the name of a way to make tasks of it
    recipe_with: dict[str, tuple[str, ...]] = {}  # the recipe's parameters
    workers: int | None = None  # the most attempts at one task at a time
    on_partial: Literal["hold", "land", "fail"] = "hold"  # where some of its tasks came to nothing
    review: Literal["required"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a brief is expected to use."""

    seconds: float
    tokens: int
    cost_usd: float | None  # None is unknown, never zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a brief is known by: the id (rule I1) and the digest of its canonical text."""

    id: BriefId
    digest: Digest
