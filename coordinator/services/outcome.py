"""Trees as the rules look into them: what one output, or several together, make of a base."""

from collections.abc import Iterable
from dataclasses import dataclass

from coordinator.domain.brief import Brief
from coordinator.domain.criteria import criteria, shape
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.output import Changes, Report
from coordinator.domain.resulting import Resulting
from coordinator.domain.tree import Entry
from coordinator.ports import Objects


def resulting_of(
    body: Report | Changes, base: Oid, result: Oid, brief: Brief, *, objects: Objects
) -> Resulting:
    """Returns what `body` makes of the tree `base`, which is `result`."""
    path = brief.output_format.path
    return Resulting(
        body=body,
        changes=objects.diff(base, result),
        base=_View(objects, base),
        tree=_View(objects, result),
        content=objects.content,
        report_path=path if isinstance(body, Report) else None,
    )


def broken(text: str, base: Oid, brief: Brief, *, objects: Objects) -> str | None:
    """Returns which criterion of `brief` a report breaks, and how; None when it keeps to all of them."""
    path, result = brief.output_format.path, base
    if path is not None:
        blob = objects.blob(text.encode("utf-8", "replace"))
        result = objects.edit(base, {path: Entry("100644", blob)})
    resulting = resulting_of(Report(text=text), base, result, brief, objects=objects)
    looked_at = (shape(resulting, brief), *criteria(resulting, brief))
    fault = next((finding for finding in looked_at if finding.met is False), None)
    return f"{fault.criterion}: {fault.evidence}" if fault is not None else None


@dataclass(frozen=True, slots=True)
class _View:
    """A tree as the rules look into it."""

    objects: Objects
    tree: Oid

    def entry(self, path: RepoPath) -> Entry | None:
        return self.objects.entry(self.tree, path)

    def names(self, folder: RepoPath) -> Iterable[str]:
        found = self.objects.entry(self.tree, folder) if folder else Entry("040000", self.tree)
        return self.objects.listing(found.oid) if found is not None and found.is_tree else ()

    def files(self, under: RepoPath) -> Iterable[RepoPath]:
        return (path for path, _ in self.objects.walk(self.tree, under))
