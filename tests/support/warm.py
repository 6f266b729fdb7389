"""The command line in processes of its own that start at once; `COLD=1` starts each as a user would.

A process here has what the tests use of `subprocess.Popen`. See `tests.support.warm_server`.
"""

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.support.warm_server import MESSAGE_BYTES_MAX

ROOT = Path(__file__).resolve().parents[2]
COLD = os.environ.get("COLD") == "1"


class WarmProcess:
    """`python -m coordinator ARGUMENTS`, already running; `stdout` and `stderr` are pipes when asked for.

    Args:
        arguments: of the command line, without its name.
        cwd: its current folder.
        env: its whole environment.
        stdout, stderr: a descriptor, or PIPE, or DEVNULL; stderr may be STDOUT.
        start_new_session: puts it into a process group of its own.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        start_new_session: bool = False,
    ) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        with contextlib.ExitStack() as stack:
            self.stdout, out = _stream(stdout, stack)
            self.stderr, err = (
                (None, out) if stderr == subprocess.STDOUT else _stream(stderr, stack)
            )
            nothing = os.open(os.devnull, os.O_RDWR)
            stack.callback(os.close, nothing)
            self._end, end = os.pipe()
            stack.callback(os.close, end)
            order = {
                "arguments": list(arguments),
                "folder": str(cwd),
                "environment": dict(env),
                "session": start_new_session,
            }
            given = [nothing if stdin == subprocess.DEVNULL else stdin, out, err, end]
            self.pid = _server().start(order, given)

    def poll(self) -> int | None:
        """Returns the exit code, negative for a signal, None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code once it has ended. Raises TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = 1.0 if end is None else min(1.0, max(0.0, end - time.monotonic()))
            with self._lock:
                if self.returncode is None and select.select([self._end], [], [], left)[0]:
                    said = os.read(self._end, 100)
                    assert said, "whoever starts commands for the tests is gone"
                    self.returncode = int(said)
                    os.close(self._end)
            if self.returncode is None and end is not None and time.monotonic() >= end:
                raise subprocess.TimeoutExpired("coordinator", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends it a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes its pipes and waits for its end."""
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()


def _stream(asked: int, stack: contextlib.ExitStack) -> tuple[IO[str] | None, int]:
    """Returns our end, when there is one, and the descriptor of the other."""
    if asked == subprocess.DEVNULL:
        nothing = os.open(os.devnull, os.O_RDWR)
        stack.callback(os.close, nothing)
        return None, nothing
    if asked != subprocess.PIPE:
        return None, asked
    ours, theirs = os.pipe()
    stack.callback(os.close, theirs)
    return open(ours, encoding="utf-8"), theirs  # noqa: PTH123 - closed by whoever reads it


def start(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    start_new_session: bool = False,
) -> "WarmProcess | subprocess.Popen[str]":
    """Starts one command; what it reads is empty."""
    if _can_be_warm(env):
        return WarmProcess(
            arguments,
            cwd=cwd,
            env=env,
            stdout=stdout,
            stderr=stderr,
            start_new_session=start_new_session,
        )
    return subprocess.Popen(
        [sys.executable, "-m", "coordinator", *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=start_new_session,
    )


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    input: str = "",  # noqa: A002 - as subprocess.run has it
) -> "subprocess.CompletedProcess[bytes]":
    """Runs one command to its end. Raises TimeoutExpired, with the command ended."""
    if not _can_be_warm(env):
        return run_cold(arguments, cwd=cwd, env=env, timeout=timeout, input=input)
    with contextlib.ExitStack() as stack:
        given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(input.encode())
        given.seek(0)
        process = WarmProcess(
            arguments,
            cwd=cwd,
            env=env,
            stdin=given.fileno(),
            stdout=out.fileno(),
            stderr=err.fileno(),
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read(), err.read())


def run_cold(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    input: str = "",  # noqa: A002 - as subprocess.run has it
) -> "subprocess.CompletedProcess[bytes]":
    """Runs one command to its end in a Python of its own. Raises TimeoutExpired, with the command ended."""
    return subprocess.run(
        [sys.executable, "-m", "coordinator", *arguments],
        cwd=cwd,
        env=env,
        input=input.encode(),
        capture_output=True,
        timeout=timeout,
        check=False,
    )


def _can_be_warm(env: Mapping[str, str]) -> bool:
    """Tells whether nothing is asked for that Python reads only when it starts."""
    said = {name for name in env if name.startswith("PYTHON") or name in ("LC_ALL", "LANG")}
    return not COLD and all(env[name] == os.environ.get(name) for name in said)


def begin() -> None:
    """Starts what starts commands, unless it runs already."""
    if not COLD:
        _server()


class _Server:
    """The process that has its imports done, and forks."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm_server", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        assert ours.recv(100) == b"ready"
        atexit.register(self.close)

    def start(self, order: Mapping[str, object], fds: list[int]) -> int:
        """Returns the process id of what it started."""
        message = json.dumps(order).encode()
        assert len(message) < MESSAGE_BYTES_MAX
        with self._lock:
            socket.send_fds(self._control, [message], fds)
            return int(self._control.recv(100))

    def close(self) -> None:
        """Ends it."""
        self._control.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    return _Server()
