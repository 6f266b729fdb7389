"""What one output would make of the base: the only thing that is judged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from coordinator.domain.brief import Brief, Kind
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.output import Changes, Report
from coordinator.domain.tree import Change, Entry


class TreeView(Protocol):
    """One tree, as far as a rule looks into it."""

    def entry(self, path: RepoPath) -> Entry | None:
        """Returns what `path` is."""
        ...

    def names(self, folder: RepoPath) -> Iterable[str]:
        """Returns the names in `folder`; none when there is no such folder."""
        ...

    def files(self, under: RepoPath) -> Iterable[RepoPath]:
        """Returns every file below `under`, or the file itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resulting:
    """An output on its base. `report_path` is where its report is written, when it has one and a path."""

    body: Report | Changes
    changes: tuple[Change, ...]  # from the base to the resulting tree, the report included
    base: TreeView
    tree: TreeView
    content: Callable[[Oid], bytes]
    report_path: RepoPath | None = None

    @property
    def own_changes(self) -> tuple[Change, ...]:
        """Returns the changes without the report at its path, which the brief asked for by name."""
        return tuple(c for c in self.changes if c.path != self.report_path)

    def bytes_of(self, entry: Entry | None) -> bytes | None:
        """Returns the content of a file; None for no file, a link or a submodule."""
        if entry is None or not entry.is_file:
            return None
        return self.content(entry.oid)


def is_report(brief: Brief) -> bool:
    """Tells whether `brief` asks for a report of any kind, so that nothing else may change."""
    return brief.output_format.kind is not Kind.CHANGES
