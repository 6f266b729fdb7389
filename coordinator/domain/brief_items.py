"""INPUTS and SCOPE: what a worker is given, and what it may change."""

import itertools
import re

from coordinator.domain.brief import Fault, Input
from coordinator.domain.brief_layout import Fence, Part, Section
from coordinator.domain.brief_paths import (
    is_glob,
    normal,
    outside,
    tokens,
    values,
    without_bullet,
    written,
)

PROSE = "prose"  # label of words in INPUTS that name nothing: the worker reads them, nothing rests on them
PATTERN = "pattern"  # label of a /regular expression/ in INPUTS

_ITEM = re.compile(
    r"(?P<kind>path|glob|url|from|data|pattern)s?\s*:(?!//)\s*(?P<rest>.*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_IN = r"in(?:[ -](?:bounds|scope))?|inside|included?|allowed"
_OUT = r"out(?:[ -]of[ -](?:bounds|scope))?|outside|excluded?|excluding|off[ -]limits"
_SIDE = re.compile(
    rf"(?:#+\s*)?\**(?:(?P<inside>{_IN})|(?P<outside>{_OUT}))\**\s*(?::\**|\Z)\s*", re.IGNORECASE
)
_BARE_OUT = re.compile(
    r"(?:out of (?:bounds|scope)|not|no|never|except(?: for)?|excluding|without|but not|"
    r"do not touch|don't touch)\s+",
    re.IGNORECASE,
)
_EXCEPT = re.compile(
    r"\b(?:except(?: for)?|excluding|but not|other than|apart from|without)\b|,\s*not\b",
    re.IGNORECASE,
)
_THE_REST = re.compile(
    r"(?:everything|anything|all|nothing|none|the rest|n/a|-|any(?:thing)? other|all other|other)"
    r"(?:\s+(?:else|other|others|files?|paths?|folders?|pages?|the rest|outside))*"
    r"(?:\s+(?:is|are|stays?|remains?)\s+(?:out(?: of (?:bounds|scope))?|off[- ]limits|untouched"
    r"|unchanged|as (?:it|they) (?:is|are)))?\.?\Z",
    re.IGNORECASE,
)
_PATH_ITEM = re.compile(r"(?:path|glob)s?\s*:\s*", re.IGNORECASE)
_BRIEF_NAME = re.compile(r"\w[\w .@+-]{0,200}\Z")
_PROSE_ITEM = re.compile(r"prose\s*:\s*", re.IGNORECASE)
OUT_OF_BOUNDS = "out of bounds: "


class Inputs:
    """Reads INPUTS."""

    def __init__(self) -> None:
        self.items: dict[Input, None] = {}
        self.faults: list[Fault] = []

    def read(self, section: Section) -> None:
        """Takes in every item of the section."""
        for part in section.parts:
            if isinstance(part, Fence):
                self._add(Input(kind="data", value=part.content, label=part.info))
            elif text := without_bullet(part.text):
                self._line(part.number, text)

    def _line(self, number: int, text: str) -> None:
        if item := _ITEM.match(text):
            self._item(number, item["kind"].lower(), item["rest"])
            return
        found = tokens(text)
        named = [t for t in found if t.kind != "prose"]
        if not named and found:
            self._add(Input(kind="data", value=text, label=PROSE))
        for token in named:
            if token.kind == "pattern":
                self._add(Input(kind="data", value=token.text, label=PATTERN))
            elif token.kind == "url":
                self._add(Input(kind="url", value=token.text))
            elif not self._outside(number, token.text):
                self._add(Input(kind="glob" if token.kind == "glob" else "path", value=token.text))

    def _item(self, number: int, kind: str, rest: str) -> None:
        if kind == "data":
            self._add(Input(kind="data", value=rest.strip()))
            return
        if kind == "pattern":
            self._add(Input(kind="data", value=rest.strip(), label=PATTERN))
            return
        listed = values(rest)
        if not listed:
            message, hint = f"`{kind}:` names nothing", f"write what it names behind `{kind}:`"
            self.faults.append(_fault("empty-item", number, "INPUTS", message, hint))
        for value in listed:
            if kind == "url":
                if re.match(r"https?://[^\s/]+", value) and not re.search(r"\s", value):
                    self._add(Input(kind="url", value=value))
                else:
                    message = f"{value!r} is not a URL that can be fetched"
                    hint = "write it with http:// or https://"
                    self.faults.append(_fault("bad-url", number, "INPUTS", message, hint))
            elif kind == "from" and not _BRIEF_NAME.match(value):
                message = f"{value!r} is not the name of a brief"
                hint = "write `from: name`, the name or the id of another brief"
                self.faults.append(_fault("bad-value", number, "INPUTS", message, hint))
            elif kind == "from":
                self._add(Input(kind="from", value=value))
            elif not self._outside(number, normal(value)):
                self._add(Input(kind="glob" if kind == "glob" else "path", value=normal(value)))

    def _outside(self, number: int, path: str) -> bool:
        fault = path_fault(number, "INPUTS", path)
        if fault:
            self.faults.append(fault)
        return fault is not None

    def _add(self, item: Input) -> None:
        self.items[item] = None


class Scope:
    """Reads SCOPE: in bounds before the ';', out of bounds behind it, or as labels say."""

    def __init__(self) -> None:
        self.inside: dict[str, None] = {}
        self.outside: dict[str, None] = {}
        self.prose: list[str] = []
        self.faults: list[Fault] = []

    def read(self, section: Section) -> None:
        """Takes in every line of the section."""
        side = section.side
        for part in section.parts:
            text = _text_of(part)
            if found := _SIDE.match(text):
                named = "in" if found["inside"] else "out"
                text = text[found.end() :].strip()
                self._line(part.number, text, named)
                side = named if not text else side
            elif text:
                self._line(part.number, text, side)

    def _line(self, number: int, text: str, side: str) -> None:
        if item := _PROSE_ITEM.match(text):
            self.prose.append(text[item.end() :].strip())
            return
        for n, part in enumerate(_split(text)):
            here = side or ("in" if n == 0 else "out")
            here = "out" if side == "in" and n > 0 else here
            if found := _SIDE.match(part):
                here = "in" if found["inside"] else "out"
                part = part[found.end() :]  # noqa: PLW2901 - the label is read, its text goes on
            self._part(number, part.strip(), here)

    def _part(self, number: int, text: str, side: str) -> None:
        if side == "in" and (bare := _BARE_OUT.match(text)):
            self._part(number, text[bare.end() :].strip(), "out")
            return
        excepted = _EXCEPT.search(_masked(text))
        if excepted and side == "in":
            self._part(number, text[: excepted.start()].strip().rstrip(","), "in")
            self._part(number, text[excepted.end() :].strip(), "out")
            return
        if side == "out" and _THE_REST.match(text):
            return
        if item := _PATH_ITEM.match(text):
            paths = [normal(value) for value in values(text[item.end() :])]
        else:
            paths = [t.text for t in tokens(text) if t.kind in ("path", "glob")]
        if not paths and text:
            self.prose.append(text if side == "in" else f"{OUT_OF_BOUNDS}{text}")
        for path in paths:
            if fault := path_fault(number, "SCOPE", path):
                self.faults.append(fault)
            else:
                (self.inside if side == "in" else self.outside)[path] = None


def render_inputs(items: tuple[Input, ...]) -> str:
    """Returns the body of INPUTS."""
    out = []
    for item in items:
        if item.kind == "data":
            out.append(fenced(item.value, item.label))
        else:
            out.append(f"- {item.kind}: {written(item.value)}")
    return "\n".join(out)


def render_scope(inside: tuple[str, ...], outside: tuple[str, ...], prose: str) -> str:
    """Returns the body of SCOPE."""
    said = [f"- in: {_path_item(path)}" for path in inside]
    said += [f"- out: {_path_item(path)}" for path in outside]
    said += [f"- prose: {line}" for line in prose.split("\n") if line]
    return "\n".join(said)


def fenced(content: str, info: str) -> str:
    """Returns a fenced block that no line of `content` can close."""
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    marks = "`" * max(3, longest + 1)
    inner = f"{content}\n" if content else ""
    return f"{marks}{info}\n{inner}{marks}"


def path_fault(line: int, section: str, path: str) -> Fault | None:
    """Returns what is wrong with a path that is not inside the repository, or None."""
    why = outside(path)
    if why is None:
        return None
    hint = "write it relative to the top of the repository, as in docs/index.md"
    return _fault("bad-path", line, section, f"{path!r} {why}", hint)


def _path_item(path: str) -> str:
    return f"{'glob' if is_glob(path) else 'path'}: {written(path)}"


def _text_of(part: Part) -> str:
    if isinstance(part, Fence):
        return " ".join(part.content.split())
    return without_bullet(part.text)


def _masked(text: str) -> str:
    """Returns `text` with what stands in backticks or quotes blanked out, length unchanged."""
    return re.sub(r"`[^`]*`|\"(?:\\.|[^\"\\])*\"", lambda m: "_" * len(m[0]), text)


def _split(text: str) -> list[str]:
    masked = _masked(text)
    cuts = [-1, *(i for i, c in enumerate(masked) if c == ";"), len(text)]
    return [text[a + 1 : b].strip() for a, b in itertools.pairwise(cuts)]


def _fault(code: str, line: int, section: str, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section=section, message=message, hint=hint)
