"""Looks at the processes of a cell: how many, how much memory, and who gets a signal.

Standard library only, see runner.py.
"""

import os

from . import kernel

_PAGE = os.sysconf("SC_PAGE_SIZE")
LEAD = 2
"""Processes that are not the command's: bubblewrap and the first process of the namespace it makes."""


class Population:
    """The processes of one cell, listed by a /proc.

    With a pid namespace `proc` is its own and lists nothing else; without one (`root` given) it is the
    machine's, and the processes are the descendants of `root`.
    """

    def __init__(self, proc: str, root: int | None = None) -> None:
        self._proc = proc
        self._root = root

    def fault(self, *, processes_max: int, memory_bytes_max: int) -> str | None:
        """Returns which limit they exceed together, in words."""
        threads, memory = 0, 0
        pids = self._pids()
        for pid in pids:
            about = self._status(pid)
            if about is not None:
                threads += int(about[17])
                memory += int(about[21]) * _PAGE
        if threads > processes_max + (LEAD if self._root is None else 0):
            return f"killed: more than {processes_max} processes"
        if memory > memory_bytes_max and self._share(pids) > memory_bytes_max:
            return f"killed: more memory than {memory_bytes_max} bytes"
        return None

    def signal(self, number: int, *, leader: int | None = None) -> None:
        """Sends a signal to all but what holds them; with `leader`, to its process group alone."""
        held = self._pids()
        groups: set[str] = set()
        if self._root is None:
            leads = sorted(held)[:LEAD]
            held = [pid for pid in held if pid not in leads]
            first = self._status(leads[-1]) if leads else None
            groups = {first[2]} if first else set()
        elif leader is not None:
            groups = {str(leader)}
        for pid in held:
            about = self._status(pid)
            if about is not None and (leader is None or about[2] in groups):
                self._send(pid, number)

    def any(self) -> bool:
        """Tells whether one of them is left."""
        return bool(self._pids())

    def _send(self, pid: int, number: int) -> None:
        try:
            folder = os.open(f"{self._proc}/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            kernel.signal_process(folder, number)
        finally:
            os.close(folder)

    def _pids(self) -> list[int]:
        if self._root is None:
            try:
                return [int(name) for name in os.listdir(self._proc) if name.isdigit()]
            except OSError:
                return []
        found: list[int] = []
        waiting = [self._root]
        while waiting:
            children = self._children(waiting.pop())
            found += children
            waiting += children
        return found

    def _children(self, pid: int) -> list[int]:
        found: list[int] = []
        try:
            for task in os.listdir(f"{self._proc}/{pid}/task"):
                with open(f"{self._proc}/{pid}/task/{task}/children", "rb") as file:
                    found += [int(child) for child in file.read().split()]
        except OSError:
            return found
        return found

    def _status(self, pid: int) -> list[str] | None:
        """Returns the fields of its stat from the state on, or None when it is gone."""
        try:
            with open(f"{self._proc}/{pid}/stat", "rb") as file:
                return file.read().rpartition(b")")[2].decode("ascii", "replace").split()
        except OSError:
            return None

    def _share(self, pids: list[int]) -> int:
        """Returns the memory they use, each page counted once."""
        total = 0
        for pid in pids:
            try:
                with open(f"{self._proc}/{pid}/smaps_rollup", "rb") as file:
                    lines = file.read().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
        return total
