"""The tool python_exec: runs a program that a worker wrote, confined and offline, beside the base tree."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from coordinator.adapters.web_tools import text_argument
from coordinator.domain.package import ContextPackage
from coordinator.domain.packing import cut
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.record import clean

if TYPE_CHECKING:
    from coordinator.adapters.sandbox import Cell, CellEnded

Snapshot = Callable[[ContextPackage], AbstractContextManager[Path]]
"""Keeps a pristine folder of a commit for as long as it is entered."""

CODE_CHARS_MAX = 200_000
TEXT_CHARS_MAX = 100_000
_FILE = "program.py"


class Runs(Protocol):
    """What runs a cell: a Sandbox."""

    def run(self, cell: "Cell") -> "CellEnded":
        """Runs one confined command to its end."""
        ...


def python_exec(
    arguments: Mapping[str, Any],
    *,
    package: ContextPackage,
    profile: Profile,
    policy: Policy,
    sandbox: Runs,
    snapshot: Snapshot,
) -> dict[str, Any]:
    """Returns what a program printed and how it ended. Raises Unavailable where nothing can be confined."""
    from coordinator.adapters.sandbox import IN, Cell, CellLimits  # noqa: PLC0415 - seldom needed

    code = text_argument(arguments, "code", chars_max=CODE_CHARS_MAX)
    limits = CellLimits(
        wall_clock_s_max=min(60.0, profile.limits.wall_clock_s_max),
        output_bytes_max=1_000_000,
        memory_bytes_max=min(1_000_000_000, profile.limits.memory_bytes_max),
        processes_max=min(64, profile.limits.processes_max),
        disk_bytes_max=min(100_000_000, profile.limits.disk_bytes_max),
        files_max=min(10_000, profile.limits.files_max),
    )
    seen = policy.confinement
    with snapshot(package) as tree:
        ended = sandbox.run(
            Cell(
                argv=("python3", "-I", f"{IN}/{_FILE}"),
                tree=tree,
                access="read",
                files={_FILE: code.encode("utf-8", "backslashreplace")},
                read=tuple(Path(path) for path in seen.read),
                path=seen.path,
                limits=limits,
                confinement=profile.confinement,
            )
        )
    return {
        "code": ended.code,
        "stopped": ended.stopped,
        "stdout": _text(ended.stdout),
        "stderr": _text(ended.stderr),
    }


def _text(printed: bytes) -> str:
    return cut(clean(printed.decode("utf-8", "replace")), TEXT_CHARS_MAX)
