"""Children of the pool as forks of the daemon, which has their imports done; see `tests.support.warm_server`.

What stands for `subprocess` in `coordinator.adapters.pool_process`: the pipes, the session, the environment
and the parent are those of the real one. That a real child starts, with nothing of ours in its environment,
is for tests/integration/test_local_pool.py.
"""

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, NoReturn

from coordinator.cli import worker_child

PIPE = -1
_FDS_OPEN_MAX = 4096


class Popen:
    """One forked child, with what the pool uses of `subprocess.Popen`."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        pass_fds: tuple[int],
        **how: Any,
    ) -> None:
        assert how == {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "start_new_session": True}
        assert "coordinator.cli.worker_child" in argv
        pipes = [os.pipe() for _ in range(3)]
        (read, job), (out, write), (err, complain) = pipes
        with _FORKING:
            self.pid = os.fork()
            if self.pid == 0:
                _become_child((read, write, complain), pass_fds[0], cwd, env)
        for theirs in (read, write, complain):
            os.close(theirs)
        self.stdin: IO[bytes] = os.fdopen(job, "wb", buffering=0)
        self.stdout: IO[bytes] = os.fdopen(out, "rb", buffering=0)
        self.stderr: IO[bytes] = os.fdopen(err, "rb", buffering=0)
        self.returncode: int | None = None

    def wait(self) -> int:
        """Reaps it and returns its exit code, negative for a signal."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


_FORKING = threading.Lock()


def _become_child(
    standard: Sequence[int], lifeline: int, folder: str, environment: Mapping[str, str]
) -> NoReturn:
    try:
        os.setsid()
        for number in range(1, signal.NSIG):
            if signal.getsignal(number) not in (signal.SIG_DFL, signal.SIG_IGN, None):
                signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        for fd, number in zip(standard, (0, 1, 2), strict=True):
            os.dup2(fd, number)
        os.dup2(lifeline, 3)
        os.closerange(4, _FDS_OPEN_MAX)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the daemon's may be held by another thread
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        worker_child.main(["3"])
    finally:
        os._exit(70)
