"""The dependency graph of one brief; most briefs are one task with one attempt at a time."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .brief import Criterion, Input, OutputFormat, Prohibition
from .names import ProfileName, TaskId

Shape = Literal["single", "chain", "fan-out", "graph"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Frozen):
    """What one of several tasks says for itself, in the words of a brief (see `tasks.brief_of`).

    Every part has an objective (of its task), an output format, tool guidance and boundaries.
    """

    output_format: OutputFormat
    guidance: str  # which tools, and how to go about it
    inputs: tuple[Input, ...] = ()
    scope_in: tuple[str, ...] = ()
    scope_out: tuple[str, ...] = ()
    scope_prose: str = ""
    do_not: tuple[Prohibition, ...] = ()
    acceptance: tuple[Criterion, ...] = ()
    tools: tuple[str, ...] = ()
    task_type: str | None = None
    optional: bool = False  # the brief can do without what comes of it
    workers: tuple[ProfileName, ...] = ()  # who may do it, in order; (): whoever has the capability
    apart: tuple[TaskId, ...] = ()  # nobody works on it who works on one of these
    at_once: int | None = None  # the most attempts at once, where that is not the brief's to say


class Task(_Frozen):
    """One piece of work for one profile; without a part, the brief's own sections are the task's.

    What a planner has to do is a task too, the only one of its plan: what comes of it is another plan.
    """

    id: TaskId
    objective: str
    profile: ProfileName
    after: tuple[TaskId, ...] = ()
    part: Part | None = None
    role: Literal["author", "planner"] = "author"


class Edge(_Frozen):
    """What goes from one task to the next: `output_schema` is what the earlier one promises."""

    earlier: TaskId
    later: TaskId
    output_schema: dict[str, Any]


class Plan(_Frozen):
    """What is stored as plan.json beside the brief before anything is dispatched.

    `round` counts retries asked for by people: attempts of an earlier round do not count.
    `approved` is the digest of a held changeset that a human let pass, `answers` what humans said,
    and `questions` what they were asked, both by the id of the question.
    `doctrine` is the digest of the rules by which it was made, `notes` the numbers they were applied to,
    and `revision` counts the plans of one round: each is stored before its first task is dispatched. It is 0
    while a planner is asked for the first one; `planned_by` is the attempt that wrote what a planner wrote.
    """

    format: int = 1
    shape: Shape = "single"
    rule: str = "plan.single"
    round: int = 1
    revision: int = 1
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...] = ()
    doctrine: str = ""
    notes: tuple[str, ...] = ()
    revised_because: str = ""
    planned_by: str = ""  # worker/number
    review: Literal["", "self"] = ""  # self: whoever reviewed is who wrote, and the landing says so
    name: str = ""  # of the brief, as its author wrote it
    accepted_at: int = 0  # unix seconds, shown as age; decides nothing
    requested_by: str = ""
    approved: str | None = None
    approved_by: str | None = None
    questions: dict[str, str] = {}
    answers: dict[str, str] = {}
    answered_by: dict[str, str] = {}
    requests: tuple[str, ...] = ()  # tokens of requests already carried out

    @property
    def several(self) -> bool:
        """Tells whether a failed task leaves others that may go on."""
        return len(self.tasks) > 1

    def task(self, wanted: TaskId) -> Task | None:
        """Returns the task of that id, None where an earlier revision had it."""
        return next((task for task in self.tasks if task.id == wanted), None)
