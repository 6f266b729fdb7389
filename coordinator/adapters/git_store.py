"""Objects of one bare repository, in-process: a long-lived `cat-file` reads, loose files are written and synced.

Written here and not by gitdb, which renames an object into place without ever syncing it (4.0.12, seen
with strace): after a power loss a ref could then name an empty file.
"""

import hashlib
import os
import tempfile
import threading
import zlib
from pathlib import Path

from coordinator.adapters.git_command import LOCAL_S_MAX
from coordinator.adapters.git_standing import StandingGit
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import Oid


class ObjectStore:
    """Reads and writes objects; safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._objects = directory / "objects"
        self._lock = threading.Lock()
        self._reader = StandingGit(directory, "cat-file", "--batch-command")
        self._silence_s_max = LOCAL_S_MAX

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns (type, content). Raises MissingObject."""
        found = self._ask("contents", oid)
        if found is None:
            raise MissingObject(
                f"object {oid} is not in {self._directory}",
                hint="fetch again; if it stays, run `git fsck` there",
            )
        return found

    def has(self, oid: Oid) -> bool:
        """Tells whether an object is here, loose or packed."""
        return self._loose(oid).exists() or self._ask("info", oid) is not None

    def kind(self, oid: Oid) -> str | None:
        """Returns the type of an object, None when it is not here."""
        found = self._ask("info", oid)
        return found[0] if found else None

    def write(self, kind: str, content: bytes) -> Oid:
        """Stores an object, synced to disk before it gets its name; nothing when it is here."""
        whole = f"{kind} {len(content)}".encode() + b"\0" + content
        oid = Oid(hashlib.sha1(whole, usedforsecurity=False).hexdigest())
        if not self.has(oid):
            try:
                self._put(self._loose(oid), zlib.compress(whole, 1))
            except OSError as error:
                raise RepositoryError(
                    f"{self._objects} cannot be written: {error.strerror}",
                    hint="free some disk space, and check that the folder is yours",
                ) from error
        return oid

    def close(self) -> None:
        """Ends the reading process."""
        with self._lock:
            self._reader.end()

    def _loose(self, oid: Oid) -> Path:
        return self._objects / oid[:2] / oid[2:]

    def _put(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # git itself prunes old files of this name
        descriptor, temporary = tempfile.mkstemp(prefix="tmp_obj_", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o444)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _ask(self, what: str, oid: Oid) -> tuple[str, bytes] | None:
        if len(oid) != 40 or not all(c in "0123456789abcdef" for c in oid):
            return None
        with self._lock:
            for last in (False, True):
                try:
                    return self._answer(what, oid)
                except (OSError, EOFError, ValueError) as error:
                    # It died, or was killed; a second one that dies at the same question will not do.
                    self._reader.end()
                    if last:
                        raise RepositoryError(
                            f"reading {oid} from {self._directory} failed: {error}",
                            hint="run `git fsck` there; a damaged .orchestrator/run may be "
                            "deleted while no daemon runs, and is made anew",
                        ) from error
        raise AssertionError("unreachable")

    def _answer(self, what: str, oid: Oid) -> tuple[str, bytes] | None:
        questions, answers = self._reader.pipes()
        questions.write(f"{what} {oid}\n".encode())
        questions.flush()
        if not self._reader.has_answered(within_s=self._silence_s_max):
            raise EOFError("cat-file does not answer")
        head = answers.readline().split()
        if len(head) == 2 and head[1] == b"missing":
            return None
        if len(head) != 3:
            raise EOFError(f"cat-file ended (said {head!r})")
        if what == "info":
            return head[1].decode(), b""
        size = int(head[2])
        content = answers.read(size)
        if len(content) != size or answers.read(1) != b"\n":
            raise EOFError("cat-file ended in the middle of an object")
        return head[1].decode(), content
