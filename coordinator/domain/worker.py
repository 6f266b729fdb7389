"""The contract between coordinator and workers; here because it is the only thing that both may import."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from .errors import WorkerError
from .names import Oid, RepoPath
from .output import Output, Usage
from .package import ContextPackage
from .web import CheckedUrl


class UngrantedTool(Exception):
    """A worker called a tool that its package does not grant; the attempt fails at once."""


class UnusableArgument(ValueError):
    """A tool was called with something it cannot work on; said to who called it, who may try again."""


class UnusableAnswer(WorkerError):
    """What a worker answered does not fit what was asked; the message is for its next try.

    `fault` says what is wrong with it: it is no JSON; it has not the wanted fields; it is another kind
    of output; its text has not the wanted format; its value breaks the schema.
    """

    def __init__(
        self, message: str, *, fault: Literal["not-json", "fields", "kind", "format", "schema"]
    ) -> None:
        super().__init__(message, hint="answer again, in the wanted format")
        self.fault = fault


class WorkerFailure(WorkerError):
    """An attempt came to nothing; `usage` is what it used all the same."""

    def __init__(self, reason: str, usage: Usage) -> None:
        super().__init__(reason)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Connection:
    """Where one attempt may ask the daemon (a unix socket), and the token that says who asks."""

    socket: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """A line that a pattern matches; `number` is 1-based, a very long `text` is cut."""

    path: RepoPath
    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found; `more` says that it stopped at a limit and there may be others."""

    lines: tuple[FoundLine, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCommit:
    """A commit in the history of the base; `timestamp` is its committer's, in unix seconds."""

    oid: Oid
    author: str
    timestamp: int
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedLine:
    """A line at the base, and the commit that it came with."""

    number: int
    text: str
    commit: PastCommit


class Tools(Protocol):
    """Read-only tools over git objects at the package's base. An ungranted one raises UngrantedTool.

    UnusableArgument is raised for what cannot be asked at all; what is merely not there is None or empty.
    """

    def paths(self, glob: str = "**") -> Iterable[RepoPath]:
        """Returns the files at the base that match `glob`, sorted (tools `list` and `glob`)."""
        ...

    def exists(self, path: RepoPath) -> bool:
        """Tells whether `path` is a file or a folder at the base (tool `list`)."""
        ...

    def read(self, path: RepoPath) -> bytes | None:
        """Returns the content of the file `path`, or None (tool `read`)."""
        ...

    def executable(self, path: RepoPath) -> bool:
        """Tells whether the file `path` has mode 100755, which an edit of it keeps (tool `list`)."""
        ...

    def grep(self, pattern: str, glob: str = "**") -> Found:
        """Returns the lines of text files that the regular expression matches, in order (tool `grep`)."""
        ...

    def log(self, path: RepoPath = RepoPath(""), count: int = 20) -> tuple[PastCommit, ...]:
        """Returns the newest `count` commits that touch `path`, newest first (tool `log`)."""
        ...

    def blame(self, path: RepoPath) -> tuple[BlamedLine, ...] | None:
        """Returns each line of the file `path` with its commit, or None (tool `blame`)."""
        ...

    def show(self, commit: str, path: RepoPath = RepoPath("")) -> bytes | None:
        """Returns a file as of a commit in the base's history, or what the commit changed (tool `show`)."""
        ...

    def check_urls(self, urls: Iterable[str], *, within_s: float) -> Mapping[str, CheckedUrl]:
        """Returns what is wrong with each URL, asking the daemon about it once (tool `check_url`).

        What has no answer within that time is left unchecked.
        """
        ...


class Worker(Protocol):
    """Does one attempt: package in, output out. Raises nothing that it expects."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns what came of it; a CouldNot is a return value. Raises WorkerFailure, which has its cost."""
        ...
