"""Fetching over real sockets on the loopback: what comes back, and what never does."""

import gzip
import hashlib
import socket
import threading
import time
import zlib
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from coordinator.adapters.web import HttpWeb
from coordinator.domain.web import Fetched, NotFetched
from tests.support.patience import PATIENCE_S, with_enough
from tests.support.web_server import Page, WebServer, answer, nobody, redirect, serving


def patient(**settings: Any) -> HttpWeb:
    """Returns what fetches, and waits for long where the machine is busy."""
    return HttpWeb(timeout_s_max=PATIENCE_S, **settings)


def fetched(server: WebServer, path: str, *hosts: str, web: HttpWeb | None = None) -> Fetched:
    found = (web or patient()).fetch(server.url(path), hosts=(server.host, *hosts))
    assert isinstance(found, Fetched), found
    return found


def refused(server: WebServer, path: str, web: HttpWeb | None = None) -> NotFetched:
    found = (web or patient()).fetch(server.url(path), hosts=(server.host,))
    assert isinstance(found, NotFetched), found
    return found


def page(content: bytes, *, kind: str = "text/html", encoding: str = "") -> Page:
    headers = {"content_encoding": encoding} if encoding else {}
    return lambda handler: answer(handler, content, status=200, kind=kind, **headers)


def test_a_page_comes_with_its_status_its_digest_and_its_text() -> None:
    with serving({"/a?b=c": "Grüße"}) as server:
        found = fetched(server, "/a?b=c#part")
        sent = server.headers[0]
    content = "Grüße".encode()
    assert (found.status, found.answer, found.is_there) == (200, "200 OK", True)
    assert (found.text, found.size, found.media_type) == ("Grüße", len(content), "text/html")
    assert found.digest == "sha256:" + hashlib.sha256(content).hexdigest()
    assert (found.final_url, found.moved) == (server.url("/a?b=c#part"), None)
    assert sent["Host"] == server.host
    assert not {"Cookie", "Authorization"} & set(sent)


def test_an_error_page_is_an_answer_and_not_there() -> None:
    with serving({}) as server:
        found = fetched(server, "/gone")
    assert (found.answer, found.is_there, found.text) == ("404 Not Found", False, "not here")


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ("Grüße".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Grüße"),
        ("Grüße".encode("utf-16"), "text/plain", "Grüße"),
        (b"\xef\xbb\xbfhello", "text/plain; charset=latin-1", "hello"),
        (
            '<meta charset="windows-1252">Grüße'.encode("cp1252"),
            "text/html",
            '<meta charset="windows-1252">Grüße',
        ),
        ("Grüße".encode(), "text/plain; charset=punycode", "Grüße"),
        (b"a\xffb", "text/plain", "a\ufffdb"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"<svg/>", "image/svg+xml", "<svg/>"),
        (b"%PDF-1.7", "application/pdf", None),
        (b"\x89PNG\x00", "", None),
    ],
)
def test_text_is_decoded_by_its_charset_and_what_is_no_text_has_none(
    content: bytes, kind: str, text: str | None
) -> None:
    with serving({"/a": page(content, kind=kind)}) as server:
        found = fetched(server, "/a")
    assert found.text == text
    assert found.digest == "sha256:" + hashlib.sha256(content).hexdigest()


def test_compressed_content_is_undone_and_the_digest_is_of_what_it_holds() -> None:
    content = b"hello " * 100
    pages = {
        "/gzip": page(gzip.compress(content, mtime=0), encoding="gzip"),
        "/deflate": page(zlib.compress(content), encoding="deflate"),
    }
    with serving(pages) as server:
        found = [fetched(server, path) for path in pages]
    assert {one.text for one in found} == {content.decode()}
    assert {one.digest for one in found} == {"sha256:" + hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("content", "encoding", "code"),
    [
        (b"x" * 1001, "", "too-large"),
        (gzip.compress(b"\0" * 5_000_000, mtime=0), "gzip", "too-large"),
        (b"no gzip", "gzip", "unreachable"),
        (gzip.compress(b"hello", mtime=0)[:-9], "gzip", "unreachable"),
        (b"?", "br", "unreachable"),
    ],
)
def test_too_much_and_what_cannot_be_undone_is_not_taken(
    content: bytes, encoding: str, code: str
) -> None:
    with serving({"/a": page(content, encoding=encoding)}) as server:
        assert refused(server, "/a", patient(bytes_max=1000)).code == code


def test_a_redirect_is_followed_and_permanent_ones_are_told_apart() -> None:
    pages = {
        "/old": redirect("/older", 301),
        "/older": redirect("new?x=1", 308),
        "/new": redirect("/now", 302),
        "/now": "here",
        "/for-now": redirect("/old", 307),
    }
    with serving(pages) as server:
        found = fetched(server, "/old")
        for_now = fetched(server, "/for-now")
        assert (found.text, found.final_url) == ("here", server.url("/now"))
        assert found.moved == server.url("/new?x=1")
        assert (for_now.text, for_now.moved) == ("here", None)


