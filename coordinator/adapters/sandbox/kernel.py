"""System calls that Python 3.11 has no name for. Standard library only: it runs in the runner, see runner.py."""

import os

# What ctypes is made of: all of it takes longer to load than everything else here, and this is all we need.
from _ctypes import (
    FUNCFLAG_CDECL,
    FUNCFLAG_USE_ERRNO,
    CFuncPtr,
    _SimpleCData,
    dlopen,
    dlsym,
    get_errno,
)

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 0x1000, 0x4000, 0x4_0000
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SYS_PIDFD_SEND_SIGNAL = 424  # the same number on every machine

_LIBC = dlopen(None, 0)  # type: ignore[arg-type]  # None: what this process has loaded anyway


class _Int(_SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _Long(_SimpleCData):  # type: ignore[type-arg]
    _type_ = "L"


class _Call(CFuncPtr):
    _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
    _restype_ = _Int


def _call(name: str, *arguments: _Int | _Long | bytes | None) -> int:
    return int(_Call(dlsym(_LIBC, name))(*arguments))


class Missing(Exception):
    """A layer cannot be had here; the second argument says what to do about it."""


def unshare(flags: int) -> None:
    """Moves this process to namespaces of its own."""
    _checked(_call("unshare", _Int(flags)), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mounts; an empty `options` is none."""
    done = _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        _Long(flags),
        os.fsencode(options) if options else None,
    )
    _checked(done, f"mount {kind or source}")


def die_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def heed_signals() -> None:
    """Undoes what is ignored here, which a program that is started would ignore too.

    Python ignores SIGPIPE and SIGXFSZ, a shell SIGINT and SIGQUIT of what it starts in the background, nohup SIGHUP.
    """
    for number in (1, 2, 3, 13, 15, 25):
        _call("signal", _Int(number), None)


def signal_process(folder: int, number: int) -> None:
    """Sends a signal to the process whose folder in a /proc is open as `folder`; it may be gone."""
    _call(
        "syscall",
        _Long(_SYS_PIDFD_SEND_SIGNAL),
        _Int(folder),
        _Int(number),
        None,
        _Int(0),
    )


def _prctl(option: int, value: int) -> None:
    zero = _Long(0)
    done = _call("prctl", _Int(option), _Long(value), zero, zero, zero)
    _checked(done, "prctl")


def _checked(done: int, what: str) -> None:
    if done != 0:
        number = get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
