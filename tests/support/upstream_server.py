"""A model server on the loopback address that answers what a test says, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back; with `pieces`, each goes out by itself as soon as the iterable gives it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None


def whole(said: Any, *, status: int = 200, **headers: str) -> Answer:
    """Returns a JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = {"content-type": "application/json", **named}
    return Answer(status=status, body=json.dumps(said).encode(), headers=head)


def stream(pieces: Iterable[bytes]) -> Answer:
    """Returns server-sent events, cut as given."""
    return Answer(headers={"content-type": "text/event-stream; charset=utf-8"}, pieces=pieces)


def event(said: Any) -> bytes:
    """Returns one server-sent event; its name is its type, as the Messages API has it."""
    name = f"event: {said['type']}\n" if "type" in said else ""
    return f"{name}data: {json.dumps(said)}\n\n".encode()


def message(text: str, *, tokens_in: int = 10, tokens_out: int = 5, **usage: Any) -> Any:
    """Returns an answer of the Messages API."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out, **usage},
    }


def message_events(
    texts: Iterable[str], *, tokens_in: int = 10, tokens_out: int = 5, **usage: Any
) -> Iterator[bytes]:
    """Yields the same as events, one for each of `texts`."""
    begun: dict[str, Any] = message("", tokens_in=tokens_in, tokens_out=1, **usage) | {
        "content": []
    }
    yield event({"type": "message_start", "message": begun | {"stop_reason": None}})
    block = {"type": "text", "text": ""}
    yield event({"type": "content_block_start", "index": 0, "content_block": block})
    for text in texts:
        delta = {"type": "text_delta", "text": text}
        yield event({"type": "content_block_delta", "index": 0, "delta": delta})
    yield event({"type": "content_block_stop", "index": 0})
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    yield event({"type": "message_delta", "delta": end, "usage": {"output_tokens": tokens_out}})
    yield event({"type": "message_stop"})


class UpstreamServer:
    """What runs: `url`, and what it was asked until now."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.broken_off = threading.Event()  # somebody stopped listening before the end
        self.url = ""

    @property
    def seen(self) -> bytes:
        """Returns everything that was asked, as one text."""
        return b"\n".join(f"{a.method} {a.path} {a.headers}".encode() + a.body for a in self.asked)


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[UpstreamServer]:
    """Runs a model server until the block ends."""
    made = UpstreamServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            made.asked.append(asked)
            try:
                self._send(made.answer(asked))
            except OSError:
                made.broken_off.set()
                self.close_connection = True

        do_GET = do_POST  # noqa: N815  the base class looks for this name

        def _send(self, said: Answer) -> None:
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.pieces is None:
                if "content-length" not in said.headers:
                    self.send_header("content-length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)
                self.close_connection |= "content-length" in said.headers
                return
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for piece in said.pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            made.broken_off.set()  # the other end went away: some tests are about just that

    server = Server(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
