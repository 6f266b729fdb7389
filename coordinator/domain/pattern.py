"""Regular expressions that cannot hang: searched as an automaton, in time linear in the text.

Python's own engine backtracks, and a search in a thread cannot be killed. A brief's pattern is somebody
else's text, so the daemon never gives one to `re.search`: it takes the parse tree only.
"""

import importlib
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

PATTERN_CHARS_MAX = 1_000
NODES_MAX = 1_000
TEXT_CHARS_MAX = 2_000_000
STEPS_MAX = 5_000_000  # about two seconds of closures; a cached step costs none
_CACHED_MAX = 50_000

_Test = Callable[[str], bool]
_Anchor = Literal["line_start", "start", "line_end", "end", "boundary", "inside"]
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE, "a": re.ASCII}
_ANCHORS: dict[str, _Anchor] = {
    "AT_BEGINNING": "line_start",
    "AT_BEGINNING_STRING": "start",
    "AT_END": "line_end",
    "AT_END_STRING": "end",
    "AT_BOUNDARY": "boundary",
    "AT_NON_BOUNDARY": "inside",
}
_REFUSED = {
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a conditional group",
    "GROUPREF_IGNORE": "a back-reference",
    "ASSERT": "a look-around",
    "ASSERT_NOT": "a look-around",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive quantifier",
}


class _Unusable(Exception):
    """A pattern that cannot become an automaton; the text says why."""


@dataclass(frozen=True, slots=True)
class _One:
    test: _Test
    then: int


@dataclass(frozen=True, slots=True)
class _Fork:
    ways: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _At:
    anchor: _Anchor
    then: int


_MATCH = 0


