"""Every escape that the doctor tries: what it is, which layer stops it, and how one sees that it worked.

What it does is in `inside`. `sign` is what is looked at:
`outside`: something planted outside was touched, whatever the worker says;
`secret`: the worker brought out a secret that was planted under that name;
`returned`: what it handed back holds something that no tree may hold;
`report`: there is nothing outside to look at, so the worker's word counts.
"""

from dataclasses import dataclass
from typing import Final, Literal

Sign = Literal["outside", "secret", "returned", "report"]
Layer = Literal[
    "mount namespace",
    "process namespace",
    "network namespace",
    "ipc namespace",
    "user namespace",
    "system call filter",
    "empty environment",
    "closed files",
    "no privileges",
    "own session",
    "limits",
    "watch",
    "screen",
    "key proxy",
    "tool registry",
]
Where = Literal["cell", "write", "model", "alone", "registry"]
"""In every cell with all others, in cells that may write, in cells with a door, in a cell of its own; no cell."""


@dataclass(frozen=True, slots=True)
class Escape:
    """One way out; `secret` names what was planted for it."""

    id: str
    tries: str
    by: Layer
    sign: Sign
    where: Where = "cell"
    secret: str = ""
    limit: bool = False  # an unprivileged kernel has nothing certain against it


_MOUNTS: Final = "mount namespace"
_PROCESSES: Final = "process namespace"
_FILTER: Final = "system call filter"
_NETWORK: Final = "network namespace"
_IPC: Final = "ipc namespace"


def _outside(by: Layer, **escapes: str) -> tuple[Escape, ...]:
    return tuple(Escape(_id(name), tries, by, "outside") for name, tries in escapes.items())


def _secret(by: Layer, secret: str, name: str, tries: str) -> Escape:
    return Escape(name, tries, by, "secret", secret=secret)


def _report(by: Layer, **escapes: str) -> tuple[Escape, ...]:
    return tuple(Escape(_id(name), tries, by, "report") for name, tries in escapes.items())


def _id(name: str) -> str:
    return name.replace("_", "-")


FILES: tuple[Escape, ...] = (
    *_outside(
        _MOUNTS,
        write_outside="write a file elsewhere",
        repository_config="add a setting to the repository's config",
        repository_hook="plant a git hook in the repository",
        repository_commit="commit in the repository",
        repository_push="push to the repository's remote",
        repository_ref="write a ref of the remote by hand",
        inbox="drop a brief into the inbox",
        coordinator_lock="forge the daemon's lock",
        home_start_file="add a line to the user's ~/.profile",
        link_write="write through a symbolic link to a folder",
        mode_outside="make a private key readable for everybody",
        time_outside="change the time of a file in the repository",
        snapshot="change the snapshot that all workers share",
    ),
    _secret(_MOUNTS, "journal", "coordinator-journal", "read the coordinator's journal"),
    _secret(_MOUNTS, "ssh", "ssh-key", "read ~/.ssh/id_ed25519"),
    _secret(_MOUNTS, "token", "token", "read a tool's token below ~/.config"),
    _secret(_MOUNTS, "netrc", "netrc", "read ~/.netrc by /proc/*/root"),
    _secret(_MOUNTS, "ssh", "link-read", "read a key through a symbolic link"),
    _secret(_MOUNTS, "ssh", "hard-link", "read a key through a hard link"),
    _secret(_MOUNTS, "shm", "shared-memory-file", "read another program's file in /dev/shm"),
    _secret("closed files", "ssh", "inherited-file", "leave by a folder that was left open"),
    *_report(
        _MOUNTS,
        home_list="list the home folder",
        stat_outside="learn the size of ~/.netrc",
    ),
)

PROCESSES: tuple[Escape, ...] = (
    _secret("empty environment", "environment", "own-environment", "find a key in its environment"),
    _secret("empty environment", "environment", "proc-environ", "find a key in /proc/*/environ"),
    _secret(_PROCESSES, "argument", "proc-cmdline", "find a password in /proc/*/cmdline"),
    _secret(_PROCESSES, "memory", "proc-mem", "read the daemon's memory by /proc/PID/mem"),
    _secret(
        _PROCESSES, "memory", "process-vm-readv", "read the daemon's memory by process_vm_readv"
    ),
    _secret(_PROCESSES, "deleted", "pidfd-getfd", "take an open file out of the daemon"),
    _secret(_PROCESSES, "deleted", "proc-fd", "open the daemon's open files by /proc/PID/fd"),
    _secret(_PROCESSES, "netrc", "proc-cwd", "read ~/.netrc by /proc/PID/cwd"),
    *_outside(
        _PROCESSES,
        signal_one="send the daemon a signal",
        signal_all="send every process a signal",
        priority="slow the daemon down",
        proc_oom="offer the daemon to the kernel when memory is short",
        daemon="leave a process behind",
    ),
    *_outside("own session", terminal_input="type into the daemon's terminal"),
    *_report(
        _PROCESSES,
        process_list="see which processes there are",
        ptrace="attach to the daemon as a debugger",
        namespace_of_another="enter a namespace of the daemon",
    ),
    *_report("limits", core_dump="dump its memory to the disk"),
)

