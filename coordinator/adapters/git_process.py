"""The real Git: one private bare repository, and the remote it speaks to."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

from coordinator.adapters import git_commits
from coordinator.adapters.git import PushReply, RefUpdate, Signature
from coordinator.adapters.git_clone import create_private_clone, sweep_locks
from coordinator.adapters.git_command import (
    LOCAL_S_MAX,
    Finished,
    hermetic_environment,
    run,
    user_environment,
    with_settings,
)
from coordinator.adapters.git_failures import failed, is_missing
from coordinator.adapters.git_lines import LineMerge
from coordinator.adapters.git_merge import TreeMerge
from coordinator.adapters.git_refs import RefStore
from coordinator.adapters.git_remote import FETCH_SILENCE_S_MAX, RemoteGit
from coordinator.adapters.git_settings import UserSettings
from coordinator.adapters.git_store import ObjectStore
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.proof import Unreachable
from coordinator.domain.tree import Change, Entry, Mode

__all__ = ["GitProcess", "create_private_clone", "sweep_locks"]

_ANCESTRY_MAX = 20_000
_SIGN_S_MAX = 60.0
_MODES: dict[str, Mode] = {
    "100644": "100644",
    "100755": "100755",
    "120000": "120000",
    "160000": "160000",
    "040000": "040000",
}


class GitProcess:
    """One bare repository and its remote (see Git). Close it when done."""

    def __init__(
        self,
        directory: str | Path,
        *,
        remote_url: str,
        user_directory: Path | None = None,
        fetch_silence_s_max: float = FETCH_SILENCE_S_MAX,
    ) -> None:
        self.directory = Path(directory).absolute()
        self._settings = UserSettings(user_directory)
        self._store = ObjectStore(self.directory)
        self._lines = LineMerge(self.plumbing, self._store)
        self._refs = RefStore(self.directory)
        self._remote = RemoteGit(
            self.directory,
            url=self._settings.absolute_url(remote_url),
            settings=self._settings,
            refs=self._refs,
            fetch_silence_s_max=fetch_silence_s_max,
        )
        self._ancestry: OrderedDict[tuple[Oid, Oid], None] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes that read objects and move refs; the next call starts another one."""
        self._store.close()
        self._refs.close()

    def interrupt(self) -> None:
        """Ends what waits for the remote: an interrupted push is one whose answer was lost."""
        self._remote.interrupt()

    def plumbing(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        timeout_s_max: float = LOCAL_S_MAX,
    ) -> Finished:
        """Runs one hermetic git command in the repository; `environment` is added to the scrubbed one."""
        return run(
            arguments,
            repository=self.directory,
            environment=hermetic_environment(environment),
            stdin=stdin,
            timeout_s_max=timeout_s_max,
        )

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns (type, content) of an object. Raises MissingObject."""
        return self._store.read(oid)

    def write(self, kind: Literal["blob", "tree"], content: bytes) -> Oid:
        """Stores an object, synced to disk."""
        return self._store.write(kind, content)

    def commit(
        self,
        *,
        tree: Oid,
        parents: Sequence[Oid],
        message: str,
        author: Signature,
        committer: Signature,
        sign: bool,
    ) -> Oid:
        """Makes a commit object; signs with the user's own git settings. Raises RepositoryError."""
        if not sign:
            plain = git_commits.made(
                self._store,
                tree=tree,
                parents=parents,
                message=message,
                author=author,
                committer=committer,
            )
            if plain is not None:
                return plain
        who = {**_identity("AUTHOR", author), **_identity("COMMITTER", committer)}
        environment = hermetic_environment(who)
        if sign:
            environment = with_settings(user_environment(who), self._settings.for_signing())
        finished = run(
            [
                "commit-tree",
                *(["-S"] if sign else []),
                tree,
                *[part for parent in parents for part in ("-p", parent)],
            ],
            repository=self.directory,
            environment=environment,
            stdin=message.encode("utf-8", "replace"),
            timeout_s_max=_SIGN_S_MAX if sign else LOCAL_S_MAX,
        )
        oid = finished.out.decode().strip()
        if finished.code == 0 and re.fullmatch(r"[0-9a-f]{40}", oid):
            return Oid(oid)
        what = "signed" if sign else "made"
        raise RepositoryError(
            f"a commit could not be {what}: {finished.last_line}",
            hint="check user.signingKey and gpg.format, or set [commit] sign = false"
            if sign
            else "check [commit] name and email",
        )

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        """Tells whether commit `old` is `new` or in its history; False when either is not here."""
        if (old, new) in self._ancestry or git_commits.is_near(self._store, old, new):
            return True
        finished = self.plumbing("merge-base", "--is-ancestor", old, new)
        if finished.code == 0:
            self._ancestry[(old, new)] = None
            if len(self._ancestry) > _ANCESTRY_MAX:
                self._ancestry.popitem(last=False)
            return True
        if finished.code == 1 or is_missing(finished.said):
            return False
        raise failed("ancestry could not be read", finished)

    def merge_trees(self, base: Oid, ours: Oid, theirs: Oid) -> Oid | tuple[RepoPath, ...]:
        """Returns the merged tree, or the paths in conflict. Raises RepositoryError."""
        if theirs in (base, ours):
            return ours
        if base == ours:
            return theirs
        merge = TreeMerge(
            read=self._read_tree,
            write=lambda content: self._store.write("tree", content),
            merge_files=self._lines.merged_files,
        )
        return merge.result(base, ours, theirs)

    def merge_lines(self, base: bytes, ours: bytes, theirs: bytes) -> bytes:
        """Returns three texts merged, with marks where both sides changed the same lines."""
        return self._lines.merged_text(base, ours, theirs)

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        """Returns what differs between two trees, file by file, without renames, sorted by path."""
        if before == after:
            return ()
        finished = self.plumbing(
            "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", before, after
        )
        if finished.code != 0:
            raise failed("two trees could not be compared", finished)
        fields = finished.out.decode("utf-8", "surrogateescape").split("\0")
        return tuple(
            _change(head, path) for head, path in zip(fields[::2], fields[1::2], strict=False)
        )

    def log(
        self, since: Oid | None, tip: Oid, *, count_max: int | None = None
    ) -> Sequence[tuple[Oid, str]]:
        """Returns (commit, message) along first parents, `since` exclusive, oldest first."""
        near = git_commits.log(self._store, since, tip) if since else None
        if near is not None:
            return near if count_max is None else near[max(0, len(near) - count_max) :]
        finished = self.plumbing(
            "log",
            "--first-parent",
            "--reverse",
            "--no-show-signature",
            "--no-notes",
            "--encoding=UTF-8",
            "-z",
            "--format=tformat:%H%n%B",
            *([f"--max-count={count_max}"] if count_max is not None else []),
            tip,
            *([f"^{since}"] if since else []),
            "--",
        )
        if finished.code != 0:
            raise failed(f"the history of {tip} could not be read", finished)
        found = []
        for one in finished.out.decode("utf-8", "replace").split("\0")[:-1]:
            oid, _, message = one.partition("\n")
            found.append((Oid(oid), message))
        return found

    def refs(self, prefix: str) -> dict[str, Oid]:
        """Returns local refs below `prefix` (which ends in '/'), or the ref itself."""
        return self._refs.read(prefix)

    def set_refs(self, updates: Sequence[RefUpdate]) -> bool:
        """Moves local refs, all or none, each by compare-and-swap; False when one was elsewhere."""
        return self._refs.move(updates)

    def fetch(self, refspecs: Sequence[str], *, prune: bool) -> Unreachable | None:
        """Fetches from the remote, quietly, never prompting; a missing source ref is not an error."""
        return self._remote.fetch(refspecs, prune=prune)

    def push(self, updates: Sequence[RefUpdate], *, timeout_s_max: float) -> PushReply:
        """Pushes atomically with an explicit lease for each ref; kills its process group on timeout."""
        for update in updates:
            # git would find out only after talking to the remote, and say it in many ways
            if update.new is not None and not self._store.has(update.new):
                raise MissingObject(f"cannot push {update.new}: it is not here", hint="fetch first")
        return self._remote.push(updates, timeout_s_max=timeout_s_max)

    def _read_tree(self, oid: Oid) -> tuple[str, bytes]:
        kind, content = self._store.read(oid)
        if kind != "tree":
            raise MissingObject(f"{oid} is a {kind}, not a folder", hint="name its tree")
        return kind, content


def _identity(role: str, who: Signature) -> dict[str, str]:
    return {
        f"GIT_{role}_NAME": who.name,
        f"GIT_{role}_EMAIL": who.email,
        f"GIT_{role}_DATE": f"@{who.timestamp} +0000",
    }


def _change(head: str, path: str) -> Change:
    mode_before, mode_after, before, after, _ = head.removeprefix(":").split(" ")
    return Change(
        path=RepoPath(path),
        before=_entry(mode_before, before),
        after=_entry(mode_after, after),
    )


def _entry(mode: str, oid: str) -> Entry | None:
    return None if mode == "000000" else Entry(_MODES.get(mode, "100644"), Oid(oid))
