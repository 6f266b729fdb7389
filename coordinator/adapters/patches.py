"""A worker's patch, applied by git in a private index; what it makes is kept only when all of it may be.

git never runs in a folder that a worker could write, and there is no folder at all: the patch goes into
an index over the base tree. New objects go to a quarantine that has the real ones as an alternate. What
the resulting tree names, and nothing else, is copied out of it, after its number and sizes were looked at.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from coordinator.adapters.git import Git
from coordinator.adapters.git_command import Finished, hermetic_environment, run
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.output import RefusedEntry
from coordinator.domain.record import one_line
from coordinator.domain.screen import FILE_BYTES_MAX, FILES_MAX

PATCH_BYTES_MAX = 5_000_000
BYTES_MAX = 64_000_000  # of all that a patch makes
_APPLY_S_MAX = 60.0
_MEMORY_KIB_MAX = 2_000_000
_REASONS_MAX = 5
_REASON_CHARS_MAX = 300
# Small windows into packs, so that the bound on memory holds for what a patch makes of it.
_SETTINGS = (
    *("-c", "core.packedGitWindowSize=16m"),
    *("-c", "core.packedGitLimit=256m"),
    *("-c", "core.bigFileThreshold=16m"),
    *("-c", "apply.whitespace=nowarn"),
    *("-c", "apply.ignoreWhitespace=no"),
)


class Patches:
    """Applies patches over the private clone in `directory`, of which `git` writes the objects."""

    def __init__(self, directory: Path, git: Git) -> None:
        self._directory = directory
        self._git = git

    def applied(self, tree: Oid, patch: str) -> Oid | RefusedEntry:
        """Returns the tree that `patch` makes of `tree`, or why it makes none.

        Raises RepositoryError when the clone itself cannot be read or written.
        """
        content = patch.encode("utf-8", "surrogatepass")
        if len(content) > PATCH_BYTES_MAX:
            return _refused("too-large", f"{len(content)} bytes, over {PATCH_BYTES_MAX}")
        if not content.strip():
            return tree
        room = Path(tempfile.mkdtemp(prefix="patching-", dir=self._directory))
        try:
            quarantine = _Quarantine(self._directory, room)
            quarantine.must("read-tree", tree)
            ended = quarantine.run("apply", "--cached", "--whitespace=nowarn", "-", stdin=content)
            if ended.code != 0:
                return _refused("patch", _reason(ended))
            result = Oid(quarantine.must("write-tree").decode().strip())
            return self._migrated(quarantine, tree, result)
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def _migrated(self, quarantine: "_Quarantine", before: Oid, after: Oid) -> Oid | RefusedEntry:
        """Copies what is new in the tree out of the quarantine, unless it is too much."""
        raw = quarantine.must(
            *("diff-tree", "-r", "-t", "-z", "--raw", "--no-renames", "--no-abbrev"), before, after
        )
        heads = [field.split() for field in raw.split(b"\0")[::2] if field]
        made = [head[3].decode() for head in heads if head[1] not in (b"000000", b"160000")]
        if sum(b"040000" not in (head[0][1:], head[1]) for head in heads) > FILES_MAX:
            return _refused("too-many", f"it changes more than {FILES_MAX} paths")
        names = list(dict.fromkeys([*made, after]))
        asked = "".join(f"{name}\n" for name in names).encode()
        sizes = [
            int(line.split()[2])
            for line in quarantine.must("cat-file", "--batch-check", stdin=asked).splitlines()
        ]
        if max(sizes) > FILE_BYTES_MAX or sum(sizes) > BYTES_MAX:
            told = f"a file of {max(sizes)} bytes, {sum(sizes)} in all"
            return _refused("too-large", f"it makes {told}")
        content = quarantine.must("cat-file", "--batch", stdin=asked)
        at = 0
        for name in names:
            line_end = content.index(b"\n", at)
            _, kind, size = content[at:line_end].split()
            at = line_end + 1 + int(size)
            written = self._git.write(
                "tree" if kind == b"tree" else "blob", content[line_end + 1 : at]
            )
            at += 1
            assert written == name
        return after


class _Quarantine:
    """Runs git over an index and new objects of its own, both in `room`."""

    def __init__(self, directory: Path, room: Path) -> None:
        self._directory = directory
        (room / "objects" / "info").mkdir(parents=True)
        # A file, not the variable: there a colon in the path would end it.
        alternate = f"{directory / 'objects'}\n"
        (room / "objects" / "info" / "alternates").write_text(alternate, "utf-8")
        self._environment: Mapping[str, str] = hermetic_environment(
            {
                "GIT_INDEX_FILE": str(room / "index"),
                "GIT_OBJECT_DIRECTORY": str(room / "objects"),
                "TMPDIR": str(room),
            }
        )

    def run(self, *arguments: str, stdin: bytes = b"") -> Finished:
        return run(
            [*_SETTINGS, *arguments],
            repository=self._directory,
            environment=self._environment,
            stdin=stdin,
            timeout_s_max=_APPLY_S_MAX,
            memory_kib_max=_MEMORY_KIB_MAX,
        )

    def must(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Runs what only a broken clone, or a full disk, can make fail."""
        ended = self.run(*arguments, stdin=stdin)
        if ended.code != 0:
            raise RepositoryError(
                f"git {arguments[0]} failed over a patch: {ended.last_line}",
                hint="check that the disk is not full, and run `git fsck` in the private clone",
            )
        return ended.out


def _refused(code: str, why: str) -> RefusedEntry:
    return RefusedEntry(path="the patch", code=code, why=why)


def _reason(ended: Finished) -> str:
    """Returns what git said against a patch, on one line and without what steers a terminal."""
    if ended.code is None:
        return f"applying it took longer than {_APPLY_S_MAX:g} s"
    lines = [one_line(line)[:_REASON_CHARS_MAX] for line in ended.said.splitlines()]
    told = [line.removeprefix("error: ") for line in lines if line]
    return "; ".join(told[:_REASONS_MAX]) or "git gave no reason"
