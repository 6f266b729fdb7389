"""Maps pages to URLs and back: where a site begins, how it writes its URLs, which file an URL shows."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_INDEXES = ("index.html", "index.htm")
_SUFFIXES = (".html", ".htm")
_SAFE = "/~!$&'()*+,;=:@-._"


@dataclass(frozen=True, slots=True)
class Style:
    """How URLs are written: of `dir/index.html` and of `x.html`."""

    index: str = "dir/"  # or 'dir', 'dir/index.html'
    page: str = "x.html"  # or 'x', 'x/'


@dataclass(frozen=True, slots=True)
class Site:
    """The files below the folder that is published, and the URL at which it is."""

    files: frozenset[str]  # relative to the folder that is published
    base: str  # ends in '/'
    style: Style = Style()

    def relative(self, url: str) -> str | None:
        """Returns the path of `url` below the base; None for another site."""
        host, path = _parts(url)
        base_host, base_path = _parts(self.base)
        if host != base_host or not (path + "/").startswith(base_path):
            return None
        return path[len(base_path) :]

    def file(self, url: str) -> str | None:
        """Returns the file that `url` shows; None when there is none."""
        relative = self.relative(url)
        return None if relative is None else shown_by(relative, self.files)

    def url(self, file: str) -> str:
        """Returns the URL of a page in the style of the site."""
        return self.base + quote(_styled(file, self.style), safe=_SAFE, errors="surrogateescape")


def shown_by(relative: str, files: frozenset[str]) -> str | None:
    """Returns the file that a web server shows for a decoded path below the site's base."""
    if relative in files:
        return relative
    folder = relative.rstrip("/")
    candidates = [posixpath.join(folder, name) for name in _INDEXES]
    if folder:
        candidates += [folder + suffix for suffix in _SUFFIXES]
    return next((candidate for candidate in candidates if candidate in files), None)


def base_of(urls: Sequence[str], files: frozenset[str]) -> str | None:
    """Returns the base at which most of `urls` show one of `files`; of equals the shortest.

    A base has more than half of the URLs below it: otherwise a dead `/gone/` would pass for one, since
    it shows the home page there. Without any, it is the root of the commonest host; None without URLs.
    """
    hosts = Counter(_origin(url) for url in urls if _origin(url))
    if not hosts:
        return None
    origin = max(hosts, key=lambda o: (hosts[o], o.startswith("https"), o))
    votes: Counter[str] = Counter()
    paths = [_parts(url)[1] for url in urls if _origin(url) == origin]
    for whole in paths:
        parts = whole.split("/")[1:]
        for depth in range(len(parts)):
            if shown_by("/".join(parts[depth:]), files) is not None:
                votes["/".join(["", *parts[:depth], ""])] += 1
    for path in list(votes):
        if 2 * sum(f"{whole}/".startswith(path) for whole in paths) <= len(paths):
            del votes[path]
    if not votes:
        return origin + "/"
    path = max(votes, key=lambda p: (votes[p], -len(p), p))
    return origin + quote(path, safe=_SAFE)


def base_in(text: str) -> str | None:
    """Returns the first URL in `text` as a base; None when there is none with a scheme and a host."""
    for word in re.split(r"[\s<>\"'`]+", text):
        url = word.rstrip(".,;:!?)").partition("?")[0].partition("#")[0]
        if _origin(url):
            return url.rstrip("/") + "/"
    return None


def base_from_page(url: str, file: str, files: frozenset[str]) -> str | None:
    """Returns the base that makes `url` (a canonical link) show `file`; None when none does."""
    parts = _parts(url)[1].split("/")[1:]
    for depth in range(len(parts)):
        if _origin(url) and shown_by("/".join(parts[depth:]), files) == file:
            return _origin(url) + quote("/".join(["", *parts[:depth], ""]), safe=_SAFE)
    return None


def style_of(relatives: Mapping[str, str] | Iterable[tuple[str, str]]) -> Style:
    """Returns the commonest style of (path below the base, file shown) pairs."""
    index: Counter[str] = Counter()
    page: Counter[str] = Counter()
    for relative, file in dict(relatives).items():
        name = posixpath.basename(file)
        if name in _INDEXES:
            if file != name:
                index[_form(relative, file, "dir")] += 1
            elif relative == file:
                index["dir/index.html"] += 1  # the home page can show only this form
        elif name.endswith(_SUFFIXES):
            page[_form(relative, file, "x")] += 1
    default = Style()
    return Style(
        max(index, key=lambda f: (index[f], f == default.index, f), default=default.index),
        max(page, key=lambda f: (page[f], f == default.page, f), default=default.page),
    )


def _form(relative: str, file: str, stem: str) -> str:
    if relative == file:
        return "dir/index.html" if stem == "dir" else "x.html"
    return stem + "/" if relative.endswith("/") else stem


def _styled(file: str, style: Style) -> str:
    folder, name = posixpath.split(file)
    if name in _INDEXES:
        if style.index == "dir/index.html":
            return file
        if not folder:
            return ""
        return folder + "/" if style.index == "dir/" else folder
    if style.page == "x.html":
        return file
    stem = posixpath.splitext(file)[0]
    return stem if style.page == "x" else stem + "/"


def _origin(url: str) -> str:
    parts = _split(url)
    return f"{parts[0]}://{parts[1]}" if parts else ""


def _parts(url: str) -> tuple[str, str]:
    """Returns host and decoded path; the scheme is left out: http and https show the same."""
    parts = _split(url)
    if parts is None:
        return "", ""
    return parts[1], unquote(parts[2], errors="surrogateescape") or "/"


def _split(url: str) -> tuple[str, str, str] | None:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return parts.scheme, parts.netloc.lower(), parts.path
