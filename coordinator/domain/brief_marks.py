"""Which lines of a brief are structure: headings, labels, fences, comments; and how text escapes being one."""

import difflib
import re

SECTIONS = ("TASK", "INPUTS", "SCOPE", "OUTPUT FORMAT", "DO NOT", "ACCEPTANCE")

ALIASES: dict[str, tuple[str, str]] = {
    **{name: (name, "") for name in SECTIONS},
    "INPUT": ("INPUTS", ""),
    "OUTPUT": ("OUTPUT FORMAT", ""),
    "OUTPUT-FORMAT": ("OUTPUT FORMAT", ""),
    "OUTPUT_FORMAT": ("OUTPUT FORMAT", ""),
    "DO-NOT": ("DO NOT", ""),
    "DO_NOT": ("DO NOT", ""),
    "DON'T": ("DO NOT", ""),
    "ACCEPTANCE CRITERIA": ("ACCEPTANCE", ""),
    "IN SCOPE": ("SCOPE", "in"),
    "OUT OF SCOPE": ("SCOPE", "out"),
    **{f"SCOPE {form}": ("SCOPE", "in") for form in ("(IN)", "IN", "(IN BOUNDS)", "IN BOUNDS")},
    **{
        f"SCOPE {form}": ("SCOPE", "out")
        for form in ("(OUT)", "OUT", "(OUT OF BOUNDS)", "OUT OF BOUNDS")
    },
}
_NAMES = "|".join(
    re.escape(name).replace(r"\ ", r"[ \t]+") for name in sorted(ALIASES, key=len, reverse=True)
)
LABEL = re.compile(
    rf"(?:[-*+][ \t]+)?(?:\*\*|__)?(?P<name>{_NAMES})[ \t]*(?:\*\*|__)?[ \t]*:(?:\*\*|__)?(?P<rest>.*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_SHOUTED = re.compile(r"(?P<name>[A-Z][A-Z' _-]{2,24}):(?:\s|\Z)")
HEADING = re.compile(r"(?P<marks>#{1,6})(?:[ \t]+(?P<title>.*))?\Z", re.DOTALL)
_FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})(?P<info>.*)\Z", re.DOTALL)
RULER = re.compile(r"(?:-{3,}|\*{3,}|_{3,})\Z")
COMMENT = "<!--"


def section_named(written: str) -> tuple[str, str] | None:
    """Returns (section, side) that a heading or label names, or None."""
    name = " ".join(written.strip().strip("*_").strip().rstrip(":").split()).upper()
    return ALIASES.get(name.strip().strip("*_").rstrip(":").strip())


def escaped(text: str) -> str:
    """Returns `text` with a backslash before each line that would be read as structure.

    Whole fences stay as they are: inside them nothing is structure.
    """
    lines = text.split("\n")
    out: list[str] = []
    i = 0
    open_ended = {"`": len(text), "~": len(text)}  # from this length on, nothing closes a fence
    while i < len(lines):
        opening = opens_fence(lines[i].strip())
        if opening and len(opening["marks"]) < open_ended[opening["marks"][0]]:
            end = fence_end(lines, i)
            if end is not None:
                out += lines[i : end + 1]
                i = end + 1
                continue
            open_ended[opening["marks"][0]] = len(opening["marks"])
        out.append(f"\\{lines[i]}" if _must_escape(lines[i]) else lines[i])
        i += 1
    return "\n".join(out)


def structural(line: str) -> bool:
    """Tells whether a stripped line may be read as structure, in any form of brief."""
    return bool(
        HEADING.match(line)
        or LABEL.match(line)
        or near_section(line)
        or opens_fence(line)
        or RULER.match(line)
        or line.startswith(COMMENT)
    )


def _must_escape(line: str) -> bool:
    return structural(line) or (line.startswith("\\") and _must_escape(line[1:]))


def unescaped(line: str) -> str:
    """Returns the stripped `line` without the backslash that `escaped` put there."""
    return line[1:] if line.startswith("\\") and _must_escape(line[1:]) else line


def opens_fence(line: str) -> re.Match[str] | None:
    """Returns the marks and info with which a stripped line opens a fence, or None."""
    found = _FENCE.match(line)
    return None if found is None or "`" in found["info"] else found


def fence_end(lines: list[str], start: int) -> int | None:
    """Returns the index of the line that closes the fence opened at `start`; None when none does."""
    opening = opens_fence(lines[start].strip())
    if opening is None:
        return None
    marks = opening["marks"]
    for i in range(start + 1, len(lines)):
        line = lines[i].strip()
        if len(line) >= len(marks) and line == marks[0] * len(line):
            return i
    return None


def near_section(line: str) -> str | None:
    """Returns the section that a shouted label nearly names: a slip of the pen, not text."""
    found = _SHOUTED.match(line)
    if found is None or section_named(found["name"]):
        return None
    near = difflib.get_close_matches(found["name"].strip(), SECTIONS, n=1, cutoff=0.8)
    return near[0] if near else None


def heading_names(title: str) -> tuple[tuple[str, str], str] | None:
    """Returns the section a heading names, and the text behind its colon."""
    plain = title.strip().rstrip("#").strip()
    if named := section_named(plain):
        return named, ""
    label = LABEL.match(plain)
    if label is None:
        return None
    return ALIASES[" ".join(label["name"].split()).upper()], label["rest"].strip()
