import errno
import struct

import pytest

from coordinator.adapters.sandbox import seccomp

ALLOWED, KILLED = 0x7FFF_0000, 0x8000_0000
MACHINES = {"x86_64": (seccomp.X86_64, 0), "aarch64": (seccomp.AARCH64, 1)}
CALLS = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "unshare": (272, 97),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "ioctl": (16, 29),
    "read": (0, 63),
    "write": (1, 64),
    "openat": (257, 56),
    "execve": (59, 221),
    "memfd_create": (319, 279),
}


def judged(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Returns what the filter answers to a call, as the kernel would work it out."""
    program = seccomp.program(machine)
    assert program is not None
    lines = list(struct.iter_unpack("=HBBI", program))
    about = struct.pack(
        "=IIQ6Q",
        number,
        MACHINES[machine][0] if architecture is None else architecture,
        0,
        *(arguments + (0,) * 6)[:6],
    )
    value, at = 0, 0
    while True:
        code, skip_if, skip_else, constant = lines[at]
        at += 1
        if code == 0x06:
            return int(constant)
        if code == 0x20:
            value = struct.unpack_from("=I", about, constant)[0]
            continue
        held = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}
        at += skip_if if held[code] else skip_else


def refused(answer: int) -> int | None:
    """Returns the error number that a call gets, or None when it is let through."""
    if answer == ALLOWED:
        return None
    assert answer & 0xFFFF_0000 == 0x0005_0000
    return answer & 0xFFFF


def call(machine: str, name: str, *arguments: int) -> int | None:
    return refused(judged(machine, CALLS[name][MACHINES[machine][1]], *arguments))


machines = pytest.mark.parametrize("machine", MACHINES)


@machines
@pytest.mark.parametrize("name", seccomp.DENIED)
def test_a_dangerous_call_is_refused(machine: str, name: str) -> None:
    number = seccomp.DENIED[name][MACHINES[machine][1]]
    if number is not None:
        assert refused(judged(machine, number)) == errno.EPERM


@machines
@pytest.mark.parametrize("name", ["read", "write", "openat", "execve", "memfd_create"])
def test_an_ordinary_call_is_let_through(machine: str, name: str) -> None:
    assert call(machine, name) is None


@machines
def test_processes_and_threads_can_be_made_but_no_namespaces(machine: str) -> None:
    assert call(machine, "clone", 17) is None  # fork
    assert call(machine, "clone", 0x3D0F00) is None  # a thread
    assert call(machine, "unshare", 0x400) is None  # CLONE_FILES
    assert call(machine, "clone3") == errno.ENOSYS
    for flag in (
        0x80,
        0x20000,
        0x2000000,
        0x4000000,
        0x8000000,
        0x10000000,
        0x20000000,
        0x40000000,
    ):
        assert call(machine, "unshare", flag) == errno.EPERM
        if flag != 0x80:  # the low byte of clone's flags is a signal
            assert call(machine, "clone", flag | 17) == errno.EPERM


@machines
def test_sockets_are_of_three_families(machine: str) -> None:
    for name in ("socket", "socketpair"):
        assert [call(machine, name, family) for family in (1, 2, 10)] == [None, None, None]
        assert {call(machine, name, f) for f in range(46) if f not in (1, 2, 10)} == {errno.EPERM}


@machines
def test_nobody_types_into_a_terminal_for_its_user(machine: str) -> None:
    assert call(machine, "ioctl", 0, 0x5412) == errno.EPERM
    assert call(machine, "ioctl", 0, 0x541C) == errno.EPERM
    assert (
        call(machine, "ioctl", 0, 0xFFFF_FFFF_0000_5412) == errno.EPERM
    )  # the kernel looks at 32 bits
    assert call(machine, "ioctl", 0, 0x5413) is None


def test_calls_of_another_machine_are_never_answered() -> None:
    assert judged("x86_64", 0, architecture=0x4000_0003) == KILLED  # i386
    assert judged("aarch64", 0, architecture=0x4000_0028) == KILLED  # 32-bit arm
    assert refused(judged("x86_64", 0x4000_0000)) == errno.ENOSYS  # x32
    assert refused(judged("x86_64", 0x4000_0000 | 321)) == errno.ENOSYS
    assert seccomp.program("riscv64") is None
