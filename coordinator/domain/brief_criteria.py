"""DO NOT and ACCEPTANCE: what an output is judged by."""

import json
import re
from collections.abc import Callable
from typing import Literal

from coordinator.domain.brief import Criterion, Fault, Prohibition
from coordinator.domain.brief_items import path_fault
from coordinator.domain.brief_layout import Fence, Section
from coordinator.domain.brief_output import bad_schema, json_object, schema_fault
from coordinator.domain.brief_paths import (
    is_bullet,
    normal,
    pathlike,
    sentence_end,
    values,
    without_bullet,
)
from coordinator.domain.pattern import safe_pattern

_CRITERION = re.compile(
    r"(?P<kind>check|schema|matches|only|exists)\s*:\s*(?P<value>.*)\Z", re.IGNORECASE | re.DOTALL
)
_NOT = r"(?:(?:do not|don't|dont|never|no)\s+)?"
_NEW_FILES = re.compile(
    _NOT + r"(?:(?:create|add|make|write|introduce|adding|creating)\s+)?(?:any\s+)?"
    r"(?:(?:new|extra|additional)\s+files?|(?<=create )files?|(?<=add )files?|(?<=any )files?)\.?\Z",
    re.IGNORECASE,
)
_ANY_FILE = re.compile(
    _NOT + r"(?:touch|change|edit|modify|alter|write)\s+(?:to\s+)?"
    r"(?:anything|any files?|a file|files|the files|the repository)\.?\Z",
    re.IGNORECASE,
)
_MAX_LINES = re.compile(
    _NOT + r"(?:(?:change|edit|modify|touch|add|rewrite|write|changing)\s+)?"
    r"more than (?P<n>\d{1,9})(?:\s+changed)?\s+lines?(?:\s+(?:in total|in all|overall|altogether))?\.?\Z",
    re.IGNORECASE,
)
_MATCHING = (
    _NOT + r"(?:(?:add|leave|write|introduce|change|touch|edit)\s+)?(?:any\s+)?"
    r"(?:lines?\s+(?:that\s+)?match(?:ing|es)?|matches\s*:)\s*"
)
_LINES_MATCHING = re.compile(_MATCHING + r"(?P<re>/.+/[ims]*)\.?\Z", re.IGNORECASE)
_TOUCH = re.compile(
    _NOT + r"(?:(?:touch|change|edit|modify|alter|update|write to|write|rewrite|overwrite)\s+)"
    r"(?:(?:anything|any files?|files|the files?|the folder|the)\s+)?(?:(?:in|under|below|inside)\s+)?"
    r"(?:the\s+folder\s+|the\s+)?(?P<paths>.+)\Z",
    re.IGNORECASE | re.DOTALL,
)
_PATH_ITEM = re.compile(r"paths?\s*:\s*", re.IGNORECASE)
_NEXT_CRITERION = re.compile(
    r"(?:[,;](?:\s*and\b)?|\band\b)\s*(?=(?:check|schema|matches|only|exists)\s*:|/)",
    re.IGNORECASE,
)
_NEXT_PATTERN = re.compile(
    rf"(?:[,;](?:\s*(?:and|or)\b)?|\b(?:and|or)\b)\s*(?=(?:{_MATCHING})?/)", re.IGNORECASE
)
_ITEM_CHARS_MAX = 20_000  # of one that another one may follow on its line
_NOTHING = frozenset(("", "-", "none", "nothing", "n/a", "nil"))


def read_criteria(sections: list[Section]) -> tuple[tuple[Criterion, ...], list[Fault]]:
    """Returns the items of ACCEPTANCE; `only:` and `exists:` list paths."""
    found: list[Criterion] = []
    faults: list[Fault] = []
    several = ((n, one) for n, line in _items(sections) for one in _criteria_of(line))
    for line, text in several:
        item = _CRITERION.match(text)
        if item is None:
            found.append(Criterion(kind="prose", value=text, text=text))
            continue
        kind = item["kind"].lower()
        value = item["value"].strip()
        fault = _criterion_fault(kind, value, line)
        if fault:
            faults.append(fault)
            continue
        found += _criteria(kind, value, text)
    return tuple(dict.fromkeys(found)), faults


