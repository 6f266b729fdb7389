"""A mock of model servers, made by others (aimock): it answers turn by turn with what a test says."""

import functools
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.sandbox import WORK
from tests.real.listening import port_of

REAL = Path(__file__).parents[2] / ".real"
_CLI = REAL / "node_modules/@copilotkit/aimock/dist/cli.js"
_USAGE = {"input_tokens": 100, "output_tokens": 10}


def required(found: Path | None, what: str) -> Path:
    """Returns a program that is there; else the test is skipped, and says what would bring it."""
    if found is None or not found.exists():
        pytest.skip(f"{what} is not here: `make test-real` installs it where it can")
    return found


def claude() -> Path:
    """Returns the program of Claude Code."""
    folders = sorted(REAL.glob("venv/lib/python*/site-packages/claude_agent_sdk/_bundled"))
    found = required(folders[0] if folders else None, "Claude Code (of claude-agent-sdk)")
    return _shown(found) / "claude"


def codex() -> Path:
    """Returns the program of Codex."""
    if shutil.which("node") is None:
        pytest.skip("there is no node here, which Codex of npm needs")
    modules = REAL / "node_modules"
    required(modules / "@openai" / "codex", "Codex (of npm)")
    return _shown(modules) / "@openai/codex/bin/codex.js"


def prettier() -> Path:
    """Returns the folder of the program of Prettier."""
    modules = REAL / "node_modules"
    required(modules / "prettier", "Prettier (of npm)")
    return _shown(modules) / "prettier/bin"


@functools.cache
def _shown(folder: Path) -> Path:
    """Returns the folder, or one with the same files where a cell has a folder of its own at its place."""
    if not folder.is_relative_to(WORK):
        return folder
    elsewhere = Path(tempfile.mkdtemp(dir=os.environ["HOME"])) / folder.name
    shutil.copytree(folder, elsewhere, symlinks=True, copy_function=_linked)
    return elsewhere


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """Returns an answer of the model that calls a tool."""
    return {"toolCalls": [{"name": tool, "arguments": arguments}], "usage": _USAGE}


def say(content: str) -> dict[str, Any]:
    """Returns an answer of the model that says something."""
    return {"content": content, "usage": _USAGE}


class MockServer:
    """The mock that runs: where it is, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"

    def asked(self) -> list[dict[str, Any]]:
        """Returns every request that it has got."""
        with urllib.request.urlopen(f"{self.base_url}/__aimock/journal", timeout=120) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextmanager
def mock_server(
    folder: Path, turns: Sequence[dict[str, Any]], *, for_ever: bool = False
) -> Iterator[MockServer]:
    """Serves `turns`, one after another (`for_ever`: the first one again and again)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here, which the mock server needs")
    required(_CLI, "the mock server (aimock of npm)")
    fixtures = [
        {"match": {} if for_ever else {"turnIndex": turn}, "response": response}
        for turn, response in enumerate(turns)
    ]
    folder.mkdir()
    (folder / "turns.json").write_text(json.dumps({"fixtures": fixtures}))
    log = folder.parent / "mock.log"
    said = log.open("wb")
    with (
        said,
        subprocess.Popen(
            [node, str(_CLI), "-p", "0", "-f", str(folder), "--strict"],
            env={**os.environ, "AIMOCK_STRICT_TURN_INDEX": "1"},
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield MockServer(port_of(process, log))
        finally:
            process.terminate()
