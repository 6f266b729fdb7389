"""What is kept of an output: its words cleaned, its changes as one tree, or the reason why there is none."""

import base64
import binascii
from collections.abc import Sequence
from typing import Protocol

from coordinator.adapters.git import Git
from coordinator.adapters.objects import GitObjects, path_fault
from coordinator.domain.clean_path import is_git
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.output import Changes, CouldNot, Edit, Output, RefusedEntry
from coordinator.domain.output_text import plain
from coordinator.domain.screen import FILE_BYTES_MAX, FILES_MAX
from coordinator.domain.tree import Entry, Mode

Contents = dict[RepoPath, tuple[Mode, bytes] | None]


class PatchApplier(Protocol):
    """Makes a tree of a patch (see patches.Patches)."""

    def applied(self, tree: Oid, patch: str) -> Oid | RefusedEntry:
        """Returns the tree that `patch` makes of `tree`, or why it makes none."""
        ...


class Keeping:
    """Brings outputs into the form in which they are kept; without `patches` every patch is refused."""

    def __init__(
        self, git: Git, objects: GitObjects, *, patches: PatchApplier | None, max_bytes: int
    ) -> None:
        self._git = git
        self._objects = objects
        self._patches = patches
        self._max_bytes = max_bytes

    def kept(self, start: Oid, output: Output) -> tuple[Output, Oid | None]:
        """Returns the output as it is kept, and for changes the tree that they make of the tree `start`.

        Changes that make no tree are kept without their content, with the reason among `refused`.
        """
        output = plain(output)
        size = len(output.model_dump_json())
        if size > self._max_bytes:
            return _too_large(output, f"the output has {size} bytes, over {self._max_bytes}"), None
        if not isinstance(output.body, Changes):
            return output, None
        if output.body.refused:
            return _without_tree(output, output.body, ()), None
        found = self._tree(start, output.body)
        if isinstance(found, RefusedEntry):
            return plain(_without_tree(output, output.body, (found,))), None
        return output, found

    def _tree(self, base: Oid, changes: Changes) -> Oid | RefusedEntry:
        if changes.patch is None:
            return self._edited(base, changes.edits)
        if changes.edits:
            why = "there are edits beside it: an output is one or the other"
            return RefusedEntry(path="the patch", code="malformed", why=why)
        if self._patches is None:
            why = "patches cannot be applied in this place"
            return RefusedEntry(path="the patch", code="patch", why=why)
        return self._patches.applied(base, changes.patch)

    def _edited(self, base: Oid, edits: Sequence[Edit]) -> Oid | RefusedEntry:
        contents = _contents(edits)
        if isinstance(contents, RefusedEntry):
            return contents
        entries = {
            path: None if found is None else Entry(found[0], self._git.write("blob", found[1]))
            for path, found in contents.items()
        }
        return self._objects.edit(base, entries)


def _too_large(output: Output, why: str) -> Output:
    if isinstance(output.body, Changes):
        refused = RefusedEntry(path="all files", code="too-large", why=why)
        return _without_tree(output, output.body, (refused,))
    return output.model_copy(update={"body": CouldNot(why="missing_data", text=why)})


def _without_tree(output: Output, changes: Changes, more: tuple[RefusedEntry, ...]) -> Output:
    body = Changes(edits=(), summary=changes.summary[:2_000], refused=(*changes.refused, *more))
    return output.model_copy(update={"body": body})


def _contents(edits: Sequence[Edit]) -> Contents | RefusedEntry:
    """Returns mode and content by path (None: deleted), or why they cannot be entries of one tree."""
    if len(edits) > FILES_MAX:
        why = f"{len(edits)} paths change, over {FILES_MAX}"
        return RefusedEntry(path="all files", code="too-many", why=why)
    found: Contents = {}
    for edit in edits:
        if fault := path_fault(edit.path):
            code = "protected" if is_git(edit.path) else "unclean-name"
            return RefusedEntry(path=edit.path, code=code, why=fault)
        if edit.path in found:
            return RefusedEntry(path=edit.path, code="malformed", why="it is there twice")
        try:
            content = None if edit.content_b64 is None else _decoded(edit.content_b64)
        except (binascii.Error, ValueError):
            why = "its content is not base64"
            return RefusedEntry(path=edit.path, code="malformed", why=why)
        if content is not None and len(content) > FILE_BYTES_MAX:
            why = f"{len(content)} bytes, over {FILE_BYTES_MAX}"
            return RefusedEntry(path=edit.path, code="too-large", why=why)
        found[edit.path] = None if content is None else (edit.mode, content)
    files = {path for path, content in found.items() if content is not None}
    for path in files:
        parts = path.split("/")
        above = ["/".join(parts[:i]) for i in range(1, len(parts))]
        if folder := next((one for one in above if one in files), None):
            return RefusedEntry(
                path=folder, code="malformed", why="it would be a file and a folder"
            )
    return found


def _decoded(content_b64: str) -> bytes:
    return base64.b64decode(content_b64, validate=True)
