"""state.md: a generated section between two marks, and around it what people write and we obey.

Directives are lines outside the marks: `paused: reason` and `hold: brief, brief`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .markdown_lines import said_lines
from .names import BriefId, Environment, Oid
from .record import one_line

BEGIN = "<!-- coordinator:begin -->"
END = "<!-- coordinator:end -->"
SHOWN_MAX = 20
LANDED_MAX = 10
_REASON_CHARS_MAX = 100

_MARK = re.compile(r"^<!-- coordinator:(begin|end) -->[ \t]*\r?$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DIRECTIVE = re.compile(
    r"[ \t]*(?:[-*+][ \t]+)?[*_`]*(paused|hold)[*_`]*[ \t]*:[*_]*(.*)", re.IGNORECASE
)
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|\Z)")
_NOT_PAUSED = frozenset({"no", "false", "off", "none"})
_LIVE = re.compile(r"- ([a-z0-9_-]+): ([0-9a-f]{40,64}), generation (\d+)\Z")
_BRIEF = re.compile(r"- ([a-z0-9][a-z0-9-]*)(?:: (.*))?\Z")


@dataclass(frozen=True, slots=True)
class Directives:
    """What people ask in state.md: the reason of a pause, and briefs (ids or names) on hold."""

    paused: str | None = None
    holds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSnapshot:
    """What the tree says now; the rest is carried over from the section as it was.

    `landed` is the brief that this very commit lands. `waiting_for` says why for briefs whose reason
    is new, `live` what environments run that this commit speaks of.
    """

    open: tuple[BriefId, ...] = ()
    waiting: tuple[BriefId, ...] = ()
    landed: str | None = None
    waiting_for: Mapping[BriefId, str] = field(default_factory=dict)
    live: Mapping[Environment, tuple[Oid, int]] = field(default_factory=dict)


@lru_cache(maxsize=8)
def directives(text: str) -> Directives:
    """Returns what the hand-written part asks; lines in code and comments ask nothing.

    Every tick asks, and the page seldom changes.
    """
    paused: str | None = None
    holds: set[str] = set()
    for line in said_lines(_around(text)):
        found = _DIRECTIVE.fullmatch(line.content)
        if found is None:
            continue
        value = found[2].strip().strip("`*_").strip()
        if found[1].lower() == "hold":
            holds.update(part.strip(" `\t") for part in value.split(","))
        elif value.lower() not in _NOT_PAUSED:
            paused = paused or one_line(value) or "no reason given"
    return Directives(paused, frozenset(holds - {""}))


def hand_written(text: str) -> str:
    """Returns what people wrote, without comments: it goes into packages. Headings alone say nothing."""
    plain = _COMMENT.sub("", _around(text).replace("\r\n", "\n"))
    if all(not line.strip() or _HEADING.match(line) for line in plain.split("\n")):
        return ""
    return re.sub(r"\n{3,}", "\n\n", plain).strip()


def render(previous: str, snapshot: StateSnapshot) -> str:
    """Returns `previous` with its generated section written anew; all around it survives byte for byte."""
    text = previous or STATE_TEMPLATE
    ending = "\r\n" if "\r\n" in text else "\n"
    span = _span(text)
    old = _Section.read(text[slice(*span)] if span else "")
    section = ending.join(_section(old, snapshot))
    if span:
        return text[: span[0]] + section + text[span[1] :]
    gap = ending if text.endswith("\n") else ending * 2
    return text + gap + section + ending


def _section(old: "_Section", snapshot: StateSnapshot) -> list[str]:
    reasons = old.reasons | {
        brief: one_line(why)[:_REASON_CHARS_MAX] for brief, why in snapshot.waiting_for.items()
    }
    waiting = [
        f"{brief}: {reasons[brief]}" if reasons.get(brief) else brief for brief in snapshot.waiting
    ]
    landed = [brief for brief in old.landed if brief != snapshot.landed]
    if snapshot.landed:
        landed.insert(0, snapshot.landed)
    live = {**old.live, **snapshot.live}
    running = [
        f"{environment}: {revision}, generation {generation}"
        for environment, (revision, generation) in sorted(live.items())
    ]
    return [
        BEGIN,
        "<!-- Written by the coordinator; what is between these marks is replaced. -->",
        "",
        f"## In flight ({len(snapshot.open)})",
        "",
        *_items(snapshot.open),
        f"## Waiting ({len(waiting)})",
        "",
        *_items(waiting),
        "## Landed last",
        "",
        *_items(landed[:LANDED_MAX]),
        "## Live",
        "",
        *_items(running),
        END,
    ]


def _items(said: Iterable[str]) -> list[str]:
    lines = [f"- {one}" for one in said]
    more = len(lines) - SHOWN_MAX
    shown = [*lines[:SHOWN_MAX], f"- and {more} more"] if more > 0 else lines
    return [*(shown or ["Nothing."]), ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What the section said before: the facts that the tree alone does not tell."""

    landed: tuple[str, ...]
    reasons: dict[BriefId, str]
    live: dict[Environment, tuple[Oid, int]]

    @classmethod
    def read(cls, section: str) -> "_Section":
        """Reads what `render` wrote; lines that somebody has spoilt are left out."""
        heading = ""
        landed: list[str] = []
        reasons: dict[BriefId, str] = {}
        live: dict[Environment, tuple[Oid, int]] = {}
        for line in section.replace("\r\n", "\n").split("\n"):
            if line.startswith("## "):
                heading = line[3:].partition(" (")[0]
            elif heading == "Live" and (said := _LIVE.match(line)):
                live[Environment(said[1])] = (Oid(said[2]), int(said[3]))
            elif brief := _BRIEF.match(line):
                if heading == "Landed last":
                    landed.append(brief[1])
                elif heading == "Waiting" and brief[2]:
                    reasons[BriefId(brief[1])] = brief[2]
        return cls(landed=tuple(landed), reasons=reasons, live=live)


def _span(text: str) -> tuple[int, int] | None:
    """Returns where the section is: the last begin that is followed by an end with no begin between.

    A lone mark, left by an edit that went wrong, belongs to the text of people.
    """
    found = None
    begin: int | None = None
    for mark in _MARK.finditer(text):
        if mark[1] == "begin":
            begin = mark.start()
        elif begin is not None:
            found = (begin, mark.start() + len(END))
            begin = None
    return found


def _around(text: str) -> str:
    span = _span(text)
    return text[: span[0]] + text[span[1] :] if span else text


STATE_TEMPLATE = f"""\
# State

<!--
Above and below the generated section you may write what workers should know. Two lines are obeyed:

paused: why             (nothing new is dispatched or landed until the line is gone)
hold: name-of-a-brief   (this one waits; several are separated by commas)
-->

{BEGIN}
{END}
"""
