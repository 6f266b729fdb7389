"""Starts the command of a cell, inside bubblewrap or bare. Standard library only, see runner.py."""

import os
import resource
import sys

from . import kernel, namespaces, seccomp
from .population import LEAD
from .space import Space

USER = 1000
HOME = "/home/worker"
_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    *("alternatives", "ca-certificates", "ssl/certs", "ssl/openssl.cnf", "pki/tls/certs"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types"),
    *("protocols", "services", "magic", "fonts", "inputrc", "terminfo"),
)
_WRITTEN = {
    "passwd": f"root:x:0:0:root:/:/bin/false\nworker:x:{USER}:{USER}:worker:{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": f"root:x:0:\nworker:x:{USER}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}
_FILES_OPEN_MAX = 4096
_PIDS_RESERVED = 300  # the kernel keeps them back for its own, so no lower limit can be set


class Started:
    """A command that runs: where its output comes from, and where bubblewrap says how it went."""

    def __init__(self, pid: int, stdout: int, stderr: int, status: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.status = status


def start(spec: dict, space: Space) -> Started:  # type: ignore[type-arg]
    """Starts the command; what keeps it from starting is said on `status`."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    status_read, status_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.heed_signals()
            os.dup2(os.open(space.path("stdin"), os.O_RDONLY), 0)
            os.dup2(out_write, 1)
            os.dup2(err_write, 2)
            if spec["confinement"] == "strict":
                _confined(spec, space, status_write)
            else:
                _bare(spec, space)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must be said and end here
            os.write(status_write, f"fault: {error}".encode())
        finally:
            os._exit(127)
    for descriptor in (out_write, err_write, status_write):
        os.close(descriptor)
    return Started(pid, out_read, err_read, status_read)


def _confined(spec: dict, space: Space, status: int) -> None:  # type: ignore[type-arg]
    kernel.die_with_parent()
    if not spec["shares_processes"]:
        _own_processes(spec, space.path("proc"))
    if "limits" not in spec["without"]:
        _limit(spec, namespaces.at_least(5, 14))
    options = _options(spec, space)
    if "seccomp" not in spec["without"]:
        program = seccomp.program(os.uname().machine)
        assert program is not None  # the other side has looked
        options += ["--seccomp", str(_readable(program))]
    options += ["--json-status-fd", str(status)]
    os.set_inheritable(status, True)  # noqa: FBT003 - os has no other way
    said = _readable(b"".join(os.fsencode(option) + b"\0" for option in options))
    os.chdir("/")
    # No environment for bubblewrap: it stays readable in /proc for as long as it runs.
    argv = ["bwrap", "--args", str(said), "--", *spec["argv"]]
    os.execve(spec["bwrap"], argv, {})  # noqa: S606 - that is the job


def _own_processes(spec: dict, proc: str) -> None:  # type: ignore[type-arg]
    """Shows the processes of this namespace to the runner, and bounds them."""
    try:
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", proc, "proc", flags)
    except OSError as error:
        raise OSError(f"no /proc can be mounted ({error})") from None
    if "limits" not in spec["without"]:
        namespaces.cap_processes(proc, _PIDS_RESERVED + spec["processes_max"])


def _readable(content: bytes) -> int:
    """Returns an inherited descriptor from which `content` can be read."""
    descriptor = os.memfd_create("cell", 0)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - os has no other way
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _options(spec: dict, space: Space) -> list[str]:  # type: ignore[type-arg]
    without = spec["without"]
    shares = spec["shares_processes"]
    options = ["--unshare-user", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += [] if shares else ["--unshare-pid"]
    if spec["socket"] is None and "network" not in without:
        options.append("--unshare-net")
    if spec["disable_userns"]:
        options.append("--disable-userns")
    options += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    options += ["--uid", str(USER), "--gid", str(USER), "--hostname", "worker"]
    options += _system(space)
    # In a cell of root's the command counts as root for the files of /proc, and bubblewrap does not see to that.
    options += ["--ro-bind", "/proc", "/proc"] if shares else ["--proc", "/proc"]
    options += ["--remount-ro", "/proc"]
    options += ["--dev", "/dev", "--bind", space.path("shm"), "/dev/shm"]  # noqa: S108 - its own
    options += ["--remount-ro", "/dev", "--dir", "/run", "--dir", "/var"]
    options += ["--symlink", "../tmp", "/var/tmp", "--symlink", "../run", "/var/run"]  # noqa: S108 - its own
    options += ["--bind", space.path("tmp"), "/tmp", "--bind", space.path("home"), HOME]  # noqa: S108 - its own
    for path in spec["read"]:
        options += ["--ro-bind", path, path]
    is_writable = spec["access"] != "read" or "read-only" in without
    options += ["--ro-bind", space.path("in"), "/in", "--bind", space.path("out"), "/out"]
    options += ["--bind" if is_writable else "--ro-bind", space.work, "/work"]
    options += ["--remount-ro", "/", "--chdir", "/work"]
    environment = {"HOME": HOME, "TMPDIR": "/tmp", **spec["environment"]}  # noqa: S108 - its own
    for name, value in environment.items():
        options += ["--setenv", name, value]
    return options


def _system(space: Space) -> list[str]:
    options = ["--ro-bind", "/usr", "/usr"]
    for path in _MERGED:
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    for name, text in _WRITTEN.items():
        with open(space.path("etc/" + name), "w", encoding="ascii") as file:
            file.write(text)
        options += ["--ro-bind", space.path("etc/" + name), "/etc/" + name]
    for name in _ETC:
        if os.path.exists("/etc/" + name):
            options += ["--ro-bind", "/etc/" + name, "/etc/" + name]
    return options


def _bare(spec: dict, space: Space) -> None:  # type: ignore[type-arg]
    if sys.platform == "linux":
        kernel.die_with_parent()
    os.setsid()
    is_own_user = spec["user"] != 0 and os.geteuid() == 0
    if is_own_user:  # it was root of a namespace, for the mounts: the command is who we are
        kernel.unshare(kernel.CLONE_NEWUSER)
        namespaces.become(spec["user"], spec["group"], 0, 0)
    _limit(spec, is_own_user and namespaces.at_least(5, 14))
    os.chdir(space.work)
    environment = {"HOME": space.path("home"), "TMPDIR": space.path("tmp"), **spec["environment"]}
    argv = [_translated(argument, space) for argument in spec["argv"]]
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - that is the job


def _translated(argument: str, space: Space) -> str:
    for place in ("/work", "/in", "/out"):
        if argument == place or argument.startswith(place + "/"):
            return space.root + argument
    return argument


def _limit(spec: dict, counts_ours: bool) -> None:  # type: ignore[type-arg]  # noqa: FBT001
    """Sets what the kernel counts for each process; `counts_ours`: and processes, of this cell alone."""
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _FILES_OPEN_MAX,
        resource.RLIMIT_FSIZE: spec["disk_bytes_max"],
        resource.RLIMIT_DATA: spec["memory_bytes_max"],
    }
    if counts_ours:
        # More than is granted: who takes them is seen and killed, with a reason, and not left to try for ever.
        wanted[resource.RLIMIT_NPROC] = 2 * spec["processes_max"] + LEAD
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (allowed, allowed))
