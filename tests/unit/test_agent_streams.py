"""What agents say on their streams, line by line: an answer, a failure, an interrupt; and what they are told."""

import base64
import itertools
import json
from typing import Any

import pytest

from coordinator.adapters.agents import Assignment, claude_code, codex
from coordinator.adapters.agents.json_pointer import Missing, resolve
from coordinator.adapters.agents.programs import Program
from coordinator.adapters.sandbox import CellEnded
from coordinator.domain.names import RepoPath
from coordinator.domain.output import (
    Changes,
    CouldNot,
    Edit,
    NoOutput,
    Output,
    RefusedEntry,
    Report,
)
from coordinator.domain.worker import Connection
from tests.support.assignments import assignment

TOLD = {"kind": "report", "text": "It is fine.", "why": ""}
DONE = {"kind": "changes", "summary": "One line.", "text": "", "why": ""}
EDIT = Edit(path=RepoPath("a.txt"), content_b64=base64.b64encode(b"x").decode())
USAGE = {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 7}
PROGRAM = Program(argv=("/opt/agent",))


def agent(kind: Any = "claude-code", **said: Any) -> Assignment:
    said.setdefault("profile", {"model": "some-model", "system": "Be brief.", "effort": "low"})
    return assignment(None, by=kind, connection=Connection("/s", "token-1"), **said)


def ended(*lines: Any, stopped: str | None = None, code: int | None = 0, **said: Any) -> CellEnded:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    return CellEnded(
        code=code, stopped=stopped, stdout=text.encode(), stderr=said.pop("stderr", b""), **said
    )


def result(**said: Any) -> dict[str, Any]:
    """Returns the last line of Claude Code."""
    given = {"type": "result", "subtype": "success", "is_error": False, "result": "done"}
    return {**given, "usage": USAGE, "total_cost_usd": 0.01, **said}


def body(came: Output | NoOutput) -> Any:
    assert isinstance(came, Output), came
    return came.body


def reason(came: Output | NoOutput) -> str:
    assert isinstance(came, NoOutput), came
    return came.reason


def test_the_structured_answer_of_claude_code_is_the_report_and_its_figures_are_read() -> None:
    came = claude_code.came(agent(), ended("noise", result(structured_output=TOLD)))
    assert body(came) == Report(text="It is fine.\n")
    assert (came.usage.tokens_in, came.usage.tokens_out, came.usage.cost_usd) == (95, 7, 0.01)


def test_changes_of_an_agent_are_what_the_folder_holds_whatever_it_says() -> None:
    asked = assignment(None, kind="changes", by="claude-code")
    told = {**DONE, "edits": [{"path": "b.txt", "content": "other"}]}
    refused = RefusedEntry(path="pipe", code="special", why="a FIFO")
    end = ended(result(structured_output=told), edits=(EDIT,), refused=(refused,))
    assert body(claude_code.came(asked, end)) == Changes(
        edits=(EDIT,), refused=(refused,), summary="One line."
    )
    nothing = body(claude_code.came(asked, ended(result(structured_output=DONE))))
    assert nothing == CouldNot(why="noop", text="nothing in the folder changed: One line.")


def test_a_typed_no_is_an_output() -> None:
    told = {"kind": "could_not", "why": "question", "text": "Which?", "summary": ""}
    came = claude_code.came(agent(), ended(result(structured_output=told)))
    assert body(came) == CouldNot(why="question", text="Which?")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            result(is_error=True, result="API Error: 401", terminal_reason="api_error"),
            "the worker failed: api_error; API Error: 401",
        ),
        (
            result(is_error=True, subtype="error_max_turns", result=None, errors=["too many"]),
            "the worker failed: error_max_turns; too many",
        ),
        (result(is_error=None), "the worker failed: done"),
    ],
)
def test_claude_code_is_judged_by_is_error_and_its_cost_is_kept(line: Any, told: str) -> None:
    came = claude_code.came(agent(), ended(line, code=1))
    assert reason(came) == told
    assert came.usage.cost_usd == 0.01


def test_an_interrupted_agent_says_what_it_cost_and_the_limit_is_the_reason() -> None:
    line = result(subtype="error_during_execution", terminal_reason="aborted_streaming")
    came = claude_code.came(agent(), ended(line, stopped="killed: longer than 9 s", code=None))
    assert reason(came) == "killed: longer than 9 s"
    assert came.usage.cost_usd == 0.01


def test_a_result_counts_although_the_process_had_to_be_ended() -> None:
    came = claude_code.came(
        agent(), ended(result(structured_output=TOLD), stopped="stopped", code=None)
    )
    assert body(came) == Report(text="It is fine.\n")


