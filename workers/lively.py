"""The way to the attempt's socket: every chunk that arrives is a sign of life."""

import functools
import ssl
from collections.abc import Callable, Iterator
from typing import cast

import httpx2

from coordinator.domain.worker import Connection


class LivelyTransport(httpx2.BaseTransport):
    """HTTP over the attempt's socket; `alive` is called for each chunk, so a slow answer is no silence."""

    def __init__(self, connection: Connection, alive: Callable[[], None]) -> None:
        self._transport = to_the_socket(connection)
        self._alive = alive

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Returns the response, its body still to come."""
        response = self._transport.handle_request(request)
        self._alive()
        stream = cast("httpx2.SyncByteStream", response.stream)
        response.stream = _Lively(stream, self._alive)
        return response

    def close(self) -> None:
        """Ends the connections."""
        self._transport.close()


class _Lively(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, alive: Callable[[], None]) -> None:
        self._stream = stream
        self._alive = alive

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._alive()
            yield chunk

    def close(self) -> None:
        self._stream.close()


def to_the_socket(connection: Connection) -> httpx2.HTTPTransport:
    """Returns HTTP over the attempt's socket, on which nothing is encrypted."""
    return httpx2.HTTPTransport(verify=trusting_nobody(), uds=connection.socket)


@functools.cache
def trusting_nobody() -> ssl.SSLContext:
    """Returns TLS settings without a certificate: reading those of the world takes longer than starting an attempt."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def retry_after_s(headers: httpx2.Headers) -> float | None:
    """Returns how long a server asks to wait; None when it says nothing that can be read."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    return None
