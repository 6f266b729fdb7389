"""The real Claude Code and the real Codex, headless and confined, against a mock of their model servers."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.sandbox import WORK
from tests.real.mock_server import MockServer, call, claude, codex, mock_server, say
from tests.support.worked import CHANGE, REPORT, Worked, worked

pytestmark = [pytest.mark.real, pytest.mark.slow]

KEY = "sk-canary-3f1c9a77d2"
DONE = {"kind": "changes", "summary": "The heading is new.", "text": "", "why": ""}
TOLD = {"kind": "report", "text": "It is a guide to nothing.", "why": ""}
GUIDE = f"{WORK}/docs/guide.md"


def site(folder: Path, server: MockServer, *, kind: str, program: Path, more: str = "") -> Worked:
    """Returns a site with one agent, whose key is in the daemon's environment."""
    api, path = ("anthropic", "") if kind == "claude-code" else ("openai", "/v1")
    model = "claude-sonnet-5-5" if kind == "claude-code" else "gpt-5-codex"
    worker = (
        f"---\nkind: {kind}\ndescription: an agent\ncapabilities: [writing]\nmodel: {model}\n"
        f"endpoint: mock\ncommand: [{program}]\nprice: {{input: 2.0, output: 10.0}}\n{more}---\n"
        "You write well.\n"
    )
    endpoint = f'[endpoints.mock]\napi = "{api}"\nbase_url = "{server.base_url}{path}"\nkey_env = "MOCK_KEY"\n'
    return worked(folder, {"agent": worker}, config=endpoint, environment={"MOCK_KEY": KEY})


def assert_key_is_nowhere(made: Worked, folder: Path) -> None:
    """The key is in no file that the site, its remote or the run folder has."""
    del made
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink() and "mock" not in file.name:
            assert KEY.encode() not in file.read_bytes(), file


def assert_metered(shown: Mapping[str, Any], *, turns: int) -> None:
    """The cost is what the proxy has counted: the mock says 100 tokens in and 10 out each turn."""
    (attempt,) = shown["attempts"]
    assert attempt["confinement"] == "strict"
    assert attempt["cost_usd"] == pytest.approx(turns * (100 * 2.0 + 10 * 10.0) / 1_000_000)


def test_claude_code_completes_a_report_brief(tmp_path: Path) -> None:
    turns = [call("Read", file_path=GUIDE), call("StructuredOutput", **TOLD)]
    with mock_server(tmp_path / "mock", turns) as server:
        made = site(tmp_path, server, kind="claude-code", program=claude())
        shown = made.done(REPORT.format(capability="writing"))
        assert shown["state"] == "completed", shown
        result = made.run("show", str(shown["id"]), "--result")
        assert result.out == "It is a guide to nothing.\n"
        assert_metered(shown, turns=2)
        assert_key_is_nowhere(made, tmp_path)
        tools = {tool["function"]["name"] for tool in server.asked()[0]["body"]["tools"]}
    granted = {"Read", "Grep", "Glob", "StructuredOutput"}
    assert granted <= tools <= {*granted, "DeferredToolPlaceholder"}, "a report needs no other"


def test_claude_code_completes_a_change_brief_that_lands(tmp_path: Path) -> None:
    edit = {"file_path": GUIDE, "old_string": "# Guide", "new_string": "# THE GUIDE"}
    turns = [call("Read", file_path=GUIDE), call("Edit", **edit), call("StructuredOutput", **DONE)]
    with mock_server(tmp_path / "mock", turns) as server:
        made = site(tmp_path, server, kind="claude-code", program=claude())
        shown = made.done(CHANGE.format(capability="writing"))
        assert shown["state"] == "completed", shown
        assert made.at_tip("docs/guide.md").startswith("# THE GUIDE\n")
        assert_metered(shown, turns=3)
        assert_key_is_nowhere(made, tmp_path)


def test_a_model_that_loops_is_ended_by_its_turns_and_its_cost_is_counted(tmp_path: Path) -> None:
    with mock_server(tmp_path / "mock", [call("Read", file_path=GUIDE)], for_ever=True) as server:
        made = site(tmp_path, server, kind="claude-code", program=claude(), more="maxTurns: 3\n")
        brief = REPORT.replace("---\n", "---\nretries: 0\n", 1)
        shown = made.done(brief.format(capability="writing"))
        assert shown["state"] == "failed", shown
        assert "error_max_turns" in json.dumps(shown)
        with sqlite3.connect(made.site.repo / ".orchestrator/run/journal.sqlite3") as journal:
            ((used,),) = journal.execute("SELECT said FROM spend").fetchall()
    assert json.loads(used)["cost_usd"] == pytest.approx(3 * 0.0003), "a lost attempt costs too"


def test_codex_completes_a_report_brief(tmp_path: Path) -> None:
    turns = [call("exec_command", cmd=f"cat {GUIDE}"), say(json.dumps(TOLD))]
    with mock_server(tmp_path / "mock", turns) as server:
        made = site(tmp_path, server, kind="codex", program=codex())
        shown = made.done(REPORT.format(capability="writing"))
        assert shown["state"] == "completed", shown
        result = made.run("show", str(shown["id"]), "--result")
        assert result.out == "It is a guide to nothing.\n"
        assert_metered(shown, turns=2)
        assert_key_is_nowhere(made, tmp_path)
        assert "Back to [the start]" in json.dumps(server.asked()[-1]), "it has read the guide"


def test_codex_completes_a_change_brief_that_lands(tmp_path: Path) -> None:
    turns = [call("exec_command", cmd=f"sed -i s/Guide/GUIDE/ {GUIDE}"), say(json.dumps(DONE))]
    with mock_server(tmp_path / "mock", turns) as server:
        made = site(tmp_path, server, kind="codex", program=codex())
        shown = made.done(CHANGE.format(capability="writing"))
        assert shown["state"] == "completed", shown
        assert made.at_tip("docs/guide.md").startswith("# GUIDE\n")
        assert_metered(shown, turns=2)
        assert_key_is_nowhere(made, tmp_path)
