"""How paths, globs, URLs and patterns are found in a line of a brief, and what counts as a path.

The rule an author can predict: in backticks, or with a '/', a glob character or a file extension, or a word
alone between commas. All other words are reading aid.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .clean_path import is_git
from .errors import BriefError

GLOB_CHARS = "*?["
_BULLET = re.compile(r"(?:[-*+]|\d{1,3}[.)])(?:\s+|\Z)|\[[ xX]?\]\s+")
_URL = re.compile(r"https?://[^\s<>\"`]+")
_FOUND = re.compile(
    r"`(?P<ticked>[^`]+)`"
    r"|\[[^\[\]]*\]\((?P<linked>[^()\s]+)\)"
    r"|<?(?P<url>https?://[^\s<>\"`]+)>?"
    r"|\"(?P<quoted>[^\"]+)\""
    r"|(?<![^\s,;(])(?P<pattern>/(?:\\.|[^/\\\n])+/[ims]*)(?=[\s,;.)]|\Z)"
    r"|(?P<word>(?:(?!https?://)[^\s,;\"`])+)"
    r"|(?P<comma>[,;])"
)
_EMPHASIS = re.compile(r"(?<!\S)(\*{1,2}|__)(?=\w)([^*/.`]+)\1(?=[\s,;.:]|\Z)")
_NAME = re.compile(r"[\w.+@-]+\Z")
_DOTTED = re.compile(r"(?:[\w@+-][\w.@+-]*)?\.[A-Za-z][A-Za-z0-9]{0,9}\Z")
_NOT_A_PATH = re.compile(r"[<>{}()=|^$\x00-\x1f\x7f]")
_NOT_PATHS = {
    *("and/or", "either/or", "he/she", "s/he", "read/write", "input/output", "in/out", "yes/no"),
    *("true/false", "n/a", "w/o", "i/o", "ci/cd", "client/server", "e.g", "i.e", "a.k.a"),
}
_NONE = frozenset(("", "-", "none", "nothing", "n/a", "no", "nil"))
_ALL = re.compile(
    r"(?:(?:in|all of|only|everything in|anything in|any file in|all files in)\s+)*"
    r"(?:(?:the|this)\s+)?(?:(?:whole|entire|complete|full)\s+)?"
    r"(?:repository|repo|project|code\s?base|tree)\Z"
    r"|(?:everything|anything|all files|all|any file|every file|all of it)\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One thing found in a line; `text` for prose is what stood between two commas."""

    kind: Literal["path", "glob", "url", "pattern", "prose"]
    text: str


def without_bullet(line: str) -> str:
    """Returns a line without its list markers and check box."""
    text = line.strip()
    while found := _BULLET.match(text):
        text = text[found.end() :].strip()
    return text


def is_bullet(line: str) -> bool:
    """Tells whether a line begins a list item."""
    return bool(_BULLET.match(line.strip()))


def tokens(line: str) -> tuple[Token, ...]:
    """Returns what a line of INPUTS or SCOPE names, in order; prose only where a segment names nothing."""
    found: list[Token] = []
    for words in _segments(_EMPHASIS.sub(r"\2", line)):
        named = [t for t in (_named(match) for match in words) if t]
        if not named:
            named = _whole(" ".join(match[0] for match in words).strip())
        found += named
    return tuple(found)


def normal(path: str) -> str:
    """Returns a path as git writes it: no './', no '//', no '/' at its end; '**' for the top."""
    plain = re.sub(r"/(?:\.?/)+", "/", path.strip())
    while plain.startswith("./"):
        plain = plain[2:]
    plain = plain.removesuffix("/.")
    plain = plain.rstrip("/") if plain != "/" else plain
    return plain if plain not in ("", ".") else "**"


def is_glob(path: str) -> bool:
    """Tells whether a path holds a glob character."""
    return any(c in path for c in GLOB_CHARS)


def outside(path: str) -> str | None:
    """Returns why a path cannot be one inside the repository, or None."""
    if path.startswith("/"):
        return "begins at the root of the machine"
    if re.match(r"[A-Za-z]:[\\/]|~", path) or "\\" in path:
        return "is not written the way git writes paths"
    if ".." in path.split("/"):
        return "leads out of the repository"
    if "\0" in path or len(path.encode("utf-8", "surrogatepass")) > 4096:
        return "cannot be a file name"
    return None


