"""What happened before the base commit, for workers: who wrote which line, and what a commit changed."""

import re

from coordinator.adapters.git_command import Finished
from coordinator.adapters.git_process import GitProcess
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.worker import BlamedLine, PastCommit, UnusableArgument

COMMITS_MAX = 200
BLAMED_LINES_MAX = 20_000
PATCH_BYTES_MAX = 400_000
_PATCH_FILES_MAX = 200
_SECONDS_MAX = 30.0
_OID = re.compile(r"[0-9a-f]{7,40}")
_LOGGED = "%H %ct%n%an%n%s"
# A path is a path here, whatever pathspec magic it looks like.
_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}


class GitHistory:
    """The commits that lead to `base`; no other commit of the clone is shown, whoever knows its name."""

    def __init__(self, git: GitProcess, base: Oid) -> None:
        self._git = git
        self._base = base

    def log(self, path: RepoPath, count: int) -> tuple[PastCommit, ...]:
        """Returns the newest `count` commits that touch `path` ('' is everything), newest first."""
        if not 1 <= count <= COMMITS_MAX:
            raise UnusableArgument(f"count must be from 1 to {COMMITS_MAX}, not {count}")
        finished = self._asked(
            "log",
            "--no-show-signature",
            "--no-notes",
            "--no-mailmap",
            "--encoding=UTF-8",
            "-z",
            f"--format=tformat:{_LOGGED}",
            f"--max-count={count}",
            self._base,
            "--",
            *([_plain(path)] if _plain(path) else []),
        )
        said = finished.out.decode("utf-8", "replace")
        return tuple(_commit(one) for one in said.split("\0")[:-1])

    def blame(self, path: RepoPath) -> tuple[BlamedLine, ...]:
        """Returns each line of a file that is there, with the commit that it came with."""
        finished = self._asked(
            *("blame", "--porcelain", "--no-progress", "--encoding=UTF-8"), self._base, "--", path
        )
        # Only the end of a line as git means it: a form feed or an escaped separator is text.
        lines = finished.out.decode("utf-8", "replace").split("\n")
        return tuple(_blamed(lines))

    def find(self, commit: str) -> Oid | None:
        """Returns the commit that a full or abbreviated hash names, if it is `base` or leads to it."""
        if not _OID.fullmatch(commit):
            raise UnusableArgument(f"{commit[:50]!r} is no commit: give 7 to 40 hex digits")
        finished = self._git.plumbing(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"
        )
        oid = Oid(finished.out.decode().strip())
        if finished.code != 0 or not self._git.is_ancestor(oid, self._base):
            return None
        return oid

    def patch(self, commit: Oid) -> bytes:
        """Returns the message of `commit` and what it changed, as text; a long one is cut."""
        names = self._asked(
            *("diff-tree", "-r", "-z", "--root", "--no-commit-id", "--name-only", "--no-renames"),
            *("--diff-merges=first-parent", commit),
        ).out.split(b"\0")[:-1]
        shown = [name.decode("utf-8", "surrogateescape") for name in names[:_PATCH_FILES_MAX]]
        finished = self._asked(
            # What git takes for a big file has no text in a patch: nobody waits for a gigabyte.
            *("-c", "core.bigFileThreshold=256k"),
            *("show", "--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature"),
            *(
                "--no-notes",
                "--no-mailmap",
                "--no-renames",
                "--encoding=UTF-8",
                "--date=iso-strict",
            ),
            *("--diff-merges=first-parent", "--format=commit %H%nauthor %an%ndate %cd%n%n%B"),
            *(commit, "--", *shown),
        )
        text = finished.out
        if len(text) > PATCH_BYTES_MAX:
            text = text[:PATCH_BYTES_MAX] + b"\n[the rest is left out]\n"
        if len(names) > len(shown):
            text += f"\n[{len(names) - len(shown)} more files are left out]\n".encode()
        return text

    def _asked(self, *arguments: str) -> Finished:
        finished = self._git.plumbing(*arguments, environment=_LITERAL, timeout_s_max=_SECONDS_MAX)
        if finished.code is None:
            raise UnusableArgument(f"it took longer than {_SECONDS_MAX:g} s: ask for less")
        if finished.code != 0:
            raise UnusableArgument(f"git could not tell: {finished.last_line}")
        return finished


def _plain(path: str) -> str:
    """Returns `path` as git takes it literally; '' for the whole tree."""
    return "" if path in ("", ".", "./") else path.removeprefix("./").rstrip("/")


def _commit(said: str) -> PastCommit:
    head, author, subject = said.split("\n", 2)
    oid, timestamp = head.split(" ")
    return PastCommit(oid=Oid(oid), author=author, timestamp=int(timestamp), subject=subject)


def _blamed(lines: list[str]) -> list[BlamedLine]:
    """Returns the lines of `blame --porcelain`, which tells of each commit once."""
    known: dict[str, PastCommit] = {}
    told: dict[str, str] = {}
    oid, number = "", 0
    blamed: list[BlamedLine] = []
    for line in lines:
        if line.startswith("\t"):
            if oid not in known:
                known[oid] = PastCommit(
                    oid=Oid(oid),
                    author=told.get("author", ""),
                    timestamp=int(told.get("committer-time", "0")),
                    subject=told.get("summary", ""),
                )
            text = line.removeprefix("\t").removesuffix("\r")
            blamed.append(BlamedLine(number=number, text=text, commit=known[oid]))
            told = {}
            oid = ""
        elif not oid and line:
            oid, _, last, *_ = line.split(" ")
            number = int(last)
        else:
            name, _, value = line.partition(" ")
            told[name] = value
    return blamed
