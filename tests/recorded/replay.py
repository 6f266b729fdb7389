"""A model server that answers from a recording, in the words of either API; what was not recorded is an error."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.recorded.recording import NOT_RECORDED, Recording, Wanted
from tests.support.model_server import Fails, Says, chat_events, message_events
from tests.support.upstream_server import Answer, Asked, serving, stream, whole


def by(recording: Recording) -> Callable[[Any], Says | Fails]:
    """Returns what says an answer of the recording to the body of a request."""

    def said(body: Any) -> Says | Fails:
        found = recording.answer(body)
        if isinstance(found, Says):
            return found
        return Fails(status=400, message=_missing(found))

    return said


@contextmanager
def replaying(recording: Recording, *, wanted_file: Path | None = None) -> Iterator[str]:
    """Yields the address of a server of the recording, on a loopback port.

    With `wanted_file` it writes what it cannot answer there, and waits for the answer.
    """

    def answer(asked: Asked) -> Answer:
        body = asked.json
        is_messages = asked.path.endswith("/messages")
        if wanted_file is not None:
            found: Says | Wanted = recording.awaited(body, wanted_file=wanted_file)
        else:
            found = recording.answer(body)
        if isinstance(found, Wanted):
            error = {"type": "invalid_request_error", "message": _missing(found)}
            said = {"type": "error", "error": error} if is_messages else {"error": error}
            return whole(said, status=400)
        events = (message_events if is_messages else chat_events)(found, body)
        return stream(_lines(events, is_messages))

    with serving(answer) as server:
        yield server.url


def _missing(found: Wanted) -> str:
    return f"{NOT_RECORDED} ({found.digest})"


def _lines(events: Iterator[tuple[str, dict[str, Any]]], is_messages: bool) -> Iterator[bytes]:
    for name, event in events:
        head = f"event: {name}\n" if is_messages else ""
        yield f"{head}data: {json.dumps(event)}\n\n".encode()
    if not is_messages:
        yield b"data: [DONE]\n\n"
