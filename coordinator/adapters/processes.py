"""Runs one command of the operator's to its end or its deadline, and leaves nothing of its group behind."""

import contextlib
import hashlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from coordinator.domain.names import Digest
from coordinator.domain.record import clean

TAIL_BYTES_MAX = 8_192
_LOOK_S = 0.1  # how often a silent command is asked whether it has ended
_DRAIN_TURNS_MAX = 32  # a pipe holds less


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended: `code` is None when it was killed at its deadline.

    `tail` is the end of its output, fit to be shown; `log` the digest of every byte of it.
    """

    code: int | None
    tail: str
    log: Digest
    wall_s: float


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout_s_max: float,
    grace_s: float = 0.0,
    leave_background: bool = False,
) -> Finished:
    """Runs `argv` in a session of its own, without input; raises OSError when it cannot start.

    At the deadline the group gets SIGTERM, `grace_s`, then SIGKILL. What it left running after a
    normal end is killed too, unless `leave_background`. A process that left the group and
    keeps the pipe open is not waited for.
    """
    begun = time.monotonic()
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as pipe:
        output = _Output(pipe)
        in_time = False
        try:
            in_time = _follow(process, output, begun + timeout_s_max)
            if not in_time:
                _stop(process, output, grace_s)
        finally:
            if not (in_time and leave_background):
                _signal(process, signal.SIGKILL)
            process.wait()
        output.drain()
    return Finished(
        code=process.returncode if in_time else None,
        tail=output.said.text(),
        log=output.said.digest(),
        wall_s=time.monotonic() - begun,
    )


class Tail:
    """The end of what a command said, and the digest of all of it; memory stays bounded."""

    def __init__(self) -> None:
        self._seen = hashlib.sha256()
        self._tail = b""
        self._cut = False

    def add(self, chunk: bytes) -> None:
        """Takes in what it said next."""
        self._seen.update(chunk)
        self._cut |= len(self._tail) + len(chunk) > TAIL_BYTES_MAX
        self._tail = (self._tail + chunk)[-TAIL_BYTES_MAX:]

    def text(self) -> str:
        """Returns the end as text without escapes and controls, from the start of a line when it was cut."""
        tail = self._tail
        if self._cut and b"\n" in tail[:-1]:
            tail = tail[tail.index(b"\n") + 1 :]
        return clean(tail.decode("utf-8", "replace"))

    def digest(self) -> Digest:
        """Returns the digest of every byte."""
        return Digest("sha256:" + self._seen.hexdigest())


class _Output:
    """What comes through a pipe."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.said = Tail()
        self.open = True
        self._pipe = pipe.fileno()
        os.set_blocking(self._pipe, False)

    def take(self, wait_s: float) -> bool:
        """Reads once, waiting up to `wait_s`; tells whether anything came."""
        if not select.select([self._pipe], [], [], max(0.0, wait_s))[0]:
            return False
        chunk = os.read(self._pipe, 65_536)
        self.open = bool(chunk)
        self.said.add(chunk)
        return bool(chunk)

    def drain(self) -> None:
        """Reads what is there already, and no more of what others go on writing."""
        for _ in range(_DRAIN_TURNS_MAX):
            if not self.open or not self.take(0.0):
                break


def _follow(process: "subprocess.Popen[bytes]", output: _Output, deadline: float) -> bool:
    """Reads until the command has ended; False when the deadline came first."""
    pause_s = 0.001
    while not _ended(process):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        if output.open:
            output.take(min(left, _LOOK_S))
        else:  # it closed its output, which nearly always means that it is about to end
            time.sleep(min(left, pause_s))
            pause_s = min(_LOOK_S, pause_s * 2)
    return True


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    # Not reaped yet: until the group has been killed its number must not go to anybody else.
    if hasattr(os, "waitid"):
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return process.returncode is not None or (
            os.waitid(os.P_PID, process.pid, flags) is not None
        )
    return process.poll() is not None


def _stop(process: "subprocess.Popen[bytes]", output: _Output, grace_s: float) -> None:
    if grace_s > 0:
        _signal(process, signal.SIGTERM)
        _follow(process, output, time.monotonic() + grace_s)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
