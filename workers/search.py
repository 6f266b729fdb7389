"""Inventories a pattern: every line of the readable files that it matches."""

import re
from collections.abc import Iterator

from coordinator.domain.names import RepoPath
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import Tools

from . import answer, reading

_EXPRESSION = re.compile(r"(?<![\w/.:<])/((?:\\.|[^/\\\n])+)/([a-z]*)(?![\w/])")
_LITERAL = re.compile(r'"([^"\n]+)"|`([^`\n]+)`|“([^”\n]+)”')
_FLAGS = {"i": re.IGNORECASE, "x": re.VERBOSE, "s": re.DOTALL, "m": re.MULTILINE}
_QUESTION = "Which pattern?"
_HOW = 'Write /a regular expression/ or "literal text".'
_TEXT_CHARS_MAX = 500
_BINARY_BYTES = 8000  # git looks for a NUL in as many
_ALIASES = {
    "file": "path",
    "line_number": "line",
    "lineno": "line",
    "number": "line",
    "col": "column",
    "match": "text",
    "content": "text",
    "snippet": "text",
}


class Search:
    """Lists where a pattern occurs; the pattern is a `/regular expression/` or quoted text of the TASK."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns a row for each matching line: path, line, column of the first match, text."""
        if package.constraints.output_format.kind == "changes":
            return reading.missing_tool("The search worker reports; it changes no file.")
        pattern = _pattern(package)
        if isinstance(pattern, str):
            return reading.question(f"{_QUESTION} {pattern} {_HOW}")
        paths = reading.readable(package, tuple(tools.paths()))
        if reading.names_paths(package):
            paths = reading.named(package, paths)
            if not paths:
                return reading.missing_data("INPUTS name no file of this tree.")
        paths = reading.within_scope(package, paths)
        rows = tuple(row for path in paths for row in _matches(path, tools, pattern))
        findings = answer.Findings(
            title=f"Lines that match {pattern.pattern}",
            columns=("path", "line", "column", "text"),
            primary="path",
            group="path",
            rows=rows,
            item=lambda row: f"{row['path']}:{row['line']}: {str(row['text']).strip()}",
            aliases=_ALIASES,
        )
        return answer.report(findings, package.constraints.output_format)


def _pattern(package: ContextPackage) -> re.Pattern[str] | str:
    """Returns the pattern by the answer to our question, by data, or by TASK; else what is wrong."""
    told = reading.answered(package, _QUESTION)
    if told is not None:
        return _quoted(told) or _word(told) or f"The answer {told!r} is none."
    given = reading.settings(package).get("pattern")
    if given is not None:
        whole = _EXPRESSION.fullmatch(given)
        return _compiled(whole) if whole else re.compile(re.escape(given))
    return _quoted(package.description) or "TASK names none."


def _quoted(text: str) -> re.Pattern[str] | str | None:
    """Returns the first pattern that is marked as one in `text`."""
    expression = _EXPRESSION.search(text)
    if expression:
        return _compiled(expression)
    literal = _LITERAL.search(text)
    quoted = next((t for t in literal.groups() if t), None) if literal else None
    return None if quoted is None else re.compile(re.escape(quoted))


def _word(answer: str) -> re.Pattern[str] | None:
    """Returns an answer of one word as literal text; more words may be about the pattern."""
    return re.compile(re.escape(answer)) if len(answer.split()) == 1 else None


def _compiled(expression: re.Match[str]) -> re.Pattern[str] | str:
    flags = re.RegexFlag(0)
    for flag in expression[2]:
        if flag not in _FLAGS:
            return f"{expression[0]} has the unknown flag '{flag}' (known: i m s x)."
        flags |= _FLAGS[flag]
    try:
        return re.compile(expression[1].replace("\\/", "/"), flags)
    except re.error as error:
        return f"{expression[0]} is no regular expression: {error}."


def _matches(path: RepoPath, tools: Tools, pattern: re.Pattern[str]) -> Iterator[answer.Row]:
    content = tools.read(path)
    if content is None or b"\0" in content[:_BINARY_BYTES]:
        return
    text = content.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        shown = line.removesuffix("\r")
        match = pattern.search(shown)
        if match is not None:
            if len(shown) > _TEXT_CHARS_MAX:
                shown = shown[:_TEXT_CHARS_MAX] + "…"
            yield {"path": path, "line": number, "column": match.start() + 1, "text": shown}
