"""The process that stands for the daemon while one arm is tried: it has a secret in its environment.

Run as `python -m coordinator.adapters.escapes.stand_in`: an order as JSON on stdin, what was seen on stdout.
"""

import contextlib
import fcntl
import json
import os
import pty
import signal
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from coordinator.adapters.escapes import arms, gate_arm
from coordinator.adapters.escapes.arms import SIZES, Arm, Tried
from coordinator.adapters.escapes.catalogue import Escape, escape
from coordinator.adapters.escapes.doors import Doors, doors
from coordinator.adapters.escapes.planting import ENVIRONMENT, Planted, planted
from coordinator.adapters.sandbox import Sandbox
from coordinator.domain.clean_path import is_git
from coordinator.domain.errors import CoordinatorError

_LAYERS = frozenset(("seccomp", "limits", "processes", "network", "read-only"))
"""What a Sandbox can leave out by itself; the rest is left out here, by showing the worker too much."""


def main() -> None:
    """Tries what is ordered and says what was seen."""
    order = json.loads(sys.stdin.readline())
    said = order["arm"]
    without, read = frozenset(said.pop("without")), tuple(said.pop("read"))
    arm = Arm(**said, without=without, read=read)
    wanted = [escape(name) for name in order["escapes"]]
    answer: dict[str, Any]
    try:
        answer = {"seen": _seen(arm, wanted)}
    except (CoordinatorError, OSError) as error:
        answer = {"fault": str(error), "hint": getattr(error, "hint", None) or ""}
    print(json.dumps(answer), flush=True)  # noqa: T201 - whoever started it reads this


def _seen(arm: Arm, wanted: Sequence[Escape]) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="coordinator-doctor-") as folder,
        _terminal() as terminal,
        planted(Path(folder)) as scene,
        doors(scene.top, open_desks=arm.kind == "cell" and arm.door) as ways,
        _left_open(scene.top / "home") as left_open,
    ):
        try:
            tried = _tried(arm, wanted, scene, ways, left_open)
        finally:
            left = _left_behind(f"{scene.marker}-left")
        touched = scene.touched() | ways.reached | left | _typed(terminal)
        return {one.id: _judged(arm, one, tried, touched, scene) for one in wanted}


def _tried(arm: Arm, wanted: Sequence[Escape], planted: Planted, ways: Doors, left: int) -> Tried:
    together = [one.id for one in wanted if one.where != "alone"]
    alone = [one.id for one in wanted if one.where == "alone"]
    if arm.door:
        together.insert(0, "model-as-granted")
    scene = {**_scene(planted, ways, is_confined=arm.kind != "unconfined"), **_times(arm)}
    if arm.kind == "unconfined":
        folder = planted.top / "outside"
        every = [
            arms.unconfined(names, scene, folder=folder, left_open=left)
            for names in (together, alone)
            if names
        ]
        return arms.combined(every)
    if "mounts" in arm.without:
        arm = Arm(**{**_fields(arm), "read": (*arm.read, str(planted.top))})
    sandbox = Sandbox(planted.top / "cells", without=arm.without & _LAYERS)
    if arm.kind == "gate":
        return gate_arm.tried(
            together,
            scene,
            arm,
            planted=planted,
            sandbox=sandbox,
            environment=dict(os.environ),
        )
    how: dict[str, Any] = {"sandbox": sandbox, "tree": planted.snapshot, "socket": ways.socket}
    if "environment" in arm.without:
        how["environment"] = {ENVIRONMENT: os.environ[ENVIRONMENT]}
    every = [arms.confined(together, scene, arm, **how)] if together else []
    if alone:
        every.append(arms.confined_alone(alone, scene, arm, **how))
    return arms.combined(every)


def _fields(arm: Arm) -> dict[str, Any]:
    return {name: getattr(arm, name) for name in ("kind", "access", "door", "without", "read")}


