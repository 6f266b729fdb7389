"""The process of one attempt: reads a job, does it, writes one output. Started by the local pool.

Two processes. The first holds the read end of a pipe whose other end the daemon has: when that closes,
however the daemon died, it kills the whole group. The second does the work; it may be busy in a
regular expression, where no thread of its own would ever run.

On its standard output: frames of a kind (one byte), a length (four) and content. `h` is a sign of life,
`o` the output, `n` why there is none. Everything that a worker prints goes to standard error.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import BinaryIO, NoReturn

BEAT_S = 1.0
FAILED = 3  # the exit status when the worker raised; the reason is the last line on standard error
MEMORY_BYTES_MAX = 4_000_000_000


Run = Callable[[bytes, Callable[[], None]], tuple[bytes, bytes]]
"""Does a job: returns the kind and the content of its last frame."""


def built_in() -> Run:
    """Imports the workers of this distribution."""
    from coordinator.cli import worker_job  # noqa: PLC0415 - as late as can be

    return worker_job.run


def main(arguments: list[str], *, load: Callable[[], Run] = built_in) -> NoReturn:
    """Runs one attempt and exits.

    Args:
        arguments: the descriptor of the pipe that the daemon holds.
        load: imports what does the job; called in the second process, before there is a job.
    """
    status = _attempt(int(arguments[0]), load)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _attempt(lifeline: int, load: Callable[[], Run]) -> int:
    worker = os.fork()
    if worker:
        _supervise(worker, lifeline)
    os.close(lifeline)
    _die_with_parent()
    _limit_memory()
    frames = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    run = load()  # after the fork, and before there is a job: a child that waits is ready at once
    job = sys.stdin.buffer.read()
    if not job:
        return 0  # nothing to do: the pool closed
    try:
        kind, content = run(job, _Beat(frames).beat)
    except Exception as error:  # noqa: BLE001 - a worker may raise whatever it likes
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        sys.stderr.write(f"\n{reason[:2000]}\n")
        return FAILED
    write_frame(frames, kind, content)
    return 0


def write_frame(stream: BinaryIO, kind: bytes, content: bytes = b"") -> None:
    """Writes one frame whole."""
    left = memoryview(kind + len(content).to_bytes(4, "big") + content)
    while left:
        left = left[stream.write(left) :]


class _Beat:
    """Tells the pool that the worker is alive, not more often than is useful."""

    def __init__(self, frames: BinaryIO) -> None:
        self._frames = frames
        self._last_s = 0.0

    def beat(self) -> None:
        now = time.monotonic()
        if now - self._last_s >= BEAT_S:
            self._last_s = now
            write_frame(self._frames, b"h")


def _supervise(worker: int, lifeline: int) -> NoReturn:
    """Waits for the worker's end and exits with its status; kills the group when the daemon is gone."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # only the worker's copies keep the pool's pipes open
        os.dup2(nothing, standard)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
        readable, _, _ = select.select([lifeline, woken], [], [])
        if lifeline in readable and not os.read(lifeline, 1):
            os.killpg(0, signal.SIGKILL)
        if woken in readable:
            os.read(woken, 64)


def _die_with_parent() -> None:
    """Asks Linux to kill this process with the one that supervises it."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - slow to import, and not needed to supervise

    supervisor = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != supervisor:
        os._exit(1)


def _limit_memory() -> None:
    import resource  # noqa: PLC0415

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES_MAX if hard == resource.RLIM_INFINITY else min(hard, MEMORY_BYTES_MAX)
    with contextlib.suppress(ValueError, OSError):  # macOS knows the limit and refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main(sys.argv[1:])
