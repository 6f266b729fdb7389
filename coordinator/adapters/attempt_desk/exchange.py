"""One connection over HTTP/1.1: what was asked, with a bound on all that is read, and ways to answer."""

import contextlib
import json
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server import UnixServer

BODY_BYTES_MAX = 32_000_000
_SILENCE_S_MAX = 900.0
_LINE_BYTES_MAX = 1_000
_READ_BYTES = 65_536
_DISCARD_S_MAX = 2.0
_DISCARD_BYTES_MAX = 256_000_000


class TooLong(Exception):
    """A body is longer than is read."""


class Malformed(Exception):
    """A body cannot be read: its framing is wrong."""


class Exchange(BaseHTTPRequestHandler):
    """One connection: what was asked, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_S_MAX
    server: "UnixServer"  # type: ignore[assignment]
    is_begun = False  # whether something of the answer has been sent
    _is_read = False

    def handle_one_request(self) -> None:
        """Reads a request and hands it on, whatever its method is."""
        self.raw_requestline = self.rfile.readline(65_537)
        self.close_connection = True
        is_whole = self.raw_requestline.endswith(b"\n")
        if not is_whole or not self.parse_request():
            return
        self.is_begun = self._is_read = False
        self.server.answer(self)
        if not self._is_read:
            self._drain()
        self.wfile.flush()

    @property
    def given(self) -> Mapping[str, str]:
        """Returns the headers by lower-case name; the last of a name counts."""
        return {name.lower(): value for name, value in self.headers.items()}

    def body(self, bytes_max: int = BODY_BYTES_MAX) -> bytes:
        """Returns the whole body. Raises TooLong or Malformed; the connection ends after either."""
        self._is_read = True
        self.close_connection, keeps = True, self.close_connection
        length = self.headers.get_all("content-length") or []
        coding = self.headers.get("transfer-encoding")
        if coding is not None:
            if length or coding.strip().lower() != "chunked":
                raise Malformed
            content = self._chunks(bytes_max)
        elif not length:
            content = b""
        else:
            if len(length) != 1 or not length[0].isascii() or not length[0].isdigit():
                raise Malformed
            size = int(length[0])
            if size > bytes_max:
                raise TooLong
            content = self.rfile.read(size)
            if len(content) != size:
                raise Malformed
        self.close_connection = keeps
        return content

    def say(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answers in one piece."""
        self.is_begun = True
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def say_json(self, status: int, said: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answers with a JSON value."""
        content = json.dumps(said).encode()
        self.say(status, content, {"content-type": "application/json", **(headers or {})})

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begins an answer that comes in pieces."""
        self.is_begun = True
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def pass_on(self, chunk: bytes) -> None:
        """Sends the next piece at once."""
        if chunk:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()

    def end(self) -> None:
        """Ends an answer that came in pieces."""
        self.wfile.write(b"0\r\n\r\n")

    def no_body(self) -> None:
        """Says that what follows the head is not read as a body."""
        self._is_read = True

    def read_ahead(self) -> bytes:
        """Returns what came after the head and was read with it, without waiting for more."""
        self.connection.setblocking(False)  # noqa: FBT003  the name of the call says which
        try:
            return self.rfile.read1(_READ_BYTES) or b""
        except OSError:
            return b""
        finally:
            self.connection.settimeout(_SILENCE_S_MAX)

    def discard(self) -> None:
        """Lets a sender that cannot be stopped send on for a while: closing now would take the answer back."""
        self.wfile.flush()
        self.connection.settimeout(_DISCARD_S_MAX)
        left = _DISCARD_BYTES_MAX
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (read := self.rfile.read1(_READ_BYTES)):
                left -= len(read)

    def version_string(self) -> str:
        """Returns what the Server header says."""
        return "coordinator"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Says nothing: what a worker asks for is its own business, and may hold anything."""

    def _chunks(self, bytes_max: int) -> bytes:
        content = bytearray()
        while True:
            line = self.rfile.readline(_LINE_BYTES_MAX)
            digits = line.split(b";")[0].strip()
            if not line.endswith(b"\n") or not digits or digits.strip(b"0123456789abcdefABCDEF"):
                raise Malformed
            size = int(digits, 16)
            if len(content) + size > bytes_max:
                raise TooLong
            if size == 0:
                break
            content += self.rfile.read(size)
            if self.rfile.readline(_LINE_BYTES_MAX).strip():
                raise Malformed
        while self.rfile.readline(_LINE_BYTES_MAX).strip():
            pass  # trailers say nothing here
        return bytes(content)

    def _drain(self) -> None:
        """Reads a body that nobody wanted, so that its sender gets to see the answer."""
        with contextlib.suppress(TooLong, Malformed):
            self.body()
            return
        self.discard()
