"""Notes every durable write that happens inside a port call, by asking Python itself (audit events).

An audit hook cannot be taken away again, so there is one for the process, which does nothing until somebody
records. What a thread writes outside every port call is not noted: a pool's own threads, the daemon's log.
"""

import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from coordinator import bootstrap, groundwork
from tests.support.patience import PATIENCE_S

# What of git only reads; whatever is not here counts as a write.
_READS = frozenset(
    {
        "cat-file",
        "diff-tree",
        "for-each-ref",
        "log",
        "ls-remote",
        "ls-tree",
        "merge-base",
        "rev-list",
        "rev-parse",
        "symbolic-ref",
        "var",
        "version",
    }
)
_CHANGES = frozenset(
    {
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "os.utime",
    }
)
_WRITABLE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

Call = tuple[str, str]  # (port, call)


class Recorder:
    """Wraps ports (`around`), counts their calls, and knows what each wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}/"
        self.calls: Counter[Call] = Counter()
        self.wrote: dict[Call, set[str]] = {}

    def around(self, name: str, port: Any) -> Any:
        """Returns a port that tells of each call; for bootstrap."""
        return _Told(self, name, port)

    def note(self, what: str) -> None:
        """Notes that the innermost port call of this thread wrote."""
        call = getattr(_inside, "call", None)
        if call is not None:
            self.wrote.setdefault(call, set()).add(what)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Judges one audit event."""
        if event == "sqlite3.connect/handle":
            _connections().append(arguments[0])  # not made yet: only its address is known
        elif getattr(_inside, "call", None) is None:
            return
        elif event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITABLE and self._ours(path):
                self.note(f"open {self._short(path)}")
        elif event in _CHANGES:
            if self._changes(event, arguments):
                self.note(f"{event} {self._short(arguments[0])}")
        elif event == "coordinator.git" and arguments[0] not in _READS:
            self.note(f"git {arguments[0]}")
        elif event == "subprocess.Popen":
            command = [os.fsdecode(part) for part in arguments[1]]
            if command[0] != "git":
                self.note(f"ran {command[0]}")
            elif not _only_reads(command):
                self.note(f"git {_subcommand(command)}")

    def _changes(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Tells whether it will change anything: the event comes before, and whatever comes of it."""
        first = arguments[0]
        if not any(self._ours(argument) for argument in arguments[:2]):
            return False
        return os.path.lexists(first) != (event == "os.mkdir")

    def _ours(self, path: object) -> bool:
        return isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(
            self._folder
        )

    def _short(self, path: object) -> str:
        return os.fsdecode(path).removeprefix(self._folder) if isinstance(path, str) else str(path)


class _Told:
    """A port whose every call is known to the recorder while it runs."""

    def __init__(self, recorder: Recorder, name: str, port: Any) -> None:
        self._recorder = recorder
        self._name = name
        self._port = port

    def __getattr__(self, call: str) -> Any:
        found = getattr(self._port, call)
        if not callable(found):
            return found
        recorder, key = self._recorder, (self._name, call)

        @wraps(found)
        def told(*arguments: Any, **named: Any) -> Any:
            before = getattr(_inside, "call", None)
            _inside.call = key
            recorder.calls[key] += 1
            rows = _rows_changed()
            try:
                return found(*arguments, **named)
            finally:
                if _rows_changed() != rows:
                    recorder.note("rows of a database")
                _inside.call = before

        return told


_inside = threading.local()
_listening: list[Recorder] = []
_hooked: list[Callable[[str, tuple[Any, ...]], None]] = []


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """Yields a recorder of what is written below `folder`, or done by a command."""
    if not _hooked:
        _hooked.append(_hear)
        sys.addaudithook(_hear)
    recorder = Recorder(folder)
    _listening.append(recorder)
    try:
        yield recorder
    finally:
        _listening.remove(recorder)


def drive(repository: Path, around: Callable[[str, Any], Any]) -> list[dict[str, Any]]:
    """Ticks a coordinator in this process until it is idle, with its ports wrapped; returns what it says."""
    wake = threading.Event()
    events = list[dict[str, Any]]()
    coordinator = bootstrap.coordinator(
        *groundwork.wiring(repository),
        wake=wake.set,
        say=lambda said: events.append(dict(said)),
        around=around,
    )
    idle, deadline_s = 0, time.monotonic() + PATIENCE_S
    try:
        while idle < 2:
            assert time.monotonic() < deadline_s, "it does not come to rest"
            wake.clear()
            ticked = coordinator.tick()
            idle = idle + 1 if ticked.idle else 0
            wake.wait(min(ticked.wake_in_s, 0.5))
    finally:
        coordinator.close()
    return events


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for recorder in _listening:
        recorder.heard(event, arguments)


def _connections() -> list[sqlite3.Connection]:
    """Returns the database connections that this thread has made while somebody listened."""
    if not hasattr(_inside, "connections"):
        _inside.connections = []
    found: list[sqlite3.Connection] = _inside.connections
    return found


def _rows_changed() -> int:
    """Returns how many rows this thread has changed."""
    total = 0
    for connection in _connections():
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed
            total += connection.total_changes
    return total


def _only_reads(command: list[str]) -> bool:
    name = _subcommand(command)
    return name in _READS or (name == "config" and {"--list", "--get"} & set(command) != set())


def _subcommand(command: list[str]) -> str:
    rest = iter(command[1:])
    for part in rest:
        if part in ("-c", "-C"):
            next(rest, None)
        elif not part.startswith("-"):
            return part
    return ""
