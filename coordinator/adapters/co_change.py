"""Reads from git what each commit touched, and remembers it by commit: what a commit did never changes.

Remembering is only for speed. Every call lists the newest commits anew and asks git about those that are
not known yet, so that what was learned step by step is what would be learned from scratch.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.reading import FileMemo
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.together import COMMITS_MAX, PATHS_MAX, Touched

FORMAT = 1
RENAMES_MAX = 1_000  # of one commit
SECONDS_MAX = 20.0  # then the newest that are known by now are what there is
_CHUNK = 500
_NAME = "co-change"
_OID = re.compile(r"[0-9a-f]{40}")


class GitCoChange:
    """CoChange over one git directory (see ports.CoChange)."""

    def __init__(
        self,
        git: GitProcess,
        memo: FileMemo,
        *,
        commits_max: int = COMMITS_MAX,
        seconds_max: float = SECONDS_MAX,
    ) -> None:
        self._git = git
        self._memo = memo
        self._commits_max = commits_max
        self._seconds_max = seconds_max

    def touched(self, tip: Oid) -> Sequence[Touched]:
        """Returns the newest commits that lead to `tip`, newest first, without merges; bounded."""
        until_s = time.monotonic() + self._seconds_max
        wanted = self._listed(tip)
        known = self._known()
        missing = [oid for oid in wanted if oid not in known]
        for start in range(0, len(missing), _CHUNK):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            found = self._asked(missing[start : start + _CHUNK], seconds_max=left_s)
            if found is None:
                break
            known.update(found)
        kept = [known[oid] for oid in wanted if oid in known]
        if missing and kept:
            self._keep(kept)
        return kept

    def _listed(self, tip: Oid) -> list[Oid]:
        finished = self._git.plumbing(
            "rev-list", "--no-merges", "--date-order", f"--max-count={self._commits_max}", tip, "--"
        )
        if finished.code != 0:
            raise RepositoryError(
                f"the history of {tip} could not be read: {finished.last_line}",
                hint="is this a whole clone? `git fsck` tells",
            )
        return [Oid(oid) for oid in finished.out.decode().split()]

    def _asked(self, commits: Sequence[Oid], *, seconds_max: float) -> dict[Oid, Touched] | None:
        """Returns what each commit touched; None when git did not say it in time."""
        finished = self._git.plumbing(
            # Only renames of a file as it was: finding those takes no content.
            *("diff-tree", "--stdin", "--root", "-r", "-z", "--name-status", "-M100%", "-l0"),
            stdin="".join(f"{oid}\n" for oid in commits).encode(),
            timeout_s_max=seconds_max,
        )
        if finished.code != 0:
            return None
        said = {oid: Touched(oid, ()) for oid in commits}  # an empty commit is not named at all
        said.update((one.commit, one) for one in _parsed(finished.out))
        return said

    def _known(self) -> dict[Oid, Touched]:
        said = self._memo.load(_NAME)
        rows = said.get("commits") if said.get("format") == FORMAT else None
        if not isinstance(rows, Mapping):
            return {}
        try:
            return {Oid(oid): _loaded(Oid(oid), row) for oid, row in rows.items()}
        except (TypeError, ValueError):
            return {}  # not what was saved: it is learned again

    def _keep(self, kept: Sequence[Touched]) -> None:
        rows = {one.commit: [list(one.paths), [list(two) for two in one.renamed]] for one in kept}
        self._memo.save(_NAME, {"format": FORMAT, "commits": rows})


def _loaded(oid: Oid, row: Any) -> Touched:
    paths, renamed = row
    return Touched(
        oid, tuple(str(path) for path in paths), tuple((str(old), str(new)) for old, new in renamed)
    )


def _parsed(out: bytes) -> Iterator[Touched]:
    """Yields what `diff-tree --stdin -z --name-status` says: an oid, then its lines field by field."""
    fields = iter(out.decode("utf-8", "surrogateescape").split("\0"))
    oid, paths, renamed = None, list[str](), list[tuple[str, str]]()
    for field in fields:
        word = field.lstrip("\n")
        if _OID.fullmatch(word):
            if oid is not None:
                yield _bounded(oid, paths, renamed)
            oid, paths, renamed = Oid(word), [], []
        elif word.startswith(("R", "C")):
            old, new = next(fields), next(fields)
            paths.append(new)
            if word.startswith("R"):
                renamed.append((old, new))
        elif word:
            paths.append(next(fields))
    if oid is not None:
        yield _bounded(oid, paths, renamed)


def _bounded(oid: Oid, paths: list[str], renamed: list[tuple[str, str]]) -> Touched:
    # One more than counts: that tells a sweep from a commit that is as large as may be.
    return Touched(oid, tuple(paths[: PATHS_MAX + 1]), tuple(renamed[:RENAMES_MAX]))
