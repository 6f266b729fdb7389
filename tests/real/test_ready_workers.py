"""The ready worker files with the real tools: what lands is what the tool does by hand."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.real.mock_server import REAL, prettier, required
from tests.support.repos import git
from tests.support.worked import Worked, worked

pytestmark = [pytest.mark.real, pytest.mark.slow]

BRIEF = """\
---
task_type: {capability}
---

## TASK

Put the files in order.

## INPUTS

- {scope}

## SCOPE

in: {scope}

## OUTPUT FORMAT

changes

## DO NOT

- new files

## ACCEPTANCE

- only: {scope}
"""
# What an installer writes for the program of this package.
CODESPELL = """\
#!{python}
import sys
from codespell_lib import _script_main
sys.exit(_script_main())
"""
TEXT = "# Teh guide\n\n* one\n* two  \n\nIt is neccessary to recieve it.\n"


@functools.cache
def python_tools() -> Path:
    """Returns a folder with the programs ruff and codespell, where a cell can show it."""
    package = next(iter(sorted(REAL.glob("venv/lib/python*/site-packages/codespell_lib"))), None)
    package = required(package, "codespell")
    place = Path(tempfile.mkdtemp(dir=os.environ["HOME"])) / "tools"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    shutil.copy(Path(sys.executable).with_name("ruff"), place / "bin")
    shutil.copytree(package, next(place.glob("lib/python*/site-packages")) / package.name)
    script = place / "bin" / "codespell"
    script.write_text(CODESPELL.format(python=place / "bin" / "python"))
    script.chmod(0o755)
    return place / "bin"


def linked_prettier() -> Path:
    """Returns a folder with the program prettier."""
    place = Path(tempfile.mkdtemp(dir=os.environ["HOME"]))
    (place / "prettier").symlink_to(prettier() / "prettier.cjs")
    return place


def sources() -> dict[str, str]:
    """Returns real Python files that others wrote, and a text with faults."""
    top = Path(click.__file__).parent
    files = {f"src/{file.name}": file.read_text() for file in sorted(top.glob("*.py"))[:4]}
    plain = {path: text.replace("\n\n\n", "\n\n") for path, text in files.items()}
    return {"README.md": "# A site\n", "docs/guide.md": TEXT, **plain}


@pytest.mark.parametrize(
    ("name", "capability", "scope", "found", "by_hand"),
    [
        ("ruff", "python-format", "src/", python_tools, ["ruff", "format", "--no-cache", "src"]),
        ("codespell", "spelling", "docs/", python_tools, ["codespell", "-w", "docs/guide.md"]),
        (
            "prettier",
            "prettier",
            "docs/",
            linked_prettier,
            ["prettier", "--write", "docs/guide.md"],
        ),
    ],
)
def test_what_a_ready_worker_lands_is_what_its_tool_does_by_hand(
    tmp_path: Path,
    name: str,
    capability: str,
    scope: str,
    found: Callable[[], Path],
    by_hand: list[str],
) -> None:
    path = f"{found()}:{os.environ['PATH']}"
    made: Worked = worked(tmp_path, {}, files=sources(), environment={"PATH": path})
    added = made.run("workers", "add", name, "--json")
    assert added.code == 0, added.said
    repo = made.site.repo
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "a worker")
    git(repo, "push", "--quiet", "origin", "HEAD:main")
    shown = made.done(BRIEF.format(capability=capability, scope=scope))
    assert shown["state"] == "completed", shown
    hand = tmp_path / "hand"
    shutil.copytree(repo, hand)
    git(hand, "reset", "--quiet", "--hard", "HEAD")
    subprocess.run(by_hand, cwd=hand, env={**os.environ, "PATH": path}, check=False)
    changed = git(hand, "diff", "--name-only").splitlines()
    assert changed, "the tool has something to do"
    for file in changed:
        assert made.at_tip(file) == (hand / file).read_text().removesuffix("\n"), file
    landed = git(made.site.hub, "diff", "--name-only", git(hand, "rev-parse", "HEAD"), "main")
    assert [f for f in landed.splitlines() if not f.startswith(("briefs/", "memory/"))] == changed
