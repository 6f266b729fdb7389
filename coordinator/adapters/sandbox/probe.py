"""Finds out which layers of strict confinement hold on this machine: by asking a confined command."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol

from coordinator.adapters.sandbox import namespaces
from coordinator.adapters.sandbox.cell import Cell, CellEnded, CellLimits, Layer, Unavailable
from coordinator.adapters.sandbox.seccomp import ARCHITECTURES

_S_MAX = 60.0  # a moment, on a machine with nothing else to do
_NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts")
_LINE = """\
cat /proc/self/status
for name in user pid mnt net ipc uts; do echo "ns-$name: $(readlink /proc/self/ns/$name)"; done
echo "files: $(ulimit -n)"; echo "size: $(ulimit -f)"
touch /usr/here /here /in/here 2>/dev/null && echo "system: changed"
unshare -U true 2>/dev/null && echo "nested: yes"
"""


INSTALL = "install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap)"
NONE = (
    'or say knowingly that nothing confines: `[confinement] checks = "none"` in config.toml for checks '
    "and gates, `confinement: none` in the worker's file"
)


class _Runs(Protocol):
    def run(self, cell: Cell) -> CellEnded: ...

    def version(self) -> tuple[int, ...]: ...


def layers(sandbox: _Runs) -> tuple[Layer, ...]:
    """Returns each layer with what was seen of it; when there is no confinement at all, one that says why."""
    try:
        number = ".".join(map(str, sandbox.version()))
        with tempfile.TemporaryDirectory() as empty:
            ended = sandbox.run(
                Cell(
                    argv=("sh", "-c", _LINE),
                    tree=Path(empty),
                    access="scratch",
                    limits=CellLimits(wall_clock_s_max=_S_MAX),
                )
            )
    except (Unavailable, OSError) as error:
        hint = getattr(error, "hint", None)
        return (Layer("bubblewrap", False, f"{error}; {hint}" if hint else str(error)),)  # noqa: FBT003
    seen: dict[str, str] = {}
    for line in ended.stdout.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        seen.setdefault(name, value.strip())
    return (Layer("bubblewrap", ended.code is not None, f"version {number}"), *_seen(seen, ended))


def require_machine() -> None:
    """Raises Unavailable where strict confinement is not made for."""
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        raise Unavailable(
            f"strict confinement is made for Linux on {' and '.join(ARCHITECTURES)}, "
            f"and this is {sys.platform} on {machine}",
            hint=f"run the daemon on such a machine, {NONE}",
        )


def version(bwrap: str) -> tuple[int, ...]:
    """Returns which bubblewrap that is. Raises Unavailable when there is none, or it does not start."""
    if shutil.which(bwrap) is None:
        raise Unavailable(f"there is no {bwrap} here", hint=f"{INSTALL}, {NONE}")
    try:
        done = subprocess.run([bwrap, "--version"], capture_output=True, check=True, timeout=_S_MAX)
        return tuple(int(part) for part in done.stdout.split()[-1].split(b"."))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise Unavailable(f"{bwrap} does not work ({error})", hint=f"{INSTALL}, {NONE}") from None


def _seen(seen: dict[str, str], ended: CellEnded) -> tuple[Layer, ...]:
    capabilities = [
        seen.get(f"Cap{kind}", "unknown") for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")
    ]
    has_none = all(set(value) == {"0"} for value in capabilities)
    return (
        *(
            Layer(f"namespace {name}", _is_own(name, seen.get(f"ns-{name}", "")), "its own")
            for name in _NAMESPACES
        ),
        Layer("no namespaces inside", "nested" not in seen, "none can be made by the command"),
        Layer("no new privileges", seen.get("NoNewPrivs") == "1", "set"),
        Layer("no capabilities", has_none, " ".join(dict.fromkeys(capabilities))),
        Layer("seccomp", seen.get("Seccomp") == "2", "system calls are filtered"),
        Layer("read-only system", "system" not in seen, "/usr, / and /in"),
        Layer(
            "limits",
            seen.get("size", "unlimited") != "unlimited",
            f"{seen.get('files', 'unknown')} open files, memory and size of a file",
        ),
        Layer("bounded processes", in_force=True, detail=_processes()),
        Layer("bounded disk", in_force=True, detail="one disk in memory for all that it writes"),
        Layer(
            "changes",
            ended.facts.get("work") in ("overlay", "copy"),
            f"the tree is shown as: {ended.facts.get('work', 'unknown')}",
        ),
        Layer(
            "bounded memory of all together",
            in_force=True,
            detail="watched ten times a second; without a cgroup a burst may be over before it is seen",
        ),
    )


def _is_own(name: str, inside: str) -> bool:
    return bool(inside) and inside != str(Path(f"/proc/self/ns/{name}").readlink())


def _processes() -> str:
    by_kernel = namespaces.at_least(6, 14) or (os.geteuid() != 0 and namespaces.at_least(5, 14))
    return (
        "by the kernel, and watched" if by_kernel else "watched: this kernel counts for whole users"
    )
