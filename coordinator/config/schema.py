"""What config.toml may say: one model for each table, and every fault of a text at once."""

import difflib
import tomllib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, model_validator

from coordinator.config.failing import Breaker, Limit, Retry, Speculation
from coordinator.config.table import STRICT
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
    Some,
    SomeOrNone,
    Url,
)
from coordinator.domain.errors import ConfigError, NewerSchemaError
from coordinator.domain.names import Environment, RecordPaths, RepoPath
from coordinator.domain.policy import Command, Policy, Target

SCHEMA = 1
CONFIG_FILE = RepoPath(".orchestrator/config.toml")

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
    record_interval_s: Money = _POLICY.record_interval_s
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
    poll_s: Money = _TARGET.poll_s
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
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    speculation: Speculation = Speculation()
    limits: dict[Filled, Limit] = {}
    checks: dict[Name, Check] = {}
    gate: list[Gate] = []
    environments: dict[Name, AnyEnvironment] = {}


def parse(text: bytes | None) -> Config:
    """Returns what config.toml says (None: there is no such file, so defaults).

    Raises ConfigError, whose message has one line for each fault, and NewerSchemaError.
    """
    raw = _toml(text or b"")
    number = raw.get("schema", SCHEMA)
    if isinstance(number, int) and number > SCHEMA:
        raise NewerSchemaError(
            f"{CONFIG_FILE}: schema {number} is newer than this program knows ({SCHEMA}): read-only",
            hint="install the newer coordinator that wrote it",
        )
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(detail["type"], detail["loc"], detail) for detail in error.errors()]
    raise ConfigError(
        "\n".join(f"{CONFIG_FILE}: {fault}" for fault in faults),
        hint="`coordinator config` lists every setting with its value",
    )


def _toml(text: bytes) -> dict[str, Any]:
    hint = "correct the line; https://toml.io shows the syntax"
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{CONFIG_FILE}:{line}: it is not UTF-8", hint=hint) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{CONFIG_FILE}: it is not TOML: {error}", hint=hint) from error


def _fault(kind: str, loc: Sequence[int | str], detail: Any) -> str:
    parts = [part for part in loc if part != "[key]"]
    if parts[:1] == ["environments"] and len(parts) > 3:
        del parts[2]  # pydantic names the kind of environment in between
    key = dotted(parts)
    if kind == "extra_forbidden":
        return f"{key}: there is no such setting{_did_you_mean(loc)}"
    if kind == "missing":
        return f"{key}: it is required"
    if kind == "union_tag_not_found":
        return f'{key}.kind: it is required, "directory" or "command"'
    if kind == "union_tag_invalid":
        return f'{key}.kind: must be "directory" or "command"'
    if kind == "model_type":
        return f"{key}: must be a table, [{key}]"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    said = "" if isinstance(detail["input"], dict) else f" (is {detail['input']!r:.60})"
    return f"{key or 'config'}: {message}{said}"


def dotted(parts: Sequence[int | str]) -> str:
    """Returns the key as people write it: `gate[0].run`, counted from 0."""
    key = ""
    for part in parts:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _did_you_mean(loc: Sequence[int | str]) -> str:
    known = _names(Config, loc[:-1])
    close = difflib.get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(sorted(known))}"


def _names(annotation: Any, loc: Sequence[int | str]) -> list[str]:
    """Returns the settings of the table at `loc`, found along the annotations of the models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return _names(fields[str(loc[0])].annotation, loc[1:]) if loc else list(fields)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _names(arguments[0], loc)
    if (
        origin is Union or str(origin) == "<class 'types.UnionType'>"
    ):  # the next part names the kind
        kinds = {get_args(a.model_fields["kind"].annotation)[0]: a for a in arguments}
        return _names(kinds[loc[0]], loc[1:])
    return _names(arguments[-1], loc[1:])  # of a list or a dict
