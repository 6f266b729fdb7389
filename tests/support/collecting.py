"""Where a run of the tests puts its files, and which of its processes reads the tests first."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

_ROOM_MIN = 2 * 2**30  # bytes; fifty times what was seen at once


def has_room(folder: Path, *, bytes_min: int = _ROOM_MIN) -> bool:
    """Tells whether programs can be put there and started; containers often have a small one where they cannot."""
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= bytes_min


def is_one_of_several(environment: Mapping[str, str]) -> bool:
    """Tells whether this process reads tests beside others; the one that hands them out reads none."""
    return "PYTEST_XDIST_WORKER" in environment


@contextmanager
def one_first(mark: Path) -> Iterator[None]:
    """Has others wait for the first that comes, until it has come through; `mark` says that one has."""
    lock = FileLock(mark.with_suffix(".lock"))
    try:
        mark.parent.mkdir(exist_ok=True)
        lock.acquire()
    except OSError:  # a tree that cannot be written: nothing is compiled there either
        yield
        return
    try:
        if mark.exists():
            lock.release()
        yield
        mark.touch()
    finally:
        lock.release()
