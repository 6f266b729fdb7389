"""Workers that ask a model themselves, through the daemon and its key proxy, against a mock made by others."""

import json
from pathlib import Path

import pytest

from tests.real.ended import costs, endings
from tests.real.mock_server import MockServer, call, mock_server, say
from tests.support.worked import CHANGE, REPORT, Worked, worked

pytestmark = [pytest.mark.real, pytest.mark.slow]

KEY = "sk-canary-77b1e0d4c5"
KINDS = ("claude", "openai-compatible")
TOLD = {"kind": "report", "text": "The guide leads back to the start.", "why": ""}
DONE = {"kind": "changes", "summary": "The heading is new.", "text": "", "why": ""}
READ = call("read", path="docs/guide.md")
EDIT = call("edit", path="docs/guide.md", old="# Guide", new="# THE GUIDE")


def site(folder: Path, server: MockServer, kind: str, *, more: str = "") -> Worked:
    """Returns a site with one model worker, whose key is in the daemon's environment."""
    api, path = ("anthropic", "") if kind == "claude" else ("openai", "/v1")
    model = "claude-sonnet-5-5" if kind == "claude" else "gpt-5"
    worker = (
        f"---\nkind: {kind}\ndescription: a model\ncapabilities: [writing]\nmodel: {model}\n"
        f"endpoint: mock\nprice: {{input: 2.0, output: 10.0}}\n{more}---\nYou write well.\n"
    )
    endpoint = (
        f'[endpoints.mock]\napi = "{api}"\nbase_url = "{server.base_url}{path}"\n'
        'key_env = "MOCK_KEY"\n'
    )
    return worked(folder, {"model": worker}, config=endpoint, environment={"MOCK_KEY": KEY})


def assert_metered(made: Worked, *, turns: int) -> None:
    """The cost is what the proxy has counted: the mock says 100 tokens in and 10 out each turn."""
    assert costs(made) == [pytest.approx(turns * (100 * 2.0 + 10 * 10.0) / 1_000_000)]


def assert_key_is_nowhere(folder: Path) -> None:
    """The key is in no file that the site, its remote or the run folder has."""
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink() and "mock" not in file.name:
            assert KEY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_completes_a_report_brief(tmp_path: Path, kind: str) -> None:
    with mock_server(tmp_path / "mock", [READ, say(json.dumps(TOLD))]) as server:
        made = site(tmp_path, server, kind)
        shown = made.done(REPORT.format(capability="writing"))
        assert shown["state"] == "completed", shown
        result = made.run("show", str(shown["id"]), "--result")
        asked = server.asked()
    assert result.out == "The guide leads back to the start.\n"
    assert_metered(made, turns=2)
    assert_key_is_nowhere(tmp_path)
    offered = {tool["function"]["name"] for tool in asked[0]["body"]["tools"]}
    assert offered == {"list", "glob", "read", "grep", "log", "blame", "show", "could_not"}
    seen = json.dumps(asked[1]["body"]["messages"])
    assert "Back to [the start](../README.md)" in seen, "it has read the file at the base"


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_completes_a_change_brief_that_lands(tmp_path: Path, kind: str) -> None:
    with mock_server(tmp_path / "mock", [READ, EDIT, say(json.dumps(DONE))]) as server:
        made = site(tmp_path, server, kind)
        shown = made.done(CHANGE.format(capability="writing"))
    assert shown["state"] == "completed", shown
    assert made.at_tip("docs/guide.md") == "# THE GUIDE\n\nBack to [the start](../README.md)."
    assert_metered(made, turns=3)
    assert_key_is_nowhere(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_loops_ends_at_its_turns_and_its_cost_is_counted(
    tmp_path: Path, kind: str
) -> None:
    brief = REPORT.replace("---\n", "---\nretries: 0\n", 1)
    with mock_server(tmp_path / "mock", [READ], for_ever=True) as server:
        made = site(tmp_path, server, kind, more="maxTurns: 3\n")
        shown = made.done(brief.format(capability="writing"))
    assert shown["state"] == "failed", shown
    assert endings(made) == {1: "the worker failed: it went over its limit of 3 turns"}
    assert_metered(made, turns=3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tool_that_was_not_granted_ends_the_attempt(tmp_path: Path, kind: str) -> None:
    brief = REPORT.replace("---\n", "---\nretries: 0\n", 1)
    with mock_server(tmp_path / "mock", [call("bash", command="id")]) as server:
        made = site(tmp_path, server, kind)
        shown = made.done(brief.format(capability="writing"))
    assert shown["state"] == "failed", shown
    assert endings(made) == {1: "the worker failed: it used the tool 'bash', which was not granted"}
    assert_metered(made, turns=1)
