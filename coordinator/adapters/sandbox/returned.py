"""What a command left in its folder, as edits to the tree it was given, and as what no tree can hold.

The folder is hostile. Nothing in it is followed, executed or waited for: every folder and file is opened
below the descriptor of its parent, without following links and without blocking, and looked at again
once it is open. Reads are bounded. Nothing here imports the rest of the package: the module also runs
inside the process that holds the sandbox, without site-packages.
"""

import base64
import errno
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Edits = list[dict[str, Any]]
Refused = list[dict[str, str]]
Found = tuple[Edits, Refused]
Path = tuple[str, ...]

DEPTH_MAX = 128
PATH_BYTES_MAX = 2_000
REFUSED_MAX = 100
_CHUNK = 1 << 16
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_PREFIXES = ("user.overlay.", "trusted.overlay.")
# What HFS+ ignores in a name, so that ".g<ZWNJ>it" is ".git" there.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_KINDS = {
    stat.S_IFLNK: ("symlink", "a symbolic link that is new or leads elsewhere"),
    stat.S_IFIFO: ("fifo", "a named pipe"),
    stat.S_IFSOCK: ("socket", "a socket"),
    stat.S_IFBLK: ("device", "a block device"),
    stat.S_IFCHR: ("device", "a character device"),
}


def overlay_changes(upper: str, lower: str, *, files_max: int, bytes_max: int) -> Found:
    """Returns what the upper folder of an overlay changes of `lower`, and what can be no part of a tree.

    Edits have the fields of Edit (path, mode, content_b64; None deletes), refused entries those of
    RefusedEntry (path, code, why). With an entry refused for its size or number there are no edits.
    Raises OSError when one of the two folders cannot be opened.
    """
    return _changes(upper, lower, files_max=files_max, bytes_max=bytes_max, is_overlay=True)


def copy_changes(copy: str, lower: str, *, files_max: int, bytes_max: int) -> Found:
    """Returns what was changed in a whole copy of `lower`; see overlay_changes."""
    return _changes(copy, lower, files_max=files_max, bytes_max=bytes_max, is_overlay=False)


def is_git(name: str) -> bool:
    """Tells whether a name is `.git` in a spelling that some file system takes for it."""
    plain = unicodedata.normalize("NFC", _IGNORED.sub("", name)).casefold()
    parts = re.split(r"[/\\]", plain)
    return any(part.partition(":")[0].rstrip(" .") in (".git", "git~1") for part in parts)


def _changes(top: str, lower: str, *, files_max: int, bytes_max: int, is_overlay: bool) -> Found:
    with _open(top, _FOLDER) as here, _open(lower, _FOLDER) as there:
        device = os.fstat(here).st_dev
        walk = _Walk(files_max, bytes_left=bytes_max, is_overlay=is_overlay, device=device)
        try:
            walk.folder(here, there, (), is_whole=not is_overlay)
        except _TooMuch:
            walk.edits.clear()
        return walk.edits, walk.refused


class _TooMuch(Exception):
    """There is more than may come back: the rest is not looked at."""


class _Spot(NamedTuple):
    """One name in an open folder; `there` is the base's folder, when it has that name too."""

    path: Path
    here: int
    there: int | None

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def before(self) -> int:
        """Returns the mode of what the base has there; 0 when it has nothing."""
        if self.there is None:
            return 0
        return os.stat(self.name, dir_fd=self.there, follow_symlinks=False).st_mode


