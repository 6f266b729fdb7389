"""What a confined command may use and see, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from coordinator.domain.errors import CoordinatorError
from coordinator.domain.output import Edit, RefusedEntry
from coordinator.domain.policy import Layers, Limits

WORK, IN, OUT = "/work", "/in", "/out"
"""Where a command finds its tree, its files and its place for answers.

Unconfined (`none`) these are other folders, and every argument that is one of them, or lies below one,
is changed to say so.
"""

WAY_OUT = "http://127.0.0.1:8787"
"""The only address that a command with a `socket` can reach."""

STDERR_BYTES_MAX = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLimits:
    """What one command and all that it starts may use; at a limit it is killed, or the call fails."""

    wall_clock_s_max: float = 300.0
    idle_s_max: float = 0.0  # without a byte of output; 0: no such limit
    output_bytes_max: int = 4_000_000  # of stdout and stderr; of edits and of /out again
    memory_bytes_max: int = 4_000_000_000  # of each process, and (watched) of all together
    processes_max: int = 256  # threads count
    disk_bytes_max: int = 1_000_000_000  # of all that it writes, wherever
    files_max: int = 50_000

    @classmethod
    def of(cls, limits: Limits) -> "CellLimits":
        """Returns what a profile's limits mean for a command."""
        return cls(
            wall_clock_s_max=limits.wall_clock_s_max,
            idle_s_max=limits.idle_s_max,
            output_bytes_max=limits.output_bytes_max,
            memory_bytes_max=limits.memory_bytes_max,
            processes_max=limits.processes_max,
            disk_bytes_max=limits.disk_bytes_max,
            files_max=limits.files_max,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One command, and all that it gets of this machine.

    `tree` is a pristine folder, shown at /work (None: an empty one). `access` is what may be done there:
    `read` nothing, `write` anything, and the changes come back, `scratch` anything, and nothing comes back.
    Where tree and one of `layers` have the same path, the tree's is seen; the first layer comes next.
    """

    argv: tuple[str, ...]
    tree: Path | None = None
    access: Literal["read", "write", "scratch"] = "read"
    layers: tuple[Path, ...] = ()
    keep: Path | None = (
        None  # a new folder for what came of /work, after exit 0 (see CellEnded.kept)
    )
    environment: Mapping[str, str] = field(default_factory=dict)  # beside PATH HOME TMPDIR LANG
    stdin: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)  # shown read-only below /in
    socket: Path | None = None  # where WAY_OUT leads; None: no network at all
    read: tuple[Path, ...] = ()  # bound read-only at the same place
    path: tuple[str, ...] = ()  # first on PATH
    interrupt_grace_s: float = 0.0  # at a limit: SIGINT, this long, then SIGKILL
    limits: CellLimits = field(default_factory=CellLimits)
    confinement: Layers = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEnded:
    """How a command ended. Nothing that it started is alive any more."""

    code: int | None  # None: we ended it
    stopped: str | None  # why we did
    stdout: bytes  # whole, up to output_bytes_max
    stderr: bytes  # its last STDERR_BYTES_MAX
    edits: tuple[Edit, ...] = ()  # what changed in /work, with access "write"
    refused: tuple[RefusedEntry, ...] = ()  # what came to be in /work and can be in no tree
    out: Mapping[str, bytes] = field(default_factory=dict)  # regular files directly below /out
    kept: Literal["added", "whole"] | None = (
        None  # a layer, or all of /work: the tree was changed too
    )
    wall_s: float = 0.0
    confinement: Layers = "strict"
    facts: Mapping[str, str] = field(default_factory=dict)  # which mechanisms were in force


@dataclass(frozen=True, slots=True)
class Layer:
    """One part of what `strict` consists of, and whether it holds on this machine."""

    name: str
    in_force: bool
    detail: str


class Unavailable(CoordinatorError):
    """Strict confinement is not possible here; the hint says what to install or to set."""

    code = "unavailable"