def inside(said: str) -> str:
    """Returns a path or glob that a person gave to a command, as git writes it. Raises BriefError."""
    plain = normal(said)
    why = outside(plain) or ("names nothing" if not said.strip() else None)
    if why is None and is_git(plain):
        why = "is git's own"
    if why is not None:
        raise BriefError(
            f"{said!r} {why}",
            hint="paths count from the top of the repository, as in docs/guide.md",
        )
    return plain


def pathlike(text: str) -> bool:
    """Tells whether a word of running text reads as a path."""
    if text.lower() in _NOT_PATHS or _NOT_A_PATH.search(text):
        return False
    if "://" in text or not re.search(r"\w|\*", text):
        return False
    return (
        "/" in text or "*" in text or bool(_DOTTED.match(text)) or bool(re.search(r"\[.+\]", text))
    )


def literal(text: str) -> tuple[str, str] | None:
    """Returns a value written in backticks or as a JSON string at the start of `text`, and the rest."""
    if text.startswith("`"):
        inner, closed, rest = text[1:].partition("`")
        return (inner, rest) if closed and inner else None
    if text.startswith('"'):
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return None
        return (str(value), text[end:]) if value else None
    return None


def values(text: str) -> tuple[str, ...]:
    """Returns what an explicit item such as `path:` lists: literals or words, between commas."""
    found: list[str] = []
    rest = text.strip()
    while rest:
        exact = literal(rest)
        if exact:
            value, rest = exact
            rest = rest.strip()
            rest = rest[1:].strip() if rest[:1] == "," else rest
        else:
            value, _, rest = rest.partition(",")
            value, rest = value.strip(), rest.strip()
        if value:
            found.append(value)
    return tuple(found)


def written(value: str) -> str:
    """Returns a literal that `literal` reads back as `value`."""
    plain = value.isprintable() and "`" not in value and value == value.strip() and value
    return f"`{value}`" if plain else json.dumps(value)


def sentence_end(text: str) -> str:
    """Returns a word without the punctuation that a sentence put behind or around it."""
    if text in (".", "./"):
        return text
    return text.rstrip(".,;:!") if "[" in text else text.lstrip("([{\"'").rstrip(".,;:!)]}\"'")


def _segments(line: str) -> Iterator[list[re.Match[str]]]:
    words: list[re.Match[str]] = []
    for match in _FOUND.finditer(line):
        if match["comma"]:
            yield words
            words = []
        else:
            words.append(match)
    yield words


def _named(match: re.Match[str]) -> Token | None:
    """Returns what one found piece names."""
    if match["url"]:
        return Token("url", match["url"].rstrip(".,;:!?)]}'"))
    if match["pattern"]:
        return Token("pattern", match["pattern"])
    if ticked := match["ticked"] or match["linked"]:
        return _ticked(ticked.strip())
    if match["quoted"]:
        return _path(match["quoted"].strip()) if pathlike(match["quoted"].strip()) else None
    word = sentence_end(match["word"])
    word = word.rstrip("?") if not is_glob(word.rstrip("?")) else word
    return _path(word) if word and pathlike(word) else None


def _ticked(text: str) -> Token | None:
    if _URL.fullmatch(text):
        return Token("url", text)
    if re.fullmatch(r"/(?:\\.|[^/\\\n])+/[ims]*", text):
        return Token("pattern", text)
    if not text or _NOT_A_PATH.search(text):
        return None
    return _path(text)


def _path(text: str) -> Token:
    plain = normal(text)
    return Token("glob" if is_glob(plain) else "path", plain)


def _whole(segment: str) -> list[Token]:
    """Reads a segment that names nothing by itself: everything, nothing, one word, or prose."""
    plain = sentence_end(segment).strip()
    if plain.lower() in _NONE:
        return []
    if plain in (".", "./") or _ALL.match(plain):
        return [Token("glob", "**")]
    if _NAME.match(plain) and re.search(r"\w", plain):
        return [Token("path", plain)]
    return [Token("prose", segment)]
