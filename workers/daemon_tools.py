"""Tools that the daemon runs for a worker, asked for over the attempt's own socket."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import httpx2

from coordinator.domain.worker import Connection, UngrantedTool, UnusableArgument

from .lively import to_the_socket

BASE_URL = "http://coordinator"
_CONNECT_S_MAX = 10.0
_ANSWER_S_MAX = 300.0  # python_exec may run as long as its own limit


class RemoteTools(Protocol):
    """What the daemon does for a worker that has no network of its own."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Returns the JSON that the tool gave. Raises UngrantedTool, or UnusableArgument with the reason."""
        ...


class DaemonTools:
    """RemoteTools over the attempt's socket."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Returns the JSON that the tool gave. Raises UngrantedTool, or UnusableArgument with the reason."""
        transport = to_the_socket(self._connection)
        timeout = httpx2.Timeout(_ANSWER_S_MAX, connect=_CONNECT_S_MAX)
        headers = {"authorization": f"Bearer {self._connection.token}"}
        try:
            with httpx2.Client(
                transport=transport, base_url=BASE_URL, timeout=timeout, headers=headers
            ) as client:
                answer = client.post(f"/tools/{name}", json=dict(arguments))
                said = answer.text
        except httpx2.HTTPError as error:
            raise UnusableArgument(
                f"{name} did not answer: {error or type(error).__name__}"
            ) from error
        if answer.status_code in (401, 403):
            raise UngrantedTool(name)
        if answer.status_code != httpx2.codes.OK:
            raise UnusableArgument(f"{name}: {_reason(said) or answer.status_code}")
        return said


def _reason(body: str) -> str:
    """Returns the words of an error, in whatever form it came."""
    try:
        said = json.loads(body)
    except ValueError:
        return body.strip()[:500]
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message", error) if isinstance(error, dict) else error
    return message if isinstance(message, str) else json.dumps(message)[:500]
