"""A directory target: a symlink that is switched to a whole release at once, and never back to an older one.

`<path>` points to `<path>.releases/<generation>-<short revision>/`, which holds the product tree and two files
that say what it is. A reader that follows the link sees one release or the other, never a mixture.
"""

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from coordinator.adapters.tree_files import remove_folder
from coordinator.domain.names import Oid

REVISION_FILE = ".coordinator-revision"
GENERATION_FILE = ".coordinator-generation"
_KEPT = 3
_NAME = re.compile(r"(\d+)-[0-9a-f]{12}")


class Releases:
    """The releases of one path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.with_name(path.name + ".releases")

    def revision(self) -> Oid | None:
        """Returns the revision that a reader finds through the path."""
        said = self._said(REVISION_FILE)
        return Oid(said) if said and re.fullmatch(r"[0-9a-f]{40}", said) else None

    def generation(self) -> int | None:
        """Returns the generation that a reader finds through the path."""
        said = self._said(GENERATION_FILE)
        return int(said) if said and said.isascii() and said.isdigit() else None

    def switch(
        self, revision: Oid, generation: int, *, fill: Callable[[Path], None], timeout_s_max: float
    ) -> str | None:
        """Makes `generation` the standing release, filled by `fill`; returns why not, or None.

        Repeatable: the same generation of the same revision changes nothing. Raises OSError.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if foreign := self._foreign():
            return foreign
        self.folder.mkdir(exist_ok=True)
        try:
            with FileLock(self.folder / ".lock", timeout=timeout_s_max):
                return self._switch_locked(revision, generation, fill)
        except Timeout:
            return f"another deploy holds {self.folder}/.lock"

    def _switch_locked(
        self, revision: Oid, generation: int, fill: Callable[[Path], None]
    ) -> str | None:
        standing = self.generation() or 0
        if generation < standing or (generation == standing and self.revision() != revision):
            return f"stale generation: {generation} after {standing}"
        if generation == standing:
            return None
        name = f"{generation}-{revision[:12]}"
        self._clear(unfinished=name)
        unfinished = self.folder / f".new-{name}"
        unfinished.mkdir(mode=0o755)
        fill(unfinished)
        for marker, text in ((REVISION_FILE, revision), (GENERATION_FILE, str(generation))):
            if os.path.lexists(unfinished / marker):
                remove_folder(unfinished)
                return f"the tree has a file named {marker}; rename it"
            (unfinished / marker).write_text(text + "\n")
        unfinished.rename(self.folder / name)
        self._point_to(name)
        self._clear(keep=name)
        return None

    def _point_to(self, name: str) -> None:
        link = self.folder / ".link"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(self.folder.name) / name)
        # Relative, so that the whole place can be moved or seen from inside a container.
        with contextlib.suppress(OSError):
            if not self.path.is_symlink():
                self.path.rmdir()  # an empty folder that waited for its first release
        link.replace(self.path)
        _sync(self.path.parent)

    def _foreign(self) -> str | None:
        """Returns why `path` is not ours to switch, or None."""
        hint = "move it away, or name another path in the config"
        if self.path.is_symlink():
            target = os.readlink(self.path)  # noqa: PTH115 - only its text is looked at
            if Path(target).parent.name != self.folder.name:
                return f"{self.path} is a link to {target} that no deploy made; {hint}"
        elif self.path.is_dir():
            if any(self.path.iterdir()):
                return f"{self.path} is a folder with files that no deploy made; {hint}"
        elif self.path.exists():
            return f"{self.path} is a file; {hint}"
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            return f"{self.folder} is not a folder; {hint}"
        return None

    def _clear(self, *, keep: str = "", unfinished: str = "") -> None:
        """Removes what crashes left and, after a switch to `keep`, all but the newest releases."""
        names = [entry.name for entry in self.folder.iterdir()]
        for name in names:
            if name.startswith(".new-") or name == unfinished:
                remove_folder(self.folder / name)
        if keep:
            finished = sorted((n for n in names if _NAME.fullmatch(n)), key=_generation_of)
            for name in finished[:-_KEPT]:
                if name != keep:
                    remove_folder(self.folder / name)

    def _said(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None


def _generation_of(name: str) -> int:
    return int(name.partition("-")[0])


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
