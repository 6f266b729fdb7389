"""What may be fetched, and what came of it: URLs, the allow-list of hosts, and the outcomes. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urljoin, urlsplit

from .names import Digest

URL_CHARS_MAX = 4_000
CONTENT_CHARS_MAX = 400_000  # of one URL in a package or an answer of a tool

_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\Z")
_SAFE = "%/:=&?~#+!$,;'@()*[]|-._"

Reach = Literal["public", "anywhere"]
"""Which addresses a name may lead to: `public` leaves out those of this machine and its own networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL in its parts, as it is asked for; an IPv6 host stands without brackets."""

    scheme: str
    host: str  # lower case, as DNS has it
    port: int
    target: str  # path and query, percent-encoded

    @property
    def authority(self) -> str:
        """Returns the host as a URL writes it, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Returns it as a URL."""
        return f"{self.scheme}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A server answered, with whatever status."""

    url: str
    final_url: str  # after redirects
    status: int
    phrase: str  # of the status, in words
    moved: str | None  # where permanent redirects lead from `url`
    media_type: str = ""
    size: int = 0  # bytes of content
    digest: Digest | None = None  # of the content; None when it was not read
    text: str | None = None  # None: it was not read, or it is no text

    @property
    def is_there(self) -> bool:
        """Tells whether the server has what was asked for."""
        return 200 <= self.status < 300

    @property
    def answer(self) -> str:
        """Returns the status in words, as in `404 Not Found`."""
        return f"{self.status} {self.phrase}".strip()


NotFetchedCode = Literal[
    "bad-url",  # nothing that could be fetched
    "not-allowed",  # its host, or one that it redirects to, is not on the allow-list
    "private-address",  # its host leads into a network that is not public
    "unreachable",  # no such name, no connection, or no answer that is HTTP
    "timeout",
    "too-large",
    "too-many-redirects",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFetched:
    """There is no answer, and why."""

    url: str
    final_url: str  # where it ended
    code: NotFetchedCode
    reason: str


FetchOutcome = Fetched | NotFetched


def address(url: str) -> Address | str:
    """Returns the parts of an absolute http or https URL, or why it cannot be fetched."""
    if len(url) > URL_CHARS_MAX:
        return f"it has more than {URL_CHARS_MAX} characters"
    if _UNSAFE.search(url):
        return "it holds blanks, control characters or backslashes"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "its host or port is none"
    if parts.scheme not in _PORTS:
        return "it is neither http nor https"
    if "@" in parts.netloc:
        return "it holds a user name or a password"
    plain = _plain_host(host)
    if plain is None or port == 0:
        return "its host or port is none"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(
        scheme=parts.scheme,
        host=plain,
        port=port or _PORTS[parts.scheme],
        target=quote(target, safe=_SAFE, errors="surrogateescape"),
    )


def joined(base: Address, location: str) -> str:
    """Returns where a redirect from `base` leads."""
    return urljoin(base.url, location.strip())


def is_granted(address: Address, hosts: Iterable[str]) -> bool:
    """Tells whether `hosts` list the host: `host` means the scheme's own port, `host:port` exactly that."""
    return any(address.authority == _entry(host, address.scheme) for host in hosts)


def may_connect(answer: str, address: Address, hosts: Iterable[str], reach: Reach) -> bool:
    """Tells whether `answer`, an address that the host's name leads to, may be connected to.

    A name on the allow-list does not open this machine or its networks, wherever DNS says it leads:
    such an address has to be listed itself. `localhost` says of itself where it leads.
    """
    numeric = _numeric(answer)
    if numeric is None:
        return False
    if reach == "anywhere" or _is_public(numeric):
        return True
    if address.host == "localhost":
        return numeric.is_loopback
    itself = Address(scheme=address.scheme, host=str(numeric), port=address.port, target="/")
    return is_granted(itself, hosts)


def ungranted(urls: Iterable[str], hosts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Returns (URL, why) of those that may not be fetched."""
    found = []
    for url in urls:
        parts = address(url)
        if isinstance(parts, str):
            found.append((url, parts))
        elif not is_granted(parts, hosts):
            found.append((url, f"{parts.authority} is not in [network] hosts"))
    return tuple(found)


def without_fragment(url: str) -> tuple[str, str]:
    """Returns a URL and its fragment with the '#', '' when it has none."""
    head, hash_sign, fragment = url.partition("#")
    return head, hash_sign + fragment


def _entry(said: str, scheme: str) -> str | None:
    """Returns an entry of the allow-list as the authority of a URL with that scheme."""
    plain = f"[{said}]" if said.count(":") > 1 and not said.startswith("[") else said
    found = address(f"{scheme}://{plain}/")
    return None if isinstance(found, str) else found.authority


def _plain_host(host: str) -> str | None:
    """Returns a host as DNS has it: lower case, in ASCII; None for what is none."""
    if ":" in host:
        numeric = _numeric(host)
        return None if numeric is None else str(numeric)
    try:
        plain = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return plain if _HOST.match(plain) and len(plain) <= 253 else None


def _numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_public(numeric: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tells whether an address is one of the public network, also when it is wrapped into IPv6."""
    if isinstance(numeric, ipaddress.IPv6Address):
        inner = numeric.ipv4_mapped or numeric.sixtofour
        if numeric in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(numeric) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return numeric.is_global and not (numeric.is_multicast or numeric.is_reserved)


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
