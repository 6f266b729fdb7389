"""decisions.md, lessons.md and handoffs: entries that people may edit, read back strictly.

An entry is a `## ` heading, one line of fields and prose:

    ## Which index counts

    id: index-1f3c9ab0; date: 2026-03-01; commit: <40 hex>; paths: public/sitemap.xml, src/**

    The nightly one.

Everything else in the file is the people's and survives byte for byte.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote_to_bytes

from .brief import Fault
from .markdown_lines import SaidLine, said_lines
from .names import BriefId, Oid, RepoPath

TITLE_CHARS_MAX = 200
PATHS_MAX = 50

_HEADING = re.compile(r"#{1,2}(?:[ \t]|\Z)")
_FIELDS = re.compile(r"id:[ \t]*\S")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z")
_KNOWN = ("id", "date", "commit", "paths", "supersedes", "kind", "brief")
_REQUIRED = ("id", "date", "commit")
_HINT = (
    "write `id: NAME; date: YYYY-MM-DD; commit: 40 HEX; paths: a, b` in one line below the heading"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEntry:
    """One thing to remember, and what it rests on.

    `kind` names the workers or task types that it is for, `brief` the one that it came from.
    """

    id: str
    title: str
    date: str
    commit: Oid
    paths: tuple[RepoPath, ...] = ()
    supersedes: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    brief: BriefId | None = None
    prose: str = ""

    def __post_init__(self) -> None:
        faults = _faults_of(self)
        if faults:
            raise ValueError(f"{self.id}: {faults[0]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """One entry, and the file that it stands in or is to."""

    file: RepoPath
    entry: MemoryEntry


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the file as it stands, and the entry that it is."""

    text: str
    entry: MemoryEntry | None


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A whole file: its pieces in order, and what looks like an entry and is none."""

    pieces: tuple[Piece, ...]
    faults: tuple[Fault, ...]

    @property
    def entries(self) -> tuple[MemoryEntry, ...]:
        """Returns the entries, in the order of the file."""
        return tuple(piece.entry for piece in self.pieces if piece.entry is not None)


def parse(text: str) -> MemoryFile:
    """Returns what a file says; `render` gives the same text back."""
    said = list(said_lines(text))
    heads = [line for line in said if _HEADING.match(line.content)]
    ends = [*(line.start for line in heads[1:]), len(text)]
    pieces = [Piece(text[: heads[0].start if heads else len(text)], None)]
    faults: list[Fault] = []
    known: set[str] = set()
    for head, end in zip(heads, ends, strict=False):
        inside = [line for line in said if head.start < line.start < end]
        found = _entry(head, inside, text[:end])
        if isinstance(found, MemoryEntry) and found.id in known:
            found = _fault(head, f"another entry has the id {found.id}")
        if isinstance(found, Fault):
            faults.append(found)
        entry = found if isinstance(found, MemoryEntry) else None
        known.update({entry.id} if entry else ())
        pieces.append(Piece(text[head.start : end], entry))
    return MemoryFile(tuple(piece for piece in pieces if piece.text), tuple(faults))


def render(file: MemoryFile) -> str:
    """Returns the text of a file."""
    return "".join(piece.text for piece in file.pieces)


def rendered(entry: MemoryEntry) -> str:
    """Returns the text of one entry: `parse` gives it back."""
    prose = f"\n{entry.prose}\n" if entry.prose else ""
    return f"## {entry.title}\n\n{_fields(entry)}\n{prose}"


def with_entries(text: str, entries: Sequence[MemoryEntry]) -> str:
    """Returns `text` with those entries at its end whose id it has not; nothing else changes."""
    known = {entry.id for entry in parse(text).entries}
    new = [entry for entry in entries if entry.id not in known]
    if not new:
        return text
    ending = "\r\n" if "\r\n" in text else "\n"
    said = "\n".join(rendered(entry) for entry in new).replace("\n", ending)
    gap = "" if not text else ending if text.endswith("\n") else ending * 2
    return text + gap + said


def quoted(text: str, *, chars_max: int = 1_200) -> str:
    """Returns somebody's text as a quotation: no line of it can be a heading, a fence or a comment."""
    plain = text.strip()
    cut = plain if len(plain) <= chars_max else plain[:chars_max].rstrip() + " [...]"
    return "\n".join(f"> {line}".rstrip() for line in cut.splitlines())


def _entry(head: SaidLine, inside: Sequence[SaidLine], text: str) -> MemoryEntry | Fault | None:
    fields = next((line for line in inside if line.content.strip()), None)
    if not head.content.startswith("## ") or fields is None or not _FIELDS.match(fields.content):
        return None
    said = _said(fields)
    if isinstance(said, Fault):
        return said
    prose = text[fields.start :].partition("\n")[2].replace("\r\n", "\n").strip()
    try:
        return MemoryEntry(
            id=said["id"],
            title=head.content[3:].strip(),
            date=said["date"],
            commit=Oid(said["commit"]),
            paths=tuple(RepoPath(_path(part)) for part in _parts(said.get("paths", ""))),
            supersedes=_parts(said.get("supersedes", "")),
            kind=_parts(said.get("kind", "")),
            brief=BriefId(said["brief"]) if "brief" in said else None,
            prose=prose,
        )
    except ValueError as error:
        return _fault(fields, str(error))


