"""The arm through a gate: a tree whose `Makefile` and `conftest.py` were written by a worker who means harm."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.escapes.arms import (
    ARCHIVE,
    SCENE,
    Arm,
    Tried,
    archive,
    interpreter,
    ordered,
    reports,
)
from coordinator.adapters.escapes.planting import Planted, git
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.sandbox import Sandbox
from coordinator.adapters.setups import Setups
from coordinator.domain.check import Check
from coordinator.domain.names import Oid
from coordinator.domain.policy import Command, Confinement

# A test runner loads this file before it looks at a single test.
_CONFTEST = f"""\
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
subprocess.run(
    [sys.executable, "-I", "-S", str(here / "{ARCHIVE}"), str(here / "{SCENE}")], check=False
)
"""
_TEST = "import conftest\n\n\ndef test_nothing():\n    assert conftest.here\n"
_MAKEFILE = "check:\n\t@{line}\n"
_LINE = (
    "if {python} -c 'import pytest' 2>/dev/null; "
    "then {python} -m pytest -q -s -p no:cacheprovider; else {python} test_planted.py; fi"
)
_WALL_S = 600.0


def tried(
    names: Sequence[str],
    scene: Mapping[str, Any],
    arm: Arm,
    *,
    planted: Planted,
    sandbox: Sandbox,
    environment: Mapping[str, str],
) -> Tried:
    """Tries them in what a gate runs, the way that the daemon runs gates. Raises nothing of its own."""
    python, needed = interpreter()
    line = _LINE.format(python=python)
    given = {**scene, "work": "/work", "out": "/out", "tmp": "/tmp"}  # noqa: S108 - of the cell
    files = {
        "a.txt": b"a\n",
        "conftest.py": _CONFTEST.encode(),
        "test_planted.py": _TEST.encode(),
        "Makefile": _MAKEFILE.format(line=line).encode(),
        ARCHIVE: archive(),
        SCENE: ordered(names, given, wordy=False),
    }
    tree = _tree(planted.top, files)
    folder = planted.top / "gate"
    with GitProcess(planted.top / "remote.git", remote_url="") as own:
        checks = CommandChecks(
            Checkouts(own, folder / "checkouts"),
            sandbox,
            Setups(own, folder / "setups"),
            environment=environment,
        )
        result = checks.run(
            Check(
                product=tree,
                command=Command(
                    name="gate",
                    run=f"if command -v make >/dev/null; then make -s check; else {line}; fi",
                    timeout_s_max=_WALL_S,
                ),
                confinement=Confinement(
                    checks="strict", read=(*arm.read, *(str(path) for path in needed))
                ),
            )
        )
    return Tried(reports=reports(result.tail.encode()), said=result.tail[-300:])


def _tree(top: Path, files: Mapping[str, bytes]) -> Oid:
    """Returns the tree of the files, kept in the planted remote."""
    folder = top / "gate-tree"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    how = (f"--git-dir={top / 'remote.git'}", f"--work-tree={folder}", "-c", "core.bare=false")
    index = {"GIT_INDEX_FILE": os.fspath(top / "gate-index")}
    git(*how, "add", "-A", "-f", ".", environment=index)
    return Oid(git(*how, "write-tree", environment=index).strip())
