"""The contract between coordinator and workers; here because it is the only thing that both may import."""

from collections.abc import Iterable
from typing import Protocol

from .names import RepoPath
from .output import Output
from .package import ContextPackage


class UngrantedTool(Exception):
    """A worker called a tool that its package does not grant; the attempt fails at once."""


class Tools(Protocol):
    """Read-only tools over git objects at the package's base. An ungranted one raises UngrantedTool."""

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


class Worker(Protocol):
    """Does one attempt: package in, output out. Raises nothing that it expects."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns what came of it; a CouldNot is a return value."""
        ...
