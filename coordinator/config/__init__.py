"""config.toml -> Wiring (read once, at start) and Policy (read again when its blob at the tip changes)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from coordinator.config import doctrine, failing, reading, schema, worker_files
from coordinator.config.doctrine import DOCTRINE_FILE
from coordinator.config.table import CONFIG_FILE
from coordinator.config.template import TEMPLATE, template
from coordinator.domain.errors import ConfigError, RepositoryError
from coordinator.domain.names import Environment, RecordPaths, RepoPath
from coordinator.domain.policy import (
    ENDPOINTS,
    PROTECTED,
    Command,
    CommitPolicy,
    Confinement,
    Endpoint,
    Policy,
    Profile,
    Target,
)
from coordinator.domain.profiles import BUILT_IN

__all__ = [
    "CONFIG_FILE",
    "DOCTRINE_FILE",
    "TEMPLATE",
    "Wiring",
    "effective",
    "find_top",
    "paths_of",
    "read_policy",
    "read_wiring",
    "remote_name",
    "template",
]


EMPTY: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the program is put together from; a change needs a restart."""

    repository: Path  # the top of the user's work tree
    run: Path  # .orchestrator/run
    remote: str  # name of the git remote
    remote_url: str
    branch: str
    refs_root: str = "refs/orchestrator"
    interval_s: float = 5.0
    inbox: Path
    paths: RecordPaths
    attempts_parallel: int = 4
    command_threads: int = 2
    local_threads: int = 2
    key_variables: tuple[str, ...] = ()  # of the endpoints that the text names


def find_top(start: Path) -> Path:
    """Returns the top of the work tree that `start` is in: the nearest folder with a `.git`."""
    folder = start.resolve()
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            return top
    raise RepositoryError(
        f"{start}: not inside the work tree of a git repository",
        hint="run it inside a clone, or name one with -C PATH",
    )


def remote_name(text: bytes | None) -> str:
    """Returns the name of the remote that config.toml names, so that its URL can be asked for."""
    return schema.parse(text).repository.remote


def paths_of(text: bytes | None) -> RecordPaths:
    """Returns where config.toml puts briefs and memory. Raises ConfigError."""
    return _paths(schema.parse(text))


def read_wiring(
    repository: Path, text: bytes | None, *, remote_url: str, branch: str, remote: str = ""
) -> Wiring:
    """Returns the wiring for the work tree with top `repository`; `branch` where the text names none.

    `remote` is the name that the remote has in this clone, where the text calls it otherwise.
    """
    said = schema.parse(text)
    return Wiring(
        repository=repository,
        run=repository / ".orchestrator" / "run",
        remote=remote or said.repository.remote,
        remote_url=remote_url,
        branch=said.repository.branch or branch,
        refs_root=said.repository.refs,
        interval_s=said.daemon.interval_s,
        inbox=repository / said.paths.briefs / "inbox",
        paths=_paths(said),
        attempts_parallel=said.daemon.attempts_parallel,
        key_variables=tuple(e.key_env for e in said.endpoints.values() if e.key_env),
    )


def read_policy(
    text: bytes | None,
    worker_texts: Mapping[str, bytes] = EMPTY,
    doctrine_text: bytes | None = None,
) -> Policy:
    """Returns the rules of the house as config.toml and the worker files say them.

    Args:
        text: config.toml; None where there is none.
        worker_texts: the files of `.orchestrator/workers/`, by file name.
        doctrine_text: doctrine.toml; None where there is none.

    Raises:
        ConfigError: a text is faulty; the message names each fault.
    """
    said = schema.parse(text)
    own = worker_files.read(worker_texts)
    named = {profile.name for profile in own}
    if said.review.evaluator and said.review.evaluator not in named:
        raise ConfigError(
            f"{CONFIG_FILE}: review.evaluator: no file of {worker_files.FOLDER}/ describes "
            f"{said.review.evaluator}",
            hint="an evaluator is a worker of the house: write its file, or name another",
        )
    profiles = (*own, *(profile for profile in BUILT_IN if profile.name not in named))
    endpoints = _endpoints(said)
    return Policy(
        paths=_paths(said),
        remote_poll_s=said.daemon.remote_poll_s,
        lease_s=said.daemon.lease_s,
        record_interval_s=said.daemon.record_interval_s,
        follow_checkout=said.daemon.follow_checkout,
        queue_max=said.intake.queue_max,
        task_chars_min=said.intake.task_chars_min,
        deadline_s_min=said.intake.deadline_s_min,
        attempts_parallel_max=said.daemon.attempts_parallel,
        retries=said.intake.retries,
        aging_s=said.daemon.aging_s,
        aging_step_s=said.daemon.aging_step_s,
        retrying=failing.retrying(said.retry),
        breaking=failing.breaking(said.breaker),
        speculation=failing.speculation(said.speculation),
        limits=failing.limits(said.limits, profiles, endpoints),
        checks=tuple(_check(name, check) for name, check in said.checks.items()),
        gates=tuple(_gate(number, gate) for number, gate in enumerate(said.gate, 1)),
        evaluator=said.review.evaluator,
        synthesizer=_brain(said, "synthesizer", profiles),
        planner=_brain(said, "planner", profiles),
        plan=said.brain.plan,
        unverified=said.landing.unverified,
        landing_review=said.landing.review,
        remind_s=said.daemon.remind_s,
        protected=(
            *said.landing.protected,
            *(PROTECTED if said.landing.protect_automation else ()),
        ),
        commit=CommitPolicy(**said.commit.model_dump()),
        environments=tuple(_target(name, env) for name, env in said.environments.items()),
        network_hosts=tuple(said.network.hosts),
        usd_per_brief=said.budget.usd_per_brief,
        usd_per_day=said.budget.usd_per_day,
        profiles=profiles,
        unknown_price=said.budget.unknown_price,
        confinement=_confinement(said.confinement),
        endpoints=endpoints,
        memory_tokens_max=said.memory.tokens_max,
        search_url=said.network.search_url,
        doctrine=doctrine.read(doctrine_text),
        digest=hashlib.sha256(text or b"").hexdigest(),
    )


