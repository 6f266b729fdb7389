"""A web server on the loopback whose answers are functions of the request."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Page = str | bytes | Callable[[BaseHTTPRequestHandler], None]


class WebServer(ThreadingHTTPServer):
    """Serves `pages` by path (query included first, then without); everything else is 404."""

    daemon_threads = True
    request_queue_size = 128  # who asks many at once must not wait for whoever takes them in

    def __init__(self, pages: Mapping[str, Page]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = dict(pages)
        self.asked: list[tuple[str, str]] = []  # method and path, as they came
        self.headers: list[dict[str, str]] = []

    @property
    def host(self) -> str:
        """Returns `127.0.0.1:port`, as an allow-list has it."""
        return f"127.0.0.1:{self.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that go away."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path))
        self.server.headers.append(dict(self.headers.items()))
        page = self.server.pages.get(self.path)
        if page is None:
            page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            answer(self, b"not here", status=404)
        elif callable(page):
            page(self)
        else:
            answer(self, page.encode() if isinstance(page, str) else page)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Prints nothing."""


def answer(
    handler: BaseHTTPRequestHandler,
    content: bytes,
    *,
    status: int = 200,
    kind: str = "text/html; charset=utf-8",
    **headers: str,
) -> None:
    """Answers with `content`; `content_encoding` and the like are headers."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


def redirect(location: str, status: int = 302) -> Page:
    """Returns a page that is elsewhere."""
    return lambda handler: answer(handler, b"", status=status, location=location)


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """Yields `127.0.0.1:port` where nobody answers, and nobody else can begin to."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@contextlib.contextmanager
def serving(pages: Mapping[str, Page]) -> Iterator[WebServer]:
    """Yields a server that answers until the block ends."""
    server = WebServer(pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="web", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
