"""Keeps what a command made of its work folder, for commands that come later. Standard library only, see runner.py."""

import os
import stat

from .space import Space, copy_missing


def keep(space: Space, target: str) -> str:
    """Copies what was added to the work folder into the new folder `target`, and returns "added".

    When files of the tree were changed too, what came of it holds for this tree alone: then all of the work folder
    is copied, and the answer is "whole".
    """
    os.mkdir(target, 0o755)
    if space.upper is not None and _only_adds(space.upper, space.lower):
        copy_missing(space.upper, target)
        return "added"
    if space.upper is None and _is_same(space.lower, space.work):
        copy_missing(space.work, target, absent_from=space.lower)
        return "added"
    copy_missing(space.work, target)
    return "whole"


def _only_adds(upper: str, lower: str) -> bool:
    """Tells whether the upper folder of an overlay hides and replaces nothing of the lower one."""
    with os.scandir(upper) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            below = lower + "/" + entry.name
            if stat.S_ISCHR(status.st_mode):
                return False
            if not os.path.lexists(below):
                continue
            both = stat.S_ISDIR(status.st_mode) and stat.S_ISDIR(os.lstat(below).st_mode)
            if not both or _is_new(entry.path) or not _only_adds(entry.path, below):
                return False
    return True


def _is_new(folder: str) -> bool:
    try:
        return os.getxattr(folder, "user.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False


def _is_same(lower: str, work: str) -> bool:
    """Tells whether all of `lower` is in the copy `work` as it was."""
    with os.scandir(lower) as entries:
        for entry in entries:
            here = work + "/" + entry.name
            if not os.path.lexists(here):
                return False
            old, new = entry.stat(follow_symlinks=False), os.lstat(here)
            if stat.S_IFMT(old.st_mode) != stat.S_IFMT(new.st_mode):
                return False
            if stat.S_ISDIR(old.st_mode):
                if not _is_same(entry.path, here):
                    return False
            elif stat.S_ISLNK(old.st_mode):
                if os.readlink(entry.path) != os.readlink(here):
                    return False
            elif old.st_mode != new.st_mode or _content(entry.path) != _content(here):
                return False
    return True


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        return file.read()
