"""Read-only questions to a repository: history with dates, refs, and objects lent by its remote.

No call here writes a ref, an index or a work tree. A fetch adds objects only, with
`--no-write-fetch-head` and no destination, so that a plain clone stays as its owner left it.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coordinator.adapters import git_command
from coordinator.adapters.git_refs import RefStore
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.saying import SeenCommit

_REMOTE_TIMEOUT_S = 30.0
_FIELDS = "%H%x00%ct%x00%an <%ae>%x00%B%x00"


class GitReading:
    """History and refs of one git directory, and what its remote can lend."""

    def __init__(self, git_dir: Path, *, remote: str | None) -> None:
        self._git_dir = git_dir
        self._refs = RefStore(git_dir)
        self._remote = remote

    def commits(self, since: Oid | None, tip: Oid) -> Sequence[SeenCommit]:
        """Returns the first parents from `tip` down to `since` (exclusive), newest first."""
        walk = ["rev-list", "--first-parent", "--no-commit-header", f"--format={_FIELDS}", tip]
        return _parsed(self._run([*walk, f"^{since}"] if since else walk))

    def commit(self, revision: str) -> SeenCommit | None:
        """Returns the commit that `revision` names, None when nothing does."""
        if revision.startswith("-"):
            return None
        show = ["rev-list", "--no-commit-header", "--max-count=1", f"--format={_FIELDS}"]
        try:
            out = self._run([*show, f"{revision}^{{commit}}", "--"])
        except RepositoryError:
            return None
        return next(iter(_parsed(out)), None)

    def parent(self, commit: Oid) -> Oid | None:
        """Returns the first parent."""
        out = self._run(["rev-list", "--parents", "--max-count=1", commit]).split()
        return Oid(out[1].decode()) if len(out) > 1 else None

    def patch(self, before: Oid, after: Oid) -> str | None:
        """Returns what leads from one tree to the other as a diff; None where a tree is not here."""
        plain = ["--patch", "-M", "--no-color", "--no-ext-diff", "--no-textconv"]
        try:
            out = self._run(["diff-tree", "-r", *plain, before, after])
        except RepositoryError:
            return None
        return out.decode("utf-8", "replace")

    def here(self, prefix: str) -> Mapping[str, Oid]:
        """Returns the local refs below `prefix`."""
        return self._refs.read(prefix)

    def there(self, *prefixes: str) -> Mapping[str, Oid] | None:
        """Returns the remote's refs below the prefixes, None when it cannot be read."""
        if self._remote is None:
            return None
        patterns = [f"{prefix.rstrip('/')}/*" for prefix in prefixes]
        out = self._ask_remote(["ls-remote", "--refs", self._remote, *patterns])
        return None if out is None else _refs(out)

    def bring(self, refs: Sequence[str]) -> bool:
        """Fetches the objects of remote refs into the object store; False when it could not."""
        if self._remote is None or not refs:
            return not refs
        quiet = ["--quiet", "--no-write-fetch-head", "--no-tags", "--no-recurse-submodules"]
        return self._ask_remote(["fetch", *quiet, self._remote, *refs]) is not None

    def _run(self, arguments: Sequence[str]) -> bytes:
        finished = git_command.run(arguments, repository=self._git_dir)
        if finished.code != 0:
            raise RepositoryError(
                f"{self._git_dir}: git {arguments[0]} failed: {finished.last_line}",
                hint="is this a whole clone? `git fsck` tells",
            )
        return finished.out

    def _ask_remote(self, arguments: Sequence[str]) -> bytes | None:
        finished = git_command.run(
            arguments,
            repository=self._git_dir,
            environment=git_command.user_environment(),
            timeout_s_max=_REMOTE_TIMEOUT_S,
        )
        return finished.out if finished.code == 0 else None


class FileMemo:
    """Remembers parsed values as JSON files in `folder` (in the run folder); None remembers nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, name: str) -> dict[str, Any]:
        """Returns what was saved, or {}."""
        if self._folder is None:
            return {}
        try:
            said = json.loads((self._folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def save(self, name: str, said: Mapping[str, Any]) -> None:
        """Saves it, whole or not at all; a folder that cannot be written costs time only."""
        if self._folder is None:
            return
        fresh = self._folder / f".{name}.{os.getpid()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(said, separators=(",", ":")))
            fresh.replace(self._folder / f"{name}.json")
        except OSError:
            with contextlib.suppress(
                OSError
            ):  # where nothing can be written, nothing is left either
                fresh.unlink(missing_ok=True)


def _parsed(out: bytes) -> list[SeenCommit]:
    fields = out.decode("utf-8", "replace").split("\0")
    return [
        SeenCommit(
            oid=Oid(fields[i].lstrip("\n")),
            timestamp=int(fields[i + 1]),
            author=fields[i + 2],
            message=fields[i + 3],
        )
        for i in range(0, len(fields) - 3, 4)
    ]


def _refs(out: bytes) -> dict[str, Oid]:
    lines = out.decode("utf-8", "replace").splitlines()
    pairs = [line.split("\t", 1) for line in lines if "\t" in line]
    return {ref: Oid(oid) for oid, ref in pairs}
