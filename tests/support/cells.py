"""What tests of confined commands share."""

import contextlib
import os
import shutil
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from coordinator.adapters.sandbox import Cell, CellEnded, CellLimits, Sandbox
from coordinator.domain.policy import Layers
from tests.support.patience import PATIENCE_S


def need_bubblewrap() -> None:
    """Skips the test where there is no bubblewrap; where everything is tested that is a failure."""
    if shutil.which("bwrap") is None:
        if os.environ.get("CI"):
            pytest.fail("bubblewrap is not installed, and nothing is skipped here")
        pytest.skip("bubblewrap is not installed")


def house_rule() -> str:
    """Returns what config.toml must say for checks to run here: nothing, wherever they can be confined."""
    if shutil.which("bwrap") is not None or os.environ.get("CI"):
        return ""
    return '[confinement]\nchecks = "none"\n'


def running(mark: str) -> list[str]:
    """Returns the command lines of processes of this machine that hold `mark`."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if mark in line:
            lines.append(line)
    return lines


def sleepers(mark: str) -> list[int]:
    """Returns the processes of this machine that sleep for `mark` seconds."""
    wanted = f"sleep\0{mark}\0".encode()
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if file.read_bytes() == wanted:
                found.append(int(file.parent.name))
    return found


WAYS: dict[str, tuple[Layers, Literal["auto", "copy"]]] = {
    "strict": ("strict", "auto"),
    "strict-copy": ("strict", "copy"),
    "none": ("none", "auto"),
    "none-copy": ("none", "copy"),
}
"""Ways to run a cell: how it is confined, and how its folder is made."""

TREE = {"a": "text\n", "folder/b": "b\n", "run": "#!/bin/sh\necho ran\n"}


@dataclass(frozen=True)
class Cells:
    """Runs cells of one kind over a small tree."""

    folder: Path
    confinement: Layers = "strict"
    isolation: Literal["auto", "copy"] = "auto"

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.folder / "cells", isolation=self.isolation)

    def run(
        self,
        line: str,
        *,
        heard: Callable[[bytes], None] = lambda chunk: None,
        stop: threading.Event | None = None,
        **more: Any,
    ) -> CellEnded:
        more.setdefault("limits", CellLimits(wall_clock_s_max=PATIENCE_S))
        cell = Cell(argv=("sh", "-c", line), tree=self.tree, confinement=self.confinement, **more)
        return self.sandbox.run(cell, heard=heard, stop=stop)


def cells(folder: Path, way: str = "strict") -> Cells:
    """Returns cells over a small tree below `folder`."""
    confinement, isolation = WAYS[way]
    if confinement == "strict":
        need_bubblewrap()
    for name, text in TREE.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "tree/run").chmod(0o755)
    return Cells(folder, confinement, isolation)


def mark() -> str:
    """Returns a number of seconds that nobody else sleeps."""
    return str(uuid.uuid4().int % 10**9 + 10**9)
