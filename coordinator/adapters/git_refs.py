"""Refs of one bare repository: read from their files, moved by a long-lived `update-ref` in one transaction.

Reading them in-process costs microseconds instead of a process; every tick reads refs many times.
Right because a ref file is replaced as a whole, and because loose ones are read before packed ones,
as git does it; any other ref store is asked through git.
"""

import os
import re
import subprocess
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from coordinator.adapters.git import RefUpdate
from coordinator.adapters.git_command import LOCAL_S_MAX, Finished, run
from coordinator.adapters.git_standing import StandingGit
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import ZERO, Oid

_OID = re.compile(r"[0-9a-f]{40}")
_ELSEWHERE = re.compile(
    r"cannot lock ref|reference already exists|cannot process .* at the same time"
)
_UNWRITABLE = re.compile(r"Unable to create '.*': (?!File exists)")
_STARTED, _COMMITTED = b"start: ok\n", b"commit: ok\n"
_MOVES_MAX = 500  # it remembers every commit that it was told of


class RefStore:
    """Reads and moves local refs; safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._silence_s_max = LOCAL_S_MAX
        self._files = not (directory / "reftable").exists()
        self._lock = threading.Lock()
        self._mover = StandingGit(
            directory, "update-ref", "--no-deref", "--stdin", "-z", errors=subprocess.STDOUT
        )
        self._moves = 0
        self._packed: tuple[tuple[int, int, int], dict[str, Oid]] = ((0, 0, 0), {})

    def read(self, prefix: str) -> dict[str, Oid]:
        """Returns the refs below `prefix` (which ends in '/'), or the ref itself, sorted by name."""
        if not self._files:
            return self._asked(prefix)
        if not prefix.endswith("/"):
            oid = _ref_file(self._directory / prefix) or self._packed_refs().get(prefix)
            return {prefix: oid} if oid else {}
        loose = dict(self._loose(prefix))
        packed = {name: oid for name, oid in self._packed_refs().items() if name.startswith(prefix)}
        return dict(sorted({**packed, **loose}.items()))

    def move(self, updates: Sequence[RefUpdate]) -> bool:
        """Moves refs, all or none, each by compare-and-swap; False when one was elsewhere."""
        if not updates:
            return True
        refused = self._refused(b"".join(_line(update) for update in updates))
        if refused is None:
            return True
        if _ELSEWHERE.search(refused.said) and not _UNWRITABLE.search(refused.said):
            return False
        if "nonexistent object" in refused.said:
            raise MissingObject(f"a ref cannot be set: {refused.last_line}", hint="fetch again")
        raise RepositoryError(
            f"refs of {self._directory} could not be moved: {refused.last_line}",
            hint="check that the disk is not full and that the folder is yours",
        )

    def close(self) -> None:
        """Ends the process that moves refs; the next move starts another one."""
        with self._lock:
            self._mover.end()

    def _refused(self, lines: bytes) -> Finished | None:
        """Runs one transaction; returns how git ended when it was not committed, None when it was."""
        with self._lock:
            self._moves += 1
            if self._moves % _MOVES_MAX == 0 or not (self._directory / "HEAD").exists():
                self._mover.end()  # where the repository was deleted, it would make a part of it anew
            self._mover.pipes()
            orders = b"start\0" + lines + b"commit\0"
            told = self._mover.tell(orders, within_s=self._silence_s_max)
            heard = self._mover.answers(_COMMITTED, within_s=self._silence_s_max if told else 0.0)
            if heard.endswith(_COMMITTED):
                return None
            code = self._mover.end()
            said = heard.removeprefix(_STARTED).decode("utf-8", "replace")
            return Finished(code=code, out=b"", said=said or f"git did not finish (code {code})")

    def _loose(self, prefix: str) -> Iterable[tuple[str, Oid]]:
        folders = [prefix.rstrip("/")]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._directory / folder) as entries:
                    found = [(f"{folder}/{entry.name}", entry.is_dir()) for entry in entries]
            except (FileNotFoundError, NotADirectoryError):
                continue
            for name, is_folder in found:
                if is_folder:
                    folders.append(name)
                elif not name.endswith(".lock") and (oid := _ref_file(self._directory / name)):
                    yield name, oid

    def _packed_refs(self) -> dict[str, Oid]:
        path = self._directory / "packed-refs"
        try:
            seen = path.stat()
        except FileNotFoundError:
            return {}
        key = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if self._packed[0] != key:
            lines = path.read_text("utf-8", "surrogateescape").splitlines()
            pairs = [line.split(" ", 1) for line in lines if line and line[0] not in "#^"]
            self._packed = (key, {name: Oid(oid) for oid, name in pairs})
        return self._packed[1]

    def _asked(self, prefix: str) -> dict[str, Oid]:
        finished = run(
            ["for-each-ref", "--format=%(objectname) %(refname)", prefix],
            repository=self._directory,
        )
        if finished.code != 0:
            raise RepositoryError(f"refs could not be read: {finished.last_line}")
        pairs = (
            line.split(" ", 1)
            for line in finished.out.decode("utf-8", "surrogateescape").splitlines()
        )
        return {name: Oid(oid) for oid, name in pairs if prefix.endswith("/") or name == prefix}


def _line(update: RefUpdate) -> bytes:
    ref = update.ref.encode("utf-8", "surrogateescape")
    expected = (update.expected or ZERO).encode()
    if update.new is not None:
        return b"update " + ref + b"\0" + update.new.encode() + b"\0" + expected + b"\0"
    if update.expected is None:
        return b"verify " + ref + b"\0" + expected + b"\0"
    return b"delete " + ref + b"\0" + expected + b"\0"


def _ref_file(path: Path) -> Oid | None:
    try:
        text = path.read_text("ascii", "replace").strip()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    return Oid(text) if _OID.fullmatch(text) else None