def _said(line: SaidLine) -> dict[str, str] | Fault:
    said: dict[str, str] = {}
    for part in line.content.split(";"):
        name, colon, value = part.partition(":")
        key = name.strip()
        if not part.strip():
            continue
        if not colon or key not in _KNOWN or key in said:
            why = "said twice" if key in said else "no field of an entry"
            return _fault(line, f"{key or part.strip()!r} is {why}; known: {', '.join(_KNOWN)}")
        said[key] = value.strip()
    missing = [key for key in _REQUIRED if not said.get(key)]
    return _fault(line, f"{missing[0]} is missing") if missing else said


def _faults_of(entry: MemoryEntry) -> list[str]:
    """Returns what keeps an entry from being read back as it is."""
    said = [
        (bool(_ID.match(entry.id)), "the id must be lower-case letters, digits and dashes"),
        (_is_day(entry.date), "the date must be a day as YYYY-MM-DD"),
        (bool(_COMMIT.match(entry.commit)), "the commit must be a whole id, 40 hex digits"),
        (
            _is_title(entry.title),
            f"the title must be one line of 1 to {TITLE_CHARS_MAX} characters",
        ),
        (len(entry.paths) <= PATHS_MAX, f"more than {PATHS_MAX} paths"),
        (all(map(_is_inside, entry.paths)), "a path is empty, or leads out of the repository"),
        (all(map(_ID.match, entry.supersedes)), "supersedes must name ids of entries"),
        (entry.id not in entry.supersedes, "it supersedes itself"),
        (all(map(_KIND.match, entry.kind)), "kind must name workers or task types"),
        (entry.brief is None or bool(_ID.match(entry.brief)), "brief must be the id of a brief"),
        (_is_prose(entry.prose), "the prose may have no # or ## heading and nothing left open"),
    ]
    return [why for holds, why in said if not holds]


def _is_day(text: str) -> bool:
    try:
        return bool(_DATE.match(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_inside(path: str) -> bool:
    return bool(path) and not path.startswith("/") and ".." not in path.split("/")


def _is_title(title: str) -> bool:
    plain = title == title.strip() and "\n" not in title and "\r" not in title
    return plain and 0 < len(title) <= TITLE_CHARS_MAX


def _is_prose(prose: str) -> bool:
    """Tells whether the prose stays inside its entry, and comes back as it is."""
    if prose != prose.strip() or "\r" in prose:
        return False
    lines = list(said_lines(f"{prose}\n\n## end"))
    heads = [line for line in lines if _HEADING.match(line.content)]
    return len(heads) == 1 and lines[-1].content == "## end"


def _fields(entry: MemoryEntry) -> str:
    said = [
        ("id", entry.id),
        ("date", entry.date),
        ("commit", entry.commit),
        ("paths", ", ".join(map(_shown, entry.paths))),
        ("supersedes", ", ".join(entry.supersedes)),
        ("kind", ", ".join(entry.kind)),
        ("brief", entry.brief or ""),
    ]
    return "; ".join(f"{key}: {value}" for key, value in said if value)


def _shown(path: str) -> str:
    """Returns a path as a field holds it: what separates fields, and what no editor shows, is escaped."""
    shown = []
    for char in path:
        plain = char.isprintable() and char not in "%,;" and not char.isspace()
        escaped = "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
        shown.append(char if plain or (char == " " and path.strip() == path) else escaped)
    return "".join(shown)


def _path(shown: str) -> str:
    return unquote_to_bytes(shown.encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _fault(line: SaidLine, message: str) -> Fault:
    return Fault(
        code="memory_entry", line=line.number, section="memory", message=message, hint=_HINT
    )


_HEAD = """\
# {title}

<!--
{what}
The coordinator adds entries with landings and changes none; edit and remove them as you like.

## Title

id: a-name; date: 2026-01-31; commit: 40 hex digits; paths: src/app.py, docs/**; supersedes: older; kind: links

What to know, and why.
-->
"""
DECISIONS_TEMPLATE = _HEAD.format(
    title="Decisions", what="What people decided: what was asked, what was answered, and by whom."
)
LESSONS_TEMPLATE = _HEAD.format(
    title="Lessons", what="What went wrong before, for the kind of brief where it did."
)
HANDOFFS_TEMPLATE = """\
# Handoffs

One page for each day on which somebody handed over: what a newcomer needs.
`coordinator handoff --write` keeps one: it drops a brief whose page lands here, in the name of who asked.
"""