@dataclass(slots=True)
class _Walk:
    """One look at everything; `is_whole` says that what a folder lacks of the base's is deleted."""

    files_max: int
    bytes_left: int
    is_overlay: bool
    device: int
    edits: Edits = field(default_factory=list)
    refused: Refused = field(default_factory=list)
    seen: int = 0

    def folder(self, here: int, there: int | None, path: Path, *, is_whole: bool) -> None:
        """Looks at one open folder, of which `there` is what the base has at this place."""
        if self.is_overlay:
            is_whole = _marks(here, ("opaque",)) or is_whole
            if _marks(here, ("redirect",)):
                self._refuse(path, "overlay", "a moved folder, of which only the name is there")
        before = set() if there is None else set(_names(there))
        names = [name for name in _names(here) if name in before or self._count()]
        for name in sorted(names):
            self._entry(here, there if name in before else None, (*path, name), is_whole=is_whole)
        if is_whole and there is not None:
            for name in sorted(before.difference(names)):
                self._delete(there, (*path, name))

    def _entry(self, here: int, there: int | None, path: Path, *, is_whole: bool) -> None:
        try:
            now = os.stat(path[-1], dir_fd=here, follow_symlinks=False)
            spot = _Spot(path, here, there)
            if self.is_overlay and stat.S_ISCHR(now.st_mode) and now.st_rdev == 0:
                if there is not None:
                    self._delete(there, path)
            elif there is None and (fault := _name_fault(path)):
                self._refuse(path, *fault)
            elif stat.S_ISDIR(now.st_mode):
                self._below(spot, is_whole=is_whole)
            elif stat.S_ISREG(now.st_mode):
                with _open(spot.name, _READ, here) as opened:
                    self._file(spot, opened, os.fstat(opened))
            elif not _is_same_link(spot, now.st_mode):
                self._refuse(path, *_KINDS[stat.S_IFMT(now.st_mode)])
        except OSError as error:
            self._refuse(path, "unreadable", f"it cannot be read: {error.strerror}")

    def _below(self, spot: _Spot, *, is_whole: bool) -> None:
        if len(spot.path) >= DEPTH_MAX:
            self._refuse(spot.path, "too-deep", f"more than {DEPTH_MAX} folders deep")
            return
        was_folder = stat.S_ISDIR(spot.before)
        if spot.there is not None and not was_folder:
            self._delete(spot.there, spot.path)
        with _open(spot.name, _FOLDER, spot.here) as here:
            if os.fstat(here).st_dev != self.device:
                self._refuse(spot.path, "mount", "another file system is mounted there")
            elif was_folder:
                with _open(spot.name, _FOLDER, spot.there) as there:
                    self.folder(here, there, spot.path, is_whole=is_whole)
            else:
                self.folder(here, None, spot.path, is_whole=is_whole)

    def _file(self, spot: _Spot, opened: int, now: os.stat_result) -> None:
        if not stat.S_ISREG(now.st_mode):
            self._refuse(spot.path, "unreadable", "it changed while it was looked at")
            return
        if spot.there is not None:
            if _mode(now.st_mode) == _mode(spot.before) and _is_same_file(spot, opened):
                return
            self._count()
        if now.st_nlink != 1:
            self._refuse(spot.path, "hard-link", f"a file with {now.st_nlink} names")
        elif _mode(now.st_mode) not in ("100644", "100755"):
            self._refuse(spot.path, "mode", "a file that runs as its owner (setuid or setgid)")
        elif self.is_overlay and _marks(opened, ("redirect", "metacopy")):
            self._refuse(spot.path, "overlay", "only a part of it is there")
        else:
            os.lseek(opened, 0, os.SEEK_SET)
            fits = now.st_size <= self.bytes_left
            content = _exactly(opened, self.bytes_left + 1) if fits else b""
            self.bytes_left -= max(now.st_size, len(content))
            if self.bytes_left < 0:
                told = f"{now.st_size} bytes, {-self.bytes_left} more than may come back"
                self._refuse(spot.path, "too-large", told)
                raise _TooMuch
            self._edit(spot.path, _mode(now.st_mode), content)

    def _delete(self, there: int, path: Path) -> None:
        """Deletes what the base has at `path`, file by file."""
        if not stat.S_ISDIR(os.stat(path[-1], dir_fd=there, follow_symlinks=False).st_mode):
            self._count()
            self._edit(path, "100644", None)
            return
        with _open(path[-1], _FOLDER, there) as folder:
            for name in sorted(_names(folder)):
                self._delete(folder, (*path, name))

    def _edit(self, path: Path, mode: str, content: bytes | None) -> None:
        told = None if content is None else base64.b64encode(content).decode("ascii")
        try:
            named = os.fsencode("/".join(path)).decode("utf-8")
            self.edits.append({"path": named, "mode": mode, "content_b64": told})
        except UnicodeDecodeError:
            self._refuse(path, "unclean-name", "its name is not UTF-8")

    def _refuse(self, path: Path, code: str, why: str) -> None:
        self.refused.append({"path": _shown("/".join(path)), "code": code, "why": why})
        if len(self.refused) >= REFUSED_MAX:
            raise _TooMuch

    def _count(self) -> bool:
        """Counts one entry that is new or changed; the first one too many ends it all."""
        self.seen += 1
        if self.seen > self.files_max:
            self._refuse((), "too-many", f"more than {self.files_max} entries are new or changed")
            raise _TooMuch
        return True


