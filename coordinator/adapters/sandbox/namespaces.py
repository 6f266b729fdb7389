"""Namespaces of the runner's own, in which it may mount. Standard library only, see runner.py."""

import os

from . import kernel

_HINT = (
    "let ordinary users make user namespaces (sysctl kernel.unprivileged_userns_clone, "
    "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns; in a container: "
    'its seccomp profile), or set `[confinement] checks = "none"` and `confinement: none` knowingly'
)


def enter(extra: int) -> None:
    """Moves this process to a user and a mount namespace of its own, and to those of `extra`.

    It is root there, and nobody but itself outside. Raises Missing when that is not allowed here.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | extra)
        become(0, 0, user, group)
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    except OSError as error:
        raise kernel.Missing(f"no user namespace can be made here ({error})", _HINT) from None


def enter_mounts() -> bool:
    """Moves this process to a mount namespace in which it may mount; False where it cannot be had."""
    try:
        if os.geteuid() == 0:  # root stays root: no user namespace is needed
            kernel.unshare(kernel.CLONE_NEWNS)
            kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        else:
            enter(0)
    except (OSError, kernel.Missing):
        return False
    return True


def become(inside_user: int, inside_group: int, user: int, group: int) -> None:
    """Says who this process is in the user namespace that it has just made."""
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inside_user} {user} 1")
    _write("/proc/self/gid_map", f"{inside_group} {group} 1")


def cap_processes(proc: str, wanted: int) -> bool:
    """Bounds the processes of this pid namespace, whose /proc is `proc`; tells whether that was possible.

    A limit of the user does not bind root. The kernel counts for each pid namespace since 6.14; before, the
    same file is one for the whole machine, which root must not lower.
    """
    if not at_least(6, 14):
        return False
    try:
        _write(proc + "/sys/kernel/pid_max", str(wanted))
    except OSError:
        return False
    return True


def at_least(major: int, minor: int) -> bool:
    """Tells whether the kernel is of this version or a later one."""
    numbers = os.uname().release.split("-")[0].split(".")
    try:
        return (int(numbers[0]), int(numbers[1])) >= (major, minor)
    except (IndexError, ValueError):
        return False


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
