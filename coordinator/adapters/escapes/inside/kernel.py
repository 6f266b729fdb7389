"""Escapes by way of the kernel: namespaces, mounts, privileges, and calls that had many faults."""

import contextlib
import ctypes
import mmap
import os
import resource

from .calls import call, library
from .trying import Scene, Stopped, attempt, read, secrets_in

_NEW_USER, _NEW_MOUNTS, _NEW_NETWORK = 0x1000_0000, 0x0002_0000, 0x4000_0000
_PRIVATE = 0x4_4000  # and everything below it
_BLOCK = 0o60600


@attempt("user-namespace")
def user_namespace(scene: Scene) -> str:
    """Becomes root in a namespace of its own."""
    del scene
    call("unshare", _NEW_USER)
    return "is root of a namespace"


@attempt("user-namespace-clone3")
def user_namespace_clone3(scene: Scene) -> str:
    """The same by a call whose flags no filter sees."""
    del scene
    arguments = (ctypes.c_uint64 * 11)(_NEW_USER | _NEW_NETWORK, 0, 0, 0, 17)
    child = call("clone3", ctypes.byref(arguments), ctypes.sizeof(arguments))
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "a child was root of a namespace"


@attempt("mount")
def mount(scene: Scene) -> str:
    """Covers a folder with another one."""
    del scene
    call("unshare", _NEW_USER | _NEW_MOUNTS)  # never in the namespace that everybody uses
    call("mount", b"none", b"/", None, _PRIVATE, None)
    call("mount", b"none", b"/tmp", b"tmpfs", 0, None)
    return "mounted something"


@attempt("new-mount-calls")
def new_mount_calls(scene: Scene) -> str:
    """Opens a file system by the newer calls."""
    del scene
    with contextlib.suppress(OSError):
        call("unshare", _NEW_USER | _NEW_MOUNTS)
    os.close(call("fsopen", b"tmpfs", 0))
    return "opened a file system"


@attempt("change-root")
def change_root(scene: Scene) -> str:
    """Changes what / is, which is how old jails are left."""
    del scene
    try:
        os.chroot(".")
    except OSError:
        call("unshare", _NEW_USER)
        os.chroot(".")
    return "changed its root"


@attempt("file-handle")
def file_handle(scene: Scene) -> str:
    """Opens a file by its number on the disk, past every folder."""
    handle = ctypes.create_string_buffer(8 + 128)
    ctypes.memmove(handle, (128).to_bytes(4, "little"), 4)
    at = ctypes.c_int()
    path = scene.work.encode()
    call("name_to_handle_at", -100, path, handle, ctypes.byref(at), 0)
    where = os.open(scene.work, os.O_RDONLY)
    os.close(call("open_by_handle_at", where, handle, os.O_RDONLY))
    return "opened by number"


@attempt("new-privileges")
def new_privileges(scene: Scene) -> str:
    """Would gain the rights of the owner of a setuid program."""
    del scene
    if library().prctl(39, 0, 0, 0, 0) == 1:
        raise Stopped("no program that it starts has more rights than it")
    return "setuid programs work"


@attempt("capabilities")
def capabilities(scene: Scene) -> str:
    """Has rights of root, or could get them back."""
    del scene
    lines = read("/proc/self/status").decode().splitlines()
    held = [one for one in lines if one.startswith(("CapEff", "CapBnd")) and int(one[8:], 16)]
    if not held:
        raise Stopped("it has none, and can have none")
    return ", ".join(held)


@attempt("raise-limits")
def raise_limits(scene: Scene) -> str:
    """Takes its limits away."""
    del scene
    got = []
    names = ("RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_CORE")
    for name in names:
        number = getattr(resource, name)
        try:
            resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            got.append(name)
        except (OSError, ValueError):
            continue
    if not got:
        raise Stopped("they stay")
    return "no limit: " + ", ".join(got)


@attempt("io-uring")
def io_uring(scene: Scene) -> str:
    """Gets a second way to make system calls, which no filter sees."""
    del scene
    parameters = ctypes.create_string_buffer(120)
    os.close(call("io_uring_setup", 1, parameters))
    return "has a ring"


@attempt("bpf")
def bpf(scene: Scene) -> str:
    """Loads something into the kernel."""
    del scene
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # an array of one number
    os.close(call("bpf", 0, ctypes.byref(attributes), ctypes.sizeof(attributes)))
    return "made a map in the kernel"


