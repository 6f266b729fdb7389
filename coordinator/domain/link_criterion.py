"""The built-in criterion of link fixers: nothing but link targets may differ.

Both versions of a file are read with every link target left out; what remains must be the same, byte for byte.
"""

import html
import re
from collections import deque
from dataclasses import dataclass, field

from coordinator.domain.resulting import Resulting
from coordinator.domain.verdict import Finding

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
HTML = (".html", ".htm", ".xhtml")

_CODE = "only_link_targets"
_RULE = "a link fixer changes link targets and nothing else"
# One possible reading at each place, so the time is linear. Of a Markdown inline link only the destination
# is a target: its title is prose.
_INLINE = re.compile(r"\]\([ \t]*(<[^<>\n]*>|[^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)(?=[\s)])")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]\n]{1,999}\]:[ \t]*(<[^<>\n]*>|[^\s<>]+)", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)")
_ATTRIBUTE = re.compile(
    r"""\s(?:href|src)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>=`]+))""", re.IGNORECASE
)
_TAG = re.compile(r"""<[a-zA-Z][^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*>""")
_OPENS = re.compile(r"<(!--|script\b|style\b|textarea\b)", re.IGNORECASE)
_CLOSES = {
    "!--": re.compile("-->"),
    "script": re.compile(r"</script", re.IGNORECASE),
    "style": re.compile(r"</style", re.IGNORECASE),
    "textarea": re.compile(r"</textarea", re.IGNORECASE),
}
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):|[/\\]{2}")
# What a browser leaves out of a URL before it reads the scheme.
_UNREAD = re.compile(r"[\x00-\x20]")


@dataclass(slots=True)
class _Reading:
    """A text with its targets taken out."""

    rest: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def only_link_targets(resulting: Resulting) -> Finding:
    """Returns whether every changed file differs inside link targets only, and stays local where it was."""
    for change in resulting.own_changes:
        before, after = resulting.bytes_of(change.before), resulting.bytes_of(change.after)
        if before is None or after is None:
            return _broken(f"{change.path}: a file is made or removed")
        why = differs(change.path, before, after)
        if why is not None:
            return _broken(f"{change.path}: {why}")
    return Finding(
        code=_CODE,
        criterion=_RULE,
        met=True,
        evidence=f"{len(resulting.own_changes)} changed files differ in link targets only",
    )


def differs(path: str, before: bytes, after: bytes) -> str | None:
    """Returns what differs besides link targets, or None."""
    name = path.lower()
    if not name.endswith(MARKDOWN + HTML):
        return "it is neither Markdown nor HTML"
    was, now = (_read(_text(content), as_html=name.endswith(HTML)) for content in (before, after))
    if was.rest != now.rest:
        return f"text beside a link target differs at {_first_difference(was.rest, now.rest)}"
    return next(
        (
            f"the target {new!r} leaves the repository"
            for old, new in zip(was.targets, now.targets, strict=True)
            if old != new and _leaves(old, new)
        ),
        None,
    )


def targets(path: str, content: bytes) -> tuple[str, ...]:
    """Returns the link targets of a Markdown or HTML file as they are written; () for any other."""
    name = path.lower()
    if not name.endswith(MARKDOWN + HTML):
        return ()
    return tuple(_read(_text(content), as_html=name.endswith(HTML)).targets)


def _broken(evidence: str) -> Finding:
    plain = evidence.encode("utf-8", "backslashreplace").decode()
    return Finding(code=_CODE, criterion=_RULE, met=False, evidence=plain)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _leaves(old: str, new: str) -> bool:
    had, found = (_SCHEME.match(_UNREAD.sub("", html.unescape(t).strip("<>"))) for t in (old, new))
    if found is None:
        return False
    return had is None or (found[1] or "https").lower() not in ("http", "https")


def _first_difference(was: list[str], now: list[str]) -> str:
    line = 1
    for old, new in zip(was, now, strict=False):
        if old != new:
            same = next(
                (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
                min(len(old), len(new)),
            )
            return f"line {line + old[:same].count(chr(10))}"
        line += old.count("\n")
    return f"line {line}"


def _read(text: str, *, as_html: bool) -> _Reading:
    spans = _html_targets(text) if as_html else _markdown_targets(text)
    reading, position = _Reading(), 0
    for start, end in sorted(spans):
        if start < position:
            continue
        reading.rest.append(text[position:start])
        reading.targets.append(text[start:end])
        position = end
    reading.rest.append(text[position:])
    return reading


def _html_targets(text: str) -> list[tuple[int, int]]:
    closed = _not_markup(text)
    spans = []
    for tag in _TAG.finditer(text):
        while closed and closed[0][1] <= tag.start():
            closed.popleft()
        # The opening tag of a script is markup; what is inside it is not.
        if closed and closed[0][0] < tag.start():
            continue
        for found in _ATTRIBUTE.finditer(tag[0]):
            group = found.lastindex or 0
            start, end = found.span(group)
            spans.append((tag.start() + start, tag.start() + end))
    return spans


def _not_markup(text: str) -> deque[tuple[int, int]]:
    """Returns where comments, scripts and styles are, in order."""
    spans: deque[tuple[int, int]] = deque()
    unclosed: set[str] = set()
    position = 0
    while found := _OPENS.search(text, position):
        kind = found[1].lower()
        # What is not closed after one place is not closed after a later one: look once.
        end = None if kind in unclosed else _CLOSES[kind].search(text, found.end())
        position = found.end() if end is None else end.end()
        if end is None:
            unclosed.add(kind)
        else:
            spans.append((found.start(), end.end()))
    return spans


def _markdown_targets(text: str) -> list[tuple[int, int]]:
    prose = _without_code(text)
    spans = _html_targets(prose)
    for expression in (_INLINE, _REFERENCE):
        spans += [found.span(1) for found in expression.finditer(prose)]
    return spans


def _without_code(text: str) -> str:
    """Returns `text` at the same length, with fenced code and code spans as spaces."""
    lines, fence = [], ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            closes = found is not None and found[1].startswith(fence) and not line.strip(" `~\r\n")
            fence = "" if closes else fence
            lines.append(_blank(line))
        elif found is not None:
            fence = found[1]
            lines.append(_blank(line))
        else:
            lines.append(line)
    return _without_spans("".join(lines))


def _without_spans(text: str) -> str:
    pieces, position = [], 0
    ends: dict[str, deque[int]] = {}
    marks = [(found.start(), found[1]) for found in _CODE_SPAN.finditer(text)]
    for start, ticks in marks:
        ends.setdefault(ticks, deque()).append(start)
    for start, ticks in marks:
        waiting = ends[ticks]
        while waiting and waiting[0] <= start:
            waiting.popleft()
        if start < position or not waiting:
            continue
        end = waiting[0] + len(ticks)
        if "\n\n" in text[start:end]:  # a code span stays within its paragraph
            continue
        pieces += [text[position:start], _blank(text[start:end])]
        position = end
    return "".join(pieces) + text[position:]


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