def test_each_hop_is_held_against_the_allow_list() -> None:
    with serving({"/": "secret"}) as other, serving({"/": redirect(other.url("/"))}) as server:
        found = refused(server, "/")
        assert (found.code, found.final_url) == ("not-allowed", other.url("/"))
        assert f"it redirects to {other.url('/')}: {other.host} is not in" in found.reason
        assert other.asked == []
        assert fetched(server, "/", other.host).text == "secret"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "bad-url"),
        ("http://user:pass@127.0.0.1/", "bad-url"),
        ("http://127.0.0.1:1/\\..", "bad-url"),
        ("http://localhost/", "not-allowed"),
        ("/again", "too-many-redirects"),
    ],
)
def test_a_redirect_to_what_may_not_be_fetched_ends_there(location: str, code: str) -> None:
    with serving({"/": redirect(location), "/again": redirect("/again")}) as server:
        assert refused(server, "/").code == code


def test_a_host_that_is_not_listed_is_not_even_looked_up() -> None:
    looked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        looked.append(host)
        return ["127.0.0.1"]

    found = patient(resolve=resolve).fetch("http://other.example/", hosts=("example.org",))
    assert isinstance(found, NotFetched)
    assert (found.code, looked) == ("not-allowed", [])


def test_a_listed_name_that_leads_to_this_machine_is_not_connected_to() -> None:
    with serving({"/": "secret"}) as server:
        port = server.host.rpartition(":")[2]
        name = f"example.org:{port}"
        web = patient(resolve=lambda *_: ["127.0.0.1"])
        found = web.fetch(f"http://{name}/", hosts=(name,))
        assert isinstance(found, NotFetched)
        assert found.code == "private-address"
        assert server.asked == []
        itself = web.fetch(f"http://{name}/", hosts=(name, server.host))
        anywhere = web.fetch(f"http://{name}/", hosts=(name,), reach="anywhere")
    assert [getattr(one, "text", one) for one in (itself, anywhere)] == ["secret", "secret"]


def test_a_name_is_looked_up_once_so_that_its_second_answer_cannot_differ() -> None:
    answers = [["127.0.0.1"], ["10.255.255.1"]]
    with serving({"/": "first"}) as server:
        web = patient(resolve=lambda *_: answers.pop(0))
        assert fetched(server, "/", web=web).text == "first"
    assert answers == [["10.255.255.1"]]


def test_who_does_not_answer_at_all_is_unreachable() -> None:
    with nobody() as host:
        found = patient().fetch(f"http://{host}/", hosts=(host,))
    assert isinstance(found, NotFetched)
    assert found.code == "unreachable"


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    found = patient(resolve=resolve).fetch("http://a.example/", hosts=("a.example",))
    assert isinstance(found, NotFetched)
    assert (found.code, found.reason) == ("unreachable", "no such host")


def test_a_name_that_is_never_resolved_ends_at_the_time_limit() -> None:
    ended = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        ended.wait(PATIENCE_S)
        return []

    found = HttpWeb(resolve=resolve, timeout_s_max=0.2).fetch(
        "http://a.example/", hosts=("a.example",)
    )
    ended.set()
    assert isinstance(found, NotFetched)
    assert (found.code, found.reason) == ("timeout", "no answer within 0.2 s")


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_drop_at_a_time_keeps_nothing_open_for_longer_than_the_limit(part: str) -> None:
    shut = threading.Event()

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(
                b"HTTP/1.1 200 OK\r\nX: " if part == "head" else b"HTTP/1.1 200 OK\r\n\r\n"
            )
            while True:
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            shut.set()

    with serving({"/": dripping}) as server:
        _, found = with_enough(
            lambda limit_s: refused(server, "/", HttpWeb(timeout_s_max=limit_s)),
            lambda _: server.asked,
        )
        assert found.code == "timeout"
        assert shut.wait(PATIENCE_S)


def test_what_is_no_http_is_unreachable() -> None:
    def rubbish(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"rubbish\r\n\r\n")

    with serving({"/": rubbish}) as server:
        assert refused(server, "/").code == "unreachable"


def test_several_are_fetched_in_their_order() -> None:
    with serving({f"/{n}": f"page {n}" for n in range(9)}) as server:
        urls = [server.url(f"/{n}") for n in range(10)]
        found = patient().fetch_all(urls, hosts=(server.host,))
    assert [getattr(one, "status", None) for one in found] == [200] * 9 + [404]
    assert [getattr(one, "text", None) for one in found[:9]] == [f"page {n}" for n in range(9)]


def test_a_check_reads_no_content_and_asks_again_where_head_is_refused() -> None:
    def no_head(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, b"x" * 2000, status=405 if handler.command == "HEAD" else 200)

    with serving({"/a": "here", "/b": no_head}) as server:
        web = patient(bytes_max=1000)
        found = [web.check(server.url(path), hosts=(server.host,)) for path in ("/a", "/b", "/c")]
        asked = server.asked
    assert [getattr(one, "status", one) for one in found] == [200, 200, 404]
    assert [getattr(one, "digest", one) for one in found] == [None, None, None]
    assert asked == [("HEAD", "/a"), ("HEAD", "/b"), ("GET", "/b"), ("HEAD", "/c"), ("GET", "/c")]
