"""Looks into the inbox folder without touching it: what `status` may do, whoever runs the daemon."""

import stat
from pathlib import Path

_ENDINGS = (".md", ".markdown", ".txt")  # as request_text says; that module is slow to load
_BYTES_MAX = 1_000_000
_FILES_MAX = 20_000


class FolderDropped:
    """The brief files that lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def briefs(self) -> tuple[tuple[str, bytes], ...]:
        """Returns (name without ending, content) of each, by name; links and giants are left out."""
        try:
            paths = sorted(self._folder.iterdir())[:_FILES_MAX]
        except OSError:
            return ()
        found = []
        for path in paths:
            if path.name.startswith(".") or path.suffix.lower() not in _ENDINGS:
                continue
            try:
                seen = path.lstat()
                if not stat.S_ISREG(seen.st_mode) or seen.st_size > _BYTES_MAX:
                    continue
                found.append((path.name[: -len(path.suffix)], path.read_bytes()))
            except OSError:
                continue  # taken in just now
        return tuple(found)
