"""Reads Markdown: links with their places in the text, and the anchors that GitHub gives to headings.

markdown-it parses (code spans, fences and nesting come out right) but keeps no columns; so its inline
rules are wrapped to note where each link stood, and that place is looked up in the source again.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_inline import StateInline, autolink, html_inline, image, link
from markdown_it.token import Token

from . import html_pages
from .html_pages import Reference

Rule = Callable[[StateInline, bool], bool]

_FRONT_MATTER = re.compile(
    r"\A(?:\ufeff)?---[ \t]*\r?\n.*?^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_NEWLINE = re.compile(r"\r\n|\n|\r")
_NAMED_HEADING = re.compile(r"\{#([^\s{}]+)[^{}]*\}\s*\Z")  # as generators of sites read it
_DEFINITION = re.compile(r"\]:\s*(<[^<>\n]*>|\S+)")
_BARE = re.compile(r"https?://[^\s<>`|]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """What one Markdown file refers to, and the anchors it offers."""

    references: tuple[Reference, ...]
    anchors: frozenset[str]


def parse(text: str) -> Document:
    """Returns the links and anchors of `text`, in order of their place."""
    lines = _Lines(text)
    environment: dict[str, Any] = {}
    tokens = _parser().parse(_without_front_matter(text), environment)
    references: list[Reference] = []
    anchors: set[str] = set()
    slugs: dict[str, int] = {}
    for previous, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "html_block":
            piece = html_pages.parse(token.content)
            references += lines.block(token, piece.references)
            anchors |= piece.anchors
            anchors |= {_unique(slug(heading), slugs) for heading in piece.headings}
        elif token.type == "inline":
            in_heading = previous is not None and previous.type == "heading_open"
            if in_heading:
                heading = _plain(token.children or ())
                anchors.add(_unique(slug(heading), slugs))
                anchors.update(_NAMED_HEADING.findall(heading))
            for found in _inline(token, lines):
                if isinstance(found, Reference):
                    references.append(found)
                else:
                    anchors |= found
    references += _definitions(environment, lines)
    references.sort(key=lambda r: (r.line, r.span or (0, 0)))
    return Document(tuple(references), frozenset(anchors))


def slug(heading: str) -> str:
    """Returns the anchor that GitHub gives to a heading with this text."""
    kept = (
        c
        for c in heading.strip().lower()
        if c in " -_" or unicodedata.category(c)[0] in "LMN" or unicodedata.category(c) == "Pc"
    )
    return "".join(kept).replace(" ", "-")


def _unique(wanted: str, taken: dict[str, int]) -> str:
    """Returns `wanted`, or `wanted-1` and so on when an earlier heading has it."""
    name = wanted
    while name in taken:
        taken[wanted] += 1
        name = f"{wanted}-{taken[wanted]}"
    taken[name] = 0
    return name


def _plain(children: Sequence[Token]) -> str:
    text = []
    for child in children:
        if child.type in ("text", "code_inline"):
            text.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            text.append(" ")
    return "".join(text)


def _inline(token: Token, lines: "_Lines") -> Iterator[Reference | frozenset[str]]:
    place = lines.place(token)
    yield from _bare(token, place)
    for child in token.children or ():
        at: tuple[int, int] | None = child.meta.get("at")
        if at is None:
            continue
        if child.type == "html_inline":
            piece = html_pages.parse(child.content)
            yield piece.anchors
            for found in piece.references:
                inner = found.span and (at[0] + found.span[0], at[0] + found.span[1])
                yield place.reference(found.target, inner, at[0])
        else:
            raw = token.content[at[0] : at[1]]
            if raw.startswith("<") and raw.endswith(">"):
                raw, at = raw[1:-1], (at[0] + 1, at[1] - 1)
            target = raw if child.markup == "autolink" else unescapeAll(raw)
            yield place.reference(target, at if target == raw else None, at[0])


def _bare(token: Token, place: "_Place") -> Iterator[Reference]:
    """Yields the URLs that stand in text as they are, which GitHub makes links of."""
    inside = after = 0
    for child in token.children or ():
        inside += child.nesting if child.type in ("link_open", "link_close") else 0
        if child.type in ("softbreak", "hardbreak"):
            after = token.content.find("\n", after) + 1
        elif child.type == "text" and not inside:
            for url in map(_without_end, _BARE.findall(child.content)):
                begin = token.content.find(url, after)
                span = (begin, begin + len(url)) if begin >= 0 else None
                yield place.reference(url, span, after)


def _without_end(url: str) -> str:
    """Returns a URL in a sentence without what ends the sentence, or the brackets around it."""
    while url:
        last = url[-1]
        if last in ".,:;!?*_~'\"" or (
            last in ")]" and url.count(last) > url.count("(["[last == "]"])
        ):
            url = url[:-1]
        else:
            break
    return url


def _definitions(environment: dict[str, Any], lines: "_Lines") -> Iterator[Reference]:
    known: dict[str, dict[str, Any]] = environment.get("references", {})
    again: list[dict[str, Any]] = environment.get("duplicate_refs", [])
    for label, definition in [*known.items(), *((d.get("label", ""), d) for d in again)]:
        if label.startswith("^"):
            continue  # a footnote, not a link
        first, end = definition["map"]
        start = lines.starts[first]
        match = _DEFINITION.search(lines.text, start, lines.start(end))
        if match is None:
            yield Reference(definition["href"], first + 1, None)
            continue
        raw, at = match[1], match.start(1)
        if raw.startswith("<"):
            raw, at = raw[1:-1], at + 1
        target = unescapeAll(raw)
        line = first + 1 + len(_NEWLINE.findall(lines.text, start, at))
        yield Reference(target, line, (at, at + len(raw)) if target == raw else None)


def _without_front_matter(text: str) -> str:
    """Returns `text` with YAML front matter as blank lines, which keeps line numbers."""
    match = _FRONT_MATTER.match(text)
    body = text if match is None else "\n" * len(_NEWLINE.findall(match[0])) + text[match.end() :]
    return body.removeprefix("\ufeff")


class _Lines:
    """The source by lines, to find again what the parser shows without columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
        self._cursor: tuple[int, int] = (-1, 0)  # table cells share a line: go on after the last

    def start(self, line: int) -> int:
        """Returns where `line` (from 0) begins; the end of the text after the last."""
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def place(self, token: Token) -> "_Place":
        """Returns where the lines of an inline or HTML block token stand in the source."""
        first = token.map[0] if token.map else 0
        offsets: list[int | None] = []
        for number, content in enumerate(token.content.split("\n"), first):
            begin, end = self.start(number), self.start(number + 1)
            line, after = self.text[begin:end], 0
            if self._cursor[0] == number:
                after = self._cursor[1]
            found = line.find(content, after) if after else _found(line, content)
            offsets.append(None if found < 0 else begin + found)
            if found >= 0:
                self._cursor = (number, found + len(content))
        return _Place(first + 1, token.content, tuple(offsets))

    def block(self, token: Token, references: Sequence[Reference]) -> Iterator[Reference]:
        """Yields references of an HTML block as references of the source."""
        place = self.place(token)
        starts = [0, *(m.end() for m in re.finditer("\n", token.content))]
        for found in references:
            yield place.reference(found.target, found.span, starts[found.line - 1])


