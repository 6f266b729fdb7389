"""One child process of the pool: in a group of its own, watched while it works, killed whole."""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

STDERR_BYTES_MAX = 8_192
_LOOK_S = 0.25
_HEAD_BYTES = 5
_CHUNK_BYTES = 65_536
_DRAIN_TURNS_MAX = 32  # a pipe holds less


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one attempt may use."""

    wall_clock_s_max: float
    idle_s_max: float
    output_bytes_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended: `killed` says why we killed it; it wrote `outputs`, or `reasons` for none."""

    code: int
    killed: str | None
    outputs: tuple[bytes, ...]
    reasons: tuple[bytes, ...]
    stderr: str


class Child:
    """A process that waits for a job. Raises OSError when it cannot start."""

    def __init__(
        self, argv: Sequence[str], *, environment: Mapping[str, str], lifeline: int
    ) -> None:
        self._process = subprocess.Popen(
            [*argv, str(lifeline)],
            cwd="/",
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lifeline,),
        )
        self._lock = threading.Lock()
        self._reaped = False
        self._killed: str | None = None
        self._heard_s = time.monotonic()

    @property
    def silent_s(self) -> float:
        """Returns seconds since the last sign of life."""
        return time.monotonic() - self._heard_s

    def alive(self) -> bool:
        """Tells whether it has not ended."""
        return not self._ended()

    def kill(self, reason: str) -> None:
        """Kills the whole group; the first reason given is the one that counts."""
        with self._lock:
            if self._killed is None:
                self._killed = reason
            self._kill_group()

    def close(self) -> None:
        """Kills it, and reaps it, when it never got a job."""
        self.kill("not needed")
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._reap()

    def follow(self, job: bytes, allowance: Allowance) -> Ended:
        """Gives it the job and returns when it has ended, within the allowance. Called once."""
        self._heard_s = time.monotonic()
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin and stdout and stderr  # noqa: PT018 - asked for above
        talk = _Talk(stdin, stdout, stderr, job)
        deadline = time.monotonic() + allowance.wall_clock_s_max
        with contextlib.closing(talk):
            try:
                while talk.open and not self._over(talk, deadline, allowance):
                    if talk.turn(_LOOK_S):
                        self._heard_s = time.monotonic()
                    elif self._ended():
                        break  # something it started holds the pipes
            finally:
                self._wait(deadline)
                with self._lock:
                    self._kill_group()
                code = self._reap()
        return Ended(
            code=code,
            killed=self._killed,
            outputs=talk.frames(b"o"),
            reasons=talk.frames(b"n"),
            stderr=talk.complaint(),
        )

    def _over(self, talk: "_Talk", deadline: float, allowance: Allowance) -> bool:
        """Kills it when it has used up its allowance; tells whether it was killed."""
        if time.monotonic() > deadline:
            self.kill(f"killed: longer than {allowance.wall_clock_s_max:g} s")
        elif self.silent_s > allowance.idle_s_max and not self._hears(talk):
            self.kill(f"killed: silent for {allowance.idle_s_max:g} s")
        elif talk.bytes_read > allowance.output_bytes_max:
            self.kill(f"killed: more output than {allowance.output_bytes_max} bytes")
        return self._killed is not None

    def _hears(self, talk: "_Talk") -> bool:
        """Takes what came while we were kept from looking; tells whether anything did."""
        came = talk.turn(0)
        if came:
            self._heard_s = time.monotonic()
        return came

    def _wait(self, deadline: float) -> None:
        """Waits for the end of a process that closed its pipes."""
        pause_s = 0.001
        while self._killed is None and not self._ended():
            if time.monotonic() > deadline:
                self.kill("killed: it did not end")
            time.sleep(pause_s)
            pause_s = min(_LOOK_S, pause_s * 2)

    def _ended(self) -> bool:
        # Not reaped yet: until its group has been killed the number must not go to anybody else.
        with self._lock:
            if self._reaped:
                return True
            flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
            return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def _kill_group(self) -> None:
        if not self._reaped:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _reap(self) -> int:
        if not self._reaped:
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._reaped = True
            return self._process.wait()


class _Talk:
    """The three pipes: the job goes in, frames and complaints come out; memory stays bounded."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes], job: bytes) -> None:
        self._pipes = (stdin, stdout, stderr)
        self._job = memoryview(job)
        self._out = bytearray()
        self._err = b""
        self.bytes_read = 0
        self._selector = selectors.DefaultSelector()
        for pipe, event in (
            (stdin, selectors.EVENT_WRITE),
            (stdout, selectors.EVENT_READ),
            (stderr, selectors.EVENT_READ),
        ):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, event)

    @property
    def open(self) -> bool:
        """Tells whether it can still say something."""
        return any(key.events & selectors.EVENT_READ for key in self._selector.get_map().values())

    def turn(self, wait_s: float) -> bool:
        """Reads and writes what is possible now, waiting up to `wait_s`; tells whether anything came."""
        came = False
        for key, _ in self._selector.select(wait_s):
            if key.fileobj is self._pipes[0]:
                self._write()
            else:
                came |= self._read(key.fileobj is self._pipes[1], key.fd)
        return came

    def frames(self, kind: bytes) -> tuple[bytes, ...]:
        """Returns the frames of one kind that came whole."""
        found, position = [], 0
        while len(self._out) - position >= _HEAD_BYTES:
            end = position + _HEAD_BYTES
            size = int.from_bytes(self._out[position + 1 : end], "big")
            if self._out[position : position + 1] == kind and len(self._out) >= end + size:
                found.append(bytes(self._out[end : end + size]))
            position = end + size
        return tuple(found)

    def complaint(self) -> str:
        """Returns the last line on standard error."""
        lines = self._err.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def close(self) -> None:
        """Closes the pipes, after reading what is in them already."""
        with contextlib.suppress(OSError, ValueError):
            for _ in range(_DRAIN_TURNS_MAX):
                if not self.open or not self.turn(0):
                    break
        self._selector.close()
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.close()

    def _write(self) -> None:
        stdin = self._pipes[0]
        with contextlib.suppress(BlockingIOError):
            try:
                self._job = self._job[os.write(stdin.fileno(), self._job[:_CHUNK_BYTES]) :]
            except BrokenPipeError:
                self._job = memoryview(b"")
        if not self._job:
            self._selector.unregister(stdin)
            stdin.close()

    def _read(self, is_output: bool, descriptor: int) -> bool:  # noqa: FBT001 - private, two pipes
        pipe = self._pipes[1] if is_output else self._pipes[2]
        chunk = os.read(descriptor, _CHUNK_BYTES)
        self.bytes_read += len(chunk)
        if not chunk:
            self._selector.unregister(pipe)
        elif is_output:
            self._out += chunk
        else:
            self._err = (self._err + chunk)[-STDERR_BYTES_MAX:]
        return bool(chunk)