@contextmanager
def _open(name: str, flags: int, folder: int | None = None) -> Iterator[int]:
    opened = os.open(name, flags, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


def _names(folder: int) -> Iterator[str]:
    with os.scandir(folder) as found:
        for entry in found:
            yield entry.name


def _name_fault(path: Path) -> tuple[str, str] | None:
    """Returns code and reason for a new name that no tree of ours may have; the screen knows more."""
    try:
        name = os.fsencode(path[-1]).decode("utf-8")
    except UnicodeDecodeError:
        return "unclean-name", "its name is not UTF-8"
    if is_git(name):
        return "protected", "git's own folder, or a name that is taken for it"
    if any(unicodedata.category(char) == "Cc" for char in name):
        return "unclean-name", "its name has control characters"
    if len(os.fsencode("/".join(path))) > PATH_BYTES_MAX:
        return "unclean-name", f"its path is over {PATH_BYTES_MAX} bytes"
    return None


def _is_same_link(spot: _Spot, mode: int) -> bool:
    if not (stat.S_ISLNK(mode) and stat.S_ISLNK(spot.before)):
        return False
    ours = os.readlink(spot.name, dir_fd=spot.here)
    return ours == os.readlink(spot.name, dir_fd=spot.there)


def _is_same_file(spot: _Spot, opened: int) -> bool:
    """Tells whether an open file has the bytes of the base's file of that name."""
    if not stat.S_ISREG(spot.before):
        return False
    with _open(spot.name, _READ, spot.there) as base:
        if os.fstat(base).st_size != os.fstat(opened).st_size:
            return False
        while (ours := _exactly(opened, _CHUNK)) == _exactly(base, _CHUNK):
            if not ours:
                return True
    return False


def _exactly(opened: int, size: int) -> bytes:
    """Returns the next `size` bytes, fewer at the end only."""
    parts = []
    while size > 0 and (chunk := os.read(opened, min(size, _CHUNK))):
        parts.append(chunk)
        size -= len(chunk)
    return b"".join(parts)


def _mode(mode: int) -> str:
    """Returns the mode in a tree: the last one is no tree's, and equals none of the base."""
    if mode & (stat.S_ISUID | stat.S_ISGID):
        return "as owner"
    return "100755" if mode & stat.S_IXUSR else "100644"


def _marks(opened: int, names: tuple[str, ...]) -> bool:
    """Tells whether the overlay has put one of these marks on an open file or folder."""
    for mark in (prefix + name for prefix in _PREFIXES for name in names):
        try:
            os.getxattr(opened, mark)
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM):
                raise
        else:
            return True
    return False


def _shown(path: str) -> str:
    """Returns a name as text that can be stored and printed, whatever bytes it is made of."""
    plain = os.fsencode(path).decode("utf-8", "backslashreplace")
    cut = plain if len(plain) <= 300 else f"{plain[:300]}..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
