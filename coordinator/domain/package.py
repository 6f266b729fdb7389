"""Everything one worker may know: self-contained, pinned to one base commit, the same bytes on every machine."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .names import BriefId, Oid, TaskId

NOTHING_FOUND = "nothing to report"
"""The label of an earlier task's output that says so: its content is then no row, but why."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WantedOutput(_Frozen):
    """What is wanted back."""

    kind: Literal["list", "json", "table", "report", "changes"]
    text: str = ""
    path: str | None = None
    json_schema: dict[str, Any] | None = None


class Constraints(_Frozen):
    """What the worker must keep within."""

    deadline_seconds: float
    max_tokens: int
    output_format: WantedOutput
    max_retries: int


class PackageInput(_Frozen):
    """One input: `content` is given for data and fetched text; paths are read through the tools."""

    kind: Literal["path", "glob", "url", "data", "from", "task"]
    value: str
    label: str = ""
    content: str | None = None
    paths: tuple[str, ...] = ()  # what a path or glob named at the base commit


class Scope(_Frozen):
    """What may be changed (globs and folders), and what may not."""

    inside: tuple[str, ...]
    outside: tuple[str, ...]
    prose: str = ""


class QuestionAnswered(_Frozen):
    """What an earlier attempt at this task asked, word for word, and what a person answered."""

    question: str
    answer: str


class ContextPackage(_Frozen):
    """The whole of what one attempt is told."""

    format: int = 1
    brief_id: BriefId
    task_id: TaskId
    attempt: int
    task_type: str
    description: str
    guidance: str = ""  # which tools, and how to go about it: where a brief is more than one task
    tools_available: tuple[str, ...]
    constraints: Constraints
    input_data: tuple[PackageInput, ...]
    acceptance_criteria: tuple[str, ...]
    base: Oid
    start: Oid | None = (
        None  # the tree to begin with, where earlier tasks have changed that of the base
    )
    scope: Scope
    do_not: tuple[str, ...]
    memory: tuple[str, ...] = ()
    feedback: tuple[str, ...] = ()  # why earlier attempts would not do, the newest first
    answers: tuple[QuestionAnswered, ...] = ()  # in the order they were given: the last one counts
