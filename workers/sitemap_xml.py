"""Reads a sitemap or a sitemap index, and edits one by splicing bytes: what is not touched stays as it is.

expat is used for the byte positions that it gives. A DTD is refused, so no entity can expand.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.parsers import expat
from xml.sax.saxutils import escape

_BYTE_WISE = ("", "utf-8", "us-ascii", "ascii", "iso-8859-1")


class NotASitemap(Exception):
    """The file is no sitemap that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Location:
    """One `<url>` or `<sitemap>`: its loc, and where the element begins and ends in bytes."""

    loc: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Sitemap:
    """One file. `inside` is where the root's content begins and ends; equal for `<urlset/>`."""

    kind: Literal["urlset", "sitemapindex"]
    content: bytes
    locations: tuple[Location, ...]
    root_tag: bytes  # as written, with its prefix
    inside: tuple[int, int]
    editable: bool


def parse(content: bytes) -> Sitemap:
    """Returns what a sitemap file holds. Raises NotASitemap."""
    reader = _Reader(content)
    try:
        reader.parser.Parse(content, True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        raise NotASitemap(f"not well-formed XML: {error}") from error
    if reader.kind is None:
        raise NotASitemap("its root element is neither urlset nor sitemapindex")
    return Sitemap(
        reader.kind,
        content,
        tuple(reader.locations),
        reader.root_tag,
        reader.inside,
        reader.encoding.lower() in _BYTE_WISE,
    )


def edited(sitemap: Sitemap, *, add: Iterable[str], remove: Sequence[Location]) -> bytes:
    """Returns the file with locations added in the style of the others, and some removed.

    Sorted locations stay sorted; otherwise new ones follow the last.
    """
    content = sitemap.content
    cuts = [(_before(content, gone.begin), gone.end, b"") for gone in remove]
    added = sorted(set(add))
    locations = sitemap.locations
    if not locations:
        return _spliced(content, [*cuts, *_into_empty(sitemap, added)])
    lead, style = _style(sitemap)
    locs = [location.loc for location in locations]
    is_sorted = len(locs) > 1 and locs == sorted(locs)
    for loc in added:
        entry = style.replace(b"\0", _encoded(loc))
        after = (
            [n for n, known in enumerate(locs) if known < loc] if is_sorted else range(len(locs))
        )
        if after:
            at = locations[after[-1]].end
            cuts.append((at, at, lead + entry))
        else:
            at = locations[0].begin
            cuts.append((at, at, entry + lead))
    return _spliced(content, cuts)


def _encoded(loc: str) -> bytes:
    return escape(loc).encode("utf-8")


def _style(sitemap: Sitemap) -> tuple[bytes, bytes]:
    """Returns the space before an element, and an element with NUL for its loc, as the file writes them."""
    content = sitemap.content
    model = sitemap.locations[0]
    # the first may follow the root tag on its line; the second shows what stands between two
    shown = sitemap.locations[1] if len(sitemap.locations) > 1 else model
    lead = content[_before(content, shown.begin) : shown.begin]
    element = content[model.begin : model.end]
    match = re.match(rb"<((?:[\w.-]+:)?)url[^>]*>(\s*)", element)
    prefix, inner = (match[1], match[2]) if match else (b"", b"")
    closing = re.search(rb"(\s*)</[^<]*\Z", element)
    tail = closing[1] if closing else b""
    entry = b"<%burl>%b<%bloc>\0</%bloc>%b</%burl>" % (prefix, inner, prefix, prefix, tail, prefix)
    return lead, entry


def _into_empty(sitemap: Sitemap, added: Sequence[str]) -> list[tuple[int, int, bytes]]:
    if not added:
        return []
    content = sitemap.content
    newline = b"\r\n" if b"\r\n" in content else b"\n"
    prefix = sitemap.root_tag.removesuffix(b"urlset")
    entries = b"".join(
        newline
        + b"  <%burl><%bloc>%b</%bloc></%burl>" % (prefix, prefix, _encoded(loc), prefix, prefix)
        for loc in added
    )
    begin, end = sitemap.inside
    if begin == end and content[begin - 2 : begin] == b"/>":
        closing = newline + b"</%b>" % sitemap.root_tag
        head = content[: begin - 2].rstrip()
        return [(len(head), begin, b">" + entries + closing)]
    kept = _before(content, end)
    space = b"" if b"\n" in content[kept:end] else newline
    return [(kept, kept, entries + space)]


def _before(content: bytes, position: int) -> int:
    """Returns where the white space that ends at `position` begins."""
    while position and content[position - 1 : position].isspace():
        position -= 1
    return position


def _spliced(content: bytes, cuts: Iterable[tuple[int, int, bytes]]) -> bytes:
    parts, position = [], 0
    for begin, end, new in sorted(cuts, key=lambda cut: (cut[0], cut[1])):
        parts += [content[position:begin], new]
        position = max(position, end)
    return b"".join([*parts, content[position:]])


class _Reader:
    """Collects elements and their byte positions from expat's events."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._path: list[str] = []
        self._begin = 0
        self._loc: str | None = None
        self.kind: Literal["urlset", "sitemapindex"] | None = None
        self.locations: list[Location] = []
        self.root_tag = b""
        self.inside = (0, 0)
        self.encoding = ""
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = encoding or ""

    def _refuse(self, *_doctype: object) -> None:
        raise NotASitemap("it has a DOCTYPE, which is refused")

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        position = self.parser.CurrentByteIndex
        if not self._path:
            if name == "urlset":
                self.kind = "urlset"
            elif name == "sitemapindex":
                self.kind = "sitemapindex"
            self.root_tag = tag.encode()
            inside = self._tag_end(position)
            self.inside = (inside, inside)
        elif len(self._path) == 1 and name in ("url", "sitemap"):
            self._begin, self._loc = position, ""
        self._path.append(name)

    def _end(self, _tag: str) -> None:
        name = self._path.pop()
        position = self.parser.CurrentByteIndex
        if not self._path:
            self.inside = (self.inside[0], max(self.inside[0], position))
        elif len(self._path) == 1 and name in ("url", "sitemap"):
            loc = (self._loc or "").strip()
            self.locations.append(Location(loc, self._begin, self._tag_end(position)))

    def _text(self, text: str) -> None:
        if len(self._path) == 3 and self._path[2] == "loc" and self._loc is not None:
            self._loc += text

    def _tag_end(self, position: int) -> int:
        """Returns where the tag at `position` ends; a '>' may stand in a quoted attribute."""
        match = re.compile(rb"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>").match(self._content, position)
        return match.end() if match else position
