"""plan.md: lines that people write and we tick, `- [ ] name: path/to/brief.md, after: other`.

Everything else in the file is the people's: ticking changes the box of one line, adds the id of the
brief at its end, and keeps every other byte.
"""

import re
from dataclasses import dataclass

from .brief import Fault
from .clean_path import is_git, unclean
from .markdown_lines import SaidLine, said_lines

NAME_CHARS_MAX = 80
LINE_CHARS_MAX = 2_000  # a longer line is no line of ours; it would only cost time

_ITEM = re.compile(r"[ \t]*[-*+][ \t]+\[(?P<box>[ xX])\][ \t]+(?P<said>.*?)[ \t]*\Z")
_TICKED_AS = re.compile(r"[ \t]+\([a-z0-9-]+-[0-9a-f]{8,64}\)\Z")
_AFTER = re.compile(r"[ \t]*[,;][ \t]*after[ \t]*:[ \t]*", re.IGNORECASE)
_BRIEF_ENDINGS = (".md", ".markdown", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One line that names a brief file; `done` when it is ticked."""

    name: str
    path: str
    after: tuple[str, ...]
    line: int
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """What plan.md says: its lines in order, and what is wrong with others."""

    lines: tuple[PlanLine, ...]
    faults: tuple[Fault, ...]


def parse(text: str) -> PlanFile:
    """Returns the lines that name briefs; an item of a list that is prose is none of them."""
    lines: list[PlanLine] = []
    faults: list[Fault] = []
    for said in said_lines(text):
        found = _read(said)
        if isinstance(found, Fault):
            faults.append(found)
        elif found is not None and any(one.name == found.name for one in lines):
            faults.append(_fault(said, f"there is another line named {found.name}", "rename one"))
        elif found is not None:
            lines.append(found)
    return PlanFile(lines=tuple(lines), faults=(*faults, *_circles(lines)))


def ready(text: str) -> tuple[PlanLine, ...]:
    """Returns unticked lines whose `after` lines are all ticked.

    A name in `after` that is no line of the plan (a brief from elsewhere) is left to the caller.
    """
    lines = parse(text).lines
    open_names = {line.name for line in lines if not line.done}
    return tuple(line for line in lines if not line.done and not open_names & set(line.after))


def tick(text: str, name: str, brief_id: str) -> str:
    """Returns `text` with the line called `name` ticked and `brief_id` noted; unchanged without one."""
    for said in said_lines(text):
        found, item = _read(said), _ITEM.match(said.content)
        if item and isinstance(found, PlanLine) and found.name == name and not found.done:
            box, end = said.start + item.start("box"), said.start + item.end("said")
            before = _TICKED_AS.sub("", text[box + 1 : end])  # it may have been ticked once before
            return f"{text[:box]}x{before} ({brief_id}){text[end:]}"
    return text


def _read(said: SaidLine) -> PlanLine | Fault | None:
    item = _ITEM.match(said.content) if len(said.content) <= LINE_CHARS_MAX else None
    if item is None:
        return None
    done = item["box"] != " "
    body = _TICKED_AS.sub("", item["said"])
    name, colon, rest = body.partition(":")
    name = name.strip().strip("`*").strip()
    path, _, after = _split_after(rest)
    if not colon or not _means_a_file(path):
        return None
    if done:
        return PlanLine(name=name, path=_plain(path), after=(), line=said.number, done=True)
    if why := _wrong(name, _plain(path)):
        return _fault(said, why, "write it as `- [ ] name: path/to/brief.md, after: other`")
    names = tuple(part.strip().strip("`") for part in after.split(",") if part.strip(" `\t"))
    return PlanLine(name=name, path=_plain(path), after=names, line=said.number)


def _split_after(rest: str) -> tuple[str, str, str]:
    found = _AFTER.search(rest)
    if found is None:
        return rest.strip(), "", ""
    return rest[: found.start()].strip(), found[0], rest[found.end() :]


def _means_a_file(path: str) -> bool:
    """Tells a path, also a wrong one, from the prose of somebody's own list."""
    quoted = path.startswith("`") and path.endswith("`") and len(path) > 2
    return quoted or (bool(path) and (not re.search(r"\s", path) or path.endswith(_BRIEF_ENDINGS)))


def _plain(path: str) -> str:
    return path.strip("`").strip().removeprefix("./")


def _wrong(name: str, path: str) -> str | None:
    if not name or len(name) > NAME_CHARS_MAX or any(char < " " or char in ",;()" for char in name):
        return f"its name is empty, longer than {NAME_CHARS_MAX} characters, or has , ; ( or )"
    if not path.endswith(_BRIEF_ENDINGS):
        return f"{path} is not the path of a Markdown file"
    if why := unclean(path):
        return f"{path} cannot be a path in the repository: {why}"
    return f"{path} is inside .git" if is_git(path) else None


def _circles(lines: list[PlanLine]) -> list[Fault]:
    """Returns a fault for each line that waits for itself, directly or by way of others."""
    waits = {line.name: line.after for line in lines if not line.done}
    faults = []
    for line in lines:
        seen: set[str] = set()
        left = list(line.after)
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                left.extend(waits.get(name, ()))
        if line.name in seen:
            said = SaidLine(line.line, 0, "")
            faults.append(_fault(said, f"{line.name} waits for itself", "remove one `after`"))
    return faults


def _fault(said: SaidLine, message: str, hint: str) -> Fault:
    return Fault(code="plan_line", line=said.number, section="plan", message=message, hint=hint)


PLAN_TEMPLATE = """\
# Plan

<!--
A line that begins with an empty box and names a brief file becomes a brief when all that it comes
after has landed. The coordinator ticks it; the rest of this page is yours.

- [ ] pages: briefs/pages.md
- [ ] links: briefs/links.md, after: pages
-->
"""
