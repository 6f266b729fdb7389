"""Trees of any shape, hostile ones too, over a git in memory."""

from collections.abc import Mapping

from coordinator.adapters.git import Git, Signature
from coordinator.adapters.objects import GitObjects
from coordinator.domain.names import EMPTY_TREE, Oid, RecordPaths
from coordinator.domain.tree import Entry, Mode, decode, encode
from tests.support.fake_git import FakeGit, FakeServer

Content = bytes | str | tuple[Mode, bytes] | None
_NOBODY = Signature(name="Nobody", email="nobody@example.invalid", timestamp=0)


class Trees:
    """A store with the real Objects over it; what it builds obeys no rule for names or modes."""

    def __init__(self, git: Git | None = None) -> None:
        self.git: Git = git or FakeGit(FakeServer())
        self.objects = GitObjects(self.git, paths=RecordPaths)
        self.git.write("tree", b"")

    def tree(self, files: Mapping[str, Content], on: Oid = EMPTY_TREE) -> Oid:
        """Returns the tree with `files`: text, bytes, (mode, bytes), or None to remove."""
        for path, content in files.items():
            on = self._set(on, path.split("/"), self._made(content)) or EMPTY_TREE
        return on

    def commit(self, tree: Oid, *parents: Oid, message: str = "change\n") -> Oid:
        """Returns a commit of `tree`."""
        return self.git.commit(
            tree=tree,
            parents=parents,
            message=message,
            author=_NOBODY,
            committer=_NOBODY,
            sign=False,
        )

    def _made(self, content: Content) -> Entry | None:
        match content:
            case None:
                return None
            case str():
                return self._file("100644", content.encode("utf-8", "surrogateescape"))
            case bytes():
                return self._file("100644", content)
            case ("160000", inner):
                return Entry("160000", Oid(inner.decode()))
            case (mode, inner):
                return self._file(mode, inner)

    def _file(self, mode: Mode, content: bytes) -> Entry:
        return Entry(mode, self.git.write("blob", content))

    def _set(self, tree: Oid | None, parts: list[str], entry: Entry | None) -> Oid | None:
        entries = decode(self.git.read(tree)[1]) if tree else {}
        name, below = parts[0], parts[1:]
        if below:
            old = entries.get(name)
            found = self._set(old.oid if old and old.is_tree else None, below, entry)
            entry = Entry("040000", found) if found else None
        entries.pop(name, None)
        if entry is not None:
            entries[name] = entry
        return self.git.write("tree", encode(entries)) if entries else None
