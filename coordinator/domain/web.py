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
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
_SAFE = "%/:=&?~#+!$,;'@()*[]|-._"

_Numeric = ipaddress.IPv4Address | ipaddress.IPv6Address

Reach = Literal["listed", "anywhere"]
"""Which addresses a name may lead to: those that the allow-list lets it (see `may_connect`), or any."""


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

UrlProblem = Literal["", "dead", "moved", "unreachable", "not-allowed", "unchecked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedUrl:
    """What is wrong with a link to a URL, and why; `problem` is '' when nothing is."""

    url: str
    problem: UrlProblem
    why: str = ""
    moved: str | None = None  # where it should lead instead


_MAY_BE_THERE = (401, 403, 407, 408, 421, 425, 429)  # who asks, or when, is what is wrong


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
    """Tells whether the allow-list grants the host of `address` at its port.

    `host` means the ports 80 and 443, `host:port` exactly that one; `*.host` is every host below it.
    """
    return _granting(address, hosts) is not None


def may_connect(answer: str, address: Address, hosts: Sequence[str], reach: Reach) -> bool:
    """Tells whether `answer`, an address that the host's name leads to, may be connected to.

    An address of a private network has to belong to a name that is listed itself, not by a wildcard. One of
    this machine or of its own link has to be listed as such, wherever DNS says that a listed name leads;
    `localhost` says of itself where it leads.
    """
    numeric = _numeric(answer)
    entry = _granting(address, hosts)
    if numeric is None or entry is None:
        return False
    if reach == "anywhere" or _is_public(numeric):
        return True
    if entry == "localhost":
        return numeric.is_loopback
    itself = Address(scheme=address.scheme, host=str(numeric), port=address.port, target="/")
    if _granting(itself, hosts) is not None:
        return True
    return not entry.startswith("*") and numeric.is_private and not _is_own(numeric)


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


def judged(
    url: str,
    *,
    status: int | None,
    answer: str | None,
    moved: str | None,
    code: NotFetchedCode | None,
    reason: str | None,
) -> CheckedUrl:
    """Returns what an answer (or why there is none) means for a link to `url`.

    Dead is only what its server says is not there; who has not said so may be there for others.
    """
    if status is None:
        problem: UrlProblem = "unreachable"
        if code in ("not-allowed", "private-address"):
            problem = "not-allowed"
        elif code == "bad-url":
            problem = "dead"
        return CheckedUrl(url=url, problem=problem, why=reason or "")
    if 200 <= status < 400:
        why = f"moved for good to {moved}" if moved else ""
        return CheckedUrl(url=url, problem="moved" if moved else "", why=why, moved=moved)
    gone = 400 <= status < 500 and status not in _MAY_BE_THERE
    return CheckedUrl(url=url, problem="dead" if gone else "unreachable", why=answer or str(status))


def without_fragment(url: str) -> tuple[str, str]:
    """Returns a URL and its fragment with the '#', '' when it has none."""
    head, hash_sign, fragment = url.partition("#")
    return head, hash_sign + fragment


def _granting(address: Address, hosts: Iterable[str]) -> str | None:
    """Returns the host of the entry that grants `address`; one that names it comes before a wildcard."""
    wild = None
    for said in hosts:
        host, port = _entry(said)
        if address.port != port and not (port is None and address.port in _PORTS.values()):
            continue
        if host == address.host:
            return host
        if host is not None and host.startswith("*.") and address.host.endswith(host[1:]):
            wild = host
    return wild


def _entry(said: str) -> tuple[str | None, int | None]:
    """Returns the host (None for what is none) and the port of an entry of the allow-list."""
    bare = said.count(":") > 1 and not said.startswith("[")
    try:
        parts = urlsplit(f"//[{said}]" if bare else f"//{said}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None, None
    star = "*." if host.startswith("*.") else ""
    plain = _plain_host(host.removeprefix(star))
    return (None if plain is None else star + plain), port


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


def _numeric(host: str) -> _Numeric | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_public(numeric: _Numeric) -> bool:
    """Tells whether an address is one of the public network, also when it is wrapped into IPv6."""
    inner = _inner(numeric)
    if inner is not None:
        return _is_public(inner)
    return numeric.is_global and not (numeric.is_multicast or numeric.is_reserved)


def _is_own(numeric: _Numeric) -> bool:
    """Tells whether an address is this machine's or its link's, or of no single machine."""
    inner = _inner(numeric)
    if inner is not None:
        return _is_own(inner)
    return (
        numeric.is_loopback
        or numeric.is_link_local
        or numeric.is_unspecified
        or numeric.is_multicast
        or numeric.is_reserved
        or numeric in _THIS_NETWORK
    )


def _inner(numeric: _Numeric) -> ipaddress.IPv4Address | None:
    """Returns the IPv4 address that an IPv6 address stands for."""
    if isinstance(numeric, ipaddress.IPv4Address):
        return None
    if numeric in _TRANSLATED:
        return ipaddress.IPv4Address(int(numeric) & 0xFFFFFFFF)
    return numeric.ipv4_mapped or numeric.sixtofour
