"""The proxy for what prepares a gate: listed hosts alone, whatever their names stand for."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coordinator.adapters.attempt_desk import AttemptDesks
from tests.support.patience import PATIENCE_S
from tests.support.upstream_server import Answer, Asked, UpstreamServer, serving
from tests.support.web_server import nobody


def page(_: Asked) -> Answer:
    return Answer(body=b"a page", headers={"x-from": "page"})


@contextmanager
def network(folder: Path, *hosts: str) -> Iterator[Path]:
    desks = AttemptDesks(folder / "desks", environment={}, tools=lambda *_: {})
    with desks.open_network(hosts) as path:
        yield path


def exchanged(path: Path, *pieces: bytes) -> bytes:
    """Returns all that comes back for what is sent, until the other end has said everything."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(PATIENCE_S)
        one.connect(str(path))
        for piece in pieces:
            one.sendall(piece)
        one.shutdown(socket.SHUT_WR)
        received = b""
        while piece := one.recv(65_536):
            received += piece
    return received


def place(server: UpstreamServer) -> str:
    return server.url.removeprefix("http://")


def get(host: str, *, version: str = "1.1") -> bytes:
    return f"GET /p?q=1 HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def test_a_tunnel_to_a_listed_host_carries_both_ways(tmp_path: Path) -> None:
    with serving(page) as server, network(tmp_path, place(server)) as path:
        connect = f"CONNECT {place(server)} HTTP/1.1\r\nHost: {place(server)}\r\n\r\n".encode()
        # What follows the head at once is for the far end, too.
        said = exchanged(path, connect + get(place(server)))
        assert said.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")
        assert said.endswith(b"a page")
        assert server.asked[0].path == "/p?q=1"
    assert not path.exists()


def test_plain_http_goes_to_a_listed_host_without_what_is_for_the_proxy(tmp_path: Path) -> None:
    with serving(page) as server, network(tmp_path, place(server)) as path:
        asked = (
            f"POST http://{place(server)}/p?q=1 HTTP/1.1\r\nHost: other.example\r\n"
            "Proxy-Authorization: Basic eA==\r\nContent-Length: 3\r\nX-Mine: yes\r\n\r\nabc"
        )
        # A second request on the same connection, to wherever, is not read.
        said = exchanged(path, asked.encode() + get("other.example"))
        assert said.startswith(b"HTTP/1.1 200 OK")
        assert said.endswith(b"a page")
        assert len(server.asked) == 1
        got = server.asked[0]
        assert (got.method, got.path, got.body) == ("POST", "/p?q=1", b"abc")
        assert (got.headers["host"], got.headers["x-mine"]) == (place(server), "yes")
        assert "proxy-authorization" not in got.headers


@pytest.mark.parametrize("form", ["CONNECT {host}", "GET http://{host}/"])
@pytest.mark.parametrize(
    ("listed", "host", "why"),
    [
        ((), "example.org:443", "is not one of"),
        (("example.org",), "evil-example.org:443", "is not one of"),
        (("example.org",), "example.org.evil.example:443", "is not one of"),
        (("*.example.org",), "example.org:443", "is not one of"),
        (("example.org",), "example.org:22", "is not one of"),
        (("example.org:8443",), "example.org:443", "is not one of"),
        (("*.localhost",), "a.localhost:{port}", "is not one of"),
        (("*",), "127.0.0.1:443", "is not one of"),
        (("127.0.0.1",), "127.0.0.1:{port}", "is not one of"),
        (("example.org",), "user@example.org:443", "no host"),
    ],
)
def test_what_is_not_listed_is_not_reached(
    tmp_path: Path, form: str, listed: tuple[str, ...], host: str, why: str
) -> None:
    with serving(page) as server, network(tmp_path, *listed) as path:
        port = place(server).partition(":")[2]
        asked = form.format(host=host.format(port=port))
        said = exchanged(path, f"{asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status = int(said.split()[1])
        assert status in (400, 403)
        assert why.encode() in said or b"this is a proxy" in said
        assert server.asked == []


@pytest.mark.parametrize(
    "entry", ["127.0.0.1:{port}", "localhost:{port}"], ids=["address", "localhost"]
)
def test_this_machine_is_reached_where_it_is_listed_as_such(tmp_path: Path, entry: str) -> None:
    with serving(page) as server:
        port = place(server).partition(":")[2]
        with network(tmp_path, entry.format(port=port)) as path:
            host = entry.format(port=port)
            said = exchanged(path, f"GET http://{host}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert said.endswith(b"a page")


def test_a_name_that_stands_for_this_machine_is_no_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver of the test stands in for a name server of somebody who wants in."""
    stands_for = {"metadata.example": "169.254.169.254", "rebound.example": "127.0.0.1"}
    stands_for |= {"mapped.example": "::ffff:127.0.0.1", "own.example": "10.1.2.3"}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **_: int) -> object:
        return real(stands_for[host], port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with network(tmp_path, "metadata.example", "rebound.example", "mapped.example") as path:
        for name in ("metadata.example", "rebound.example", "mapped.example"):
            said = exchanged(path, f"CONNECT {name}:443 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert said.startswith(b"HTTP/1.1 403")
            assert b"an address of this machine" in said
    with network(tmp_path, "*.example") as path:  # a private address behind a wildcard
        said = exchanged(path, b"CONNECT own.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 403")


def test_a_host_that_is_not_there_is_said(tmp_path: Path) -> None:
    with nobody() as gone, network(tmp_path, gone) as path:
        said = exchanged(path, f"CONNECT {gone} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 502")
        assert b"does not answer" in said


@pytest.mark.parametrize("asked", ["GET /etc/passwd", "GET https://example.org/", "CONNECT :443"])
def test_what_no_proxy_can_do_is_refused(tmp_path: Path, asked: str) -> None:
    with network(tmp_path, "example.org") as path:
        said = exchanged(path, f"{asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 400")
