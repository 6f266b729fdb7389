"""Listens to an agent that says one JSON object a line, and ends it when it has said the last one."""

import json
import threading
from collections.abc import Callable
from typing import Any

LINE_BYTES_MAX = 4_000_000
LINGER_S = 3.0
"""How long an agent may live after its last word; some never end by themselves."""


class Listener:
    """Takes chunks of standard output as they come; sets `stop` a little after the last word.

    Args:
        is_last: tells whether an object is the last one that is waited for.
        beat: called for each chunk: somebody is alive there.
    """

    def __init__(self, is_last: Callable[[Any], bool], beat: Callable[[], None]) -> None:
        self.stop = threading.Event()
        self._is_last = is_last
        self._beat = beat
        self._line = b""
        self._timer: threading.Timer | None = None

    def heard(self, chunk: bytes) -> None:
        """Takes a chunk."""
        self._beat()
        lines = (self._line + chunk).split(b"\n")
        self._line = lines.pop()[-LINE_BYTES_MAX:]
        if self._timer is None and any(self._is_last(said) for said in map(_object, lines)):
            self._timer = threading.Timer(LINGER_S, self.stop.set)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Stops waiting."""
        if self._timer is not None:
            self._timer.cancel()


def objects(stdout: bytes) -> tuple[dict[str, Any], ...]:
    """Returns the JSON objects that were said, a line each; everything else is left out."""
    found = (_object(line) for line in stdout.split(b"\n"))
    return tuple(said for said in found if isinstance(said, dict))


def _object(line: bytes) -> Any:
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
