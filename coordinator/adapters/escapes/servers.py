"""Servers of this machine that no worker may reach: they note who reached them, by the name it says."""

import contextlib
import selectors
import socket
import threading
from pathlib import Path

_LOOK_S = 0.05
_WORD_S = 20.0  # between somebody's coming and the name that it says
_WAITING_MAX = 100


class Servers:
    """Listens on loopback, on this machine's own address, and on socket files, until it is closed."""

    def __init__(self, folder: Path, marker: str) -> None:
        self.reached: set[str] = set()
        self.ports: dict[str, int] = {}
        self.address = _own_address()
        self._selector = selectors.DefaultSelector()
        self._stream(socket.AF_INET, ("127.0.0.1", 0), "tcp")
        with contextlib.suppress(OSError):
            self._stream(socket.AF_INET6, ("::1", 0), "tcp6")
        if self.address:
            self._stream(socket.AF_INET, (self.address, 0), "outer")
        self._datagrams(socket.AF_INET, ("127.0.0.1", 0), "udp")
        self._stream(socket.AF_UNIX, str(folder / "server.sock"), "")
        self._stream(socket.AF_UNIX, "\0" + marker, "")
        self._datagrams(socket.AF_UNIX, str(folder / "log.sock"), "")
        self.ports["door"] = _free_port()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=act) for act in (self._serve, self._knock)]
        for thread in self._threads:
            thread.start()

    def heard(self) -> set[str]:
        """Returns who reached them. Whoever has come by now is heard, and nobody who comes later."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        for _ in range(_WAITING_MAX):
            if not self._hear_all(0):
                break
        return self.reached

    def close(self) -> None:
        """Stops listening."""
        self.heard()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _stream(self, family: int, address: object, name: str) -> None:
        server = socket.socket(family)
        try:
            server.bind(address)  # type: ignore[arg-type]  # every family has its own
            server.listen(8)
        except OSError:
            server.close()
            raise
        self._keep(server, name, is_stream=True)

    def _datagrams(self, family: int, address: object, name: str) -> None:
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind(address)  # type: ignore[arg-type]  # every family has its own
        self._keep(server, name, is_stream=False)

    def _keep(self, server: socket.socket, name: str, *, is_stream: bool) -> None:
        server.setblocking(False)  # noqa: FBT003 - socket has no other way
        if name:
            self.ports[name] = server.getsockname()[1]
        self._selector.register(server, selectors.EVENT_READ, is_stream)

    def _serve(self) -> None:
        while not self._end.is_set():
            self._hear_all(_LOOK_S)

    def _hear_all(self, wait_s: float) -> bool:
        """Hears one visitor of each server; tells whether there was any."""
        ready = self._selector.select(wait_s)
        for key, _ in ready:
            server = key.fileobj
            assert isinstance(server, socket.socket)
            with contextlib.suppress(OSError):
                self._hear(server, is_stream=key.data)
        return bool(ready)

    def _hear(self, server: socket.socket, *, is_stream: bool) -> None:
        if not is_stream:
            self.reached.add(server.recv(100).decode("ascii", "replace").strip())
            return
        visitor = server.accept()[0]
        with visitor:
            visitor.settimeout(_WORD_S)
            self.reached.add(visitor.recv(100).decode("ascii", "replace").strip())

    def _knock(self) -> None:
        """Tries from outside whether somebody has opened a door."""
        while not self._end.wait(_LOOK_S):
            with contextlib.suppress(OSError), socket.socket() as visitor:
                visitor.settimeout(0.5)
                visitor.connect(("127.0.0.1", self.ports["door"]))
                self.reached.add("listen")


def _own_address() -> str:
    """Returns the address that this machine has in its network, or "": asked without sending anything."""
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as way:
        way.connect(("192.0.2.1", 9))
        found = str(way.getsockname()[0])
        return "" if found.startswith("127.") else found
    return ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
