"""Files of the inbox folder: which names count, how one is read without trust, and written whole."""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coordinator.domain.clean_path import is_git
from coordinator.domain.errors import BriefError, RepositoryError
from coordinator.domain.names import digest
from coordinator.domain.request_text import stem

_IGNORED_ENDINGS = (
    *("~", "#", ".swp", ".swo", ".tmp", ".temp", ".part", ".partial", ".bak", ".orig"),
    *(".crdownload", ".download", ".lock"),
)
_VIM_PROBE = re.compile(r"\d{4,5}\Z")  # vim writes 4913 to see whether it may, and removes it
_SAFE = re.compile(r"[^\w .@+,=()-]")
_SAFE_CHARS_MAX = 60
_SETTLED_BEFORE_S = 10  # how old a file written whole says it is, see write_new


@dataclass(frozen=True, slots=True)
class Signature:
    """What a file looked like from outside: it has not been touched while this stays the same."""

    inode: int
    size: int
    changed_ns: int
    mode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Signature":
        """Returns the signature in `status`."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode)


class ReadRefused(Exception):
    """The file is nothing that is read: `code` for programs, the message and `hint` for people."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def ignored(name: str) -> bool:
    """Tells whether `name` is a helper file of an editor, of a download or of ours."""
    if name.startswith(".") and not name.startswith("..") and not _is_git(name):
        return True
    return name.lower().endswith(_IGNORED_ENDINGS) or _VIM_PROBE.match(name) is not None


def unclean(name: str) -> str | None:
    """Returns why a file of the inbox should not be called `name`, or None."""
    if any("\ud800" <= char <= "\udfff" for char in name):
        return "its name is not UTF-8"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") for char in name):
        return "its name has control or invisible characters"
    if ".." in (name, stem(name)) or name.startswith("..") or "/" in name or "\\" in name:
        return "its name is that of another folder"
    return "its name is git's own" if _is_git(name) else None


def safe(name: str) -> str:
    """Returns a file name for `name`: itself where it is plain, else a plain part of it and a digest."""
    plain = _SAFE.sub("_", name)
    if plain == name and not name.startswith(".") and len(name) <= _SAFE_CHARS_MAX * 2:
        return name
    mark = digest(name.encode("utf-8", "surrogateescape")).removeprefix("sha256:")[:8]
    return f"{plain.lstrip('.')[:_SAFE_CHARS_MAX]}-{mark}"


def read(path: Path, seen: Signature, *, size_max: int) -> bytes | None:
    """Returns the bytes of the regular file that `seen` describes; None when it is another by now.

    Never follows a link and never waits for the other end of a FIFO. Raises ReadRefused.
    """
    _refuse_kind(seen, size_max)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ReadRefused(
                "unreadable", "it may not be read", "give the daemon's user the right to read it"
            ) from error
        return None  # gone, or swapped for a link since: the next look sees what it is now
    with os.fdopen(descriptor, "rb") as file:
        if Signature.of(os.fstat(descriptor)) != seen:
            return None
        try:
            content = file.read(size_max + 1)
        except OSError:
            return None
        if Signature.of(os.fstat(descriptor)) != seen or len(content) != seen.size:
            return None
    return content


def _refuse_kind(seen: Signature, size_max: int) -> None:
    if stat.S_ISLNK(seen.mode):
        raise ReadRefused("symlink", "it is a symbolic link", "copy the file itself into the inbox")
    if stat.S_ISDIR(seen.mode):
        raise ReadRefused(
            "directory", "it is a folder", "drop each brief as a file of its own, then remove it"
        )
    if not stat.S_ISREG(seen.mode):
        raise ReadRefused("not_a_file", "it is not a regular file", "drop a plain text file")
    if seen.size > size_max:
        raise ReadRefused(
            "too_large",
            f"it has {seen.size} bytes, more than {size_max}",
            "name large data in INPUTS as paths of the repository",
        )


def make_folder(folder: Path) -> None:
    """Makes `folder`; one that is a link is refused, because a commit could make it point anywhere."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink():
        raise RepositoryError(
            f"{folder}: it is a symbolic link", hint="make it a folder; links are not followed"
        )


def write_new(folder: Path, name: str, content: bytes) -> str:
    """Writes a new file, whole or not at all; returns its name, numbered when `name` says otherwise.

    Its time is set back: it is complete the moment it appears, so nobody needs to watch it settle.
    """
    why = unclean(name) or ("such names are ignored" if ignored(name) else None)
    if why:
        raise BriefError(f"{name!r} cannot be a file of the inbox: {why}", hint="rename the file")
    with _written(folder, content) as temporary:
        then_s = time.time() - _SETTLED_BEFORE_S
        os.utime(temporary, (then_s, then_s))
        number = 1
        while True:
            numbered = _numbered(name, number)
            if _same(folder / numbered, content) or _linked(temporary, folder / numbered):
                return numbered
            number += 1


def write_over(folder: Path, name: str, content: bytes) -> bool:
    """Writes a file of ours, whole or not at all; False when it says that already."""
    if _same(folder / name, content):
        return False
    with _written(folder, content) as temporary, disk_errors(folder):
        temporary.replace(folder / name)
        _sync_folder(folder)
    return True


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns a full disk and the like into an error that says what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise RepositoryError(
            f"{folder}: cannot write: {os.strerror(error.errno or 0)}",
            hint="free some disk space" if full else "look at the permissions of the folder",
        ) from error


@contextlib.contextmanager
def _written(folder: Path, content: bytes) -> Iterator[Path]:
    temporary = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        with disk_errors(folder), temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _linked(temporary: Path, path: Path) -> bool:
    """Gives `temporary` its name without overwriting; False when the name is taken."""
    with disk_errors(path.parent):
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            # A file system without hard links: take the name first, then fill it in one step.
            try:
                path.open("xb").close()
            except FileExistsError:
                return False
            temporary.replace(path)
        _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _same(path: Path, content: bytes) -> bool:
    try:
        status = path.lstat()
        return (
            stat.S_ISREG(status.st_mode)
            and status.st_size == len(content)
            and path.read_bytes() == content
        )
    except OSError:
        return False


def _numbered(name: str, number: int) -> str:
    if number == 1:
        return name
    bare = stem(name) or name
    return f"{bare}-{number}{name[len(bare) :]}"


def _is_git(name: str) -> bool:
    return is_git(name) or is_git(stem(name) or name)