def read_prohibitions(sections: list[Section]) -> tuple[tuple[Prohibition, ...], list[Fault]]:
    """Returns the items of DO NOT: one that can be checked by a rule, or prose."""
    found: list[Prohibition] = []
    faults: list[Fault] = []
    for line, text in _items(sections):
        said = (one for item in _prohibitions_of(text) for one in _prohibitions(item))
        for one in said:
            if one.kind == "matches" and (why := safe_pattern(one.value)):
                faults.append(_bad_pattern(line, "DO NOT", why))
            elif one.kind == "path" and (fault := path_fault(line, "DO NOT", one.value)):
                faults.append(fault)
            else:
                found.append(one)
    return tuple(dict.fromkeys(found)), faults


def render_items(items: tuple[Criterion, ...] | tuple[Prohibition, ...]) -> str:
    """Returns items as a list; what one item said about several paths is said once."""
    return "\n".join(f"- {text}" for text in dict.fromkeys(item.text for item in items))


def _items(sections: list[Section]) -> list[tuple[int, str]]:
    """Returns (line, text) of each item: a bullet or a line; an indented line goes on with the item above."""
    found: list[tuple[int, str]] = []
    for section in sections:
        going_on = bulleted = False
        for part in section.parts:
            if isinstance(part, Fence):
                text = " ".join(part.content.split())
                if going_on and text:
                    found[-1] = (found[-1][0], f"{found[-1][1]} {text}")
                elif text:
                    found.append((part.number, text))
                continue
            text = without_bullet(part.text)
            if not part.text:
                going_on = False
            elif is_bullet(part.text) or not (going_on and (part.indented or bulleted)):
                bulleted = is_bullet(part.text)
                going_on = True
                pieces = [text] if bulleted else _semicolons(text)
                found += [(part.number, piece) for piece in pieces]
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]} {text}".strip())
    said = [(line, without_bullet(text)) for line, text in found]
    return [(line, text) for line, text in said if text.lower().rstrip(".") not in _NOTHING]


def _semicolons(text: str) -> list[str]:
    """Splits a plain line at ';', unless it holds a pattern, code or JSON."""
    if any(c in text for c in "`{/") and re.search(r"`|\{|(?:^|\s)/", text):
        return [text]
    return [piece.strip() for piece in text.split(";") if piece.strip()]


def _criteria_of(line: str) -> list[str]:
    """Returns the items of one line: `matches: /a/, exists: b` is two, and so is `matches: /a/, /b/`."""

    def is_whole(left: str, *, pattern_next: bool) -> bool:
        item = _CRITERION.match(left)
        if item is None or left.count("`") % 2:
            return False
        kind, value = item["kind"].lower(), item["value"].strip().strip("`")
        if kind == "matches" and value.startswith("/"):
            return _is_pattern(value)
        is_json = kind == "schema" and value.startswith("{")
        return not pattern_next and (not is_json or json_object(value) is not None)

    return _apart(line, _NEXT_CRITERION, is_whole)


def _prohibitions_of(line: str) -> list[str]:
    """Returns the items of one line with several patterns; any other is one."""

    def is_whole(left: str, *, pattern_next: bool) -> bool:
        del pattern_next  # patterns are all that it may hold
        found = _LINES_MATCHING.match(left)
        return found is not None and _is_pattern(found["re"])

    return _apart(line, _NEXT_PATTERN, is_whole)


def _apart(line: str, gaps: re.Pattern[str], is_whole: Callable[..., bool]) -> list[str]:
    """Splits a line at the gaps that what stands before them is whole at; a bare pattern is an item too."""
    found: list[str] = []
    begun, lead = 0, ""
    for gap in gaps.finditer(line):
        if gap.start() - begun > _ITEM_CHARS_MAX:
            break
        left = lead + line[begun : gap.start()].rstrip()
        bare = line.startswith("/", gap.end())
        if is_whole(left, pattern_next=bare):
            found.append(left)
            begun, lead = gap.end(), "matches: " if bare else ""
    return [*found, lead + line[begun:]]


def _is_pattern(value: str) -> bool:
    """Tells whether `/re/flags` is all there; a slash behind a backslash ends none."""
    body = value.rstrip("ims")
    inside = body[1:-1]
    escaped = (len(inside) - len(inside.rstrip("\\"))) % 2
    return bool(inside) and body.endswith("/") and not escaped


