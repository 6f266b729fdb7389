"""Writes git trees as plain files: raw blobs, no attributes, no `.git`, the cost follows the change.

git's own checkout converts line ends, runs filters and reads `.gitattributes` of the very tree it writes;
what a gate judges and what a target serves must be the bytes that were hashed, so they are written here.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from coordinator.adapters.git import Git
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import EMPTY_TREE, Oid
from coordinator.domain.tree import Change, Entry

FILE_TIME_S = 1_000_000_000
"""Every file gets this time, so no build tool sees a source newer than what was committed beside it."""


def write_tree(git: Git, tree: Oid, folder: Path) -> None:
    """Writes all of `tree` into the empty, existing `folder`."""
    apply(git, folder, git.diff(EMPTY_TREE, tree))


def apply(git: Git, folder: Path, changes: Iterable[Change]) -> None:
    """Brings `folder` from the tree before `changes` to the one after them.

    Everything that goes, goes first, so a file may become a folder and the other way round. Raises
    RepositoryError for a path that no checkout may have, and OSError when the disk says no.
    """
    root = os.fsencode(folder)
    listed = [(root + b"/" + _safe(change.path), change) for change in changes]
    for path, change in listed:
        if change.before is not None:
            _remove(path, change.before, root)
    for path, change in listed:
        if change.after is not None:
            _write(git, path, change.after)


def remove_folder(folder: Path) -> None:
    """Removes `folder` and all below it, also what a command made unwritable; nothing when it is not there."""
    with contextlib.suppress(FileNotFoundError):
        try:
            shutil.rmtree(folder)
        except PermissionError:
            _unlock(os.fsencode(folder))
            shutil.rmtree(folder)


def _unlock(folder: bytes) -> None:
    """Makes it and all folders below it ours to change; follows no link."""
    os.chmod(folder, 0o700)  # noqa: PTH101 - names may not be text
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _unlock(entry.path)


def _safe(path: str) -> bytes:
    for part in path.split("/"):
        if part in ("", ".", "..") or part.lower() == ".git":
            raise RepositoryError(
                f"the tree has a path that cannot be checked out: {path!r}",
                hint="remove it from the branch",
            )
    return path.encode("utf-8", "surrogateescape")


def _remove(path: bytes, entry: Entry, root: bytes) -> None:
    # What is missing already is as wanted: the caller compares nothing but the end state.
    with contextlib.suppress(FileNotFoundError):
        if entry.mode == "160000":
            os.rmdir(path)  # noqa: PTH106 - bytes
        else:
            os.unlink(path)  # noqa: PTH108 - bytes
    parent = os.path.dirname(path)  # noqa: PTH120 - bytes
    while parent != root:
        try:
            os.rmdir(parent)  # noqa: PTH106 - bytes
        except OSError:  # it holds something else, or went with an earlier path
            return
        parent = os.path.dirname(parent)  # noqa: PTH120 - bytes


def _write(git: Git, path: bytes, entry: Entry) -> None:
    _make_folder(os.path.dirname(path))  # noqa: PTH120 - bytes
    if entry.mode == "160000":  # a submodule: there, but empty, as in a clone without submodules
        _make_folder(path)
        return
    content = git.read(entry.oid)[1]
    if entry.mode == "120000":
        os.symlink(content, path)  # noqa: PTH211 - bytes
        os.utime(path, (FILE_TIME_S, FILE_TIME_S), follow_symlinks=False)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, 0o755 if entry.mode == "100755" else 0o644)
        os.utime(descriptor, (FILE_TIME_S, FILE_TIME_S))


def _make_folder(path: bytes) -> None:
    if os.path.isdir(path):  # noqa: PTH112 - bytes
        return
    _make_folder(os.path.dirname(path))  # noqa: PTH120 - bytes
    os.mkdir(path)  # noqa: PTH102 - bytes
    os.chmod(path, 0o755)  # noqa: PTH101, S103 - bytes; the umask of the daemon decides nothing
