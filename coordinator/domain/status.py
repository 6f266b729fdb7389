"""What people and programs are told: the values behind `status`, `show`, `log` and `audit`, with JSON's own names."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from coordinator.domain.brief import Question
from coordinator.domain.names import BriefId, Oid, Place
from coordinator.domain.reply import Reply

if TYPE_CHECKING:
    from coordinator.domain.effort import Effort
    from coordinator.domain.task_progress import Graph


class State(StrEnum):
    """The public state of a brief."""

    SUBMITTED = "submitted"
    WORKING = "working"
    INPUT_REQUIRED = "input_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"

    @property
    def terminal(self) -> bool:
        """Tells whether nothing more happens to the brief unless somebody asks."""
        return self not in (State.SUBMITTED, State.WORKING, State.INPUT_REQUIRED)


class Phase(StrEnum):
    """The verb that a brief is in, or was in last."""

    INTAKE = "intake"
    WAITING = "waiting"
    PLAN = "plan"
    DISPATCH = "dispatch"
    REVIEW = "review"
    SYNTHESIZE = "synthesize"
    LAND = "land"
    DELIVER = "deliver"


Held = Literal["unverified", "protected", "review", "conflict", "question", "rewritten"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """How many tasks of a brief are done."""

    done: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefStatus:
    """One brief, in the words of the contract. `commit` is the landing; an unknown cost is None.

    `asked` counts what workers asked after it had been accepted; `effort` is None where nothing of its
    attempts is known here. `waits_s` is how long it has waited for a human (None: it does not), and
    `overdue` that this is longer than the house finds right. `tasks` is None where there is one task.
    """

    id: BriefId
    name: str
    state: State
    phase: Phase
    held: Held | None
    priority: int
    age_s: float
    commit: Oid | None
    landed: bool
    deployed: bool
    reasons: tuple[str, ...]
    questions: tuple[Question, ...]
    attempts: int
    cost_usd: float | None
    asked: int = 0
    effort: "Effort | None" = None
    waits_s: float | None = None
    overdue: bool = False
    tasks: Tasks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimStatus:
    """One claimed path; `brief` is None for a person's claim, who said a `reason`.

    `counter` is 0 when nobody renews it.
    """

    path: str
    ref: str
    oid: Oid
    brief: BriefId | None
    holder: str
    counter: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentStatus:
    """One environment: what it runs, what it shall run, and whether the last look was good."""

    name: str
    live: Oid | None
    wanted: Oid | None
    brief: BriefId | None
    healthy: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who runs the daemon of this repository, and what stands in its way."""

    pid: int
    host: str
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One look at everything.

    `left_off` counts terminal briefs older than those listed; `config_faults` say why the config at the
    tip is not in force.
    """

    tip: Oid | None
    daemon: Holder | None
    paused: str | None
    briefs: tuple[BriefStatus, ...]
    claims: tuple[ClaimStatus, ...]
    environments: tuple[EnvironmentStatus, ...]
    left_off: int = 0
    config_faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStatus:
    """One attempt; `ref` and `oid` name the commit that keeps it."""

    n: int
    worker: str
    verdict: str  # accept | revise | reject | none | lost
    reasons: tuple[str, ...]
    package_oid: Oid | None
    output_oid: Oid | None
    confinement: str
    cost_usd: float | None
    ref: str
    oid: Oid | None  # None: nothing of it is kept but this
    task: str = ""
    role: str = "author"
    about: int | None = None  # the attempt that an evaluator judged
    model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One step of an audit: what it is, its object, who stands for it and why it is so."""

    kind: str
    oid: str
    who: str
    why: str
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckItem:
    """One line of a brief's checklist as executed; `done` is None where it does not apply (yet)."""

    item: str
    done: bool | None
    evidence: str
    oids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of the work on one open brief."""

    planned: bool = False
    blocked: bool = False  # by `after`, a hold, a pause or somebody else's claim
    claimed: bool = False
    running: int = 0
    unjudged: int = 0
    accepted: int = 0
    attempts: int = 0
    tasks: int = 1
    done: int = 0  # tasks
    publishing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A brief as its folder at the tip says, as far as a listing needs it: cached by the folder's oid."""

    id: BriefId
    place: Place
    name: str
    priority: int
    after: tuple[str, ...]
    deploy: str | None
    accepted_at: int
    round: int
    planned: bool
    graph: "Graph" = ()
    reply: Reply | None = None

    @property
    def tasks(self) -> int:
        """Returns how many tasks it is planned as."""
        return max(1, len(self.graph))


def state_of(place: Place, reply: Reply | None) -> State:
    """Returns the public state: the folder decides, the reply tells terminal states apart."""
    if place is Place.WAITING:
        return State.INPUT_REQUIRED
    if not place.terminal:
        return State.WORKING
    said = State(reply.state) if reply else None
    if said is not None and said.terminal:
        return said
    return State.COMPLETED if place is Place.DONE else State.REJECTED


def phase_of(state: State, place: Place, progress: Progress, *, deploys: bool) -> Phase:
    """Returns the verb a brief is in; for a terminal one, the verb that ended it."""
    match state:
        case State.SUBMITTED | State.REJECTED:
            return Phase.INTAKE
        case State.INPUT_REQUIRED | State.CANCELED:
            return Phase.WAITING
        case State.FAILED:
            return Phase.REVIEW
        case State.COMPLETED:
            return Phase.DELIVER if deploys else Phase.LAND
        case State.WORKING:
            return Phase.DELIVER if place is Place.LANDED else _working(progress)


def _working(progress: Progress) -> Phase:
    """Reads from the end backwards, as the daemon does."""
    if progress.publishing:
        return Phase.LAND
    if not progress.planned:
        return Phase.PLAN
    if progress.unjudged:
        return Phase.REVIEW
    if progress.running:
        return Phase.DISPATCH
    if (progress.done if progress.tasks > 1 else progress.accepted) >= progress.tasks:
        return Phase.LAND if progress.claimed else Phase.SYNTHESIZE
    if progress.blocked:
        return Phase.WAITING
    return Phase.DISPATCH
