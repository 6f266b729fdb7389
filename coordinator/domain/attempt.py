"""One try at one task: what was sent, and what is known of it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass as validated

from .names import BriefId, Epoch, Oid, ProfileName, TaskId
from .output import Output, Usage
from .verdict import Verdict

Role = Literal["author", "planner", "evaluator", "synthesizer"]


@validated(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class AttemptId:
    """Names one attempt: numbers are unique within a brief and an epoch.

    It is a key of many tables, so it compares and hashes as fast as a tuple, which a BaseModel does not.
    """

    brief: BriefId
    epoch: Epoch
    number: int

    @property
    def ref(self) -> str:
        """Returns the ref that keeps this attempt, here and on the remote."""
        return f"refs/orchestrator/attempts/{self.brief}/{self.epoch}-{self.number}"


class Spec(BaseModel):
    """What goes to a pool; the id is the idempotency key."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = 1
    id: AttemptId
    round: int
    task: TaskId
    role: Role = "author"
    about: int | None = None  # the attempt of this brief that an evaluator judges
    beside: int | None = None  # the attempt that it runs beside (see `speculating`)
    start: Oid | None = None  # the tree that it begins with, where that is not the base's
    profile: ProfileName
    model: str = ""  # that its profile named when it was dispatched; '' = it asks none
    base: Oid
    package: Oid  # blob
    wall_clock_s_max: float
    cost_usd_max: float = 0.0
    tokens_max: int = 200_000


@dataclass(frozen=True, slots=True)
class Running:
    """Started, as far as the journal knows; `alive` is None until the pool has been asked."""

    spec: Spec
    silent_s: float


@dataclass(frozen=True, slots=True)
class Returned:
    """Its output is kept; judged when `verdict` is there.

    `commit` is the attempt's own commit: parent = base, tree = package.json, output.json and,
    for changes, `tree/` (the whole resulting tree). `result` is that resulting tree.
    """

    spec: Spec
    commit: Oid
    output: Output
    result: Oid | None
    verdict: Verdict | None


RESTARTED = "the daemon was restarted"
"""The reason of a Lost that is nobody's fault: it does not count as a try."""

OVERTAKEN = "another coordinator went on without it"
"""The reason of a Lost whose output came to light when nobody built on it any more: nobody's fault either."""

NOBODYS_FAULT = (RESTARTED, OVERTAKEN)

SUPERSEDED = "another attempt at it was accepted first"
"""Why an attempt is stopped that ran beside the one that won."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Ended without an output: killed, timed out, crashed. `usage` is None where nobody knows it."""

    spec: Spec
    reason: str
    usage: Usage | None = None


Attempt = Running | Returned | Lost