@attempt("userfaultfd")
def userfaultfd(scene: Scene) -> str:
    """Holds the kernel up in the middle of a call."""
    del scene
    os.close(call("userfaultfd", 1))
    return "handles its own page faults"


@attempt("performance-counters")
def performance_counters(scene: Scene) -> str:
    """Measures what others do."""
    del scene
    attributes = bytearray(128)
    attributes[0:4] = (1).to_bytes(4, "little")
    attributes[4:8] = (128).to_bytes(4, "little")
    attributes[40:48] = (0b110_0001).to_bytes(8, "little")  # disabled, and its own doings only
    given = (ctypes.c_char * 128).from_buffer(attributes)
    os.close(call("perf_event_open", ctypes.byref(given), 0, -1, -1, 0))
    return "has a counter"


@attempt("keyring")
def keyring(scene: Scene) -> str:
    """Uses the key store of the kernel, which knows no namespaces."""
    del scene
    number = call("add_key", b"user", b"escape", b"value", 5, -2)
    return f"has key {number}"


@attempt("kernel-log")
def kernel_log(scene: Scene) -> str:
    """Reads what the kernel says."""
    del scene
    size = call("syslog", 10, None, 0)
    return f"{size} bytes of it"


@attempt("other-machine-calls")
def other_machine_calls(scene: Scene) -> str:
    """Makes calls as a program of another machine does, whose numbers a filter may not know."""
    del scene
    if os.uname().machine != "x86_64":
        raise Stopped("this machine has no other one in it")
    code = bytes((0x53, 0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0x5B, 0xC3))  # getpid of 32 bits
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    got = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if got != os.getpid():
        raise Stopped(f"it answers {got}")
    return "the kernel answered"


@attempt("file-watch")
def file_watch(scene: Scene) -> str:
    """Is told of every file that anybody opens."""
    del scene
    os.close(call("fanotify_init", 0, os.O_RDONLY))
    return "is told"


@attempt("system-v-memory")
def system_v_memory(scene: Scene) -> str:
    """Reads memory that other programs share."""
    number = call("shmget", scene.shared_key, 64, 0)
    attach = library().shmat
    attach.restype = ctypes.c_void_p
    address = attach(number, None, 0o10000)  # to read
    if address in (None, ctypes.c_void_p(-1).value):
        raise Stopped(os.strerror(ctypes.get_errno()))
    return secrets_in(ctypes.string_at(address, 64))


@attempt("message-queue")
def message_queue(scene: Scene) -> str:
    """Reads a message that was meant for another program."""
    queue = call("mq_open", scene.queue[1:].encode(), os.O_RDONLY | os.O_NONBLOCK, 0, None)
    buffer = ctypes.create_string_buffer(8_192)
    call("mq_timedreceive", queue, buffer, 8_192, None, None)
    return secrets_in(buffer.raw)


_SETTINGS = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
)
_GROUPS = ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs")
_DEVICES = ("vda", "sda", "nvme0n1", "mem", "kmsg", "kvm", "fuse", "loop0", "uinput", "hwrng")


def _opened(paths: tuple[str, ...], flags: int) -> str:
    """Opens, and does nothing with it: that it may is enough."""
    got, told = [], ""
    for path in paths:
        try:
            os.close(os.open(path, flags | os.O_NONBLOCK))
            got.append(path)
        except OSError as error:
            told = str(error)
    if not got:
        raise Stopped(told)
    return ", ".join(got)


@attempt("kernel-settings")
def kernel_settings(scene: Scene) -> str:
    """Says which program the kernel shall run, as root, when something happens."""
    del scene
    return _opened(_SETTINGS, os.O_WRONLY)


@attempt("control-groups")
def control_groups(scene: Scene) -> str:
    """Moves itself to another control group."""
    del scene
    return _opened(_GROUPS, os.O_WRONLY)


@attempt("devices")
def devices(scene: Scene) -> str:
    """Opens disks, memory, the kernel's log and virtual machines."""
    del scene
    return _opened(tuple(f"/dev/{name}" for name in _DEVICES), os.O_RDONLY)


@attempt("make-device")
def make_device(scene: Scene) -> str:
    """Makes a door to the disk."""
    path = f"{scene.tmp}/{scene.marker}-disk"
    os.mknod(path, _BLOCK, os.stat("/").st_dev)
    os.unlink(path)
    return "made a disk"
