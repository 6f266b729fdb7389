"""A git that stays: one process that is told line by line, where each start would cost more than the work."""

import contextlib
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import IO

from coordinator.adapters.git_command import (
    cannot_start,
    command,
    hermetic_environment,
    kill_group,
)


class StandingGit:
    """One git command over one repository; it starts when it is needed. For one thread at a time.

    `errors` is where what it says of errors goes: nowhere, or between its answers (subprocess.STDOUT).
    """

    def __init__(self, directory: Path, *arguments: str, errors: int = subprocess.DEVNULL) -> None:
        self._directory = directory
        self._arguments = arguments
        self._errors = errors
        self._process: subprocess.Popen[bytes] | None = None

    def __del__(self) -> None:
        self.end()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """Returns the process, None while there is none."""
        return self._process

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Returns what it reads and what it answers on, started anew if it has ended meanwhile.

        Raises RepositoryError when git cannot be started.
        """
        # Python tells whoever listens of each process that starts; this is the like of it.
        sys.audit("coordinator.git", *self._arguments)
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def tell(self, orders: bytes, *, within_s: float) -> bool:
        """Writes `orders`; False when it has ended, or takes nothing more for so long."""
        assert self._process is not None
        assert self._process.stdin is not None
        reads = self._process.stdin.fileno()
        poll = select.poll()
        poll.register(reads, select.POLLOUT)
        left = memoryview(orders)
        while left and poll.poll(within_s * 1000):
            try:
                # So much a pipe takes at once; more would make us wait for it, without a limit.
                left = left[os.write(reads, left[: select.PIPE_BUF]) :]
            except OSError:
                break
        return not left

    def answers(self, last: bytes, *, within_s: float) -> bytes:
        """Returns what it answers, up to `last`; less when it ends before, or takes too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        heard = b""
        while not heard.endswith(last) and self.has_answered(within_s=within_s):
            more = os.read(self._process.stdout.fileno(), 4096)
            if not more:
                break
            heard += more
        return heard

    def has_answered(self, *, within_s: float) -> bool:
        """Tells whether there is something to read of it, if only that it has ended, before the time is up."""
        assert self._process is not None
        assert self._process.stdout is not None
        poll = select.poll()
        poll.register(self._process.stdout.fileno(), select.POLLIN)
        return bool(poll.poll(within_s * 1000))

    def end(self) -> int | None:
        """Ends it, and returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        kill_group(process)
        return process.returncode

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                command(self._arguments, repository=self._directory),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=hermetic_environment(),
                cwd=self._directory,
                start_new_session=True,
            )
        except OSError as error:
            raise cannot_start(error) from error
