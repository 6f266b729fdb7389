"""One daemon for each repository: a flock on `daemon.flock`, and `daemon.lock` beside it that says who.

The flock alone decides: it dies with its process, while a JSON file outlives a SIGKILL. Neither file is
ever deleted, because a lock file that is deleted and made again can have two holders.
"""

import json
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from coordinator.domain.status import Holder

_FLOCK = "daemon.flock"
_SAYS = "daemon.lock"


class Singleton:
    """The right to be the daemon of the repository whose run folder is `run`."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._flock = FileLock(run / _FLOCK, thread_local=False)
        self._started = 0

    def acquire(self) -> Holder | None:
        """Takes the lock without waiting; returns None when it is ours, else who holds it."""
        self._run.mkdir(parents=True, exist_ok=True)
        try:
            self._flock.acquire(timeout=0)
        except Timeout:
            return _said(self._run) or Holder(pid=0, host="unknown")
        self._started = int(time.time())
        try:
            self.say(())
        except OSError:
            self.release()
            raise
        return None

    def say(self, troubles: Sequence[str]) -> None:
        """Writes down who we are, and what stands in our way: `status` reads it."""
        mine = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": self._started,
            "troubles": list(troubles),
        }
        fresh = self._run / f"{_SAYS}.{os.getpid()}"
        fresh.write_text(json.dumps(mine) + "\n")
        fresh.replace(self._run / _SAYS)

    def release(self) -> None:
        """Lets go; the files stay."""
        self._flock.release()


def daemon_holder(run: Path) -> Holder | None:
    """Returns who runs the daemon, None when nobody holds the flock, whatever the JSON file says."""
    if not (run / _FLOCK).exists():
        return None
    probe = FileLock(run / _FLOCK)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return _said(run) or Holder(pid=0, host="unknown")
    except OSError:  # a run folder of another user: nothing can be told of it
        return _said(run)
    probe.release()
    return None


def _said(run: Path) -> Holder | None:
    try:
        said = json.loads((run / _SAYS).read_text())
        troubles = tuple(map(str, said.get("troubles", ())))
        return Holder(pid=int(said["pid"]), host=str(said["host"]), troubles=troubles)
    except (OSError, ValueError, KeyError, TypeError):
        return None
