"""Escapes by way of sockets: out of the cell, and into it."""

import socket

from .trying import Scene, Stopped, attempt

_S_MAX = 20.0


def _said(family: int, address: object, name: str, kind: int = socket.SOCK_STREAM) -> str:
    with socket.socket(family, kind) as way:
        way.settimeout(_S_MAX)
        way.connect(address)  # type: ignore[arg-type]  # every family has its own
        way.sendall(name.encode() + b"\n")
    return "sent it"


@attempt("tcp-loopback")
def tcp_loopback(scene: Scene) -> str:
    """Connects to a server of this machine."""
    return _said(socket.AF_INET, ("127.0.0.1", scene.ports["tcp"]), "tcp-loopback")


@attempt("tcp-loopback-6")
def tcp_loopback_6(scene: Scene) -> str:
    """Connects to a server of this machine by IPv6."""
    if not scene.ports.get("tcp6"):
        raise Stopped("there is no IPv6 here")
    return _said(socket.AF_INET6, ("::1", scene.ports["tcp6"]), "tcp-loopback-6")


@attempt("tcp-address")
def tcp_address(scene: Scene) -> str:
    """Connects to the address that this machine has in its network."""
    if not scene.address:
        raise Stopped("there is no address here but loopback")
    return _said(socket.AF_INET, (scene.address, scene.ports["outer"]), "tcp-address")


@attempt("udp")
def udp(scene: Scene) -> str:
    """Sends a datagram, as a name lookup does."""
    return _said(socket.AF_INET, ("127.0.0.1", scene.ports["udp"]), "udp", socket.SOCK_DGRAM)


@attempt("unix-socket")
def unix_socket(scene: Scene) -> str:
    """Connects to a server's socket, as that of a container engine."""
    return _said(socket.AF_UNIX, scene.below("server.sock"), "unix-socket")


@attempt("unix-abstract")
def unix_abstract(scene: Scene) -> str:
    """Connects to a socket that is no file."""
    return _said(socket.AF_UNIX, "\0" + scene.marker, "unix-abstract")


@attempt("unix-datagram")
def unix_datagram(scene: Scene) -> str:
    """Writes to a log socket."""
    return _said(socket.AF_UNIX, scene.below("log.sock"), "unix-datagram", socket.SOCK_DGRAM)


@attempt("listen")
def listen(scene: Scene) -> str:
    """Waits for somebody from outside to come in."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("0.0.0.0", scene.ports["door"]))
        door.listen()
        door.settimeout(scene.patience_s)
        with door.accept()[0]:
            return "somebody came"


def _opened(*kinds: tuple[str, int, int, int]) -> str:
    got, told = [], ""
    for name, family, kind, protocol in kinds:
        try:
            socket.socket(family, kind, protocol).close()
        except OSError as error:
            told = str(error)
        else:
            got.append(name)
    if not got:
        raise Stopped(told)
    return ", ".join(got)


@attempt("netlink")
def netlink(scene: Scene) -> str:
    """Talks to the kernel about the network."""
    del scene
    return _opened(("netlink", 16, socket.SOCK_RAW, 0))


@attempt("packets")
def packets(scene: Scene) -> str:
    """Listens to packets of others, or makes its own."""
    del scene
    return _opened(
        ("packet", 17, socket.SOCK_RAW, 0x0300), ("raw", socket.AF_INET, socket.SOCK_RAW, 1)
    )


@attempt("odd-sockets")
def odd_sockets(scene: Scene) -> str:
    """Opens sockets of families that hardly anybody needs and that had many faults."""
    del scene
    names = {"vsock": 40, "alg": 38, "bluetooth": 31, "tipc": 30, "can": 29, "rds": 21, "xdp": 44}
    kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW)
    return _opened(*((name, family, kind, 0) for name, family in names.items() for kind in kinds))
