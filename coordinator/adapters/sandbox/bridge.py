"""The way out of a cell: 127.0.0.1:8787 in its network, forwarded to a unix socket of the daemon's.

Standard library only: it runs in the runner (see runner.py), whose network has nothing but a loopback.
"""

import fcntl
import os
import signal
import socket
import struct
import threading

from . import kernel

ADDRESS = ("127.0.0.1", 8787)
_CONNECTIONS_MAX = 64
_CHUNK = 65_536
_SIOCSIFFLAGS = 0x8914
_UP = 1


def listen_inside() -> socket.socket:
    """Brings the loopback of this network namespace up and listens in it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    fcntl.ioctl(listener, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP))
    return _listening(listener, ADDRESS)


def listen_here(spec: dict) -> socket.socket:  # type: ignore[type-arg]
    """Listens on the loopback of the machine, where the port may be in use: every mention of ours is changed."""
    listener = _listening(socket.socket(socket.AF_INET, socket.SOCK_STREAM), (ADDRESS[0], 0))
    ours, found = f"{ADDRESS[0]}:{ADDRESS[1]}", f"{ADDRESS[0]}:{listener.getsockname()[1]}"
    spec["argv"] = [argument.replace(ours, found) for argument in spec["argv"]]
    for name, value in spec["environment"].items():
        spec["environment"][name] = value.replace(ours, found)
    for name, content in spec["files"].items():
        spec["files"][name] = content.replace(ours.encode(), found.encode())
    return listener


def _listening(listener: socket.socket, address: tuple[str, int]) -> socket.socket:
    listener.bind(address)
    listener.listen(_CONNECTIONS_MAX)
    return listener


def serve_apart(listener: socket.socket, target: str) -> None:
    """Forwards as `serve` does, in a process that dies with this one.

    A process whose children are to have a pid namespace of their own can start no thread any more.
    """
    ours = os.getpid()
    if os.fork():
        listener.close()
        return
    kernel.die_with_parent()
    if os.getppid() != ours:
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # the daemon waits for the end of these
        os.dup2(nothing, standard)
    serve(listener, target)
    while True:
        signal.pause()


def serve(listener: socket.socket, target: str) -> None:
    """Forwards each connection to the unix socket `target`, in threads that die with the process."""
    places = threading.BoundedSemaphore(_CONNECTIONS_MAX)
    # The path of a unix socket has at most 107 bytes; through its folder's descriptor any will do.
    folder, _, name = target.rpartition("/")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    short = f"/proc/self/fd/{descriptor}/{name}"

    def accept() -> None:
        while True:
            places.acquire()
            inner, _ = listener.accept()
            threading.Thread(target=forward, args=(inner,), daemon=True).start()

    def forward(inner: socket.socket) -> None:
        try:
            with inner, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as outer:
                outer.connect(short)
                back = threading.Thread(target=_carry, args=(outer, inner), daemon=True)
                back.start()
                _carry(inner, outer)
                back.join()
        except OSError:
            return
        finally:
            places.release()

    threading.Thread(target=accept, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
