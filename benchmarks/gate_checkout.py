"""Measures a gate with `true`, its checkout included, on a small and a large repository.

    python benchmarks/gate_checkout.py [--runs 20] [--files 1000 50000] [--isolation auto] [--confinement strict]

Each run changes 3 files and gates the new tree; the first checkout of each size is shown apart.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Literal

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.sandbox import Sandbox
from coordinator.adapters.setups import Setups
from coordinator.domain.check import Check
from coordinator.domain.names import Oid
from coordinator.domain.policy import Command, Confinement
from coordinator.domain.tree import Entry, encode

_IN_FOLDER = 100
_TOUCHED = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--files", type=int, nargs=2, default=[1_000, 50_000])
    arguments.add_argument("--isolation", choices=["auto", "overlay", "copy"], default="auto")
    arguments.add_argument("--confinement", choices=["strict", "none"], default="strict")
    chosen = arguments.parse_args()
    confinement = Confinement(checks=chosen.confinement)
    small, large = (
        measure(count, chosen.runs, chosen.isolation, confinement) for count in chosen.files
    )
    print(f"ratio {large / small:.2f}")


def measure(
    files: int,
    runs: int,
    isolation: Literal["auto", "overlay", "copy"],
    confinement: Confinement,
) -> float:
    """Returns the median seconds of a gate on a tree of `files` files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = create_private_clone(folder / "repo.git", remote_url=str(folder / "none"))
        with GitProcess(clone, remote_url=str(folder / "none")) as git:
            repository = Repository(git, files)
            checks = CommandChecks(
                Checkouts(git, folder / "checkouts"),
                Sandbox(folder / "cells", isolation=isolation),
                Setups(git, folder / "setups"),
                environment=os.environ,
            )
            first = gate(checks, repository.tree(), confinement)
            times = []
            for run in range(runs):
                tree = repository.changed(run)
                times.append(gate(checks, tree, confinement))
    median = statistics.median(times)
    print(
        f"{files:>7} files, {confinement.checks}, {isolation}: first {first * 1000:8.1f} ms, "
        f"then median {median * 1000:6.1f} ms, worst {max(times) * 1000:6.1f} ms of {runs}"
    )
    return median


def gate(checks: CommandChecks, tree: Oid, confinement: Confinement) -> float:
    begun = time.perf_counter()
    result = checks.run(Check(tree, Command(name="gate", run="true"), confinement))
    assert result.passed, result.tail
    return time.perf_counter() - begun


class Repository:
    """Folders of a hundred files of about two kilobytes; a few blobs are shared, to be quick to make."""

    def __init__(self, git: GitProcess, files: int) -> None:
        self._git = git
        blobs = [git.write("blob", b"%d\n" % n * 500) for n in range(50)]
        entries = {f"file{n}": Entry("100644", blobs[n % 50]) for n in range(_IN_FOLDER)}
        folder = Entry("040000", git.write("tree", encode(entries)))
        self._entries = entries
        self._folders = {f"folder{n:04}": folder for n in range(files // _IN_FOLDER)}

    def tree(self) -> Oid:
        return self._git.write("tree", encode(self._folders))

    def changed(self, number: int) -> Oid:
        """Returns the tree after one more change of three files, in as many folders."""
        for n in range(_TOUCHED):
            blob = self._git.write("blob", b"change %d %d\n" % (number, n))
            inner = encode({**self._entries, "file7": Entry("100644", blob)})
            folders = sorted(self._folders)
            name = folders[(number * _TOUCHED + n) % len(folders)]
            self._folders[name] = Entry("040000", self._git.write("tree", inner))
        return self.tree()


if __name__ == "__main__":
    main()
