"""The daemon's side of a cell: starts the process that holds it, listens, and leaves nothing behind."""

import contextlib
import itertools
import marshal
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from coordinator.adapters.sandbox import probe
from coordinator.adapters.sandbox.cell import Cell, CellEnded, Layer, Unavailable
from coordinator.adapters.tree_files import remove_folder
from coordinator.domain.output import Edit, RefusedEntry

_RUNNER = Path(__file__).with_name("runner.py")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_FAREWELL_S = 15.0
_STOP_LOOK_S = 0.05
LEFT_OUT = frozenset(("seccomp", "network", "processes", "limits", "read-only"))
"""Layers that can be left out, to see that it is noticed."""


def _ignore(chunk: bytes) -> None:
    del chunk


class Sandbox:
    """Runs cells. `folder` is for what they need on the disk; several sandboxes may share one.

    `isolation` and `without` are for looking at this very thing: how the tree is shown ("copy" is what is
    used where no overlay can be mounted), and which layers are left out to see that it is noticed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bwrap: str = "bwrap",
        isolation: Literal["auto", "overlay", "copy"] = "auto",
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._folder = folder.absolute()
        self._bwrap = bwrap
        self._isolation = isolation
        if without - LEFT_OUT:
            raise ValueError(f"no layer that can be left out: {sorted(without - LEFT_OUT)}")
        self._without = without
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._version: tuple[int, ...] | None = None

    def run(
        self,
        cell: Cell,
        *,
        heard: Callable[[bytes], None] = _ignore,
        stop: threading.Event | None = None,
    ) -> CellEnded:
        """Runs `cell` to its end and returns how it ended; blocks.

        `heard` gets each chunk of stdout as it comes; `stop`, once set, ends it. Raises Unavailable when strict
        confinement is not possible here, and OSError when something that it needs is not there.
        """
        spec = self._spec(cell)
        place = Path(spec["place"])
        (self._folder / "cell").mkdir(parents=True, exist_ok=True)
        if cell.confinement == "none":
            self._sweep()
            place.mkdir(mode=0o700)
        try:
            return self._held(cell, spec, heard, stop)
        finally:
            if cell.confinement == "none":
                remove_folder(place)

    def _sweep(self) -> None:
        """Removes the folders of processes that were killed."""
        for place in self._folder.glob("*-*"):
            pid = place.name.partition("-")[0]
            if pid.isdigit() and not _is_alive(int(pid)):
                remove_folder(place)

    def layers(self) -> tuple[Layer, ...]:
        """Returns what `strict` consists of, and which of it is in force here: found out by trying."""
        return probe.layers(self)

    def version(self) -> tuple[int, ...]:
        """Returns which bubblewrap this is. Raises Unavailable when there is none."""
        with self._lock:
            if self._version is None:
                self._version = probe.version(self._bwrap)
            return self._version

    def _spec(self, cell: Cell) -> dict[str, Any]:
        for name in cell.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
                raise ValueError(f"no name for a file below /in: {name!r}")
        for needed in (*cell.read, *([cell.tree] if cell.tree else [])):
            if not needed.exists():
                raise FileNotFoundError(f"{needed} is not there, and the command shall see it")
        is_strict = cell.confinement == "strict"
        if is_strict:
            probe.require_machine()
        place = self._folder / f"{os.getpid()}-{next(self._numbers)}"
        limits = cell.limits
        return {
            "parent": os.getpid(),
            "user": os.getuid(),
            "group": os.getgid(),
            "bwrap": shutil.which(self._bwrap) if is_strict else None,
            "disable_userns": is_strict and self.version() >= (0, 8),
            "isolation": self._isolation,
            "without": sorted(self._without),
            "shares_processes": not is_strict or "processes" in self._without,
            "confinement": cell.confinement,
            "mountpoint": str(self._folder / "cell"),
            "place": str(place),
            "argv": list(cell.argv),
            "tree": str(cell.tree.absolute()) if cell.tree else None,
            "layers": [str(layer.absolute()) for layer in cell.layers],
            "access": cell.access,
            "keep": str(cell.keep.absolute()) if cell.keep else None,
            "environment": _environment(cell),
            "stdin": cell.stdin,
            "files": dict(cell.files),
            "socket": str(cell.socket) if cell.socket else None,
            "read": [str(path) for path in cell.read],
            "interrupt_grace_s": float(cell.interrupt_grace_s),
            "wall_clock_s_max": float(limits.wall_clock_s_max),
            "idle_s_max": float(limits.idle_s_max),
            "output_bytes_max": limits.output_bytes_max,
            "memory_bytes_max": limits.memory_bytes_max,
            "processes_max": limits.processes_max,
            "disk_bytes_max": limits.disk_bytes_max,
            "files_max": limits.files_max,
        }

    def _held(
        self,
        cell: Cell,
        spec: dict[str, Any],
        heard: Callable[[bytes], None],
        stop: threading.Event | None,
    ) -> CellEnded:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_RUNNER)],
            cwd="/",
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        asking = process.stdin
        assert asking is not None
        with process:
            try:
                content = marshal.dumps(spec)
                _tell(asking, len(content).to_bytes(4, "big") + content)
                return _listen(cell, process, heard, stop)
            finally:
                _let_go(process, asking)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _environment(cell: Cell) -> dict[str, str]:
    path = ":".join([*cell.path, cell.environment.get("PATH", _PATH)])
    return {"LANG": "C.UTF-8", **cell.environment, "PATH": path}


def _listen(
    cell: Cell,
    process: "subprocess.Popen[bytes]",
    heard: Callable[[bytes], None],
    stop: threading.Event | None,
) -> CellEnded:
    frames, asking, trouble = process.stdout, process.stdin, process.stderr
    assert frames is not None
    assert asking is not None
    assert trouble is not None
    said: list[bytes] = []
    while True:
        if stop is not None:
            _wait(frames, asking, stop)
        head = _exactly(frames, 5)
        if len(head) < 5:
            text = trouble.read(65_536).decode("utf-8", "replace").strip()
            raise OSError(f"the process that holds the command ended: {text or 'without a word'}")
        content = _exactly(frames, int.from_bytes(head[1:], "big"))
        match head[:1]:
            case b"o":
                said.append(content)
                heard(content)
            case b"r":
                return _ended(cell, marshal.loads(content), b"".join(said))  # noqa: S302 - ours
            case b"u":
                message, hint = marshal.loads(content)  # noqa: S302 - our own process says it
                raise Unavailable(message, hint=hint or f"{probe.INSTALL}, {probe.NONE}")
            case _:
                number, text = marshal.loads(content)  # noqa: S302 - our own process says it
                raise OSError(number, text)


def _tell(asking: IO[bytes], content: bytes) -> None:
    view = memoryview(content)
    with contextlib.suppress(BrokenPipeError):  # what became of it is said on the other pipe
        while view:
            view = view[asking.write(view) :]


def _exactly(frames: IO[bytes], count: int) -> bytes:
    """Returns `count` bytes, fewer only at the end. Unbuffered: what waits here, poll sees waiting."""
    parts: list[bytes] = []
    while count and (part := frames.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _wait(frames: IO[bytes], asking: IO[bytes], stop: threading.Event) -> None:
    """Returns when there is something to read; says so once when the cell shall stop."""
    poll = select.poll()
    poll.register(frames, select.POLLIN)
    while not poll.poll(_STOP_LOOK_S * 1000):
        if stop.is_set():
            _tell(asking, b"s")
            poll.poll()
            return


def _ended(cell: Cell, result: Mapping[str, Any], stdout: bytes) -> CellEnded:
    return CellEnded(
        code=result["code"],
        stopped=result["stopped"],
        stdout=stdout,
        stderr=result["stderr"],
        edits=tuple(Edit(**edit) for edit in result["edits"]),
        refused=tuple(RefusedEntry(**entry) for entry in result["refused"]),
        out=result["out"],
        kept=result["kept"],
        wall_s=result["wall_s"],
        confinement=cell.confinement,
        facts=result["facts"],
    )


def _let_go(process: "subprocess.Popen[bytes]", asking: IO[bytes]) -> None:
    """Ends the process: it sees that nobody asks any more, cleans up and goes, or is killed."""
    with contextlib.suppress(OSError):
        asking.close()
    assert process.stdout is not None
    until = time.monotonic() + _FAREWELL_S
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    # Its last descriptor closes when it ends; waiting with a timeout would look only now and then.
    while (left_s := until - time.monotonic()) > 0:
        if poll.poll(left_s * 1000) and not process.stdout.read(65_536):
            break
    else:
        process.kill()
    process.wait()
