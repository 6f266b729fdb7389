"""The tools of a worker over files in memory, and packages to go with them."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from coordinator.domain import grep
from coordinator.domain.names import BriefId, Oid, RepoPath, TaskId
from coordinator.domain.output import Changes, CouldNot, Output, Report
from coordinator.domain.package import (
    Constraints,
    ContextPackage,
    PackageInput,
    QuestionAnswered,
    Scope,
    WantedOutput,
)
from coordinator.domain.tree import matches
from coordinator.domain.web import CheckedUrl
from coordinator.domain.worker import BlamedLine, Found, PastCommit, UngrantedTool

OutputKind = Literal["list", "json", "table", "report", "changes"]
ALL = frozenset({"list", "glob", "read"})


class MemoryTools:
    """Tools (see domain.worker) over `files`."""

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        *,
        granted: frozenset[str] = ALL,
        executables: frozenset[str] = frozenset(),
        past: tuple[PastCommit, ...] = (),
        urls: Mapping[str, CheckedUrl] | None = None,
    ) -> None:
        self.files = {
            RepoPath(path): content.encode() if isinstance(content, str) else content
            for path, content in files.items()
        }
        self._granted = granted
        self.past = past  # newest first; it touches every file
        self._executables = executables
        self._urls = urls or {}  # whatever is not among them is there
        self.asked: list[tuple[str, ...]] = []

    def paths(self, glob: str = "**") -> Iterable[RepoPath]:
        self._grant("list", "glob")
        return tuple(path for path in sorted(self.files) if matches(path, glob))

    def exists(self, path: RepoPath) -> bool:
        self._grant("list", "glob")
        return path in self.files or any(p.startswith(path + "/") for p in self.files)

    def read(self, path: RepoPath) -> bytes | None:
        self._grant("read", "file_write")
        return self.files.get(path)

    def executable(self, path: RepoPath) -> bool:
        self._grant("list", "glob", "file_write")
        return path in self._executables

    def grep(self, pattern: str, glob: str = "**") -> Found:
        self._grant("grep")
        wanted = grep.expression(pattern)
        lines = [
            line
            for path, content in sorted(self.files.items())
            if matches(path, glob)
            for line in grep.lines(path, content, wanted, count_max=grep.LINES_MAX)
        ]
        return Found(lines=tuple(lines))

    def log(self, path: RepoPath = RepoPath(""), count: int = 20) -> tuple[PastCommit, ...]:
        self._grant("log")
        return self.past[:count]

    def blame(self, path: RepoPath) -> tuple[BlamedLine, ...] | None:
        self._grant("blame")
        if path not in self.files or not self.past:
            return None
        lines = self.files[path].decode().splitlines()
        return tuple(
            BlamedLine(number=number, text=line, commit=self.past[0])
            for number, line in enumerate(lines, 1)
        )

    def show(self, commit: str, path: RepoPath = RepoPath("")) -> bytes | None:
        self._grant("show")
        if not any(one.oid.startswith(commit) for one in self.past):
            return None
        return self.files.get(path) if path else f"commit {commit}\n".encode()

    def check_urls(self, urls: Iterable[str], *, within_s: float) -> Mapping[str, CheckedUrl]:
        self._grant("check_url")
        self.asked.append(tuple(urls))
        return {u: self._urls.get(u, CheckedUrl(url=u, problem="")) for u in self.asked[-1]}

    def _grant(self, *names: str) -> None:
        if self._granted.isdisjoint(names):
            raise UngrantedTool(names[0])


def package(
    task: str,
    *,
    kind: OutputKind = "report",
    inputs: Iterable[str] = (),
    data: Mapping[str, str] | None = None,
    inside: tuple[str, ...] = (),
    outside: tuple[str, ...] = (),
    do_not: tuple[str, ...] = (),
    schema: dict[str, Any] | None = None,
    tools: frozenset[str] = ALL,
    base: str = "0" * 40,
    answers: Iterable[tuple[str, str]] = (),
) -> ContextPackage:
    """Returns a package; an input with a `*` is a glob, `data` is fenced data by its label."""
    named = [
        PackageInput(kind="glob" if any(c in value for c in "*?[") else "path", value=value)
        for value in inputs
    ]
    fenced = [
        PackageInput(kind="data", value=content, label=label, content=content)
        for label, content in (data or {}).items()
    ]
    return ContextPackage(
        brief_id=BriefId("brief-00000000"),
        task_id=TaskId("only"),
        attempt=1,
        task_type="test",
        description=task,
        tools_available=tuple(sorted(tools)),
        constraints=Constraints(
            deadline_seconds=60,
            max_tokens=1000,
            output_format=WantedOutput(kind=kind, json_schema=schema),
            max_retries=0,
        ),
        input_data=(*named, *fenced),
        acceptance_criteria=(),
        base=Oid(base),
        scope=Scope(inside=inside, outside=outside),
        do_not=do_not,
        answers=tuple(QuestionAnswered(question=q, answer=a) for q, a in answers),
    )


def rows(output: Output) -> Any:
    """Returns the data of a report."""
    assert isinstance(output.body, Report), output.body
    return output.body.data


def text(output: Output) -> str:
    """Returns the text of a report."""
    assert isinstance(output.body, Report), output.body
    return output.body.text


def written(output: Output) -> dict[str, str]:
    """Returns the files that changes write, by path."""
    assert isinstance(output.body, Changes), output.body
    return {
        edit.path: base64.b64decode(edit.content_b64 or "").decode() for edit in output.body.edits
    }


def refusal(output: Output) -> tuple[str, str]:
    """Returns why a worker could not, and what it says."""
    assert isinstance(output.body, CouldNot), output.body
    return output.body.why, output.body.text
