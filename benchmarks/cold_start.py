"""Measures how long a confined `true` takes on a warm commit of a large repository, and a bare one.

    python benchmarks/cold_start.py [--runs 50] [--files 50000]

The figure is from the call of Sandbox.run to its return; the checkout of the commit is made before. The runs of both
take turns, so that what else the machine does falls on both. Exits 1 when the median is over the budget.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.sandbox import Cell, Sandbox
from coordinator.domain.names import Oid
from coordinator.domain.tree import Entry, encode

BUDGET_MS = 40.0
_IN_FOLDER = 100


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=50)
    arguments.add_argument("--files", type=int, default=50_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = create_private_clone(folder / "repo.git", remote_url=str(folder / "none"))
        with GitProcess(clone, remote_url=str(folder / "none")) as git:
            tree = repository(git, chosen.files)
            with Checkouts(git, folder / "checkouts").hold(tree) as checkout:
                return measure(Sandbox(folder / "cells"), checkout, chosen.runs, chosen.files)


def repository(git: GitProcess, files: int) -> Oid:
    """Returns a tree of folders of a hundred files of about two kilobytes."""
    blobs = [git.write("blob", b"%d\n" % n * 500) for n in range(50)]
    entries = {f"file{n}": Entry("100644", blobs[n % 50]) for n in range(_IN_FOLDER)}
    inner = Entry("040000", git.write("tree", encode(entries)))
    return git.write("tree", encode({f"folder{n:04}": inner for n in range(files // _IN_FOLDER)}))


def measure(sandbox: Sandbox, checkout: Path, runs: int, files: int) -> int:
    cells = {
        access: Cell(argv=("true",), tree=checkout, access=access)
        for access in ("read", "scratch", "write")
    }
    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: subprocess.run(["true"], check=True),
        **{f"confined, {name}": partial(sandbox.run, cell) for name, cell in cells.items()},
    }
    for way in ways.values():  # what is loaded once for all
        way()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            taken[name].append((time.perf_counter() - begun) * 1000)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        print(
            f"{files:>7} files, {name:<18} median {medians[name]:6.1f} ms, "
            f"best {min(times):6.1f} ms, ratio {medians[name] / medians['bare']:5.1f}"
        )
    worst = max(medians["confined, read"], medians["confined, scratch"])
    print(f"budget {BUDGET_MS:.0f} ms: {'kept' if worst < BUDGET_MS else 'EXCEEDED'}")
    return 0 if worst < BUDGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
