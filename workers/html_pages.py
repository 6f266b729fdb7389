"""Reads HTML: links with their places in the text, anchors, and what a page says about itself to crawlers."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Reference:
    """One link. `span` is where `target` stands in the text, None when it cannot be edited there."""

    target: str
    line: int
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlPage:
    """What one page (or a piece of one) refers to, offers and says."""

    references: tuple[Reference, ...]
    anchors: frozenset[str]
    headings: tuple[str, ...] = ()
    base: str | None = None
    canonical: str | None = None
    noindex: bool = False
    redirects: bool = False


_ATTRIBUTE = re.compile(
    r"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*)))?""", re.DOTALL
)
_TARGETS = {
    ("a", "href"),
    ("area", "href"),
    ("link", "href"),
    ("img", "src"),
    ("script", "src"),
    ("iframe", "src"),
    ("frame", "src"),
    ("source", "src"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("track", "src"),
    ("embed", "src"),
    ("input", "src"),
    ("object", "data"),
}
_EDITABLE = {"href", "src"}  # what a link fixer may write; the others are only reported
_SETS = {("img", "srcset"), ("source", "srcset")}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_CRAWLERS = {"robots", "googlebot"}


def parse(text: str) -> HtmlPage:
    """Returns what `text` holds; like a browser, it takes every text for HTML."""
    reader = _Reader(text)
    reader.feed(text)
    reader.close()
    return HtmlPage(
        references=tuple(reader.references),
        anchors=frozenset(reader.anchors),
        headings=tuple(" ".join(heading.split()) for heading in reader.headings),
        base=reader.base,
        canonical=reader.canonical,
        noindex=reader.noindex,
        redirects=reader.redirects,
    )


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        lines = (len(line) + 1 for line in text.split("\n"))
        self._starts = list(accumulate(lines, initial=0))  # the parser counts '\n' alone
        self._heading = False
        self.references: list[Reference] = []
        self.anchors: set[str] = set()
        self.headings: list[str] = []
        self.base: str | None = None
        self.canonical: str | None = None
        self.noindex = False
        self.redirects = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in reversed(attrs)}
        self._links(tag)
        for name in ("id", "name") if tag == "a" else ("id",):
            if values.get(name):
                self.anchors.add(values[name])
        if tag in _HEADINGS:
            self._heading = True
            self.headings.append("")
        elif tag == "base" and self.base is None:
            self.base = values.get("href")
        elif tag == "link" and "canonical" in values.get("rel", "").lower().split():
            self.canonical = values.get("href") or self.canonical
        elif tag == "meta":
            self._meta(values)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._heading = False

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.headings[-1] += data

    def _meta(self, values: dict[str, str]) -> None:
        content = values.get("content", "").lower()
        if values.get("name", "").lower() in _CRAWLERS:
            said = {word.strip() for word in content.split(",")}
            self.noindex = self.noindex or bool(said & {"noindex", "none"})
        if values.get("http-equiv", "").lower() == "refresh" and "url" in content:
            self.redirects = True

    def _links(self, tag: str) -> None:
        raw = self.get_starttag_text() or ""
        first_line, column = self.getpos()
        offset = self._starts[first_line - 1] + column
        seen: set[str] = set()
        for match in _ATTRIBUTE.finditer(raw, 1 + len(tag)):
            name = match[1].lower()
            group = next((g for g in (2, 3, 4) if match[g] is not None), None)
            if name in seen or group is None:
                continue
            seen.add(name)
            line = first_line + raw.count("\n", 0, match.start(group))
            start = offset + match.start(group)
            if (tag, name) in _TARGETS:
                found = _reference(match[group], line, start)
                editable = name in _EDITABLE
                self.references.append(found if editable else replace(found, span=None))
            elif (tag, name) in _SETS:
                self.references += _candidates(match[group], line)


def _reference(raw: str, line: int, start: int) -> Reference:
    inner = raw.strip()
    start += len(raw) - len(raw.lstrip())
    target = html.unescape(inner)
    return Reference(target, line, (start, start + len(inner)) if target == inner else None)


def _candidates(raw: str, line: int) -> list[Reference]:
    """Returns the URLs of a srcset, which stand before a width or a density each."""
    found = []
    for match in re.finditer(r"(?:^|,)\s*([^\s,]\S*)[^,]*", raw):
        url = html.unescape(match[1].rstrip(","))
        if not url.startswith("data:"):  # which holds commas of its own
            found.append(Reference(url, line + raw.count("\n", 0, match.start(1)), None))
    return found