def test_no_result_is_a_failure_with_the_last_words() -> None:
    end = ended("{broken", code=3, stderr=b"boot\n\x1b[31mno route\x1b[0m\n")
    assert reason(claude_code.came(agent(), end)) == "the worker failed: exit 3: boot / no route"
    killed = ended(stopped="killed: silent for longer than 5 s", code=None)
    assert reason(claude_code.came(agent(), killed)) == "killed: silent for longer than 5 s"


def test_an_answer_that_is_none_is_a_failure_that_says_what_came() -> None:
    came = claude_code.came(agent(), ended(result(result="I would rather not.")))
    assert reason(came).endswith("it said 'I would rather not.'")


def test_claude_code_is_told_its_limits_and_no_tool_that_is_not_granted() -> None:
    argv = claude_code.arguments(agent(), PROGRAM)
    assert argv[:2] == ("/opt/agent", "--print")
    pairs = dict(itertools.pairwise(argv))
    assert pairs["--tools"] == "Read,Grep,Glob"
    assert (pairs["--max-turns"], pairs["--max-budget-usd"]) == ("40", "0.5")
    assert (pairs["--model"], pairs["--effort"]) == ("some-model", "low")
    assert pairs["--append-system-prompt"] == "Be brief."
    assert json.loads(pairs["--json-schema"])["properties"]["kind"]["enum"] == [
        "report",
        "could_not",
    ]
    assert "--permission-mode" not in pairs
    editing = claude_code.arguments(assignment(None, kind="changes", by="claude-code"), PROGRAM)
    pairs = dict(itertools.pairwise(editing))
    assert pairs["--tools"] == "Read,Grep,Glob,Edit,Write"
    assert pairs["--permission-mode"] == "acceptEdits"


def test_an_agent_knows_a_token_and_an_address_and_no_key() -> None:
    told = claude_code.environment(agent())
    assert told["ANTHROPIC_API_KEY"] == "token-1"
    assert told["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8787"
    assert told["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "some-model"
    assert "token-1" not in " ".join(claude_code.arguments(agent(), PROGRAM))
    assert "token-1" not in " ".join(codex.arguments(agent("codex"), PROGRAM))


def message(text: str) -> dict[str, Any]:
    return {"type": "item.completed", "item": {"type": "agent_message", "text": text}}


COMPLETED = {"type": "turn.completed", "usage": {"input_tokens": 20, "output_tokens": 3}}
ODD = {"type": "item.completed", "item": {"type": "error", "message": "unknown model"}}


def test_the_last_message_of_codex_is_its_answer_and_an_error_item_is_not_fatal() -> None:
    lines = (ODD, message("thinking"), message(json.dumps(TOLD)), COMPLETED)
    came = codex.came(agent("codex"), ended(*lines))
    assert body(came) == Report(text="It is fine.\n")
    assert (came.usage.tokens_in, came.usage.tokens_out, came.usage.cost_usd) == (20, 3, None)


def test_a_failed_turn_of_codex_is_a_failure_and_so_is_none_at_all() -> None:
    failed = {"type": "turn.failed", "error": {"message": "over budget"}}
    lines = ({"type": "error", "message": "retrying"}, failed)
    came = codex.came(agent("codex"), ended(*lines, code=1))
    assert reason(came) == "the worker failed: retrying; over budget"
    none = codex.came(agent("codex"), ended(message("half"), code=1, stderr=b"panic\n"))
    assert reason(none) == "the worker failed: exit 1: panic"


def test_codex_has_its_settings_on_its_command_line_and_its_own_sandbox_off() -> None:
    argv = codex.arguments(agent("codex"), PROGRAM)
    assert argv[:3] == ("/opt/agent", "exec", "--json")
    assert argv[-1] == "-", "the prompt comes on standard input"
    assert "danger-full-access" in argv
    assert 'model_providers.coordinator.base_url="http://127.0.0.1:8787/v1"' in argv
    assert 'model_providers.coordinator.env_key="COORDINATOR_TOKEN"' in argv
    assert 'model_reasoning_effort="low"' in argv
    assert "project_doc_max_bytes=0" in argv, "a file of the repository is no instruction"


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [("", {"a": [1, {"m~n": 2, "": 3}]}), ("/a/0", 1), ("/a/1/m~0n", 2), ("/a/1/", 3)],
)
def test_a_json_pointer_leads_to_what_it_names(pointer: str, expected: Any) -> None:
    assert resolve({"a": [1, {"m~n": 2, "": 3}]}, pointer) == expected


@pytest.mark.parametrize("pointer", ["a", "/b", "/a/2", "/a/01", "/a/-1", "/a/0/x"])
def test_a_json_pointer_that_leads_nowhere_says_so(pointer: str) -> None:
    with pytest.raises(Missing):
        resolve({"a": [1, {}]}, pointer)