def _found(line: str, content: str) -> int:
    """Returns where a block's content stands in its line: markers come before it, so from the right."""
    stripped = line.rstrip("\r\n")
    if stripped.lstrip(" \t").startswith("|") or (
        "|" in stripped and not stripped.endswith(content)
    ):
        return line.find(content)
    return line.rfind(content)


@dataclass(frozen=True, slots=True)
class _Place:
    first_line: int
    content: str
    offsets: tuple[int | None, ...]  # of each line of content, in the source

    def reference(self, target: str, span: tuple[int, int] | None, near: int) -> Reference:
        """Returns a reference whose span in the content is made one in the source."""
        at = near if span is None else span[0]
        line = self.content.count("\n", 0, at)
        offset = self.offsets[line] if line < len(self.offsets) else None
        if span is None or offset is None or "\n" in self.content[span[0] : span[1]]:
            return Reference(target, self.first_line + line, None)
        begin = offset + at - (self.content.rfind("\n", 0, at) + 1)
        return Reference(target, self.first_line + line, (begin, begin + span[1] - span[0]))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.inline.ruler.at("link", _noting(link, "link_open"))
    parser.inline.ruler.at("image", _noting(image, "image"))
    parser.inline.ruler.at("autolink", _noting(autolink, "link_open"))
    parser.inline.ruler.at("html_inline", _noting(html_inline, "html_inline"))
    return parser


def _noting(rule: Rule, kind: str) -> Rule:
    def run(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
        start, count = state.pos, len(state.tokens)
        done = rule(state, silent)
        if done and not silent:
            token = next(t for t in state.tokens[count:] if t.type == kind)
            if kind == "html_inline":
                token.meta["at"] = (start, state.pos)
            elif token.markup == "autolink":
                if "://" in state.src[start : state.pos]:  # not an address of mail
                    token.meta["at"] = (start + 1, state.pos - 1)
            elif (at := _destination(state, start, kind)) is not None:
                token.meta["at"] = at
        return done

    return run


def _destination(state: StateInline, start: int, kind: str) -> tuple[int, int] | None:
    """Returns where the destination of the inline link just parsed stands; None for a reference."""
    end = state.pos
    bracket = start + (kind == "image")
    label_end = state.md.helpers.parseLinkLabel(state, bracket, kind == "link_open")
    if end <= label_end + 1 or state.src[label_end + 1] != "(":
        return None
    begin = label_end + 2
    while begin < end and state.src[begin].isspace():
        begin += 1
    found = state.md.helpers.parseLinkDestination(state.src, begin, state.posMax)
    return (begin, found.pos) if found.ok else None
