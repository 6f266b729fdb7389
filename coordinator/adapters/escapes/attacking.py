"""Tries every escape in every arm that the configuration has, and sums up what was stopped by which layer."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coordinator
from coordinator.adapters.escapes import registry_arm
from coordinator.adapters.escapes.arms import Arm
from coordinator.adapters.escapes.catalogue import ESCAPES, Escape
from coordinator.adapters.escapes.planting import ENVIRONMENT, secret
from coordinator.adapters.escapes.registry_arm import Toolbox
from coordinator.adapters.rooms import WITH_A_FOLDER
from coordinator.domain.errors import ConfigError
from coordinator.domain.policy import Policy

WITHOUT = ("seccomp", "limits", "processes", "network", "read-only", "mounts", "environment")
"""What can be taken away, to see that it is noticed."""

_TOGETHER = 3
_S_MAX = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InArm:
    """What came of one escape in one arm; `ran` is False when it was not even tried."""

    arm: str
    stopped: bool
    ran: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One escape: whether confinement stops it, and whether it bites where nothing does.

    `known_limit`: this kernel has nothing certain against it without a cgroup; the watch stops it unless it
    is over between two looks, and it is no fault when it does get through.
    """

    id: str
    tries: str
    by: str
    stopped: bool
    bites: bool
    known_limit: bool
    control: str  # what the escape was told where nothing confines it
    arms: tuple[InArm, ...]

    @property
    def through(self) -> bool:
        """Tells whether it is a fault of the confinement."""
        excused = self.known_limit and all(arm.ran for arm in self.arms)
        return not self.stopped and not excused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    arm: Arm
    escapes: tuple[Escape, ...]


def attack(
    policy: Policy, *, toolbox: Toolbox, only: Iterable[str] = (), without: Iterable[str] = ()
) -> tuple[Row, ...]:
    """Returns a row for each escape that this configuration could let through.

    Args:
        policy: says what workers there are, and what they may see.
        toolbox: what the tool calls of a model go through.
        only: ids of the escapes to try; none is all of them.
        without: layers that are left out, to see that it is noticed.

    Raises:
        ConfigError: there is no escape of that id, or no layer of that name.
        OSError: what was tried came to nothing.
    """
    wanted, left_out = _wanted(only), frozenset(without)
    unknown = sorted(left_out - set(WITHOUT))
    if unknown:
        raise ConfigError(f"there is no layer '{unknown[0]}'", hint=f"known: {', '.join(WITHOUT)}")
    runs = _runs(policy, left_out, wanted)
    with ThreadPoolExecutor(_TOGETHER) as pool:
        answers = list(pool.map(_seen, runs))
    free: dict[str, Mapping[str, Any]] = {}
    held: dict[str, list[InArm]] = {}
    for run, seen in zip(runs, answers, strict=True):
        for name, one in seen.items():
            if run.arm.kind == "unconfined":
                free[name] = one
            else:
                held.setdefault(name, []).append(_in_arm(run.arm.name, one))
    with tempfile.TemporaryDirectory(prefix="coordinator-doctor-") as folder:
        for name, (careless, strict) in registry_arm.seen(Path(folder), toolbox).items():
            free[name] = careless
            held[name] = [_in_arm("registry", strict)]
    return tuple(_row(one, free[one.id], held[one.id]) for one in wanted if one.id in held)


def _wanted(only: Iterable[str]) -> tuple[Escape, ...]:
    named = frozenset(only)
    unknown = sorted(named - {one.id for one in ESCAPES})
    if unknown:
        raise ConfigError(
            f"there is no escape '{unknown[0]}'", hint="`coordinator doctor --json` names them all"
        )
    return tuple(one for one in ESCAPES if not named or one.id in named)


def _runs(policy: Policy, without: frozenset[str], wanted: Sequence[Escape]) -> tuple[_Run, ...]:
    """Returns what is tried where; what lasts longest comes first."""

    def at(*places: str) -> tuple[Escape, ...]:
        return tuple(one for one in wanted if one.where in places)

    programs = [one for one in policy.profiles if one.kind in WITH_A_FOLDER]
    strict = [one for one in programs if one.confinement == "strict"]
    read = dict.fromkeys(policy.confinement.read)
    for one in strict:
        read.update(dict.fromkeys(one.read))
    here = tuple(path for path in read if Path(path).exists())  # what is missing is no way out
    has_door = any(one.network == "model" for one in strict)

    def cell(access: Any, *places: str, door: bool = False) -> _Run:
        return _Run(
            arm=Arm(kind="cell", access=access, door=door, without=without, read=here),
            escapes=at(*places),
        )

    models = ("model",) if has_door else ()
    runs = [
        cell("write", "alone"),
        _Run(arm=Arm(kind="unconfined"), escapes=at("alone")),
        _Run(arm=Arm(kind="unconfined"), escapes=at("cell", "write", *models)),
        cell("write", "cell", "write"),
        cell("read", "cell"),
    ]
    if has_door:
        runs.append(cell("read", "cell", "model", door=True))
        runs.append(cell("write", "cell", "write", "model", door=True))
    if policy.confinement.checks == "strict":
        seen = tuple(path for path in policy.confinement.read if path in here)
        gate = Arm(kind="gate", without=without, read=seen)
        runs.append(_Run(arm=gate, escapes=at("cell")))
    return tuple(run for run in runs if run.escapes)


def _seen(run: _Run) -> Mapping[str, Mapping[str, Any]]:
    """Has a process that stands for the daemon try it all. Raises OSError when that comes to nothing."""
    arm = run.arm
    order = {
        "arm": {
            "kind": arm.kind,
            "access": arm.access,
            "door": arm.door,
            "without": sorted(arm.without),
            "read": list(arm.read),
        },
        "escapes": [one.id for one in run.escapes],
    }
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.adapters.escapes.stand_in"],
        input=json.dumps(order).encode() + b"\n",
        env=_environment(),
        cwd="/",
        capture_output=True,
        check=False,
        start_new_session=True,
        timeout=_S_MAX,
    )
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        told = done.stderr.decode("utf-8", "replace").strip()[-500:]
        raise OSError(f"the escapes of the arm {arm.name} were not tried: {told}") from None
    if "fault" in answer:
        return _nothing(run.escapes, str(answer["fault"]))
    found: Mapping[str, Mapping[str, Any]] = answer["seen"]
    return found


def _nothing(escapes: Sequence[Escape], fault: str) -> Mapping[str, Mapping[str, Any]]:
    return {one.id: {"through": False, "ran": False, "told": fault} for one in escapes}


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONPATH": os.pathsep.join([str(Path(coordinator.__file__).parent.parent), *sys.path]),
        "PYTHONDONTWRITEBYTECODE": "1",
        ENVIRONMENT: secret(),
    }


def _in_arm(arm: str, one: Mapping[str, Any]) -> InArm:
    return InArm(
        arm=arm, stopped=one["ran"] and not one["through"], ran=one["ran"], told=one["told"]
    )


def _row(one: Escape, free: Mapping[str, Any], held: Sequence[InArm]) -> Row:
    stopped = all(arm.stopped for arm in held)
    return Row(
        id=one.id,
        tries=one.tries,
        by=one.by,
        stopped=stopped,
        bites=bool(free["through"]),
        known_limit=one.limit,
        control=str(free["told"]),
        arms=tuple(held),
    )
