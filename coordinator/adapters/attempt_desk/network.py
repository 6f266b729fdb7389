"""A proxy to allow-listed hosts: CONNECT and plain http, with names resolved here and addresses judged."""

import contextlib
import ipaddress
import logging
import selectors
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .exchange import BODY_BYTES_MAX, Exchange, Malformed, TooLong

_CONNECT_S_MAX = 15.0
_SILENCE_S_MAX = 300.0
_PIECE_BYTES = 65_536
_PORTS = (80, 443)
_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "host", "content-length", "expect"),
    )
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Listed:
    host: str
    port: int | None  # None: the usual ones


class NotReached(Exception):
    """A host is not on the list, or what its name stands for is not for workers."""

    def __init__(self, why: str, *, status: int) -> None:
        super().__init__(why)
        self.status = status


class Gate:
    """Answers a proxy's requests for `hosts`: `name` or `name:port`; `*.name` is every host below it.

    A name that stands for an address of this machine or of a private network is refused, unless the list
    names that very host; this machine's own addresses must be listed as such, or as `localhost`.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        self._listed = tuple(_parsed(host) for host in hosts)

    def answer(self, exchange: Exchange) -> None:
        """Answers one request, which is the last of its connection."""
        exchange.close_connection = True
        try:
            if exchange.command == "CONNECT":
                self._tunnel(exchange)
            else:
                self._forward(exchange)
        except NotReached as error:
            logger.info("refused network status=%d: %s", error.status, error)
            exchange.say(error.status, f"{error}\n".encode(), {"content-type": "text/plain"})

    def _tunnel(self, exchange: Exchange) -> None:
        host, port = _host_and_port(exchange.path, port=443)
        with self._connected(host, port) as far:
            exchange.send_response_only(200, "Connection established")
            exchange.end_headers()
            exchange.wfile.flush()
            exchange.no_body()
            _relay(exchange, far)

    def _forward(self, exchange: Exchange) -> None:
        where = urlsplit(exchange.path)
        if where.scheme != "http" or not where.hostname or "@" in where.netloc:
            raise NotReached("this is a proxy: http://HOST/... or CONNECT HOST:443", status=400)
        try:
            port = where.port or 80
            content = exchange.body(BODY_BYTES_MAX)
        except (ValueError, TooLong, Malformed):
            raise NotReached("the request cannot be read", status=400) from None
        headers = [
            f"{name}: {value}"
            for name, value in exchange.headers.items()
            if name.lower() not in _HOP and "\r" not in value and "\n" not in value
        ]
        query = f"?{where.query}" if where.query else ""
        host = where.hostname if port == 80 else f"{where.hostname}:{port}"
        said = [
            f"{exchange.command} {where.path or '/'}{query} HTTP/1.1",
            f"host: {host}",
            *headers,
        ]
        said += [f"content-length: {len(content)}", "connection: close", "", ""]
        exchange.close_connection = True
        with self._connected(where.hostname, port) as far:
            far.sendall("\r\n".join(said).encode("latin-1", "replace") + content)
            while piece := far.recv(_PIECE_BYTES):
                exchange.wfile.write(piece)
            exchange.wfile.flush()

    def _connected(self, host: str, port: int) -> socket.socket:
        """Returns a connection to the first address of `host` that may be reached. Raises NotReached."""
        listed = self._entry(host, port)
        if listed is None:
            why = f"{host}:{port} is not one of `[network] hosts` in .orchestrator/config.toml"
            raise NotReached(why, status=403)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotReached(f"{host}: no such host", status=502) from None
        granted = [one for one in found if _is_granted(str(one[4][0]), listed)]
        if not granted:
            why = f"{host} stands for an address of this machine or of a private network"
            raise NotReached(why, status=403)
        for family, kind, _, _, address in granted:
            far = socket.socket(family, kind)
            try:
                far.settimeout(_CONNECT_S_MAX)
                far.connect(address)
            except OSError:
                far.close()
                continue
            far.settimeout(_SILENCE_S_MAX)
            return far
        raise NotReached(f"{host}:{port} does not answer", status=502)

    def _entry(self, host: str, port: int) -> str | None:
        """Returns the entry of the list that grants a host, one that names it before a wildcard."""
        name = host.lower().rstrip(".")
        granting = [
            listed.host
            for listed in self._listed
            if (port == listed.port or (listed.port is None and port in _PORTS))
            and (
                listed.host == name or (listed.host[:2] == "*." and name.endswith(listed.host[1:]))
            )
        ]
        return min(granting, key=lambda entry: entry.startswith("*"), default=None)


def _parsed(entry: str) -> _Listed:
    host, port = _host_and_port(entry.lower(), port=0)
    return _Listed(host.rstrip("."), port or None)


def _host_and_port(text: str, *, port: int) -> tuple[str, int]:
    """Returns the parts of `host`, `host:port`, `[address]` or `[address]:port`. Raises NotReached."""
    try:
        parts = urlsplit(f"//{text}")
        found = parts.hostname, parts.port if parts.port is not None else port
    except ValueError:
        found = None, port
    host, port = found
    if not host or "@" in text or "/" in text:
        raise NotReached(f"{text[:200]!r} is no host", status=400)
    return host, port


def _is_granted(address: str, entry: str) -> bool:
    found: ipaddress.IPv4Address | ipaddress.IPv6Address
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if found.is_global and not found.is_multicast:
        return True
    if entry == str(found) or (entry == "localhost" and found.is_loopback):
        return True
    is_own = found.is_loopback or found.is_link_local or found.is_unspecified
    return not (entry.startswith("*") or is_own or found.is_multicast or found.is_reserved)


def _relay(exchange: Exchange, far: socket.socket) -> None:
    """Carries bytes both ways until both ends have said all, or nobody says anything for long."""
    near = exchange.connection
    early = exchange.read_ahead()
    if early:
        far.sendall(early)
    with selectors.DefaultSelector() as both, contextlib.suppress(OSError):
        both.register(near, selectors.EVENT_READ, far)
        both.register(far, selectors.EVENT_READ, near)
        while both.get_map():
            ready = both.select(_SILENCE_S_MAX)
            if not ready:
                return
            for key, _ in ready:
                one, other = key.fileobj, key.data
                assert isinstance(one, socket.socket)
                piece = one.recv(_PIECE_BYTES)
                if piece:
                    other.sendall(piece)
                else:
                    both.unregister(one)
                    other.shutdown(socket.SHUT_WR)