SOCKETS: tuple[Escape, ...] = (
    *_outside(
        _NETWORK,
        tcp_loopback="connect to a server on 127.0.0.1",
        tcp_loopback_6="connect to a server on ::1",
        tcp_address="connect to this machine's own address",
        udp="send a datagram",
        listen="let somebody from outside in",
        unix_abstract="connect to an abstract socket",
    ),
    *_outside(
        _MOUNTS,
        unix_socket="connect to a server's socket file",
        unix_datagram="write to a log's socket file",
    ),
    *_report(
        _FILTER,
        netlink="talk to the kernel about the network",
        packets="read or make raw packets",
        odd_sockets="open sockets of rare families",
    ),
)

KERNEL: tuple[Escape, ...] = (
    *_report(
        _FILTER,
        user_namespace="become root in a user namespace",
        user_namespace_clone3="the same by clone3",
        mount="mount something",
        new_mount_calls="mount by the newer calls",
        change_root="change its root",
        io_uring="make calls by io_uring",
        bpf="load something by bpf",
        userfaultfd="handle its own page faults",
        performance_counters="measure by perf_event_open",
        keyring="use the kernel's key store",
        other_machine_calls="make system calls of 32 bits",
        kernel_log="read the kernel's log by syslog",
    ),
    *_report(
        "no privileges",
        file_handle="open a file by its number on the disk",
        file_watch="watch every file by fanotify",
        new_privileges="run a setuid program",
        capabilities="hold capabilities",
        make_device="make a block device",
    ),
    *_report("limits", raise_limits="take its limits away"),
    *_report(
        _MOUNTS,
        kernel_settings="change kernel settings in /proc/sys",
        control_groups="change its control group",
        devices="open devices of the machine",
    ),
    _secret(_IPC, "shared", "system-v-memory", "read another program's System V memory"),
    _secret(_IPC, "queue", "message-queue", "read another program's message queue"),
)

LOADS: tuple[Escape, ...] = (
    Escape("fork-bomb", "start processes without end", "limits", "report", "alone"),
    Escape("thread-bomb", "start threads without end", "limits", "report", "alone"),
    Escape("memory-of-one", "take memory in one process", "limits", "report", "alone"),
    Escape("memory-of-many", "take memory in many", "watch", "report", "alone", limit=True),
    Escape("disk-of-tmp", "fill /tmp", "limits", "report", "alone"),
    Escape("disk-of-memory", "fill /dev/shm", "limits", "report", "alone"),
    Escape("disk-of-results", "fill the folder for answers", "limits", "report", "alone"),
    Escape("many-files", "use up the inodes", "limits", "report", "alone"),
    Escape("processor", "compute without end", "watch", "report", "alone"),
    Escape("silence", "ignore signals, and hang", "watch", "report", "alone"),
    Escape("output", "print without end", "watch", "report", "alone"),
)

RETURNED: tuple[Escape, ...] = tuple(
    Escape(f"returned-{name}", f"hand back {what}", "screen", "returned", "write")
    for name, what in (
        ("device", "a device"),
        ("fifo", "a named pipe"),
        ("hard-link", "a hard link"),
        ("link", "a symbolic link to a secret"),
        ("socket", "a socket"),
        ("repository", "a .git folder"),
    )
)

MODELS: tuple[Escape, ...] = tuple(
    Escape(f"model-{name}", tries, "key proxy", "outside", "model")
    for name, tries in (
        ("another", "use another model"),
        ("hosted-tool", "use a tool of the model's host"),
        ("remote-tools", "have the host call another server"),
        ("fetch-url", "have the host fetch a URL"),
        ("long-answer", "have more tokens answered than granted"),
        ("other-path", "store something in the account"),
        ("other-token", "use another attempt's token"),
        ("other-socket", "use another attempt's socket"),
        ("ungranted-tool", "have the coordinator run an ungranted tool"),
    )
)

REGISTRY: tuple[Escape, ...] = (
    Escape(
        "registry-ungranted",
        "call a tool that was not granted",
        "tool registry",
        "report",
        "registry",
    ),
    Escape(
        "registry-unknown", "call a tool that there is not", "tool registry", "report", "registry"
    ),
    Escape(
        "registry-parent", "read ../ past the tree", "tool registry", "secret", "registry", "ssh"
    ),
    Escape(
        "registry-absolute", "read an absolute path", "tool registry", "secret", "registry", "ssh"
    ),
    Escape(
        "registry-link",
        "read through a link in the tree",
        "tool registry",
        "secret",
        "registry",
        "ssh",
    ),
    Escape("registry-git", "read the repository's config", "tool registry", "report", "registry"),
)

ESCAPES: tuple[Escape, ...] = (
    *FILES,
    *PROCESSES,
    *SOCKETS,
    *KERNEL,
    *LOADS,
    *RETURNED,
    *MODELS,
    *REGISTRY,
)


def escape(name: str) -> Escape:
    """Returns the escape called `name`."""
    return next(one for one in ESCAPES if one.id == name)