def _criteria(kind: str, value: str, text: str) -> list[Criterion]:
    if kind == "schema" and not value.startswith("{"):
        said = normal(next(iter(values(value))))
        return [Criterion(kind="schema", value=said, text=text)]
    if kind == "schema":
        said = json.dumps(json.loads(value))
        return [Criterion(kind="schema", value=said, text=f"schema: {said}")]
    if kind == "matches":
        return [Criterion(kind="matches", value=value, text=text)]
    if kind == "only":
        listed = ", ".join(normal(v) for v in values(value))
        return [Criterion(kind="only", value=listed, text=text)]
    if kind == "check":
        return [Criterion(kind="check", value=v, text=text) for v in values(value)]
    return [Criterion(kind="exists", value=normal(v), text=text) for v in values(value)]


def _criterion_fault(kind: str, value: str, line: int) -> Fault | None:
    if kind == "schema" and value.startswith("{"):
        schema = json_object(value)
        why = "is not a JSON object" if schema is None else schema_fault(schema)
        return bad_schema(line, "ACCEPTANCE", why) if why else None
    if kind == "matches":
        why = safe_pattern(value) if value else "it is empty"
        return _bad_pattern(line, "ACCEPTANCE", why) if why else None
    listed = values(value)
    if not listed:
        message, hint = f"`{kind}:` names nothing", f"write what it names behind `{kind}:`"
        return _fault("empty-item", line, "ACCEPTANCE", message, hint)
    if kind == "check":
        return None
    faults = (path_fault(line, "ACCEPTANCE", normal(v)) for v in listed)
    return next((f for f in faults if f), None)


def _prohibitions(text: str) -> list[Prohibition]:
    """Returns what an item forbids: every part of it checkable, or all of it prose."""
    found: list[Prohibition] = []
    pieces = [text] if _holds_expression(text) else re.split(r"\s*(?:,|;|\bor\b|\band\b)\s*", text)
    whole = _forbidden(text, text)
    if whole:
        return whole
    for piece in (p for p in pieces if p):
        one = _forbidden(piece, text)
        if not one and found and found[-1].kind == "path":
            one = _paths(piece, text)
        if not one:
            return [Prohibition(kind="prose", value=text, text=text)]
        found += one
    return found


def _forbidden(piece: str, text: str) -> list[Prohibition]:
    plain = piece.strip()
    listed: tuple[str, ...] = ()
    kind: Literal["path", "new_files", "max_lines", "matches"] = "path"
    if _NEW_FILES.match(plain):
        kind, listed = "new_files", ("",)
    elif found := _MAX_LINES.match(plain):
        kind, listed = "max_lines", (str(int(found["n"])),)
    elif found := _LINES_MATCHING.match(plain):
        kind, listed = "matches", (found["re"],)
    elif _ANY_FILE.match(plain):
        listed = ("**",)
    elif found := _PATH_ITEM.match(plain):
        listed = tuple(normal(v) for v in values(plain[found.end() :]))
    else:
        found = _TOUCH.match(plain)
        return _paths(found["paths"] if found else plain, text)
    return [Prohibition(kind=kind, value=value, text=text) for value in listed]


def _paths(piece: str, text: str) -> list[Prohibition]:
    """Returns the paths of a piece that names paths and nothing else."""
    found = []
    for word in re.split(r"\s*(?:,|;|\bor\b|\band\b)\s*|\s+", piece.strip()):
        ticked = re.fullmatch(r"`([^`]+)`[.,]?", word)
        plain = ticked[1] if ticked else sentence_end(word)
        if not word:
            continue
        if not (ticked or pathlike(plain)):
            return []
        found.append(Prohibition(kind="path", value=normal(plain), text=text))
    return found


def _holds_expression(text: str) -> bool:
    return bool(re.search(r"(?:^|\s)/\S.*/[ims]*\.?\Z", text))


def _bad_pattern(line: int, section: str, why: str) -> Fault:
    message = f"the pattern cannot be used: {why}"
    hint = "write /re/ without back-references and look-arounds"
    return _fault("bad-pattern", line, section, message, hint)


def _fault(code: str, line: int, section: str, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section=section, message=message, hint=hint)