class Pattern:
    """One pattern, ready to search; `^` and `$` always mean the ends of a line."""

    def __init__(self, text: str) -> None:
        source, flags = split(text)
        if len(source) > PATTERN_CHARS_MAX:
            raise _Unusable(f"it is longer than {PATTERN_CHARS_MAX} characters")
        parser = importlib.import_module("re._parser")
        try:
            with warnings.catch_warnings():
                # An odd but valid set such as [ ~~] is somebody else's style, and no news.
                warnings.simplefilter("ignore")
                tree = parser.parse(source, flags | re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as error:
            raise _Unusable(f"it is not a regular expression: {error}") from error
        self._nodes: list[_One | _Fork | _At | None] = [None]
        self._start = self._sequence(list(tree), _MATCH, int(tree.state.flags))
        self._known: dict[frozenset[int], int] = {}
        self._sets: list[frozenset[int]] = []
        self._next: dict[tuple[int, str, str], int] = {}
        self._steps_left = STEPS_MAX

    def search(self, text: str) -> bool | None:
        """Tells whether the pattern is found in `text`; None when that would take too long to say.

        All searches of one Pattern share one budget, so many files cost no more than one.
        """
        if len(text) > TEXT_CHARS_MAX:
            return None
        here, before = self._number(frozenset({self._start})), "start"
        for char in (*text, ""):
            key = (here, before, char)
            after = self._next.get(key)
            if after is None:
                if self._steps_left < 0:
                    return None
                after = self._step(self._sets[here], before, char)
                if len(self._next) > _CACHED_MAX:
                    # Numbers stay, so `after` stays what it is: only the shortcuts go.
                    self._next.clear()
                self._next[key] = after
            if after < 0:
                return True
            here, before = after, _side(char)
        return False

    def _number(self, nodes: frozenset[int]) -> int:
        if nodes not in self._known:
            self._known[nodes] = len(self._sets)
            self._sets.append(nodes)
        return self._known[nodes]

    def _step(self, nodes: frozenset[int], before: str, char: str) -> int:
        reached = self._closure(nodes, before, _side(char) if char else "end")
        self._steps_left -= len(nodes) + len(reached)
        if _MATCH in reached:
            return -1
        following = {self._start}
        for number in reached:
            node = self._nodes[number]
            if char and isinstance(node, _One) and node.test(char):
                following.add(node.then)
        return self._number(frozenset(following))

    def _closure(self, nodes: frozenset[int], before: str, after: str) -> set[int]:
        reached: set[int] = set()
        todo = list(nodes)
        while todo:
            number = todo.pop()
            if number in reached:
                continue
            reached.add(number)
            node = self._nodes[number]
            if isinstance(node, _Fork):
                todo.extend(node.ways)
            elif isinstance(node, _At) and _holds(node.anchor, before, after):
                todo.append(node.then)
        return reached

    def _add(self, node: _One | _Fork | _At) -> int:
        if len(self._nodes) >= NODES_MAX:
            raise _Unusable("it repeats too much: write it shorter")
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _sequence(self, items: Iterable[Any], then: int, flags: int) -> int:
        for operation, argument in reversed(list(items)):
            then = self._item(str(operation), argument, then, flags)
        return then

    def _item(self, name: str, argument: Any, then: int, flags: int) -> int:
        if name in _REFUSED:
            raise _Unusable(f"it uses {_REFUSED[name]}, which has no bound on its time")
        if name == "BRANCH":
            return self._add(_Fork(tuple(self._sequence(w, then, flags) for w in argument[1])))
        if name == "SUBPATTERN":
            _, added, removed, inner = argument
            return self._sequence(inner, then, (flags | added) & ~removed)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeat(argument, then, flags)
        if name == "AT":
            return self._add(_At(_ANCHORS[str(argument)], then))
        return self._add(_One(_test(name, argument, flags), then))

    def _repeat(self, argument: Any, then: int, flags: int) -> int:
        least, most, inner = int(argument[0]), argument[1], argument[2]
        if str(most) == "MAXREPEAT":
            loop = self._add(_Fork(()))
            self._nodes[loop] = _Fork((self._sequence(inner, loop, flags), then))
            then = loop
        else:
            end = then
            for _ in range(int(most) - least):
                then = self._add(_Fork((self._sequence(inner, then, flags), end)))
        for _ in range(least):
            before = len(self._nodes)
            then = self._sequence(inner, then, flags)
            if len(self._nodes) == before:  # an empty body: any number of it is one
                break
        return then


def pattern(text: str) -> Pattern | None:
    """Returns the pattern that `text` (`/re/`, `/re/i` or bare) says, or None: see `safe_pattern`."""
    try:
        return Pattern(text)
    except _Unusable:
        return None


def safe_pattern(text: str) -> str | None:
    """Returns why `text` cannot be used as a pattern here, or None when it can."""
    try:
        Pattern(text)
    except _Unusable as why:
        return str(why)
    return None


def split(text: str) -> tuple[str, int]:
    """Returns the source and the flags of `/source/flags`; a text without slashes is all source. Backticks go."""
    said = text.strip().strip("`").strip()
    body, slash, letters = said[1:].rpartition("/")
    if not said.startswith("/") or not slash or not set(letters) <= set(_FLAGS):
        return said, 0
    flags = 0
    for letter in letters:
        flags |= int(_FLAGS[letter])
    return body, flags


def _side(char: str) -> str:
    if char == "\n":
        return "newline"
    return "word" if char.isalnum() or char == "_" else "other"


def _holds(anchor: _Anchor, before: str, after: str) -> bool:
    match anchor:
        case "start":
            return before == "start"
        case "line_start":
            return before in ("start", "newline")
        case "end":
            return after == "end"
        case "line_end":
            return after in ("end", "newline")
        case "boundary":
            return (before == "word") != (after == "word")
        case "inside":
            return (before == "word") == (after == "word")


def _test(name: str, argument: Any, flags: int) -> _Test:
    plain = _plain_test(name, argument, flags)
    if not flags & re.IGNORECASE:
        return plain
    if name == "NOT_LITERAL":
        same = _any_case(lambda char: ord(char) == argument)
        return lambda char: not same(char)
    if name == "IN" and str(argument[0][0]) == "NEGATE":
        inside = _any_case(_plain_test("IN", argument[1:], flags))
        return lambda char: not inside(char)
    return _any_case(plain)


def _any_case(test: _Test) -> _Test:
    def tried(char: str) -> bool:
        return any(test(c) for c in {char, char.lower(), char.upper()} if len(c) == 1)

    return tried


def _plain_test(name: str, argument: Any, flags: int) -> _Test:
    match name:
        case "LITERAL":
            return lambda char: ord(char) == argument
        case "NOT_LITERAL":
            return lambda char: ord(char) != argument
        case "ANY":
            return (lambda _: True) if flags & re.DOTALL else (lambda char: char != "\n")
        case "RANGE":
            low, high = argument
            return lambda char: low <= ord(char) <= high
        case "CATEGORY":
            return _category(str(argument), flags)
        case "IN":
            negated = str(argument[0][0]) == "NEGATE"
            members = argument[1:] if negated else argument
            tests = [_plain_test(str(op), value, flags) for op, value in members]
            return lambda char: any(test(char) for test in tests) != negated
    raise _Unusable(f"it uses {name.lower()}, which is not supported")


def _category(name: str, flags: int) -> _Test:
    kind = name.removeprefix("CATEGORY_")
    wanted = not kind.startswith("NOT_")
    tests: dict[str, _Test] = {
        "DIGIT": lambda char: char.isdecimal(),
        "SPACE": lambda char: char.isspace(),
        "WORD": lambda char: char.isalnum() or char == "_",
    }
    test = tests[kind.removeprefix("NOT_")]
    if flags & re.ASCII:
        return lambda char: (char.isascii() and test(char)) == wanted
    return lambda char: test(char) == wanted
