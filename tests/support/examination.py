"""What `coordinator doctor` says of this machine, asked once for each user and remembered."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support import warm

ROOT = Path(__file__).resolve().parents[2]
ORDINARY = 12_345
_S_MAX = 900.0
USERS = ("this user", "an ordinary user")

AGENT = """\
---
name: writer
kind: claude-code
model: small
read: [/no/such/folder]
---
Write.
"""
"""It shall see what is not here: that keeps it from running, and is no way out."""


@dataclass(frozen=True)
class Examination:
    """How a doctor ended; `left` is what it left in its temporary folder."""

    code: int
    said: dict[str, Any]
    stderr: str
    left: tuple[str, ...]
    is_root: bool

    def row(self, name: str) -> dict[str, Any]:
        """Returns the row of one escape."""
        found: dict[str, Any] = next(row for row in self.said["escapes"] if row["id"] == name)
        return found

    def check(self, name: str) -> dict[str, Any]:
        """Returns one of the checks."""
        found: dict[str, Any] = next(one for one in self.said["checks"] if one["name"] == name)
        return found


@cache
def examined(user: str) -> Examination:
    """Returns what the doctor says to `user`, in a repository with every kind of cell."""
    need_bubblewrap()
    return examine(user, "--json", agent=True)


def need_bubblewrap() -> None:
    """Skips where nothing can be confined."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")


def examine(
    user: str,
    *arguments: str,
    agent: bool = False,
    confined: str = "",
    path: str | None = None,
    temporary: str | None = None,
) -> Examination:
    """Runs `coordinator doctor` in a repository of its own; `path` is the PATH of it."""
    with tempfile.TemporaryDirectory(prefix="examined-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        scratch = folder / "scratch"
        scratch.mkdir()
        prefix = _as(user, folder)
        environment = {
            **os.environ,
            "HOME": name,
            "TMPDIR": temporary or str(scratch),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        }
        site = folder / "site"
        site.mkdir()
        _git(site, "init", "-q", "-b", "main")
        _git(site, "config", "user.name", "A Person")
        _git(site, "config", "user.email", "person@example.invalid")
        (site / "a.txt").write_text("a\n")
        _git(site, "add", "-A")
        _git(site, "commit", "-qm", "begin")
        _own(folder, user)
        _ours(prefix, ("init", "--hub", "../hub.git"), site, environment)
        if agent or confined:
            _git_as(prefix[:-1], site, environment, agent=agent, confined=confined)
        if path is not None:
            environment["PATH"] = path
        done = _ours(prefix, ("doctor", *arguments), site, environment)
        said = json.loads(done.stdout or "{}") if "--json" in arguments else {"text": done.stdout}
        return Examination(
            done.returncode,
            said,
            done.stderr,
            left=tuple(sorted(path.name for path in scratch.iterdir())),
            is_root=user == USERS[0] and os.geteuid() == 0,
        )


def _as(user: str, folder: Path) -> list[str]:
    """Returns how Python is started as a user."""
    if user == USERS[0]:
        return [sys.executable]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can be somebody else")
    # setpriv itself starts with what root may still read; what it starts does not.
    change = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "env"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    for python in (sys.executable, "/usr/bin/python3"):
        line = [*change, python, "-c", "import coordinator.cli, pydantic"]
        try:
            tried = subprocess.run(
                line, cwd=folder, env=environment, capture_output=True, check=False
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return [*change, python]
    pytest.skip("no Python here that an ordinary user may start")


def _own(folder: Path, user: str) -> None:
    if user == USERS[1]:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, ORDINARY, ORDINARY, follow_symlinks=False)


def _git_as(
    prefix: list[str], site: Path, environment: dict[str, str], *, agent: bool, confined: str
) -> None:
    file = site / ".orchestrator" / "config.toml"
    text = file.read_text()
    assert "\n[confinement]\n" in text
    file.write_text(text.replace("\n[confinement]\n", f"\n[confinement]\n{confined}\n"))
    if agent:
        workers = site / ".orchestrator" / "workers"
        workers.mkdir(exist_ok=True)
        (workers / "writer.md").write_text(AGENT)
    for arguments in (("add", "-A"), ("commit", "-qm", "settings"), ("push", "-q")):
        _run([*prefix, "git", "-c", "safe.directory=*", *arguments], site, environment)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def _ours(
    prefix: list[str], arguments: tuple[str, ...], folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Runs a command of ours as whoever `prefix` makes it."""
    if len(prefix) > 1:
        return _run([*prefix, "-m", "coordinator", *arguments], folder, environment)
    plain = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    done = warm.run(arguments, cwd=folder, env=plain, timeout=_S_MAX)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def _run(
    line: list[str], folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        line,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_S_MAX,
    )
