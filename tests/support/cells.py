"""What tests of confined commands share."""

import os
import shutil
from pathlib import Path

import pytest


def need_bubblewrap() -> None:
    """Skips the test where there is no bubblewrap; where everything is tested that is a failure."""
    if shutil.which("bwrap") is None:
        if os.environ.get("CI"):
            pytest.fail("bubblewrap is not installed, and nothing is skipped here")
        pytest.skip("bubblewrap is not installed")


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
