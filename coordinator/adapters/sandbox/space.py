"""The folders of one command: a small disk of its own in memory, and its view of the tree on it.

Where nothing can be mounted they are plain folders and a copy. Standard library only, see runner.py.
"""

import os
import stat

from . import kernel

_FOLDERS = ("work", "in", "out", "home", "tmp", "shm", "proc", "etc", "upper", "changes", "empty")
_INODES_OF_OURS = 128


class Space:
    """Where everything is. `upper` holds what was changed in an overlay; it is None for a copy."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.work = root + "/work"
        self.lower = root + "/empty"
        self.upper: str | None = None
        self.is_mounted = False

    def path(self, name: str) -> str:
        """Returns the folder called `name`."""
        return self.root + "/" + name


def on_a_disk_of_its_own(spec: dict) -> Space:  # type: ignore[type-arg]
    """Mounts a bounded disk in memory over the folder of the place, and the view of the tree on it."""
    space = Space(spec["mountpoint"])
    disk, files = spec["disk_bytes_max"], spec["files_max"] + _INODES_OF_OURS
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", space.root, "tmpfs", flags, f"size={disk},nr_inodes={files},mode=0755")
    os.chdir(space.root)
    _furnish(spec)
    lowers = _lowers(spec)
    space.lower = space.path(lowers[0])
    try:
        if spec["isolation"] == "copy":
            raise OSError("a copy is wanted")  # noqa: TRY301 - one way out to the copy
        if spec["access"] != "read":
            # Before Linux 6.6 such a disk cannot say that a folder was made anew.
            os.setxattr("upper", "user.probe", b"y")
            os.removexattr("upper", "user.probe")
        _overlay(space, lowers, spec["access"])
    except OSError:
        if spec["isolation"] == "overlay":
            raise
        if spec["access"] == "read" and len(lowers) == 1:
            kernel.mount(space.lower, space.work, None, kernel.MS_BIND | kernel.MS_REC)
            space.is_mounted = True
        else:
            total = disk + sum(_bytes(name) for name in lowers)
            kernel.mount("tmpfs", space.root, None, kernel.MS_REMOUNT | flags, f"size={total}")
            _copy(space, lowers)
    return space


def on_the_disk(spec: dict) -> Space:  # type: ignore[type-arg]
    """Makes plain folders in the place, with a copy of the tree."""
    space = Space(spec["place"])
    os.chdir(space.root)
    _furnish(spec)
    trees = [spec["tree"]] if spec["tree"] else []
    space.lower = spec["tree"] or space.lower
    _copy(space, [*trees, *spec["layers"]])
    return space


def _furnish(spec: dict) -> None:  # type: ignore[type-arg]
    for name in _FOLDERS:
        os.mkdir(name, 0o755)
    os.chmod("tmp", 0o1777)  # noqa: S103 - as /tmp is everywhere
    os.chmod("shm", 0o1777)  # noqa: S103 - as /dev/shm is everywhere
    _put("stdin", spec["stdin"], 0o400)
    for name, content in spec["files"].items():
        os.makedirs(os.path.dirname("in/" + name), exist_ok=True)
        _put("in/" + name, content, 0o444)


def _put(path: str, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        file.write(content)


def _lowers(spec: dict) -> list[str]:  # type: ignore[type-arg]
    """Shows the tree and its layers under short names: the options of a mount have no room for others."""
    names = []
    for number, source in enumerate([spec["tree"], *spec["layers"]]):
        if source is None:
            names.append("empty")
            continue
        name = f"lower{number}"
        os.mkdir(name)
        kernel.mount(source, name, None, kernel.MS_BIND | kernel.MS_REC)
        names.append(name)
    return names


def _overlay(space: Space, lowers: list[str], access: str) -> None:
    options = "userxattr,lowerdir=" + ":".join(lowers)
    if access == "read":
        if len(lowers) == 1:
            kernel.mount(space.lower, space.work, None, kernel.MS_BIND | kernel.MS_REC)
        else:
            kernel.mount("overlay", "work", "overlay", kernel.MS_RDONLY, options)
    else:
        options += ",upperdir=upper,workdir=changes"
        kernel.mount("overlay", "work", "overlay", 0, options)
        space.upper = space.path("upper")
    space.is_mounted = True


def _copy(space: Space, sources: list[str]) -> None:
    """Copies what is there; what an earlier source has, a later one does not replace."""
    for source in sources:
        copy_missing(source, space.work)


def copy_missing(source: str, target: str, *, absent_from: str | None = None) -> None:
    """Copies files, folders and links of `source` into the folder `target`; follows no link.

    What is in `target` already stays; files and links that `absent_from` has too are left out.
    """
    with os.scandir(source) as entries:
        for entry in entries:
            here, there = entry.path, target + "/" + entry.name
            known = absent_from + "/" + entry.name if absent_from is not None else None
            if known is not None and not os.path.lexists(known):
                known = None
            status = entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                if not os.path.lexists(there):
                    os.mkdir(there)
                elif not stat.S_ISDIR(os.lstat(there).st_mode):
                    continue
                copy_missing(here, there, absent_from=known)
                os.chmod(there, stat.S_IMODE(status.st_mode) | 0o700)
            elif known is not None or os.path.lexists(there):
                continue
            elif entry.is_symlink():
                os.symlink(os.readlink(here), there)
            elif entry.is_file(follow_symlinks=False):
                _copy_file(here, there, status)


def _copy_file(source: str, target: str, status: os.stat_result) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(reading, "rb") as old:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(writing, "wb") as new:
            while chunk := old.read(1 << 20):
                new.write(chunk)
            new.flush()
            os.fchmod(writing, stat.S_IMODE(status.st_mode) & 0o777 | 0o400)
            os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))


def _bytes(folder: str) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += _bytes(entry.path) + 4096
            else:
                total += (entry.stat(follow_symlinks=False).st_size // 4096 + 1) * 4096
    return total


def collect(folder: str, bytes_max: int) -> dict[str, bytes]:
    """Returns the regular files directly in `folder`, by name, until there are too many bytes."""
    found: dict[str, bytes] = {}
    for name in sorted(os.listdir(folder)):
        path = folder + "/" + name
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            name.encode()
            descriptor = os.open(path, flags)
        except (OSError, UnicodeError):
            continue
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_size > bytes_max:
            os.close(descriptor)
            continue
        with open(descriptor, "rb") as file:
            found[name] = file.read(status.st_size)
            bytes_max -= len(found[name])
    return found
