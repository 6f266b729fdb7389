"""Escapes by way of other processes: environments, memory and files, signals, children left behind."""

import array
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import time

from .calls import call
from .trying import Scene, Stopped, attempt, read, secrets_in

_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_TIOCSTI = 0x5412
_DAEMON_S = 120
NOTICED = "noticed"
"""What the victim calls itself when it has seen a signal of ours; see bystander.py."""


def _processes(scene: Scene) -> list[int]:
    if scene.visible is not None:
        return scene.visible
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _every(scene: Scene, name: str) -> str:
    """Returns the secrets of all processes that are seen."""
    told = "nobody else is there"
    found = []
    for process in _processes(scene):
        if process == os.getpid():
            continue
        try:
            found.append(secrets_in(read(f"/proc/{process}/{name}")))
        except (OSError, Stopped) as error:
            told = str(error)
    if not found:
        raise Stopped(told)
    return " ".join(found)


@attempt("own-environment")
def own_environment(scene: Scene) -> str:
    """Looks for a key in its own environment."""
    del scene
    return secrets_in(b"\0".join(key + b"=" + value for key, value in os.environb.items()))


@attempt("proc-environ")
def proc_environ(scene: Scene) -> str:
    """Looks for a key in the environment of every process."""
    return _every(scene, "environ")


@attempt("proc-cmdline")
def proc_cmdline(scene: Scene) -> str:
    """Looks for a password in the arguments of every process."""
    return _every(scene, "cmdline")


@attempt("process-list")
def process_list(scene: Scene) -> str:
    """Sees which processes there are."""
    for process in _processes(scene):
        try:
            if scene.marker.encode() in read(f"/proc/{process}/cmdline").split(b"\0"):
                return f"sees process {process}"
        except OSError:
            continue
    raise Stopped("the other processes are not seen")


@attempt("proc-mem")
def proc_mem(scene: Scene) -> str:
    """Reads another process's memory as a file."""
    with open(f"/proc/{scene.victim}/mem", "rb", buffering=0) as memory:
        memory.seek(scene.victim_address)
        return secrets_in(memory.read(64))


@attempt("process-vm-readv")
def process_vm_readv(scene: Scene) -> str:
    """Reads another process's memory by a system call."""
    buffer = ctypes.create_string_buffer(64)
    here = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 64)
    there = (ctypes.c_ulong * 2)(scene.victim_address, 64)
    call("process_vm_readv", scene.victim, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return secrets_in(buffer.raw)


@attempt("ptrace")
def ptrace(scene: Scene) -> str:
    """Takes hold of another process."""
    call("ptrace", _PTRACE_ATTACH, scene.victim, 0, 0)
    # It belongs to somebody else, so there is nothing to wait for but a moment.
    os.waitpid(scene.victim, 0x4000_0000)
    call("ptrace", _PTRACE_DETACH, scene.victim, 0, 0)
    return "attached to it"


@attempt("pidfd-getfd")
def pidfd_getfd(scene: Scene) -> str:
    """Takes an open file from another process."""
    process = os.pidfd_open(scene.victim)
    taken = call("pidfd_getfd", process, scene.victim_file, 0)
    return secrets_in(os.pread(taken, 64, 0))


@attempt("proc-fd")
def proc_fd(scene: Scene) -> str:
    """Opens a deleted file that another process has open."""
    return secrets_in(read(f"/proc/{scene.victim}/fd/{scene.victim_file}"))


@attempt("proc-cwd")
def proc_cwd(scene: Scene) -> str:
    """Starts from the folder that another process is in."""
    return secrets_in(read(f"/proc/{scene.victim}/cwd/.netrc"))


@attempt("signal-one")
def signal_one(scene: Scene) -> str:
    """Sends a signal to one process."""
    os.kill(scene.victim, signal.SIGUSR1)
    return "sent it"


@attempt("signal-all")
def signal_all(scene: Scene) -> str:
    """Sends a signal to every process that it may: one that nobody minds who has not asked for it."""
    end = time.monotonic() + scene.patience_s
    while True:  # a signal that comes while another is pending is lost, with who sent it
        # The kernel forgets who sent the one to everybody as soon as it reaches somebody in a cell.
        for process in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                os.kill(int(process), signal.SIGURG)
        os.kill(-1, signal.SIGURG)
        time.sleep(0.4)  # so that whoever got it can look at who sent it
        if time.monotonic() >= end or _is_noticed(scene.victim):
            return "sent it"


def _is_noticed(victim: int) -> bool:
    try:
        return read(f"/proc/{victim}/comm").strip() == NOTICED.encode()
    except OSError:
        return False


@attempt("priority")
def priority(scene: Scene) -> str:
    """Slows another process down."""
    os.setpriority(os.PRIO_PROCESS, scene.victim, 5)
    return "changed its priority"


@attempt("terminal-input")
def terminal_input(scene: Scene) -> str:
    """Types into the terminal that the coordinator was started from."""
    del scene
    terminal = os.open("/dev/tty", os.O_RDWR)
    for letter in b"escaped\n":
        fcntl.ioctl(terminal, _TIOCSTI, array.array("B", [letter]).tobytes())
    return "typed into it"


@attempt("daemon")
def daemon(scene: Scene) -> str:
    """Leaves a process behind, in a session of its own."""
    renamed, open_until_then = os.pipe()  # not inherited by what a process becomes
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            code = f"import time; time.sleep({_DAEMON_S})"
            os.execv(
                sys.executable, [sys.executable, "-I", "-S", "-c", code, f"{scene.marker}-left"]
            )
        os._exit(0)
    os.waitpid(child, 0)
    os.close(open_until_then)
    os.read(renamed, 1)
    return "left a process"


@attempt("core-dump")
def core_dump(scene: Scene) -> str:
    """Leaves its memory on the disk."""
    import resource  # noqa: PLC0415  nobody else needs it

    os.chdir(scene.work if os.access(scene.work, os.W_OK) else scene.tmp)
    child = os.fork()
    if child == 0:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        os.abort()
    status = os.waitpid(child, 0)[1]
    if not os.WCOREDUMP(status):
        raise Stopped("no core was dumped")
    return "dumped a core"


@attempt("namespace-of-another")
def namespace_of_another(scene: Scene) -> str:
    """Enters the namespace of another process."""
    with open(f"/proc/{scene.victim}/ns/ipc", "rb") as place:
        call("setns", place.fileno(), 0)
    return "entered it"


@attempt("proc-oom")
def proc_oom(scene: Scene) -> str:
    """Offers another process to the kernel, should memory run out."""
    with open(f"/proc/{scene.victim}/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    return "offered it"
