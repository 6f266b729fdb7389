"""Codex, headless: `codex exec --json`, in a cell; its own sandbox is knowingly off inside it.

It has no limit of turns or money of its own: the proxy counts calls, tokens and money, and cuts it off.
"""

import json
from collections.abc import Callable
from typing import Any

from coordinator.adapters.sandbox import IN, WAY_OUT, CellEnded
from coordinator.domain.output import NoOutput, Output, Usage
from coordinator.domain.record import one_line

from .answers import delivered, outcome
from .assignment import INTERRUPT_GRACE_S, Assignment, Run, exited
from .programs import Program, find
from .stream import Listener, objects

_SCHEMA_FILE = "answer.schema.json"
_KEY = "COORDINATOR_TOKEN"
_PROVIDER = "coordinator"
_REASON_CHARS_MAX = 1_500


def work(assignment: Assignment, run: Run, beat: Callable[[], None]) -> Output | NoOutput:
    """Runs Codex once, and returns what it came to. Raises WorkerError when it is not here."""
    program = find(assignment.profile, assignment.confinement)
    schema = assignment.words.answer_schema(assignment.package, changes="folder")
    told = assignment.words.prompt(assignment.package, changes="folder")
    system = assignment.profile.system
    cell = assignment.cell(
        arguments(assignment, program),
        stdin=(f"{system}\n\n{told}" if system else told).encode(),
        environment={_KEY: assignment.connection.token} if assignment.connection else {},
        files={_SCHEMA_FILE: json.dumps(schema).encode()},
        read=program.read,
        interrupt_grace_s=INTERRUPT_GRACE_S,
    )
    listener = Listener(_is_end, beat)
    try:
        ended: CellEnded = run(cell, heard=listener.heard, stop=listener.stop)
    finally:
        listener.close()
    return came(assignment, ended)


def arguments(assignment: Assignment, program: Program) -> tuple[str, ...]:
    """Returns the command line: all of its configuration is there, and none in a file."""
    provider = {
        "name": _PROVIDER,
        "base_url": f"{WAY_OUT}/v1",
        "env_key": _KEY,
        "wire_api": "responses",
        "request_max_retries": 1,
        "stream_max_retries": 1,
    }
    settings: dict[str, Any] = {"model_provider": _PROVIDER}
    settings |= {f"model_providers.{_PROVIDER}.{name}": said for name, said in provider.items()}
    settings |= {"web_search": "disabled", "check_for_update_on_startup": False}
    settings |= {"project_doc_max_bytes": 0}  # AGENTS.md is material, and no instruction
    if assignment.profile.effort:
        settings["model_reasoning_effort"] = assignment.profile.effort
    argv = [*program.argv, "exec", "--json", "--ephemeral", "--skip-git-repo-check"]
    argv += ["--ignore-user-config", "--ignore-rules", "--color", "never"]
    argv += ["--sandbox", "danger-full-access", "--output-schema", f"{IN}/{_SCHEMA_FILE}"]
    argv += ["--model", assignment.profile.model]
    for name, said in settings.items():
        argv += ["-c", f"{name}={json.dumps(said)}"]  # TOML writes these as JSON does
    return (*argv, "-")


def came(assignment: Assignment, ended: CellEnded) -> Output | NoOutput:
    """Returns what a run that has ended came to. An item that is an error is not fatal; a failed turn is."""
    said = objects(ended.stdout)
    usage = _usage(said, ended.wall_s)
    last = next((event for event in reversed(said) if _is_end(event)), None)
    if last is None:
        lost = NoOutput(reason=ended.stopped) if ended.stopped is not None else exited(ended)
        why = _errors(said)
        told = f"{lost.reason}: {why}" if why and ended.stopped is None else lost.reason
        return NoOutput(reason=told, usage=usage)
    if last["type"] == "turn.failed":
        return NoOutput(reason=f"the worker failed: {_errors(said)}", usage=usage)
    return outcome(assignment, delivered(ended), None, _last_message(said), usage)


def _is_end(said: Any) -> bool:
    return isinstance(said, dict) and said.get("type") in ("turn.completed", "turn.failed")


def _last_message(said: tuple[dict[str, Any], ...]) -> str:
    for event in reversed(said):
        item = event.get("item")
        if event.get("type") == "item.completed" and isinstance(item, dict):
            text = item.get("text")
            if item.get("type") == "agent_message" and isinstance(text, str):
                return text
    return ""


def _errors(said: tuple[dict[str, Any], ...]) -> str:
    found = []
    for event in said:
        error = event.get("error")
        told = error.get("message") if isinstance(error, dict) else event.get("message")
        if event.get("type") in ("error", "turn.failed") and isinstance(told, str):
            found.append(told)
    return one_line("; ".join(dict.fromkeys(found)))[:_REASON_CHARS_MAX]


def _usage(said: tuple[dict[str, Any], ...], wall_s: float) -> Usage:
    counted = [event["usage"] for event in said if isinstance(event.get("usage"), dict)]
    return Usage(
        tokens_in=sum(_count(usage.get("input_tokens")) for usage in counted),
        tokens_out=sum(_count(usage.get("output_tokens")) for usage in counted),
        wall_s=wall_s,
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
