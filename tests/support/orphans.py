"""Finds what a killed process left running: on Linux its orphans become ours, so none can hide."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import warm
from tests.support.patience import PATIENCE_S

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_S = 0.02


class Orphans:
    """The children of this process that were not there before."""

    def __init__(self) -> None:
        self._before = _children()

    def left(self, patience_s: float) -> dict[int, str]:
        """Returns what still runs when all have ended or the patience is over: command lines by pid."""
        deadline_s = time.monotonic() + patience_s
        while found := self._alive():
            if time.monotonic() > deadline_s:
                return found
            time.sleep(_LOOK_S)  # the end of a process that is no child from the start wakes nobody
        return {}

    def kill(self) -> None:
        """Kills what is left, each by its number."""
        for pid in self._alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _alive(self) -> dict[int, str]:
        found = {}
        for pid in _children() - self._before:
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    continue
            found[pid] = _command_line(pid)
        return found


@contextmanager
def adopting() -> Iterator[Orphans]:
    """Makes this process the parent of every orphan among its descendants, and kills them at the end."""
    warm.begin()  # it outlives the test, and is no orphan of it
    if sys.platform != "linux":
        yield Orphans()
        return
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    orphans = Orphans()
    try:
        yield orphans
    finally:
        orphans.kill()
        orphans.left(PATIENCE_S)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _children() -> set[int]:
    """Returns the children of this process; none where there is no /proc."""
    return {int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _is_ours(stat)}


def _is_ours(stat: Path) -> bool:
    try:
        after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return False  # it has just ended
    return int(after_name[1]) == os.getpid()


def _command_line(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return "?"