def _scene(planted: Planted, ways: Doors, *, is_confined: bool) -> dict[str, Any]:
    bystander = planted.bystander
    return {
        "top": str(planted.top),
        "work": str(planted.snapshot),
        "snapshot": str(planted.snapshot),
        "out": str(planted.top / "outside"),
        "tmp": str(planted.top / "outside"),
        "interpreter": arms.interpreter()[0],
        "victim": bystander.pid,
        "victim_address": bystander.address,
        "victim_file": bystander.file,
        # Unconfined it looks at nobody's processes but those that were planted.
        "visible": None if is_confined else [os.getpid(), bystander.pid],
        "marker": planted.marker,
        "ports": planted.servers.ports,
        "address": planted.servers.address,
        "shared_key": planted.shared_key,
        "queue": planted.queue,
        **ways.scene(),
        **SIZES,
    }


def _times(arm: Arm) -> dict[str, float]:
    """Returns how long an escape waits: long wherever it is expected to be ended, or to be answered, before that."""
    is_bounded = arm.kind != "unconfined" and "limits" not in arm.without
    is_apart = arm.kind != "unconfined" and arm.without.isdisjoint(("processes", "network"))
    return {
        "cpu_s": 1.6 if arm.kind == "unconfined" else 60.0,
        "patience_s": 1.0 if is_apart else 60.0,
        "hold_s": 60.0 if is_bounded else 0.4,
    }


def _judged(
    arm: Arm, one: Escape, tried: Tried, touched: set[str], planted: Planted
) -> dict[str, Any]:
    """Returns whether it got through, whether it was tried at all, and what it was told."""
    report = tried.reports.get(one.id)
    got = report["got"] if report else None
    match one.sign:
        case "outside":
            through = one.id in touched
        case "secret":
            through = planted.secrets[one.secret] in (got or "")
        case "returned":
            through = got is not None and (arm.kind == "unconfined" or _handed_back(one, tried))
        case "report":
            through = got is not None
    told = (report or {}).get("told") or tried.extra.get(one.id) or tried.stopped or tried.said
    ran = report is not None or one.id in tried.extra
    if one.where == "model" and arm.kind == "cell":
        opened = tried.reports.get("model-as-granted") or {"got": None, "told": "not asked"}
        if opened["got"] is None:
            ran, told = False, f"the door was shut: {opened.get('told')}"
    if one.id == "inherited-file" and through is False and got is not None:
        through = True
    return {"through": through, "ran": ran, "told": str(told or got or "")[:200]}


def _handed_back(one: Escape, tried: Tried) -> bool:
    """Tells whether an entry came back as something that could become part of a tree."""
    if one.id == "returned-repository":
        return any(".git" in edit.path and not is_git(edit.path) for edit in tried.edits)
    return any(edit.path == one.id for edit in tried.edits)


def _left_behind(marker: str) -> set[str]:
    """Ends what an escape left running, and says so."""
    found: set[str] = set()
    for file in Path("/dev/shm").glob(f"{marker.removesuffix('-left')}-*"):  # noqa: S108 - that is the place
        file.unlink(missing_ok=True)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if marker.encode() in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
                found.add("daemon")
    return found


@contextmanager
def _terminal() -> Iterator[int]:
    """Gives this process a terminal of its own, and yields what is typed into it."""
    with ExitStack() as stack:
        ours, theirs = pty.openpty()
        stack.callback(os.close, ours)
        stack.callback(os.close, theirs)
        # Without it (somebody started this by hand) typing is no escape that can be seen.
        with contextlib.suppress(OSError):
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.set_blocking(theirs, False)
        yield theirs


def _typed(terminal: int) -> set[str]:
    try:
        return {"terminal-input"} if b"escaped" in os.read(terminal, 100) else set()
    except BlockingIOError:
        return set()


@contextmanager
def _left_open(folder: Path) -> Iterator[int]:
    """Yields an open folder that every process which is started carelessly gets too."""
    number = os.open(folder, os.O_RDONLY)
    os.set_inheritable(number, True)  # noqa: FBT003 - os has no other way
    try:
        yield number
    finally:
        os.close(number)


if __name__ == "__main__":
    main()
