"""One model server as one attempt reaches it: the real key goes on here, and every connection can be cut."""

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coordinator.domain.policy import Endpoint

if TYPE_CHECKING:
    import httpx2

_CONNECT_S_MAX = 15.0
_SILENCE_S_MAX = 600.0
_CONNECTIONS_MAX = 32
_PASSED_ON = ("accept", "anthropic-version", "anthropic-beta", "openai-beta", "user-agent")
_OURS = {"content-type": "application/json", "accept-encoding": "identity"}

logger = logging.getLogger(__name__)


class Unanswered(Exception):
    """The model server did not answer; `status` is what the worker is told, and the message names no key."""

    def __init__(self, message: str, *, status: int, is_sent: bool) -> None:
        super().__init__(message)
        self.status = status
        self.is_sent = is_sent  # whether the server may have begun to work on it


class Upstream:
    """Sends calls to `endpoint` with `key`. Nothing else of this process ever holds both.

    Args:
        endpoint: the model server.
        key: what it asks for; "" where it wants none.
        trust: makes the TLS settings, the same for every attempt.
    """

    def __init__(
        self, endpoint: Endpoint, *, key: str, trust: "Callable[[], ssl.SSLContext]"
    ) -> None:
        self._endpoint = endpoint
        self._key = key
        self._trust = trust
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._client: httpx2.Client | None = None
        self._is_cut = False

    @contextmanager
    def answer(
        self, path: str, body: bytes, *, query: str, headers: Mapping[str, str]
    ) -> "Iterator[httpx2.Response]":
        """Yields the answer to one call, whose body is still on its way. Raises Unanswered."""
        import httpx2  # noqa: PLC0415  only workers with a model need it

        client = self._opened()
        request = client.build_request(
            "POST",
            self._address(path, query),
            content=body,
            headers=self._headers(headers),
            extensions={"trace": self._seen},
        )
        try:
            response = client.send(request, stream=True, follow_redirects=False)
        except (httpx2.HTTPError, RuntimeError) as error:
            raise self._unanswered(error) from None  # its words may quote what was sent
        try:
            yield response
        except httpx2.HTTPError as error:
            raise self._unanswered(error) from None
        finally:
            response.close()

    def cut(self) -> None:
        """Ends every call that is under way, and allows no other."""
        with self._lock:
            self._is_cut = True
            sockets, self._sockets = self._sockets, []
            client = self._client
        for one in sockets:
            _shut(one)
        if client is not None:
            client.close()

    def _opened(self) -> "httpx2.Client":
        import httpx2  # noqa: PLC0415  only workers with a model need it

        with self._lock:
            if self._is_cut:
                raise Unanswered("the attempt has ended", status=503, is_sent=False)
            if self._client is None:
                self._client = httpx2.Client(
                    verify=self._trust(),
                    timeout=httpx2.Timeout(_SILENCE_S_MAX, connect=_CONNECT_S_MAX),
                    limits=httpx2.Limits(max_connections=_CONNECTIONS_MAX),
                    follow_redirects=False,
                )
            return self._client

    def _address(self, path: str, query: str) -> str:
        """Returns where a path of ours is over there: base URLs of OpenAI's kind end in /v1."""
        base = self._endpoint.base_url.rstrip("/")
        if self._endpoint.api == "openai":
            path = path.removeprefix("/v1")
        else:
            base = base.removesuffix("/v1")
        return f"{base}{path}{query}"

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        headers = {name: given[name] for name in _PASSED_ON if name in given} | _OURS
        if not self._key:
            return headers
        if self._endpoint.api == "anthropic":
            return headers | {"x-api-key": self._key}
        return headers | {"authorization": f"Bearer {self._key}"}

    def _seen(self, event: str, info: Mapping[str, Any]) -> None:
        """Hears of every connection as it is made, because one that nobody answers must end too."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        made = info["return_value"].get_extra_info("socket")
        with self._lock:
            if not self._is_cut:
                self._sockets = [one for one in self._sockets if one.fileno() >= 0]
                self._sockets.append(made)
                return
        _shut(made)

    def _unanswered(self, error: Exception) -> Unanswered:
        import httpx2  # noqa: PLC0415  only workers with a model need it

        early = httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout
        is_sent = not isinstance(error, early)
        word = type(error).__name__
        logger.warning("model server endpoint=%s error=%s", self._endpoint.name, word)
        status = 504 if isinstance(error, httpx2.TimeoutException) else 502
        what = f"the model server {self._endpoint.name!r} did not answer: {word}"
        return Unanswered(what, status=status, is_sent=is_sent)


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:  # it is closed already
        return
