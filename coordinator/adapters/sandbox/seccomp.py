"""The system calls that no confined command may make, as a filter for the kernel.

Assembled here because a library for it would be one more thing to install, and the filter is a list.
Standard library only: it runs in the runner, see runner.py.
"""

import errno
import struct

X86_64, AARCH64 = 0xC000_003E, 0xC000_00B7
ARCHITECTURES = {"x86_64": X86_64, "aarch64": AARCH64}

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_X32 = 0x4000_0000
_NAMESPACES = 0x7E02_0080
_FAMILIES = (1, 2, 10)  # UNIX, INET, INET6; NETLINK is not missed: getaddrinfo goes on without
_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX

# Name: number on x86_64, number on aarch64 (None: it is not there).
DENIED: dict[str, tuple[int | None, int | None]] = {
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "create_module": (174, None),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "fanotify_init": (300, 262),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "_sysctl": (156, None),
}

_CLONE, _CLONE3, _UNSHARE = (56, 220), (435, 435), (272, 97)
_SOCKET, _SOCKETPAIR, _IOCTL = (41, 198), (53, 199), (16, 29)


def program(machine: str) -> bytes | None:
    """Returns the filter for `machine` (as os.uname says it), or None when it is not known here."""
    architecture = ARCHITECTURES.get(machine)
    if architecture is None:
        return None
    column = 0 if architecture == X86_64 else 1
    lines = [
        _line(_LOAD, value=_ARCHITECTURE),
        _line(_EQUAL, skip_if=1, value=architecture),
        _line(_RETURN, value=_KILL),  # a program for another machine: its numbers mean other calls
        _line(_LOAD, value=_NUMBER),
    ]
    if architecture == X86_64:
        lines += [_line(_AT_LEAST, skip_else=1, value=_X32), _error(errno.ENOSYS)]
    for numbers in DENIED.values():
        number = numbers[column]
        if number is not None:
            lines += [_line(_EQUAL, skip_else=1, value=number), _error(errno.EPERM)]
    # The flags of clone3 are out of a filter's reach; without it the C library uses clone.
    lines += [_line(_EQUAL, skip_else=1, value=_CLONE3[column]), _error(errno.ENOSYS)]
    for call in (_CLONE, _UNSHARE):
        lines += _when(call[column], 0, [_line(_ANY_BIT, skip_else=1, value=_NAMESPACES)])
    for call in (_SOCKET, _SOCKETPAIR):
        known = [
            _line(_EQUAL, skip_if=len(_FAMILIES) - n, value=f) for n, f in enumerate(_FAMILIES)
        ]
        lines += _when(call[column], 0, known)
    terminal = [_line(_EQUAL, skip_if=1, value=_TERMINAL[0])]
    terminal += [_line(_EQUAL, skip_else=1, value=_TERMINAL[1])]
    lines += _when(_IOCTL[column], 1, terminal)
    lines.append(_line(_RETURN, value=_ALLOW))
    return b"".join(lines)


def _when(number: int, argument: int, tests: list[bytes]) -> list[bytes]:
    """Returns lines for one call: `tests` of an argument, then the refusal that they may skip, then yes."""
    body = [_line(_LOAD, value=_ARGUMENTS + 8 * argument), *tests, _error(errno.EPERM)]
    body.append(_line(_RETURN, value=_ALLOW))
    return [_line(_EQUAL, skip_else=len(body), value=number), *body]


def _error(number: int) -> bytes:
    return _line(_RETURN, value=_ERROR | number)


def _line(code: int, *, skip_if: int = 0, skip_else: int = 0, value: int) -> bytes:
    return struct.pack("=HBBI", code, skip_if, skip_else, value)
