"""Where things are in the text of a brief: front matter, sections, fences, and on which line.

Nothing here knows what a section means; it only tells them apart. A line that would be read as structure
but is meant as text carries one backslash in front, which is taken away again.
"""

import difflib
import re
from dataclasses import dataclass, field

from coordinator.domain.brief import Fault
from coordinator.domain.brief_marks import (
    ALIASES,
    COMMENT,
    HEADING,
    LABEL,
    RULER,
    SECTIONS,
    fence_end,
    heading_names,
    near_section,
    opens_fence,
    unescaped,
)

BRIEF_BYTES_MAX = 262_144


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text of a section; `indented` when it stood further right than the margin."""

    number: int
    text: str
    indented: bool = False


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block of a section."""

    number: int
    info: str
    content: str
    opening: str
    closing: str

    @property
    def text(self) -> str:
        """Returns the block with its fences."""
        inner = f"{self.content}\n" if self.content else ""
        return f"{self.opening}\n{inner}{self.closing}"


Part = Line | Fence


@dataclass(slots=True)
class Section:
    """One section as written; `side` is 'in' or 'out' where the heading of SCOPE says so."""

    name: str
    side: str
    line: int
    end: int  # the last line that belongs to it
    level: int  # of its heading, 0 for a plain line
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A text taken apart. `front` is the text of the front matter, which begins on line 2."""

    front: str | None
    sections: tuple[Section, ...]
    faults: tuple[Fault, ...]
    headed: bool  # whether sections are headings; else plain lines in any case count


def decode(text: bytes) -> str | tuple[Fault, ...]:
    """Returns the text with LF line ends and without a byte order mark, or why it cannot be read."""
    if len(text) > BRIEF_BYTES_MAX:
        message = f"the brief has {len(text):,} bytes; {BRIEF_BYTES_MAX:,} is the most"
        hint = "commit large data to the repository and name its path in INPUTS"
        return (_fault("too-large", 0, message, hint),)
    faults = []
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        faults.append(
            _fault("nul-byte", line, "there is a NUL byte", "save it as plain UTF-8 text")
        )
    try:
        plain = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        faults.append(_fault("not-utf8", line, "this is not UTF-8 text", "save the file as UTF-8"))
        plain = "?"
    if faults:
        return tuple(faults)
    plain = plain.replace("\r\n", "\n").replace("\r", "\n")
    if not plain.strip():
        return (
            _fault(
                "empty",
                0,
                "the brief is empty",
                "write at least TASK, INPUTS, SCOPE and OUTPUT FORMAT",
            ),
        )
    return plain


def layout(text: str) -> Layout:
    """Returns the sections of a decoded text, and every fault of its structure."""
    return _Reader(text).read()


def prose(parts: list[Part]) -> str:
    """Returns the parts of a section as one text: lines stripped, runs of blank lines made one."""
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Fence):
            lines += part.text.split("\n")
        elif part.text or (lines and lines[-1]):
            lines.append(part.text)
    return "\n".join(lines).strip("\n")


def _fault(code: str, line: int, message: str, hint: str, section: str = "") -> Fault:
    return Fault(code=code, line=line, section=section, message=message, hint=hint)


class _Reader:
    """Reads one text once, from top to bottom."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.faults: list[Fault] = []
        self.sections: list[Section] = []
        self.unknown = (
            False  # inside a section that nobody knows: said once, its text is passed over
        )
        self.stray = False
        self.headed = self._has_headings()

    def read(self) -> Layout:
        front, i = self._front()
        while i < len(self.lines):
            i = self._step(i)
        if not self.sections and not any(f.code == "unknown-section" for f in self.faults):
            self.faults = [f for f in self.faults if f.code != "stray-text"]
            self._add(
                "no-sections",
                1,
                "there is no section in this brief",
                "write TASK, INPUTS, SCOPE, OUTPUT FORMAT and DO NOT as headings or plain lines",
            )
        return Layout(
            front=front,
            sections=tuple(self.sections),
            faults=tuple(self.faults),
            headed=self.headed,
        )

    def _has_headings(self) -> bool:
        i = 0
        while i < len(self.lines):
            end = fence_end(self.lines, i)
            if end is None and opens_fence(self.lines[i].strip()):
                return False  # never closed: all that follows is inside
            heading = HEADING.match(self.lines[i].strip())
            if end is None and heading and heading_names(heading["title"] or ""):
                return True
            i = i + 1 if end is None else end + 1
        return False

    def _front(self) -> tuple[str | None, int]:
        if self.lines[0].rstrip() != "---":
            return None, 0
        for i in range(1, len(self.lines)):
            if self.lines[i].rstrip() in ("---", "..."):
                return "\n".join(self.lines[1:i]), i + 1
        self._add("front-matter", 1, "the front matter is not closed", "end it with a line '---'")
        self.stray = True  # what follows is no text before the first section: this is said already
        return None, 1

    def _step(self, i: int) -> int:
        """Reads what begins at line index `i`; returns the index after it."""
        raw = self.lines[i]
        line = raw.strip()
        if opens_fence(line):
            return self._fence(i)
        if line.startswith(COMMENT):
            return self._comment(i)
        if RULER.match(line):
            self._reach(i)
        elif heading := HEADING.match(line):
            self._heading(i, heading)
        elif (label := LABEL.match(line)) and self._counts(label["name"], raw):
            self._begin(i, *ALIASES[" ".join(label["name"].split()).upper()], level=0)
            rest = label["rest"].strip()
            if not RULER.match(rest) and not (rest.startswith(COMMENT) and rest.endswith("-->")):
                self._text(i, Line(i + 1, rest))
        elif near := near_section(line):
            self._unknown(i, line.partition(":")[0], near)
        else:
            self._text(i, Line(i + 1, unescaped(line), indented=raw[:1] in (" ", "\t")))
        return i + 1

    def _counts(self, name: str, raw: str) -> bool:
        """Tells whether a label begins a section: in capitals always, else only without headings."""
        return name.isupper() or (not self.headed and raw[:1].isalpha())

    def _heading(self, i: int, heading: re.Match[str]) -> None:
        title = (heading["title"] or "").strip().rstrip("#").strip()
        named = heading_names(title)
        level = len(heading["marks"])
        if named:
            name, rest = named
            self._begin(i, *name, level=level)
            self._text(i, Line(i + 1, rest))
        elif self.sections and (self.sections[-1].level and level > self.sections[-1].level):
            self._text(i, Line(i + 1, self.lines[i].strip()))
        elif self.sections or difflib.get_close_matches(title.upper(), SECTIONS, n=1, cutoff=0.8):
            near = difflib.get_close_matches(title.upper(), SECTIONS, n=1, cutoff=0.6)
            self._unknown(i, title, near[0] if near else None)

    def _unknown(self, i: int, name: str, near: str | None) -> None:
        hint = f"did you mean {near}?" if near else f"the sections are {', '.join(SECTIONS)}"
        self._add("unknown-section", i + 1, f"there is no section {name!r}", hint)
        self.unknown = True

    def _begin(self, i: int, name: str, side: str, *, level: int) -> None:
        for other in self.sections:
            if (other.name, other.side) == (name, side):
                shown = f"{name} ({side})" if side else name
                self._add(
                    "duplicate-section",
                    i + 1,
                    f"{shown} is there twice, first on line {other.line}",
                    "put both into one section",
                    name,
                )
        self.unknown = False
        self.sections.append(Section(name=name, side=side, line=i + 1, end=i + 1, level=level))

    def _text(self, i: int, part: Part) -> None:
        blank = isinstance(part, Line) and not part.text
        if self.unknown:
            return
        if self.sections:
            self.sections[-1].parts.append(part)
            self._reach(i)
        elif not blank and not self.stray:
            self.stray = True
            self._add(
                "stray-text",
                i + 1,
                "there is text before the first section",
                "move it into TASK, or make it a heading or a comment",
            )

    def _reach(self, i: int) -> None:
        if self.sections and not self.unknown:
            self.sections[-1].end = i + 1

    def _fence(self, i: int) -> int:
        end = fence_end(self.lines, i)
        section = self.sections[-1].name if self.sections else ""
        if end is None:
            self._add(
                "unclosed-fence",
                i + 1,
                "a fenced block is not closed",
                "end it with the same marks on a line of their own",
                section,
            )
            return len(self.lines)
        opening = self.lines[i].strip()
        margin = len(self.lines[i]) - len(self.lines[i].lstrip())
        inner = [x[min(margin, len(x) - len(x.lstrip())) :] for x in self.lines[i + 1 : end]]
        info = " ".join(opening.lstrip("`~").split())
        self._text(end, Fence(i + 1, info, "\n".join(inner), opening, self.lines[end].strip()))
        return end + 1

    def _comment(self, i: int) -> int:
        for end in range(i, len(self.lines)):
            if "-->" in self.lines[end]:
                rest = self.lines[end].partition("-->")[2].strip()
                self._reach(end)
                if rest:
                    self._text(end, Line(end + 1, rest))
                return end + 1
        self._add("unclosed-comment", i + 1, "a comment is not closed", "end it with '-->'")
        return len(self.lines)

    def _add(self, code: str, line: int, message: str, hint: str, section: str = "") -> None:
        self.faults.append(_fault(code, line, message, hint, section))