def _brain(
    said: schema.Config, role: Literal["planner", "synthesizer"], profiles: Sequence[Profile]
) -> str:
    """Returns the worker that `[brain]` names. Raises ConfigError where there is none of that name."""
    name, known = getattr(said.brain, role), sorted(str(profile.name) for profile in profiles)
    if name and name not in known:
        raise ConfigError(
            f"{CONFIG_FILE}: brain.{role}: there is no worker {name}",
            hint=f"the workers are {', '.join(known)}",
        )
    if role == "planner" and said.brain.plan == "always" and not name:
        raise ConfigError(
            f'{CONFIG_FILE}: brain.plan: "always", and there is no planner to ask',
            hint="name a worker as `planner` of [brain]",
        )
    return str(name)


def _endpoints(said: schema.Config) -> tuple[Endpoint, ...]:
    named = tuple(Endpoint(name=n, **e.model_dump()) for n, e in said.endpoints.items())
    return (*named, *(e for e in ENDPOINTS if e.name not in said.endpoints))


def effective(text: bytes | None) -> dict[str, dict[str, Any]]:
    """Returns every setting by its dotted key: its value, and whether it is a default or was said."""
    return _flat((), schema.parse(text))


def _flat(above: tuple[int | str, ...], table: BaseModel) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, field in type(table).model_fields.items():
        key = (*above, field.alias or name)
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            found |= _flat(key, value)
        elif value and isinstance(value, dict):
            for part, below in value.items():
                found |= _flat((*key, part), below)
        elif value and isinstance(value, list) and isinstance(value[0], BaseModel):
            for number, below in enumerate(value):
                found |= _flat((*key, number), below)
        else:
            said = name in table.model_fields_set
            found[reading.dotted(key)] = {
                "value": value,
                "source": "config.toml" if said else "default",
            }
    return found


def _confinement(said: schema.Confinement) -> Confinement:
    return Confinement(checks=said.checks, read=tuple(said.read), path=tuple(said.path))


def _paths(said: schema.Config) -> RecordPaths:
    return RecordPaths(briefs=RepoPath(said.paths.briefs), memory=RepoPath(said.paths.memory))


def _check(name: str, check: schema.Check) -> Command:
    return Command(
        name=name, run=check.run, timeout_s_max=check.timeout_s, paths=tuple(check.paths)
    )


def _gate(number: int, gate: schema.Gate) -> Command:
    return Command(
        name=gate.called(number),
        run=gate.run,
        setup=gate.setup,
        setup_inputs=tuple(gate.setup_inputs),
        timeout_s_max=gate.timeout_s,
        paths=tuple(gate.paths),
    )


def _target(name: str, said: schema.DirectoryEnvironment | schema.CommandEnvironment) -> Target:
    return Target(
        environment=Environment(name),
        kind=said.kind,
        path=said.path if isinstance(said, schema.DirectoryEnvironment) else None,
        command=said.command if isinstance(said, schema.CommandEnvironment) else None,
        live=said.live,
        health_polls=said.health_polls,
        poll_s=said.poll_s,
        timeout_s_max=said.timeout_s,
        revert=said.revert,
    )
