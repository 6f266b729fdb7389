"""Fetches URLs for workers: from granted hosts alone, at every hop, within bytes, time and redirects."""

import concurrent.futures
import http
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from coordinator import __version__
from coordinator.adapters import web_content
from coordinator.domain import web
from coordinator.domain.names import digest
from coordinator.domain.record import one_line
from coordinator.domain.web import (
    Address,
    Fetched,
    FetchOutcome,
    NotFetched,
    NotFetchedCode,
    Reach,
)

if TYPE_CHECKING:
    import httpcore2

    from coordinator.adapters.web_connection import Resolve

BYTES_MAX = 5_000_000
TIMEOUT_S_MAX = 20.0  # of one URL, with its redirects
REDIRECTS_MAX = 5
_PARALLEL_MAX = 4

_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_REASON_CHARS_MAX = 300
_Asks = Literal["content", "status", "head"]  # GET whole, GET without its content, HEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What was asked: the URL, on what terms, and until when."""

    url: str
    hosts: Sequence[str]
    reach: Reach
    deadline_s: float

    def failed(self, here: str, code: NotFetchedCode, reason: str) -> NotFetched:
        """Returns why there is no answer, which ended at `here`."""
        told = one_line(reason)[:_REASON_CHARS_MAX]
        if here != self.url:
            told = f"it redirects to {one_line(here)[:_REASON_CHARS_MAX]}: {told}"
        return NotFetched(url=self.url, final_url=here, code=code, reason=told)


@dataclass(frozen=True, slots=True)
class _Redirect:
    """A server says that what was asked for is elsewhere."""

    location: str
    is_permanent: bool


class HttpWeb:
    """The port Web over HTTP/1.1. It knows no cookies, no credentials and no proxies.

    Args:
        bytes_max: larger content is not taken, decoded or not.
        timeout_s_max: of one URL, with all its redirects.
        redirects_max: followed for one URL.
        resolve: looks a host up; the system's own look-up without one.
    """

    def __init__(
        self,
        *,
        bytes_max: int = BYTES_MAX,
        timeout_s_max: float = TIMEOUT_S_MAX,
        redirects_max: int = REDIRECTS_MAX,
        resolve: "Resolve | None" = None,
    ) -> None:
        self._bytes_max = bytes_max
        self._timeout_s_max = timeout_s_max
        self._redirects_max = redirects_max
        self._resolve = resolve
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def fetch(self, url: str, *, hosts: Sequence[str], reach: Reach = "listed") -> FetchOutcome:
        """Returns what the URL holds."""
        return self._follow(self._request(url, hosts, reach), "content")

    def fetch_all(self, urls: Sequence[str], *, hosts: Sequence[str]) -> tuple[FetchOutcome, ...]:
        """Returns what each URL holds, in their order; a few are fetched at a time."""
        with concurrent.futures.ThreadPoolExecutor(_PARALLEL_MAX) as pool:
            return tuple(pool.map(partial(self.fetch, hosts=hosts), urls))

    def check(self, url: str, *, hosts: Sequence[str]) -> FetchOutcome:
        """Returns whether the URL is there, without reading its content.

        Many servers answer HEAD with an error where GET works: an error counts when GET says so too.
        """
        asked = self._request(url, hosts, "listed")
        found = self._follow(asked, "head")
        is_sure = isinstance(found, Fetched) and found.status < 400
        if is_sure or (isinstance(found, NotFetched) and found.code != "unreachable"):
            return found
        return self._follow(asked, "status")

    def _request(self, url: str, hosts: Sequence[str], reach: Reach) -> _Request:
        deadline_s = time.monotonic() + self._timeout_s_max
        return _Request(url=url, hosts=hosts, reach=reach, deadline_s=deadline_s)

    def _follow(self, asked: _Request, what: _Asks) -> FetchOutcome:
        """Asks, and asks again where it is sent to; each place is judged anew."""
        here, moved, is_permanent = asked.url, None, True
        for _ in range(self._redirects_max + 1):
            address = web.address(here)
            if isinstance(address, str):
                return asked.failed(here, "bad-url", address)
            if not web.is_granted(address, asked.hosts):
                reason = f"{address.authority} is not in [network] hosts"
                return asked.failed(here, "not-allowed", reason)
            found = self._ask(address, asked, what, here)
            if isinstance(found, Fetched):
                return replace(found, url=asked.url, final_url=here, moved=moved)
            if isinstance(found, NotFetched):
                return found
            here = web.joined(address, found.location)
            is_permanent = is_permanent and found.is_permanent
            moved = here if is_permanent else moved
        reason = f"more than {self._redirects_max} redirects"
        return asked.failed(here, "too-many-redirects", reason)

    def _ask(
        self, address: Address, asked: _Request, what: _Asks, here: str
    ) -> Fetched | NotFetched | _Redirect:
        """Asks one server, once."""
        import httpcore2  # noqa: PLC0415 - slow to import, and most runs fetch nothing

        from coordinator.adapters import web_connection  # noqa: PLC0415 - which imports it too

        guard = web_connection.Guard(
            address,
            asked.hosts,
            reach=asked.reach,
            deadline_s=asked.deadline_s,
            resolve=self._resolve or web_connection.resolve,
        )
        url = httpcore2.URL(
            scheme=address.scheme.encode(),
            host=_bracketed(address.host).encode(),
            port=address.port,
            target=address.target.encode(),
        )
        headers: dict[bytes | str, bytes | str] = {
            "Host": address.authority,
            "User-Agent": f"git-coordinator/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate" if what == "content" else "identity",
            "Connection": "close",
        }
        tls = self._tls_context() if address.scheme == "https" else None
        try:
            with (
                httpcore2.ConnectionPool(ssl_context=tls, network_backend=guard) as pool,
                pool.stream("HEAD" if what == "head" else "GET", url, headers=headers) as response,
            ):
                return self._read(response, what)
        except web_connection.PrivateAddress as error:
            reason = (
                f"{address.host} leads to {error}, which is not public and not in [network] hosts"
            )
            return asked.failed(here, "private-address", reason)
        except httpcore2.TimeoutException:
            return asked.failed(here, "timeout", f"no answer within {self._timeout_s_max:g} s")
        except web_content.TooLarge:
            return asked.failed(here, "too-large", f"more than {self._bytes_max:,} bytes")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, web_content.Undecodable) as error:
            return asked.failed(here, "unreachable", str(error) or type(error).__name__)

    def _read(self, response: "httpcore2.Response", what: _Asks) -> Fetched | _Redirect:
        said = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        location = said.get(b"location", "").encode("latin-1").decode("utf-8", "replace")
        if response.status in _REDIRECTS and location:
            return _Redirect(location, is_permanent=response.status in _PERMANENT)
        kind, charset = web_content.media_type(said.get(b"content-type", ""))
        found = Fetched(
            url="",
            final_url="",
            status=response.status,
            phrase=_phrase(response.status),
            moved=None,
            media_type=kind,
        )
        if what != "content":
            return found
        content = web_content.content(
            response.iter_stream(),
            said.get(b"content-encoding", ""),
            bytes_max=self._bytes_max,
        )
        return replace(
            found,
            size=len(content),
            digest=digest(content),
            text=web_content.text(content, kind, charset),
        )

    def _tls_context(self) -> ssl.SSLContext:
        import httpcore2  # noqa: PLC0415 - as above

        with self._lock:
            if self._tls is None:
                self._tls = httpcore2.default_ssl_context()
            return self._tls


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""
