"""A real git server over http on the loopback: `git http-backend` as CGI, and replies that can get lost."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path

from tests.support.repos import git

_BACKEND_S_MAX = 600.0


class HttpGit:
    """Serves every bare repository below a folder; pushes are taken.

    `lose` is asked for each request (its path and body): a request for which it says yes is carried
    out to its end, and then the connection is closed without an answer.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lose: Callable[[str, bytes], bool] = lambda path, body: False
        self.lost = 0
        self.busy = 0  # requests that are being dealt with
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Request)
        self._server.git = self

    def url(self, repository: Path) -> str:
        """Returns the URL of a repository below the root."""
        port = self._server.server_address[1]
        return f"http://127.0.0.1:{port}/{repository.relative_to(self.root)}"

    @contextmanager
    def _dealing(self) -> Iterator[None]:
        with self._lock:
            self.busy += 1
        try:
            yield
        finally:
            with self._lock:
                self.busy -= 1

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serve(*repositories: Path) -> Iterator[HttpGit]:
    """Serves bare repositories that lie in one folder until the block ends."""
    for repository in repositories:
        git(repository, "config", "http.receivepack", "true")
    server = HttpGit(repositories[0].parent)
    thread = threading.Thread(target=server._serve, name="http-git")
    thread.start()
    try:
        yield server
    finally:
        server._close()
        thread.join()


class _Server(ThreadingHTTPServer):
    git: HttpGit
    daemon_threads = True  # a client that keeps its connection open must not keep the tests alive
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: clients that are killed in mid-request are what the tests are about."""


class _Request(BaseHTTPRequestHandler):
    """One connection: headers and body in, the backend's CGI answer out."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Advertises refs."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Takes a fetch or a push."""
        self._answer(self._body())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name above
        """Says nothing."""

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        with self.server.git._dealing():
            finished = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env=self._cgi(path, query, len(body)),
                capture_output=True,
                timeout=_BACKEND_S_MAX,
                check=False,
            )
        if self.server.git.lose(path, body):
            self.server.git.lost += 1
            self.close_connection = True
            return
        head, _, content = finished.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line]
        status = next((value for name, value in headers if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cgi(self, path: str, query: str, length: int) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.environ["GIT_CONFIG_GLOBAL"],
            "GIT_PROJECT_ROOT": str(self.server.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_COMMITTER_NAME": "server",
            "GIT_COMMITTER_EMAIL": "server@example.invalid",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return b"".join(_chunks(self.rfile))


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()
