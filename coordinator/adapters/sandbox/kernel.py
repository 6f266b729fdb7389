"""System calls that Python 3.11 has no name for. Standard library only: it runs in the runner, see runner.py."""

import ctypes
import os

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 0x1000, 0x4000, 0x4_0000
MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SYS_PIDFD_SEND_SIGNAL = 424  # the same number on every machine

_LIBC = ctypes.CDLL(None, use_errno=True)


class Missing(Exception):
    """A layer cannot be had here; the second argument says what to do about it."""


def unshare(flags: int) -> None:
    """Moves this process to namespaces of its own."""
    _checked(_LIBC.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mounts; an empty `options` is none."""
    done = _LIBC.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        os.fsencode(options) if options else None,
    )
    _checked(done, f"mount {kind or source}")


def unmount(target: str) -> None:
    """Takes a mount away, now from sight and at last from memory."""
    _checked(_LIBC.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)), "umount")


def die_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def heed_signals() -> None:
    """Undoes what Python ignores (SIGPIPE, SIGXFSZ), which a program that is started would ignore too."""
    for number in (13, 25):
        _LIBC.signal(ctypes.c_int(number), None)


def signal_process(folder: int, number: int) -> None:
    """Sends a signal to the process whose folder in a /proc is open as `folder`; it may be gone."""
    _LIBC.syscall(
        ctypes.c_long(_SYS_PIDFD_SEND_SIGNAL),
        ctypes.c_int(folder),
        ctypes.c_int(number),
        None,
        ctypes.c_uint(0),
    )


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    done = _LIBC.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero)
    _checked(done, "prctl")


def _checked(done: int, what: str) -> None:
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
