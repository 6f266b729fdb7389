"""Runs the command line in-process, and in a real process where that is the point."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from coordinator.cli import main
from tests.support import warm
from tests.support.patience import COMMAND_S_MAX


@dataclass(frozen=True, slots=True)
class Answered:
    """How a command line ended."""

    code: int
    out: str
    said: str  # stderr

    @property
    def json(self) -> dict[str, Any]:
        """Returns the one JSON object of the answer."""
        found: dict[str, Any] = json.loads(self.out)
        assert found["schema"] == 1
        return found

    @property
    def error(self) -> dict[str, str]:
        """Returns the error as programs see it."""
        found = json.loads(self.said)
        assert found["schema"] == 1
        error: dict[str, str] = found["error"]
        assert set(error) == {"code", "message", "hint"}
        return error


def coordinator(repo: Path, *arguments: str) -> Answered:
    """Runs `coordinator -C REPO ...` in this process."""
    ended = CliRunner().invoke(main, ["-C", str(repo), *arguments])
    return Answered(ended.exit_code, ended.stdout, ended.stderr)


def in_a_process(
    repo: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    timeout_s_max: float = COMMAND_S_MAX,
    cold: bool = False,
) -> Answered:
    """Runs `coordinator ...` with `repo` as the current folder; `cold`, as a user starts it."""
    ended = (warm.run_cold if cold else warm.run)(
        arguments, cwd=repo, timeout=timeout_s_max, env={**os.environ, **(environment or {})}
    )
    return Answered(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
