"""`.orchestrator/workers/<name>.md` -> Profile: front matter as in Claude Code's agent files, and ours beside it."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from coordinator.config.reading import dotted
from coordinator.config.values import Absolute, Filled, Money, Name, Seconds, Some
from coordinator.domain.errors import ConfigError
from coordinator.domain.names import ProfileName
from coordinator.domain.policy import CommandLine, Limits, Price, Profile, ProfileKind
from coordinator.domain.profiles import TOKENS_WITHOUT_MODEL_MAX
from coordinator.domain.tool_names import READING, TOOLS, WRITING

FOLDER = ".orchestrator/workers"
_AGENT_NAMES = {
    "Read": "read",
    "Glob": "glob",
    "Grep": "grep",
    "LS": "list",
    "WebFetch": "fetch_url",
    "WebSearch": "web_search",
    "Edit": "file_write",
    "Write": "file_write",
    "MultiEdit": "file_write",
}
"""What the tools of Claude Code are called here: a file can serve both."""

_MODEL_KINDS = ("claude", "claude-code", "codex", "openai-compatible")
_ENDPOINT = {
    "claude": "anthropic",
    "claude-code": "anthropic",
    "codex": "openai",
    "openai-compatible": "openai",
}
_COST_USD_MAX = 1.0
_LIMITS = Limits()


class _Front(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Price(_Front):
    input: Money
    output: Money


class _Limits(_Front):
    wall_clock_s: Seconds = 600.0
    idle_s: Seconds = _LIMITS.idle_s_max
    output_bytes: Annotated[int, Field(ge=1, le=100_000_000)] = _LIMITS.output_bytes_max
    tokens: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    cost_usd: Money = _COST_USD_MAX
    memory_mb: Some = _LIMITS.memory_bytes_max // 1_000_000
    processes: Some = _LIMITS.processes_max
    disk_mb: Some = _LIMITS.disk_bytes_max // 1_000_000
    files: Some = _LIMITS.files_max


class _WorkerFile(_Front):
    name: Name
    description: str = ""
    kind: ProfileKind = "claude"
    capabilities: list[Name] = []
    tools: list[str] | None = None
    model: str = ""
    turns: Annotated[int, Field(ge=1, le=1_000, alias="maxTurns")] = _LIMITS.turns_max
    effort: str = ""
    endpoint: str = ""
    output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 16_000
    price: _Price | None = None
    command: list[Filled] | Filled = []
    ok_codes: list[int] = [0]
    answer: Filled = "stdout"
    answer_pointer: str | None = None
    usage_pointers: dict[Literal["tokens_in", "tokens_out", "cost_usd"], str] = {}
    changes: Literal["folder", "patch"] = "folder"
    returns: list[Literal["list", "json", "table", "report", "changes"]] = [
        "list",
        "json",
        "table",
        "report",
        "changes",
    ]
    confinement: Literal["strict", "none"] = "strict"
    network: Literal["none", "model"] | None = None
    read: list[Absolute] = []
    limits: _Limits = _Limits()
    tokens_per_s: Annotated[float, Field(gt=0)] = 50.0

    @field_validator("tools", mode="before")
    @classmethod
    def _listed(cls, said: Any) -> Any:
        """Takes `Read, Grep` as Claude Code does, and its names for tools."""
        parts = [part.strip() for part in said.split(",")] if isinstance(said, str) else said
        if not isinstance(parts, list):
            return parts
        return list(dict.fromkeys(_AGENT_NAMES.get(str(p), str(p)) for p in parts if str(p)))

    @field_validator("tools")
    @classmethod
    def _known(cls, tools: list[str] | None) -> list[str] | None:
        for tool in tools or ():
            if tool not in TOOLS:
                close = difflib.get_close_matches(tool, TOOLS, n=1)
                near = f"; did you mean {close[0]}?" if close else f"; there is: {', '.join(TOOLS)}"
                raise ValueError(f"there is no tool {tool!r}{near}")
        return tools


def read(texts: Mapping[str, bytes]) -> tuple[Profile, ...]:
    """Returns the profile of each worker file, by file name. Raises ConfigError with every fault."""
    profiles, faults = [], []
    for file, text in sorted(texts.items()):
        try:
            profiles.append(_profile(file, text))
        except ConfigError as error:
            faults += str(error).splitlines()
    if faults:
        raise ConfigError("\n".join(faults), hint="`coordinator workers list` shows what works")
    return tuple(profiles)


def _fault(detail: ErrorDetails) -> str:
    """Says what is wrong with a setting; which of its types pydantic tried last, nobody asked."""
    key = dotted([part for part in detail["loc"] if "[" not in str(part)])
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return f"{key or 'front matter'}: {message}"


def _profile(file: str, text: bytes) -> Profile:
    where = f"{FOLDER}/{file}"
    front, body = _parts(where, text)
    front.setdefault("name", file.removesuffix(".md"))
    try:
        said = _WorkerFile.model_validate(front)
    except ValidationError as error:
        told = {f"{where}: {_fault(detail)}": None for detail in error.errors()}
        raise ConfigError("\n".join(told)) from error
    if said.name != file.removesuffix(".md"):
        raise ConfigError(f"{where}: name: the file of {said.name} is {said.name}.md")
    if said.kind == "tool":
        raise ConfigError(f"{where}: kind: workers of this kind come with the coordinator")
    if said.kind == "command" and not said.command:
        raise ConfigError(f"{where}: command: a worker of kind command needs one")
    if said.kind in _MODEL_KINDS and not said.model:
        raise ConfigError(f"{where}: model: it is required; no model is built in")
    return _made(said, body)


def _parts(where: str, text: bytes) -> tuple[dict[str, Any], str]:
    try:
        lines = text.decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: it is not UTF-8") from error
    ends = [n for n, line in enumerate(lines) if line.rstrip() == "---"]
    if len(ends) < 2 or ends[0] != 0:
        raise ConfigError(f"{where}: it must begin with front matter between two lines of ---")
    try:
        front = yaml.safe_load("".join(lines[1 : ends[1]]))
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: front matter: {' '.join(str(error).split())}") from error
    if not isinstance(front, dict):
        raise ConfigError(f"{where}: front matter: must be `key: value` lines")
    return front, "".join(lines[ends[1] + 1 :]).strip()


def _made(said: _WorkerFile, body: str) -> Profile:
    limits = said.limits
    is_model = said.kind in _MODEL_KINDS
    network = said.network or ("model" if is_model else "none")
    # What asks no model reads files, not tokens.
    tokens_max = _LIMITS.tokens_max if network == "model" else TOKENS_WITHOUT_MODEL_MAX
    argv = ("sh", "-c", said.command) if isinstance(said.command, str) else tuple(said.command)
    tools = said.tools if said.tools is not None else _granted(said)
    return Profile(
        name=ProfileName(said.name),
        kind=said.kind,
        description=said.description,
        capabilities=frozenset(said.capabilities),
        output_kinds=frozenset(said.returns),
        tools=frozenset(tools),
        limits=Limits(
            wall_clock_s_max=limits.wall_clock_s,
            idle_s_max=limits.idle_s,
            output_bytes_max=limits.output_bytes,
            tokens_max=limits.tokens or tokens_max,
            cost_usd_max=limits.cost_usd if is_model or said.network == "model" else 0.0,
            turns_max=said.turns,
            memory_bytes_max=limits.memory_mb * 1_000_000,
            processes_max=limits.processes,
            disk_bytes_max=limits.disk_mb * 1_000_000,
            files_max=limits.files,
        ),
        tokens_per_s=said.tokens_per_s if is_model else 1_000_000.0,
        usd_per_token=said.price.input / 1_000_000 if said.price else 0.0,
        confinement=said.confinement,
        network=network,
        endpoint=said.endpoint or _ENDPOINT.get(said.kind, ""),
        model=said.model,
        effort=said.effort,
        output_tokens_max=said.output_tokens,
        price=Price(input_usd=said.price.input, output_usd=said.price.output)
        if said.price
        else None,
        system=body,
        command=CommandLine(
            argv=argv if said.command else (),
            ok_codes=tuple(said.ok_codes),
            answer=said.answer,
            answer_pointer=said.answer_pointer,
            usage_pointers=tuple(said.usage_pointers.items()),
            changes=said.changes,
        ),
        read=tuple(said.read),
    )


def _granted(said: _WorkerFile) -> tuple[str, ...]:
    """Returns the tools of a file that names none: reading; agents with a work folder change that too."""
    return (*READING, *WRITING) if "changes" in said.returns else READING
