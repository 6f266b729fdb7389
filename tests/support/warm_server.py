"""Starts commands of ours in processes that have their imports done already. Run by `tests.support.warm`.

Importing the daemon takes half a second of a processor, and the tests start thousands. This process imports
it once and forks: what comes of a fork is a process of its own, with its own environment, folder, streams
and session, which can be killed, frozen and looked at like any other. Only its command line in the process
list is this one.

On the socket: a message holds an order as JSON and the descriptors for stdin, stdout, stderr and the end;
the answer is the process id. To the last of the descriptors the exit status is written when it is known.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import coordinator
import workers
from workers import lively

MESSAGE_BYTES_MAX = 100_000
_FDS = 4
_FIRST_OTHER = 3
_FDS_OPEN_MAX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What shall run: `arguments` of the command line."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    session: bool


def main() -> None:
    """Serves until the other side is gone; in a fork, runs the command line and does not return."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _import()
    control.send(b"ready")
    order = _serve(control)
    if order is None:
        return
    from coordinator.adapters import pool_process  # noqa: PLC0415 - imported already
    from coordinator.cli import main as command_line  # noqa: PLC0415
    from tests.support import warm_child  # noqa: PLC0415

    vars(pool_process)["subprocess"] = warm_child
    sys.argv[:] = ["coordinator", *order.arguments]
    command_line()


def _import() -> None:
    """Imports all that a daemon may come to: a fork while a thread of it is importing would wait for ever.

    Not anthropic, which is large, makes each fork dearer, and is imported by the attempts that need it alone.
    """
    for package in (coordinator, workers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in ("detect_secrets", "genai_prices", "git", "httpx2", "jsonschema"):
        importlib.import_module(name)
    # OpenSSL takes locks of its own: a fork while a thread has one would wait for it for ever too,
    # so that what an attempt needs of it is made before there are threads.
    lively.trusting_nobody()
    assert threading.active_count() == 1, "a fork of several threads would have one"
    gc.freeze()  # a collection in a fork would copy every page


def _serve(control: socket.socket) -> Order | None:
    """Returns None at the end, and in each fork its order."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ends: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            _drain(woken)
        _reap(ends)
        if control.fileno() not in ready:
            continue
        content, fds, _, _ = socket.recv_fds(control, MESSAGE_BYTES_MAX, _FDS)
        if not content:
            return None
        pid = os.fork()
        if pid == 0:
            control.detach()
            return _become(json.loads(content), fds)
        for fd in fds[:-1]:
            os.close(fd)
        ends[pid] = fds[-1]
        control.send(str(pid).encode())


def _drain(fd: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass


def _reap(ends: dict[int, int]) -> None:
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        fd = ends.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody may wait any more
            os.write(fd, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(fd)


def _become(said: dict[str, object], fds: list[int]) -> Order:
    """Makes this fork what a new process would have been."""
    order = Order(**said)  # type: ignore[arg-type]  # from tests.support.warm
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if order.session:
        os.setsid()
    for fd, standard in zip(fds, (0, 1, 2), strict=False):
        os.dup2(fd, standard)
    os.closerange(_FIRST_OTHER, _FDS_OPEN_MAX)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    here = Path(__file__).resolve().parents[2]
    sys.path[:] = [str(here), *(path for path in sys.path if Path(path or ".").resolve() != here)]
    return order


if __name__ == "__main__":
    main()
