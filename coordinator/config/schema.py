"""What config.toml may say: one model for each table, and every fault of a text at once."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from coordinator.config.brain import Brain
from coordinator.config.failing import Breaker, Limit, Retry, Speculation
from coordinator.config.reading import MEND, faults, toml
from coordinator.config.table import CONFIG_FILE, STRICT
from coordinator.config.values import (
    Absolute,
    Branch,
    Filled,
    Folder,
    Host,
    Money,
    Name,
    Person,
    Refs,
    Remote,
    Seconds,
    SecondsOrNone,
    Some,
    SomeOrNone,
    Url,
)
from coordinator.domain.errors import ConfigError
from coordinator.domain.names import Environment, RecordPaths
from coordinator.domain.policy import Command, Policy, Target

_POLICY = Policy()  # the one place of defaults
_TARGET = Target(environment=Environment(""), kind="directory")
_COMMAND = Command(name="", run="")


class _Table(BaseModel):
    model_config = STRICT


class Repository(_Table):
    """[repository]: which branch of which remote is coordinated ('' = the remote's own default)."""

    branch: Branch = ""
    remote: Remote = "origin"
    refs: Refs = "refs/orchestrator"


class Paths(_Table):
    """[paths]: where briefs and memory are, for repositories that use these names already."""

    briefs: Folder = RecordPaths().briefs
    memory: Folder = RecordPaths().memory

    @model_validator(mode="after")
    def _apart(self) -> "Paths":
        if f"{self.memory}/".startswith(f"{self.briefs}/"):
            raise ValueError("memory must not be inside briefs")
        return self


class Daemon(_Table):
    """[daemon]: how often it looks, and how long a claim lives without a sign of life."""

    interval_s: Seconds = 5.0
    remote_poll_s: Seconds = _POLICY.remote_poll_s
    lease_s: Seconds = _POLICY.lease_s
    follow_checkout: bool = _POLICY.follow_checkout
    attempts_parallel: Some = _POLICY.attempts_parallel_max
    aging_s: Seconds = _POLICY.aging_s
    aging_step_s: Seconds = _POLICY.aging_step_s
    record_interval_s: SecondsOrNone = _POLICY.record_interval_s
    remind_s: Seconds = _POLICY.remind_s


class Intake(_Table):
    """[intake]: what a brief must be."""

    queue_max: Some = _POLICY.queue_max
    task_chars_min: SomeOrNone = _POLICY.task_chars_min
    deadline_s_min: Seconds = _POLICY.deadline_s_min
    retries: Annotated[int, Field(ge=0, le=100)] = _POLICY.retries


class Check(_Table):
    """[checks.NAME]: a command that `check: NAME` in a brief runs over the resulting tree."""

    run: Filled
    timeout_s: Seconds = _COMMAND.timeout_s_max
    paths: list[Filled] = []


class Gate(_Table):
    """[[gate]]: a command that every landing must pass."""

    name: Name | None = None
    run: Filled
    setup: Filled | None = None
    setup_inputs: list[Filled] = []
    timeout_s: Seconds = _COMMAND.timeout_s_max
    paths: list[Filled] = []

    def called(self, number: int) -> str:
        """Returns the name it goes by as the `number`th gate, counted from 1."""
        return self.name or ("gate" if number == 1 else f"gate-{number}")


class Landing(_Table):
    """[landing]: what may land without a human."""

    unverified: Literal["land", "hold"] = _POLICY.unverified
    review: Literal["", "required"] = _POLICY.landing_review
    protected: list[Filled] = []
    protect_automation: bool = True


class Review(_Table):
    """[review]: which worker judges what rules leave open ('' = any with the capability `evaluation`)."""

    evaluator: Name | Literal[""] = ""


class Commit(_Table):
    """[commit]: who commits ('' = the user's own identity), and how."""

    name: Person = _POLICY.commit.name
    email: Person = _POLICY.commit.email
    sign: bool = _POLICY.commit.sign
    signoff: bool = _POLICY.commit.signoff
    skip_ci: bool = _POLICY.commit.skip_ci


class _Environment(_Table):
    health_polls: Annotated[int, Field(ge=1, le=1_000)] = _TARGET.health_polls
    poll_s: SecondsOrNone = _TARGET.poll_s
    timeout_s: Seconds = _TARGET.timeout_s_max
    revert: bool = _TARGET.revert


class DirectoryEnvironment(_Environment):
    """[environments.ENV] kind = "directory": the product tree is written into a folder."""

    kind: Literal["directory"]
    path: Filled
    live: Filled | None = None


class CommandEnvironment(_Environment):
    """[environments.ENV] kind = "command": a command ships, and a look at `live` says whether it did."""

    kind: Literal["command"]
    command: Filled
    live: Filled


AnyEnvironment = Annotated[DirectoryEnvironment | CommandEnvironment, Field(discriminator="kind")]


class Network(_Table):
    """[network]: hosts from which URLs are fetched, and the search endpoint ('' = there is none)."""

    hosts: list[Host] = list(_POLICY.network_hosts)
    search_url: Url = ""


class Confinement(_Table):
    """[confinement]: how checks and gates run, and what the confined see of this machine besides /usr."""

    checks: Literal["strict", "none"] = _POLICY.confinement.checks
    read: list[Absolute] = list(_POLICY.confinement.read)
    path: list[Absolute] = list(_POLICY.confinement.path)


class Endpoint(_Table):
    """[endpoints.NAME]: a model server; `key_env` names the daemon's variable that holds the key."""

    api: Literal["anthropic", "openai"]
    base_url: Url
    key_env: str = ""


class Budget(_Table):
    """[budget]: how much may be spent."""

    usd_per_brief: Money = _POLICY.usd_per_brief
    usd_per_day: Money = _POLICY.usd_per_day
    unknown_price: Literal["refuse", "allow"] = _POLICY.unknown_price


class Memory(_Table):
    """[memory]: how much of what is remembered goes into a package."""

    tokens_max: SomeOrNone = _POLICY.memory_tokens_max


class Config(_Table):
    """The whole of config.toml."""

    number: Literal[1] = Field(default=1, alias="schema")
    repository: Repository = Repository()
    paths: Paths = Paths()
    daemon: Daemon = Daemon()
    intake: Intake = Intake()
    review: Review = Review()
    landing: Landing = Landing()
    commit: Commit = Commit()
    network: Network = Network()
    confinement: Confinement = Confinement()
    endpoints: dict[Name, Endpoint] = {}
    budget: Budget = Budget()
    memory: Memory = Memory()
    brain: Brain = Brain()
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    speculation: Speculation = Speculation()
    limits: dict[Filled, Limit] = {}
    checks: dict[Name, Check] = {}
    gate: list[Gate] = []
    environments: dict[Name, AnyEnvironment] = {}

    @field_validator("gate")
    @classmethod
    def _told_apart(cls, gates: list[Gate]) -> list[Gate]:
        """Refuses two gates of one name: records say by it which one passed."""
        first: dict[str, int] = {}
        for number, gate in enumerate(gates, 1):
            name = gate.called(number)
            if name in first:
                one, other = first[name] - 1, number - 1
                raise ValueError(f"gate[{one}] and gate[{other}] are both called {name}")
            first[name] = number
        return gates


def parse(text: bytes | None) -> Config:
    """Returns what config.toml says (None: there is no such file, so defaults).

    Raises ConfigError, whose message has one line for each fault, and NewerSchemaError.
    """
    raw = toml(text or b"", CONFIG_FILE)
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        said = faults(error, Config, CONFIG_FILE)
    raise ConfigError(said, hint=MEND)
