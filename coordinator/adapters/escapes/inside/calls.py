"""System calls by name, for the two machines whose numbers we know."""

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long

# Name: number on x86_64, number on aarch64.
NUMBERS = {
    "process_vm_readv": (310, 270),
    "ptrace": (101, 117),
    "pidfd_getfd": (438, 438),
    "setns": (308, 268),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "syslog": (103, 116),
    "unshare": (272, 97),
    "clone3": (435, 435),
    "mount": (165, 40),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "mq_open": (240, 180),
    "mq_timedreceive": (243, 183),
    "mq_timedsend": (242, 182),
    "fsopen": (430, 430),
    "memfd_secret": (447, 447),
    "fanotify_init": (300, 262),
}


class Unknown(Exception):
    """Nobody here knows the number of a call on this machine."""


def call(name: str, *arguments: object) -> int:
    """Makes a system call; raises OSError as os does."""
    machine = os.uname().machine
    if machine not in ("x86_64", "aarch64"):
        raise Unknown(f"{name} on {machine}")
    number = NUMBERS[name][0 if machine == "x86_64" else 1]
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    done = int(_LIBC.syscall(ctypes.c_long(number), *given))
    if done == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return done


def library() -> ctypes.CDLL:
    """Returns the C library."""
    return _LIBC
