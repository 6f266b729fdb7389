"""Which files a package is about, which of them may be changed, and what its fenced data sets."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence

from coordinator.domain.names import RecordPaths, RepoPath
from coordinator.domain.output import Changes, CouldNot, Edit, Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import PROTECTED_ALWAYS
from coordinator.domain.tree import matches
from coordinator.domain.worker import Tools

_RECORDS = RecordPaths()
_EVERYTHING = ("", ".", "**", "**/*")


def readable(package: ContextPackage, paths: Iterable[RepoPath]) -> tuple[RepoPath, ...]:
    """Returns `paths` without what nobody means: record paths and installed packages.

    They are kept where INPUTS name them literally: a search for a word would otherwise find the
    brief that asks for it.
    """
    literal = [i.value for i in package.input_data if i.kind == "path"]
    return tuple(
        path
        for path in paths
        if not (_RECORDS.owns(path) or "node_modules" in path.split("/"))
        or any(value not in _EVERYTHING and matches(path, value) for value in literal)
    )


def named(package: ContextPackage, paths: Sequence[RepoPath]) -> tuple[RepoPath, ...]:
    """Returns those of `paths` that INPUTS name, in order; () when INPUTS name no path at all."""
    patterns = [i.value for i in package.input_data if i.kind in ("path", "glob")]
    exact = {p for i in package.input_data for p in i.paths}
    return tuple(p for p in paths if p in exact or any(matches(p, pattern) for pattern in patterns))


def names_paths(package: ContextPackage) -> bool:
    """Tells whether INPUTS name any path or glob."""
    return any(i.kind in ("path", "glob") for i in package.input_data)


def within_scope(package: ContextPackage, paths: Sequence[RepoPath]) -> tuple[RepoPath, ...]:
    """Returns those of `paths` that SCOPE leaves in, for something that is only looked at.

    A SCOPE that names none of them speaks of something else (the file to write), and is not applied.
    """
    inside = package.scope.inside
    kept = tuple(p for p in paths if not inside or any(matches(p, i) for i in inside)) or paths
    outside = [o for o in package.scope.outside if o not in _EVERYTHING]
    return tuple(p for p in kept if not any(matches(p, o) for o in outside))


def changeable(package: ContextPackage, path: RepoPath) -> bool:
    """Tells whether SCOPE lets `path` be changed; record paths and protected folders never are."""
    kept = (*PROTECTED_ALWAYS, _RECORDS.memory)  # the screen lets nothing of these in
    if _RECORDS.owns(path) or any(matches(path, protected) for protected in kept):
        return False
    inside, outside = package.scope.inside, package.scope.outside
    return (not inside or any(matches(path, i) for i in inside)) and not any(
        matches(path, o) for o in outside
    )


def settings(package: ContextPackage) -> Mapping[str, str]:
    """Returns what fenced data sets: `key: value` lines, a JSON object, or a block labelled with the key."""
    found: dict[str, str] = {}
    for item in package.input_data:
        if item.kind != "data":
            continue
        text = (item.content if item.content is not None else item.value).strip()
        words = item.label.lower().split()
        if words and words[-1].isidentifier():
            found.setdefault(words[-1], text)
        found.update({k: v for k, v in _pairs(text).items() if k not in found})
    return found


def answered(package: ContextPackage, question: str) -> str | None:
    """Returns what a person last answered to a question that begins with `question`; None if nothing."""
    told = [a.answer.strip() for a in package.answers if a.question.startswith(question)]
    return told[-1] if told else None


def changes(tools: Tools, contents: Mapping[RepoPath, bytes], summary: str) -> Output:
    """Returns the output that sets each path to its new content and leaves its mode."""
    edits = tuple(
        Edit(
            path=path,
            mode="100755" if tools.executable(path) else "100644",
            content_b64=base64.b64encode(contents[path]).decode("ascii"),
        )
        for path in sorted(contents)
    )
    return Output(body=Changes(edits=edits, summary=summary))


def nothing_to_do(text: str) -> Output:
    """Returns the output of a change that turned out to be none."""
    return Output(body=CouldNot(why="noop", text=text))


def question(text: str) -> Output:
    """Returns the output that asks a person."""
    return Output(body=CouldNot(why="question", text=text))


def missing_data(text: str) -> Output:
    """Returns the output that says what is not there."""
    return Output(body=CouldNot(why="missing_data", text=text))


def missing_tool(text: str) -> Output:
    """Returns the output that says what this worker has no means for."""
    return Output(body=CouldNot(why="missing_tool", text=text))


def _pairs(text: str) -> dict[str, str]:
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except ValueError:
            return {}
        return {k.lower(): v for k, v in value.items() if isinstance(v, str)}
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip().isidentifier() and value.strip():
            pairs.setdefault(key.strip().lower(), value.strip().strip("\"'"))
    return pairs
