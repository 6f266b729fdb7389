"""The ways in which escapes are tried: unconfined, in cells, and in a gate's command."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from coordinator.adapters.escapes.inside.trying import MARK
from coordinator.adapters.sandbox import WAY_OUT, Cell, CellEnded, CellLimits, Sandbox
from coordinator.domain.output import Edit, RefusedEntry

ARCHIVE, SCENE = "escapes.pyz", "scene.json"
_INSIDE = Path(__file__).with_name("inside")
_SYSTEM_PYTHON = Path("/usr/bin/python3")
_MEMORY, _DISK, _OUTPUT, _PROCESSES, _FILES = 256_000_000, 24_000_000, 1_000_000, 48, 800
_LONG_S, _SHORT_S = 600.0, 1.0
SIZES = {
    "processes": 160,
    "memory_bytes": 420_000_000,
    "disk_bytes": 40_000_000,
    "files": 1_600,
    "output_bytes": 3_000_000,
}
"""How much a load takes: more than a cell allows, and little for a machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of trying; `door`: with a socket to the key proxy. `without` takes layers away."""

    kind: Literal["unconfined", "cell", "gate"]
    access: Literal["read", "write"] = "read"
    door: bool = False
    without: frozenset[str] = frozenset()
    read: tuple[str, ...] = ()  # what the configuration shows of this machine

    @property
    def name(self) -> str:
        """Returns what the arm is called in answers."""
        if self.kind != "cell":
            return self.kind
        return f"{self.access}, {'model' if self.door else 'no network'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of some escapes: what each reported, and what was handed back."""

    reports: Mapping[str, Mapping[str, Any]]
    stopped: str | None = None  # why the whole was ended, in words
    said: str = ""
    edits: tuple[Edit, ...] = ()
    refused: tuple[RefusedEntry, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


def interpreter() -> tuple[str, tuple[Path, ...]]:
    """Returns a Python for the inside of a cell, and what must be shown there for it."""
    if _SYSTEM_PYTHON.exists():
        return str(_SYSTEM_PYTHON), ()
    found = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    if found.is_relative_to("/usr"):
        return str(found), ()
    return str(found), (Path(sys.base_prefix),)


@cache
def archive() -> bytes:
    """Returns the program of the inside as one file, with nothing of the coordinator beside it."""
    packed = io.BytesIO()
    package = ""
    with zipfile.ZipFile(packed, "w") as file:
        for part in ("coordinator", "adapters", "escapes"):
            package += part + "/"
            file.writestr(f"{package}__init__.py", "")
        for path in sorted(_INSIDE.glob("*.py")):
            name = path.name if path.name == "__main__.py" else f"{package}inside/{path.name}"
            file.writestr(name, path.read_bytes())
    return packed.getvalue()


def unconfined(
    names: Sequence[str], scene: Mapping[str, Any], *, folder: Path, left_open: int
) -> Tried:
    """Tries them as a careless caller runs a worker: in its environment, with its files open."""
    program, order = folder / ARCHIVE, folder / f"{names[0]}-{SCENE}"
    program.write_bytes(archive())
    order.write_bytes(ordered(names, scene))
    done = subprocess.run(
        [interpreter()[0], "-I", "-S", str(program), str(order)],
        cwd=scene["work"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        pass_fds=(left_open,),
        timeout=_LONG_S,
    )
    return Tried(reports=reports(done.stdout), said=_end_of(done.stderr))


def confined(
    names: Sequence[str],
    scene: Mapping[str, Any],
    arm: Arm,
    *,
    sandbox: Sandbox,
    tree: Path,
    socket: Path | None = None,
    environment: Mapping[str, str] | None = None,
    wall_clock_s: float = _LONG_S,
) -> Tried:
    """Tries them in one cell. Raises Unavailable."""
    python, needed = interpreter()
    given = {**scene, "work": "/work", "out": "/out", "tmp": "/tmp"}  # noqa: S108 - of the cell
    if socket is not None:
        given["way_out"] = WAY_OUT
    ended = sandbox.run(
        Cell(
            argv=(python, "-I", "-S", f"/in/{ARCHIVE}", f"/in/{SCENE}"),
            tree=tree,
            access=arm.access,
            files={ARCHIVE: archive(), SCENE: ordered(names, given)},
            socket=socket,
            read=(*needed, *map(Path, arm.read)),
            environment=environment or {},
            limits=CellLimits(
                wall_clock_s_max=wall_clock_s,
                output_bytes_max=_OUTPUT,
                memory_bytes_max=_MEMORY,
                processes_max=_PROCESSES,
                disk_bytes_max=_DISK,
                files_max=_FILES,
            ),
        )
    )
    return _of_cell(ended)


def confined_alone(names: Sequence[str], scene: Mapping[str, Any], arm: Arm, **how: Any) -> Tried:
    """Tries each in a cell of its own, two at a time: these bring a cell to its end."""
    found: dict[str, Mapping[str, Any]] = {}
    stopped: dict[str, str] = {}
    short = {"processor", "silence"}
    with ThreadPoolExecutor(2) as pool:
        every = {
            name: pool.submit(
                confined,
                [name],
                scene,
                arm,
                wall_clock_s=_SHORT_S if name in short else _LONG_S,
                **how,
            )
            for name in names
        }
        for name, one in every.items():
            tried = one.result()
            found.update(tried.reports)
            if tried.stopped is not None:
                stopped[name] = tried.stopped
    return Tried(reports=found, extra=stopped)


def ordered(names: Sequence[str], scene: Mapping[str, Any], *, wordy: bool = True) -> bytes:
    """Returns what is tried, and where, for the program of the inside."""
    return json.dumps({"escapes": list(names), "scene": scene, "wordy": wordy}).encode()


def reports(output: bytes) -> dict[str, dict[str, Any]]:
    """Returns what each escape says that it came to."""
    found = {}
    for line in output.decode("utf-8", "replace").splitlines():
        _, mark, text = line.partition(MARK)
        if mark:
            try:
                report = json.loads(text)
            except ValueError:
                continue
            found[report.pop("id")] = report
    return found


def _of_cell(ended: CellEnded) -> Tried:
    return Tried(
        reports=reports(ended.stdout),
        stopped=ended.stopped,
        said=_end_of(ended.stderr),
        edits=ended.edits,
        refused=ended.refused,
    )


def _end_of(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[-300:]


def combined(every: Sequence[Tried]) -> Tried:
    """Returns several as one."""
    found: dict[str, Mapping[str, Any]] = {}
    extra: dict[str, str] = {}
    for one in every:
        found.update(one.reports)
        extra.update(one.extra)
    return Tried(
        reports=found,
        stopped=next((one.stopped for one in every if one.stopped), None),
        said=" ".join(one.said for one in every if one.said),
        edits=tuple(edit for one in every for edit in one.edits),
        refused=tuple(entry for one in every for entry in one.refused),
        extra=extra,
    )
