"""The dependency graph of one brief; most briefs are one task with one attempt at a time."""

from pydantic import BaseModel, ConfigDict

from .names import ProfileName, TaskId


class Task(BaseModel):
    """One piece of work for one profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: TaskId
    objective: str
    profile: ProfileName
    after: tuple[TaskId, ...] = ()


class Plan(BaseModel):
    """What is stored as plan.json beside the brief before anything is dispatched.

    `round` counts retries asked for by people: attempts of an earlier round do not count.
    `approved` is the digest of a held changeset that a human let pass, `answers` what humans said,
    and `questions` what they were asked, both by the id of the question.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = 1
    shape: str = "single"
    rule: str = "plan.single"
    round: int = 1
    tasks: tuple[Task, ...]
    name: str = ""  # of the brief, as its author wrote it
    accepted_at: int = 0  # unix seconds, shown as age; decides nothing
    requested_by: str = ""
    approved: str | None = None
    approved_by: str | None = None
    questions: dict[str, str] = {}
    answers: dict[str, str] = {}
    answered_by: dict[str, str] = {}
    requests: tuple[str, ...] = ()  # tokens of requests already carried out
