"""A model server that says what a test wrote down, on a unix socket, in the words of either API.

It stands where the daemon stands for an attempt: it answers model calls, and tools below /tools/.
"""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal

from coordinator.domain.worker import Connection

Api = Literal["anthropic", "openai"]
TOKEN = "token-of-the-attempt"


@dataclass(frozen=True, kw_only=True)
class Says:
    """One answer of the model; `cut` ends the connection in its middle."""

    text: str = ""
    calls: Sequence[tuple[str, Any]] = ()
    stop: str = (
        ""  # "" is the end, or a tool call where there are calls; else in the words of the API
    )
    tokens: tuple[int, int] = (100, 10)
    cached: tuple[int, int] = (0, 0)  # read, written (anthropic)
    cut: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fails:
    """An answer that is an error."""

    status: int
    kind: str = "api_error"
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False  # inside a stream that began well


@dataclass
class Heard:
    """What the server was asked."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tools: list[tuple[str, Any]] = field(default_factory=list)


class ModelServer:
    """Serves `script` in order, and when it has come to its end, the last answer again; or what a function says."""

    def __init__(
        self,
        socket: Path,
        script: Sequence[Says | Fails] | Callable[[Any], Says | Fails],
        tools: Mapping[str, tuple[int, Any]],
    ) -> None:
        self.heard = Heard()
        self.connection = Connection(str(socket), TOKEN)
        self._next = script if callable(script) else _in_order(script)
        self._tools = tools
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.answer(self)

            def address_string(self) -> str:
                return "client"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(str(socket), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        if handler.path.startswith("/tools/"):
            name = handler.path.removeprefix("/tools/")
            self.heard.tools.append((name, body))
            status, said = self._tools.get(name, (403, {"error": "not granted"}))
            _whole(handler, status, said, {})
            return
        self.heard.headers.append({k.lower(): v for k, v in handler.headers.items()})
        self.heard.requests.append(body)
        answer = self._next(body)
        anthropic = handler.path.startswith("/v1/messages")
        if isinstance(answer, Fails) and not answer.streamed:
            error = {"type": answer.kind, "message": answer.message}
            said = {"type": "error", "error": error} if anthropic else {"error": error}
            _whole(handler, answer.status, said, answer.headers)
            return
        events = list(message_events(answer, body) if anthropic else chat_events(answer, body))
        if isinstance(answer, Says) and answer.cut:
            events = events[: len(events) // 2]
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        if isinstance(answer, Says) and answer.cut:
            handler.send_header("content-length", "100000")
        handler.end_headers()
        for name, event in events:
            head = f"event: {name}\n" if anthropic else ""
            handler.wfile.write(f"{head}data: {json.dumps(event)}\n\n".encode())
        if not anthropic and not (isinstance(answer, Says) and answer.cut):
            handler.wfile.write(b"data: [DONE]\n\n")


@contextmanager
def serving(
    folder: Path,
    *script: Says | Fails,
    by: Callable[[Any], Says | Fails] | None = None,
    tools: Mapping[str, tuple[int, Any]] | None = None,
) -> Iterator[ModelServer]:
    """Yields a server of `script`, or of what `by` says; `tools` are answers of daemon-side tools by name."""
    server = ModelServer(folder / "s", by or script, tools or {})
    try:
        yield server
    finally:
        server.close()


def message_events(answer: Says | Fails, body: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the events of the Messages API."""
    tokens, cached = (100, 1), (0, 0)
    if isinstance(answer, Says):
        tokens, cached = answer.tokens, answer.cached
    usage = {
        "input_tokens": tokens[0],
        "output_tokens": 1,
        "cache_read_input_tokens": cached[0],
        "cache_creation_input_tokens": cached[1],
    }
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    yield "message_start", {"type": "message_start", "message": message}
    if isinstance(answer, Fails):
        error = {"type": answer.kind, "message": answer.message}
        yield "error", {"type": "error", "error": error}
        return
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if answer.text:
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": answer.text}))
    for number, (name, arguments) in enumerate(answer.calls):
        said = arguments if isinstance(arguments, str) else json.dumps(arguments)
        block = {"type": "tool_use", "id": f"call_{number}", "name": name, "input": {}}
        blocks.append((block, {"type": "input_json_delta", "partial_json": said}))
    for index, (block, delta) in enumerate(blocks):
        start = {"type": "content_block_start", "index": index, "content_block": block}
        yield "content_block_start", start
        yield "ping", {"type": "ping"}
        yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    stop = answer.stop or ("tool_use" if answer.calls else "end_turn")
    end = {"stop_reason": stop, "stop_sequence": None, **answer.extra}
    yield (
        "message_delta",
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": tokens[1]}},
    )
    yield "message_stop", {"type": "message_stop"}


def chat_events(answer: Says | Fails, body: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the chunks of chat completions."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> tuple[str, dict[str, Any]]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return "", {"object": "chat.completion.chunk", "model": body["model"], "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    if isinstance(answer, Fails):
        yield "", {"error": {"message": answer.message, "type": answer.kind}}
        return
    middle = len(answer.text) // 2
    for part in (answer.text[:middle], answer.text[middle:]):
        if part:
            yield chunk({"content": part})
    for index, (name, arguments) in enumerate(answer.calls):
        said = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": ""}
        start = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield chunk({"tool_calls": [start]})
        for part in (said[:5], said[5:]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    if answer.extra:
        yield chunk(dict(answer.extra))
    yield chunk({}, answer.stop or ("tool_calls" if answer.calls else "stop"))
    usage = {"prompt_tokens": answer.tokens[0], "completion_tokens": answer.tokens[1]}
    yield "", {"object": "chat.completion.chunk", "choices": [], "usage": usage}


def _whole(
    handler: BaseHTTPRequestHandler, status: int, said: Any, headers: Mapping[str, str]
) -> None:
    content = json.dumps(said).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _in_order(script: Sequence[Says | Fails]) -> Callable[[Any], Says | Fails]:
    left = list(script)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
