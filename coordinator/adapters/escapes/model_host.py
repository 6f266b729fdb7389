"""A model server of our own, at which one sees what came through the key proxy, and what did not."""

import json
import re
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "small"
ANSWER_TOKENS_MAX = 64
_ESCAPE = re.compile(r"escape:([a-z-]+)")


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    reached: set[str]
    key: str


class _Tcp(ThreadingHTTPServer):
    daemon_threads = True
    reached: set[str]
    key: str


class _Answers(BaseHTTPRequestHandler):
    server: _Unix | _Tcp
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "somebody"

    def log_message(self, *said: object) -> None:
        del said

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        said = f"{self.headers.get('x-api-key')} {self.headers.get('authorization')}"
        allowed = self.server.key in said
        if allowed:
            self.server.reached |= _escaped(content)
        text = json.dumps(_ANSWER if allowed else {"type": "error"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": "yes"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def _escaped(content: bytes) -> set[str]:
    """Returns the escape that a call is part of; a longer answer than granted only where it is still asked."""
    found = set(_ESCAPE.findall(content.decode("utf-8", "replace")))
    try:
        body: Any = json.loads(content)
        asked = int(body.get("max_tokens", 0))
    except (ValueError, AttributeError, TypeError):
        asked = 0
    return found if asked > ANSWER_TOKENS_MAX else found - {"model-long-answer"}


class ModelHost:
    """Answers whoever has the key, on a loopback port and on a socket file, until it is closed."""

    def __init__(self, folder: Path, key: str) -> None:
        self.reached: set[str] = set()
        self.socket = str(folder / "models.sock")
        tcp = _Tcp(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{tcp.server_address[1]}"
        unix = _Unix(self.socket, _Answers)
        self._servers: tuple[_Tcp | _Unix, ...] = (tcp, unix)
        for server in self._servers:
            server.reached, server.key = self.reached, key
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stops answering."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
