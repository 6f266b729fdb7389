"""Connects to one allowed address of a host and never past a deadline: the guard below every fetch.

Names are resolved here, judged, and connected to by number, so that nothing is resolved a second time
between the judgement and the connection. The allow-list is asked again for what is really connected to.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from httpcore2 import (
    SOCKET_OPTION,
    ConnectError,
    ConnectTimeout,
    NetworkBackend,
    NetworkStream,
    ReadTimeout,
    SyncBackend,
    WriteTimeout,
)

from coordinator.domain.web import Address, Reach, is_granted, may_connect

Resolve = Callable[[str, int], Sequence[str]]
_ADDRESSES_MAX = 4  # tried of one name
_CONNECT_S_MAX = 5.0  # to one of them


class PrivateAddress(Exception):
    """A host leads into a network that is not public."""


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Returns the addresses of a host, each once. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


class Guard(NetworkBackend):
    """The way to one host, for one request.

    Args:
        address: what is asked for.
        hosts: the allow-list.
        reach: which addresses the host may lead to.
        deadline_s: monotonic; no read or write goes on after it.
        resolve: looks a name up; it may block.
    """

    def __init__(
        self,
        address: Address,
        hosts: Sequence[str],
        *,
        reach: Reach,
        deadline_s: float,
        resolve: Resolve,
    ) -> None:
        self._address = address
        self._hosts = hosts
        self._reach = reach
        self._deadline_s = deadline_s
        self._resolve = resolve
        self._backend = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is ours
        local_address: str | None = None,  # noqa: ARG002 - nobody sets one
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Connects to the first address that may be connected to. Raises PrivateAddress."""
        address = self._address
        if (host.strip("[]"), port) != (address.host, address.port):
            raise ConnectError(f"{host}:{port} was not asked for")
        if not is_granted(address, self._hosts):
            raise ConnectError(f"{address.authority} is not granted")
        found = self._resolved()
        public = [one for one in found if may_connect(one, address, self._hosts, self._reach)]
        if not public:
            raise PrivateAddress(found[0])
        failed: Exception = ConnectError("no address")
        for one in public[:_ADDRESSES_MAX]:
            left_s = min(left(self._deadline_s, ConnectTimeout), _CONNECT_S_MAX)
            try:
                stream = self._backend.connect_tcp(
                    one, port, timeout=left_s, socket_options=socket_options
                )
            except (ConnectError, ConnectTimeout) as error:
                failed = error
                continue
            return _Timed(stream, self._deadline_s)
        raise failed

    def _resolved(self) -> Sequence[str]:
        """Looks the name up in a thread of its own: the system's look-up knows no time limit."""
        answers: list[Sequence[str] | OSError] = []

        def ask() -> None:
            try:
                answers.append(self._resolve(self._address.host, self._address.port))
            except (OSError, UnicodeError) as error:
                answers.append(error if isinstance(error, OSError) else OSError(str(error)))

        thread = threading.Thread(target=ask, name="resolve", daemon=True)
        thread.start()
        thread.join(left(self._deadline_s, ConnectTimeout))
        if not answers:
            raise ConnectTimeout("its name was not resolved in time")
        answer = answers[0]
        if isinstance(answer, OSError) or not answer:
            raise ConnectError("no such host")
        return answer


def left(deadline_s: float, error: type[Exception]) -> float:
    """Returns the seconds until the deadline. Raises `error` when there are none."""
    seconds = deadline_s - time.monotonic()
    if seconds <= 0:
        raise error("no time left")
    return seconds


class _Timed(NetworkStream):
    """A stream of which no call goes on after the deadline: a drop each second keeps nothing open."""

    def __init__(self, stream: NetworkStream, deadline_s: float) -> None:
        self._stream = stream
        self._deadline_s = deadline_s

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - as above
        """Reads until the deadline."""
        return self._stream.read(max_bytes, timeout=left(self._deadline_s, ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        """Writes until the deadline."""
        self._stream.write(buffer, timeout=left(self._deadline_s, WriteTimeout))

    def close(self) -> None:
        """Closes it."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> NetworkStream:
        """Shakes hands until the deadline."""
        left_s = left(self._deadline_s, ConnectTimeout)
        return _Timed(
            self._stream.start_tls(ssl_context, server_hostname, timeout=left_s), self._deadline_s
        )

    def get_extra_info(self, info: str) -> Any:
        """Returns what the stream says of itself."""
        return self._stream.get_extra_info(info)
