"""Claude Code, headless: `claude -p` with a stream of JSON, in a cell that its own sandbox knows nothing of.

Judged by `is_error`, never by `subtype`, which says `success` of a failed call. What it spent is metered
at the proxy; its own figures are what is left where nothing is metered.
"""

import json
from collections.abc import Callable
from typing import Any

from coordinator.adapters.sandbox import WAY_OUT, CellEnded
from coordinator.domain.output import NoOutput, Output, Usage
from coordinator.domain.policy import Profile
from coordinator.domain.record import one_line

from .answers import delivered, outcome
from .assignment import INTERRUPT_GRACE_S, Assignment, Run, exited
from .programs import Program, find
from .stream import Listener, objects

_TOOLS = {"read": "Read", "grep": "Grep", "glob": "Glob", "list": "Glob"}
_EDITING = ("Edit", "Write")
_REASON_CHARS_MAX = 1_500


def work(assignment: Assignment, run: Run, beat: Callable[[], None]) -> Output | NoOutput:
    """Runs Claude Code once, and returns what it came to. Raises WorkerError when it is not here."""
    program = find(assignment.profile, assignment.confinement)
    cell = assignment.cell(
        arguments(assignment, program),
        stdin=assignment.words.prompt(assignment.package, changes="folder").encode(),
        environment=environment(assignment),
        read=program.read,
        interrupt_grace_s=INTERRUPT_GRACE_S,
    )
    listener = Listener(_is_result, beat)
    try:
        ended: CellEnded = run(cell, heard=listener.heard, stop=listener.stop)
    finally:
        listener.close()
    return came(assignment, ended)


def arguments(assignment: Assignment, program: Program) -> tuple[str, ...]:
    """Returns the command line. The prompt is not on it: `--tools` would swallow that."""
    profile, package = assignment.profile, assignment.package
    schema = assignment.words.answer_schema(package, changes="folder")
    argv = [*program.argv, "--print", "--output-format", "stream-json", "--verbose"]
    argv += ["--no-session-persistence", "--safe-mode", "--strict-mcp-config"]
    argv += ["--permission-prompts", "none"]
    argv += ["--model", profile.model, "--tools", ",".join(_tools(assignment))]
    argv += ["--max-turns", str(profile.limits.turns_max)]
    argv += ["--json-schema", json.dumps(schema)]
    if assignment.wants_changes:
        argv += ["--permission-mode", "acceptEdits"]
    if assignment.spec.cost_usd_max > 0:
        argv += ["--max-budget-usd", f"{assignment.spec.cost_usd_max:g}"]
    if profile.effort:
        argv += ["--effort", profile.effort]
    if profile.system:
        argv += ["--append-system-prompt", profile.system]
    return tuple(argv)


def environment(assignment: Assignment) -> dict[str, str]:
    """Returns all that it gets to know: where the daemon is, and a token that is worth nothing elsewhere."""
    profile: Profile = assignment.profile
    said = {
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(profile.output_tokens_max),
        # What it does on the side it does with the only model that it is granted.
        "ANTHROPIC_SMALL_FAST_MODEL": profile.model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": profile.model,
    }
    if assignment.connection is not None:
        said["ANTHROPIC_BASE_URL"] = WAY_OUT
        said["ANTHROPIC_API_KEY"] = assignment.connection.token
    return said


def came(assignment: Assignment, ended: CellEnded) -> Output | NoOutput:
    """Returns what a run that has ended came to: its `result` line counts, however the process ended."""
    result = next((o for o in reversed(objects(ended.stdout)) if _is_result(o)), None)
    if result is None:
        return NoOutput(reason=ended.stopped) if ended.stopped is not None else exited(ended)
    usage = _usage(result, ended.wall_s)
    if result.get("is_error") is not False or result.get("subtype") != "success":
        if ended.stopped is not None and result.get("is_error") is not True:
            return NoOutput(reason=ended.stopped, usage=usage)
        return NoOutput(reason=f"the worker failed: {_why(result)}", usage=usage)
    text = result.get("result")
    said = text if isinstance(text, str) else ""
    return outcome(assignment, delivered(ended), result.get("structured_output"), said, usage)


def _tools(assignment: Assignment) -> tuple[str, ...]:
    granted = assignment.package.tools_available
    names = [name for tool, name in _TOOLS.items() if tool in granted]
    if assignment.wants_changes and "file_write" in granted:
        names += _EDITING
    return tuple(dict.fromkeys(names))


def _is_result(said: Any) -> bool:
    return isinstance(said, dict) and said.get("type") == "result"


def _why(result: dict[str, Any]) -> str:
    parts = [result.get("subtype"), result.get("terminal_reason"), result.get("result")]
    parts += result.get("errors") or []
    told = "; ".join(dict.fromkeys(str(part) for part in parts if part and part != "success"))
    return one_line(told)[:_REASON_CHARS_MAX] or "it says that it failed, and not why"


def _usage(result: dict[str, Any], wall_s: float) -> Usage:
    said = result.get("usage")
    counts = said if isinstance(said, dict) else {}
    cost_usd = result.get("total_cost_usd")
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Usage(
        tokens_in=sum(_count(counts.get(name)) for name in names),
        tokens_out=_count(counts.get("output_tokens")),
        cost_usd=float(cost_usd) if isinstance(cost_usd, int | float) else None,
        wall_s=wall_s,
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
