"""A server on a unix socket, with a thread for each connection, gone without a trace when it is closed."""

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from .exchange import Exchange

_CONNECTIONS_MAX = 32
_PATH_BYTES_MAX = 100  # the system's own limit is 104 or 108, with the 0 at the end
_CLOSE_S_MAX = 5.0
_BACKLOG = 32

logger = logging.getLogger(__name__)


class UnixServer:
    """Serves `answer` on a unix socket of its own until it is closed; then no connection is left.

    Args:
        folder: where the socket is made; a path too long for a socket gets one in the system's own
            folder for such things, and a link here.
        answer: called for each request, from a thread of its connection.
    """

    def __init__(self, folder: Path, answer: Callable[[Exchange], None]) -> None:
        self.answer = answer
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._is_closed = False
        self._room, self._link = _room(folder)
        self.path = self._room / "s"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(self.path))
            self.path.chmod(0o600)
            self._listener.listen(_BACKLOG)
        except OSError:
            self._listener.close()
            self._tidy()
            raise
        self._thread = threading.Thread(target=self._accept, name="attempt desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends every connection and takes the socket away."""
        with self._lock:
            self._is_closed = True
        self._wake()
        self._thread.join(_CLOSE_S_MAX)
        self._listener.close()
        with self._lock:
            open_ones = dict(self._connections)
        for one in open_ones:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in open_ones.values():
            if thread is not threading.current_thread():
                thread.join(_CLOSE_S_MAX)
        self._tidy()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_closed:
                    one.close()
                    return
                if len(self._connections) >= _CONNECTIONS_MAX:
                    one.close()
                    continue
                thread = threading.Thread(
                    target=self._serve, args=(one,), name="attempt desk", daemon=True
                )
                self._connections[one] = thread
            thread.start()

    def _serve(self, one: socket.socket) -> None:
        try:
            Exchange(one, ("", 0), self)  # type: ignore[arg-type]
        except OSError:
            pass  # the other end went away
        except Exception:
            logger.exception("a request to an attempt desk was not answered")
        finally:
            with self._lock:
                self._connections.pop(one, None)
            one.close()

    def _wake(self) -> None:
        """Makes `accept` return, which closing a socket does not do, and shutting it not everywhere."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(1.0)
            knock.connect(str(self.path))

    def _tidy(self) -> None:
        shutil.rmtree(self._room, ignore_errors=True)
        if self._link is not None:
            self._link.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Takes away what servers of a process that was killed have left in `folder`."""
    for left in sorted(folder.glob("d*")) if folder.is_dir() else ():
        if left.is_symlink():
            where = left.readlink()
            if where.name.startswith(_ELSEWHERE) and where.parent == Path(tempfile.gettempdir()):
                shutil.rmtree(where, ignore_errors=True)
            left.unlink(missing_ok=True)
        else:
            shutil.rmtree(left, ignore_errors=True)


_ELSEWHERE = "coordinator-desk-"


def _room(folder: Path) -> tuple[Path, Path | None]:
    """Returns a folder of mode 0700 whose name is short enough, and the link to it if it is elsewhere."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    here = Path(tempfile.mkdtemp(prefix="d", dir=folder))
    if len(os.fsencode(here / "s")) <= _PATH_BYTES_MAX:
        return here, None
    elsewhere = Path(tempfile.mkdtemp(prefix=_ELSEWHERE))
    here.rmdir()
    here.symlink_to(elsewhere)
    return elsewhere, here
