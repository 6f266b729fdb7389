"""Trees and blobs of the private clone: edits along the changed paths only, merges, unions.

The only place that makes Merged and Clash.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from coordinator.adapters import ref_values, uniting
from coordinator.adapters.git import Git
from coordinator.domain import memory_md
from coordinator.domain.changeset import Changeset
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.memory_md import KeptEntry
from coordinator.domain.names import Oid, RecordPaths, RepoPath
from coordinator.domain.overlap import United
from coordinator.domain.proof import Claim, Clash, Merged, Synced
from coordinator.domain.tree import Change, Entry, decode, encode

_TOP = RepoPath("")
_TREES_MAX = 4096
_RESULTS_MAX = 1024
_IGNORED = dict.fromkeys(  # by macOS, in a name
    (*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF)
)

Edits = Mapping[RepoPath, Entry | None]


class GitObjects:
    """Objects over a Git (see ports.Objects); `paths` says where the record paths are now."""

    def __init__(self, git: Git, *, paths: Callable[[], RecordPaths]) -> None:
        self._git = git
        self._paths = paths
        self._decoded = lru_cache(maxsize=_TREES_MAX)(self._decode)
        self._tree_of = lru_cache(maxsize=_TREES_MAX)(self._read_tree_of)
        self._dates = lru_cache(maxsize=_TREES_MAX)(self._read_date)
        self._products = lru_cache(maxsize=_RESULTS_MAX)(self._without_records)

    def entry(self, tree: Oid, path: RepoPath) -> Entry | None:
        """Returns what `path` is in `tree` ('' is the tree itself)."""
        found: Entry | None = Entry("040000", tree)
        for name in path.split("/") if path else ():
            if found is None or not found.is_tree:
                return None
            found = self._decoded(found.oid).get(name)
        return found

    def listing(self, tree: Oid) -> Mapping[str, Entry]:
        """Returns the entries of one tree object."""
        return self._decoded(tree)

    def walk(self, tree: Oid, under: RepoPath = _TOP) -> Iterable[tuple[RepoPath, Entry]]:
        """Yields every non-folder below `under`, sorted by path."""
        found = self.entry(tree, under)
        if found is None:
            return
        if found.is_tree:
            yield from self._walk(found.oid, f"{under}/" if under else "")
        else:
            yield under, found

    def content(self, oid: Oid) -> bytes:
        """Returns a blob, or what a commit says that stands for one. Raises MissingObject."""
        return ref_values.load(self._git, oid)

    def read(self, tree: Oid, path: RepoPath) -> bytes | None:
        """Returns the content of the file at `path`; None when there is no file (a folder, a submodule)."""
        found = self.entry(tree, path)
        if found is None or found.mode in ("040000", "160000"):
            return None
        return self.content(found.oid)

    def tree_of(self, commit: Oid) -> Oid:
        """Returns the tree of a commit. Raises MissingObject."""
        return self._tree_of(commit)

    def dated(self, commit: Oid) -> int:
        """Returns when a commit was made, in unix seconds, by the clock of whoever made it. Raises MissingObject."""
        return self._dates(commit)

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        """Returns what differs between two trees, without renames; the cost follows the change."""
        return self._git.diff(before, after)

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        """Tells whether commit `old` is `new` or in its history."""
        return old == new or self._git.is_ancestor(old, new)

    def product(self, tree: Oid) -> Oid:
        """Returns the tree without record paths: what the gate sees and what its result is keyed by."""
        return self._products(tree, self._paths())

    def merge(self, changeset: Changeset, *, claim: Claim | None, synced: Synced) -> Merged | Clash:
        """Puts a claimed changeset on the synced tip: product paths only (rule L3).

        A report that goes to a product path is part of the product tree, so it is merged and gated too.
        """
        if claim is not None and claim.brief != changeset.brief:
            raise RepositoryError(
                f"the claim is on {claim.brief}, the changeset of {changeset.brief}",
                hint="this is a fault of the coordinator: please report it",
            )
        result = changeset.result
        if changeset.report is not None and changeset.report_path is not None:
            report = Entry("100644", self.blob(changeset.report))
            result = self.edit(result, {changeset.report_path: report})
        merged = self._git.merge_trees(
            self.product(changeset.base_tree),
            self.product(self.tree_of(synced.tip)),
            self.product(result),
        )
        if isinstance(merged, tuple):
            return Clash(changeset=changeset, paths=merged)
        product = self._remembering(merged, changeset.entries)
        return Merged(changeset=changeset, claim=claim, onto=synced.tip, product=product)

    def unite(self, onto: Oid, start: Oid, result: Oid) -> United:
        """Returns `onto` with what `result` changes of `start`; where that overlaps, `onto` stands."""
        if start in (onto, result):
            return United(tree=result if start == onto else onto)
        changes = self.diff(start, result)
        return uniting.united(onto, start, changes, trees=self, merge=self._git.merge_lines)

    def log(
        self, since: Oid | None, tip: Oid, *, count_max: int | None = None
    ) -> Sequence[tuple[Oid, str]]:
        """Returns (commit, message) along the first parents, `since` exclusive, oldest first.

        With `count_max` only the newest that many.
        """
        return self._git.log(since, tip, count_max=count_max)

    def blob(self, content: bytes) -> Oid:
        """Stores content."""
        return self._git.write("blob", content)

    def edit(self, tree: Oid, edits: Edits) -> Oid:
        """Returns `tree` with the paths set (files or whole folders) or removed; the cost follows the change.

        A folder that becomes empty goes; a file gives way to a folder of its name and the other way round.
        """
        for path, entry in edits.items():
            if entry is not None and path and (fault := path_fault(path)):
                raise RepositoryError(
                    f"{path!r} cannot be a path: {fault}", hint="use another name"
                )
        if _TOP in edits:
            whole = edits[_TOP]
            tree = whole.oid if whole and whole.is_tree else self._git.write("tree", b"")
        edited = self._edit(tree, {path: entry for path, entry in edits.items() if path})
        return edited or self._git.write("tree", b"")

    def _edit(self, tree: Oid | None, edits: Mapping[str, Entry | None]) -> Oid | None:
        """Returns the tree that results, None when it is empty."""
        before = self._decoded(tree) if tree else {}
        after = dict(before)
        deeper: dict[str, dict[str, Entry | None]] = {}
        for path, entry in edits.items():
            name, _, rest = path.partition("/")
            if rest:
                deeper.setdefault(name, {})[rest] = entry
            elif entry is None:
                after.pop(name, None)
            else:
                after[name] = entry
        for name, below in deeper.items():
            there = after.get(name)
            is_folder = there is not None and there.is_tree
            if not is_folder and all(entry is None for entry in below.values()):
                continue  # nothing to remove below a file, or below nothing
            folder = self._edit(there.oid if there and is_folder else None, below)
            if folder is None:
                after.pop(name, None)
            else:
                after[name] = Entry("040000", folder)
        if tree and after == before:
            return tree if after else None
        return self._git.write("tree", encode(after)) if after else None

    def _remembering(self, product: Oid, entries: Sequence[KeptEntry]) -> Oid:
        """Returns a product with entries at the end of their files as they are there: nothing to merge."""
        for file in dict.fromkeys(kept.file for kept in entries):
            there = self.entry(product, file)
            if there is None or not there.is_file:
                continue
            before = self.content(there.oid).decode("utf-8", "surrogateescape")
            after = memory_md.with_entries(before, [k.entry for k in entries if k.file == file])
            if after != before:
                blob = self.blob(after.encode("utf-8", "surrogateescape"))
                product = self.edit(product, {file: Entry(there.mode, blob)})
        return product

    def _without_records(self, tree: Oid, paths: RecordPaths) -> Oid:
        return self.edit(tree, {paths.briefs: None, paths.plan_file: None, paths.state_file: None})

    def _walk(self, tree: Oid, prefix: str) -> Iterator[tuple[RepoPath, Entry]]:
        for name, entry in self._decoded(tree).items():
            if entry.is_tree:
                yield from self._walk(entry.oid, f"{prefix}{name}/")
            else:
                yield RepoPath(prefix + name), entry

    def _decode(self, tree: Oid) -> Mapping[str, Entry]:
        kind, content = self._git.read(tree)
        if kind != "tree":
            raise MissingObject(f"{tree} is a {kind}, not a folder", hint="name its tree")
        return MappingProxyType(decode(content))

    def _read_tree_of(self, commit: Oid) -> Oid:
        return Oid(self._commit(commit)[5:45].decode())

    def _read_date(self, commit: Oid) -> int:
        head = self._commit(commit).partition(b"\n\n")[0]
        said = next(line for line in head.split(b"\n") if line.startswith(b"committer "))
        return int(said.rsplit(b" ", 2)[1])

    def _commit(self, commit: Oid) -> bytes:
        kind, content = self._git.read(commit)
        if kind != "commit":
            raise MissingObject(f"{commit} is a {kind}, not a commit", hint="name a commit")
        return content


def path_fault(path: str) -> str | None:
    """Returns why `path` cannot be an entry of a tree, or None.

    As git refuses it on any system: names that Windows or macOS would take for .git count too.
    """
    if not path or len(path) > 4096:
        return "it is empty or too long"
    if "\0" in path:
        return "it holds a NUL"
    for part in path.split("/"):
        if not part:
            return "it has an empty part (it starts or ends with '/', or has two in a row)"
        if part in (".", ".."):
            return f"it has the part {part!r}"
        if _is_dot_git(part):
            return f"it has the part {part!r}, which is git's own"
    return None


def _is_dot_git(part: str) -> bool:
    # Windows ignores what follows a colon, and trailing dots and spaces.
    plain = part.translate(_IGNORED).lower()
    names = plain.replace("\\", "/").split("/")
    return any(name.partition(":")[0].rstrip(" .") in (".git", "git~1") for name in names)
