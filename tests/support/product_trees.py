"""Product trees in a real bare repository, and a folder read back as the tree that it is."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_process import GitProcess
from coordinator.domain.names import Oid
from coordinator.domain.tree import Mode
from tests.support.trees import Trees

Files = Mapping[str, tuple[Mode, bytes]]
"""What a tree holds, by path; the content of a submodule is the hex of its commit."""


def bare_repository(folder: Path) -> GitProcess:
    """Returns a private clone of a remote that nobody asks."""
    clone = create_private_clone(folder / "repo.git", remote_url=str(folder / "remote.git"))
    return GitProcess(clone, remote_url=str(folder / "remote.git"))


def plain(**files: str) -> dict[str, tuple[Mode, bytes]]:
    """Returns ordinary files; `__` in a name stands for '/', and a single word gets no suffix."""
    return {name.replace("__", "/"): ("100644", text.encode()) for name, text in files.items()}


def store(git: GitProcess, files: Files) -> Oid:
    """Stores `files` and returns their tree."""
    return Trees(git).tree(files)


def seen(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Returns what is on disk below `folder`, by path: mode and content, empty folders as submodules."""
    found: dict[str, tuple[str, bytes]] = {}
    for place, folders, names in os.walk(folder):
        for name in [*names, *folders]:
            path = Path(place) / name
            mode = path.lstat().st_mode
            key = str(path.relative_to(folder))
            if stat.S_ISLNK(mode):
                found[key] = ("120000", os.fsencode(path.readlink()))
            elif stat.S_ISDIR(mode):
                if not any(path.iterdir()):
                    found[key] = ("160000", b"")
            else:
                found[key] = ("100755" if mode & 0o100 else "100644", path.read_bytes())
    return found


def expected(files: Files) -> dict[str, tuple[str, bytes]]:
    """Returns what `seen` must return for `files`."""
    return {
        path: (mode, b"" if mode == "160000" else content)
        for path, (mode, content) in files.items()
    }
