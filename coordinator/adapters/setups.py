"""What the setup of a check makes, kept for as long as what it is made of stays the same.

A setup is run once for its line and the files that decide what comes of it (`setup_inputs`, or the lock
files and manifests that are well known); later checks see what it added below their own tree.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coordinator.adapters.git import Git
from coordinator.adapters.sandbox import CellEnded
from coordinator.adapters.tree_files import remove_folder
from coordinator.domain.check import Check
from coordinator.domain.names import EMPTY_TREE, digest
from coordinator.domain.tree import matches

KEPT_MAX = 8
WELL_KNOWN = frozenset(
    (
        *(
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
        ),
        *("pnpm-workspace.yaml", ".npmrc", ".yarnrc.yml", "bun.lock", "bun.lockb", "deno.lock"),
        *("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "poetry.lock", "uv.lock"),
        *("pdm.lock", "Pipfile", "Pipfile.lock", "pylock.toml", ".python-version", "tox.ini"),
        *("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", "go.mod", "go.sum"),
        *("Gemfile", "Gemfile.lock", "composer.json", "composer.lock", "mix.exs", "mix.lock"),
        *(
            "pom.xml",
            "build.gradle",
            "build.gradle.kts",
            "gradle.lockfile",
            "flake.nix",
            "flake.lock",
        ),
        *("Makefile", "makefile", "GNUmakefile", "justfile"),
    )
)
"""Names of files that say what a setup makes, in whatever folder they are."""

_WORD = re.compile(r"[\w./+-]+")


class SetupFailed(Exception):
    """The setup did not end well, so there is nothing to check in."""

    def __init__(self, ended: CellEnded) -> None:
        super().__init__("the setup failed")
        self.ended = ended


class Setups:
    """What setups made, below `folder`; the least recently used go when there are more than `kept_max`."""

    def __init__(self, git: Git, folder: Path, *, kept_max: int = KEPT_MAX) -> None:
        self._git = git
        self._folder = folder
        self._kept_max = kept_max
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}
        self._users: dict[str, int] = {}

    def key(self, check: Check) -> str:
        """Returns what decides what the setup of `check` makes, as a digest."""
        command, confined = check.command, check.confinement
        line = command.setup or ""
        named = {word.removeprefix("./") for word in _WORD.findall(line)}
        globs = command.setup_inputs
        inputs: list[tuple[str, str, str]] = []
        for change in self._git.diff(EMPTY_TREE, check.product):
            path, after = change.path, change.after
            is_known = not globs and (path.rpartition("/")[2] in WELL_KNOWN or path in named)
            if after is not None and (is_known or any(matches(path, glob) for glob in globs)):
                inputs.append((path, after.mode, after.oid))
        about = [line, inputs, confined.checks, confined.read, confined.path, _boot()]
        if not inputs:
            about.append(check.product)  # nothing says what it depends on, so it is everything
        return digest(json.dumps(about).encode()).removeprefix("sha256:")[:32]

    @contextmanager
    def of(self, key: str, make: Callable[[Path], CellEnded]) -> Iterator[tuple[Path, str]]:
        """Yields a folder with what the setup made, and how it is meant: "added" or "whole".

        `make` runs it and has what came of it kept in the folder that it is given; "whole" is a tree with the
        setup done to it, for this one check alone. Raises SetupFailed.
        """
        place = self._folder / key
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
            self._users[key] = self._users.get(key, 0) + 1
        try:
            with busy:
                passing = self._made(place, make)
            try:
                yield (place / "layer", "added") if passing is None else (passing, "whole")
            finally:
                if passing is not None:
                    remove_folder(passing)
        finally:
            with self._lock:
                self._users[key] -= 1
            self._prune()

    def _made(self, place: Path, make: Callable[[Path], CellEnded]) -> Path | None:
        """Sees to it that the layer is there; returns what holds for this one check alone, else None."""
        if (place / "layer").is_dir():
            os.utime(place)
            return None
        place.mkdir(parents=True, exist_ok=True)
        new = place / f"new-{threading.get_ident()}"
        remove_folder(new)
        ended = make(new)
        if ended.code != 0:
            remove_folder(new)
            raise SetupFailed(ended)
        if ended.kept == "whole":
            return new
        new.rename(place / "layer")
        return None

    def _prune(self) -> None:
        with self._lock:
            places = [place for place in self._folder.iterdir() if not self._users.get(place.name)]
            newest = sorted(places, key=lambda place: place.stat().st_mtime, reverse=True)
            for place in newest[self._kept_max :]:
                remove_folder(place)
            for key in [key for key, users in self._users.items() if not users]:
                del self._users[key], self._busy[key]


def _boot() -> str:
    """Returns what changes when the machine starts anew: files are not synced, so a crash may empty them."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return os.uname().nodename
