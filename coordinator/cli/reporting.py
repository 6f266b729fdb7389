"""Writes what a person pastes when the fault is ours: versions, the command, the traceback."""

import itertools
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path


def write_report(error: BaseException, arguments: Sequence[str]) -> Path:
    """Returns the file: in the run folder of the repository, or else in the folder for temporary files."""
    text = "\n".join(
        [
            f"coordinator {_version()}, Python {platform.python_version()}, {platform.platform()}",
            f"command: coordinator {' '.join(arguments[:2])} (arguments left out)",
            "",
            *traceback.format_exception(error),
        ]
    )
    name = f"report-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}.txt"
    for folder in (*_run_folders(arguments), Path(tempfile.gettempdir())):
        path = folder / name
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    sys.stderr.write(text)
    return Path("stderr")


def _run_folders(arguments: Sequence[str]) -> list[Path]:
    start = Path.cwd()
    for flag, value in itertools.pairwise(arguments):
        if flag == "-C":
            start = start / value
    runs = [folder / ".orchestrator" / "run" for folder in (start, *start.parents)]
    return [run for run in runs if run.is_dir()]


def _version() -> str:
    try:
        return metadata.version("git-coordinator")
    except metadata.PackageNotFoundError:
        return "from source"
