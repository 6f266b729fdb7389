"""Runs one cell in the runner: from what is asked to what came of it. Standard library only, see runner.py.

Frames go to the daemon on stdout (one byte for the kind, four for the length, the content); what is asked
comes on stdin, which then stays open: a byte means stop, and its end means that the daemon is gone.
"""

import errno
import marshal
import os
import sys
import time

from . import kernel, launch, namespaces, space
from .population import Population
from .watch import Watch


def main() -> None:
    """Does it all; whatever goes wrong is said in a frame."""
    asked = _exactly(int.from_bytes(_exactly(4), "big"))
    spec = marshal.loads(asked)  # noqa: S302 - the daemon asks; a parser of text would load slower
    try:
        result = _run(spec)
    except kernel.Missing as error:
        _say(b"u", marshal.dumps(error.args))
    except OSError as error:
        _say(b"e", marshal.dumps((error.errno or errno.EIO, error.strerror or str(error))))
    else:
        _say(b"r", marshal.dumps(result))


def _run(spec: dict) -> dict:  # type: ignore[type-arg]
    listener, room, people = _confined(spec) if spec["confinement"] == "strict" else _bare(spec)
    began = time.monotonic()
    started = launch.start(spec, room)
    if listener is not None:
        from . import bridge  # noqa: PLC0415 - slow to load, and seldom needed

        bridge.serve(listener, spec["socket"])
    watch = Watch(spec, started, people)
    if spec["access"] == "write":
        from . import returned  # noqa: F401, PLC0415 - slow to load: while the command does its own
    watch.follow()
    code = watch.end()
    wall_s = time.monotonic() - began
    code = _judge(spec, code, watch)
    facts = {"work": "overlay" if room.upper else "bound" if room.is_mounted else "copy"}
    return {**_results(spec, room, code), **watch.said(), "wall_s": wall_s, "facts": facts}


def _confined(spec: dict) -> tuple:  # type: ignore[type-arg]
    """Makes the namespaces and the folders; returns the way out, the folders and the processes."""
    kernel.die_with_parent()
    if os.getppid() != spec["parent"]:
        os._exit(1)
    network = kernel.CLONE_NEWNET if spec["socket"] is not None else 0
    namespaces.enter(network)
    if network:
        from . import bridge  # noqa: PLC0415 - slow to load, and seldom needed

        bridge.serve_apart(bridge.listen_inside(), spec["socket"])
    room = space.on_a_disk_of_its_own(spec)
    if spec["shares_processes"]:
        kernel.adopt_orphans()
        return None, room, Population("/proc", os.getpid())
    kernel.unshare(kernel.CLONE_NEWPID)
    return None, room, Population(room.path("proc"))


def _bare(spec: dict) -> tuple:  # type: ignore[type-arg]
    """Makes the folders; returns as `_confined` does."""
    listener = None
    if spec["socket"] is not None:
        from . import bridge  # noqa: PLC0415 - slow to load, and seldom needed

        listener = bridge.listen_here(spec)
    is_linux = sys.platform == "linux"
    if is_linux:
        kernel.adopt_orphans()
    if is_linux and spec["isolation"] != "copy" and namespaces.enter_mounts():
        room = space.on_a_disk_of_its_own(spec)
    else:
        room = space.on_the_disk(spec)
    return listener, room, Population("/proc", os.getpid())


def _judge(spec: dict, code: int | None, watch: Watch) -> int | None:  # type: ignore[type-arg]
    """Returns the exit code; raises when the command never began."""
    told = watch.told()
    if told.startswith(b"fault: "):
        text = told.decode("utf-8", "replace").removeprefix("fault: ")
        if spec["confinement"] == "strict":
            raise kernel.Missing(f"the command could not be confined: {text}", "")
        if watch.stopped is None:
            watch.stderr += told + b"\n"
            return 127
    if watch.stopped is not None:
        return None
    if spec["confinement"] == "strict":
        if code == 1 and watch.stderr.startswith(b"bwrap: execvp "):
            return 127
        if b'"exit-code"' not in told:
            text = watch.stderr.decode("utf-8", "replace").strip() or f"it ended with {code}"
            raise kernel.Missing(f"bubblewrap could not confine the command: {text}", "")
    return code


def _results(spec: dict, room: space.Space, code: int | None) -> dict:  # type: ignore[type-arg]
    """Reads what the command left. It is dead by now, so nothing changes under the reader."""
    edits: list = []  # type: ignore[type-arg]
    refused: list = []  # type: ignore[type-arg]
    bytes_max, files_max = spec["output_bytes_max"], spec["files_max"]
    if spec["access"] == "write":
        from . import returned  # noqa: PLC0415 - slow to load, and seldom needed

        if room.upper is not None:
            found = returned.overlay_changes(
                room.upper, room.lower, files_max=files_max, bytes_max=bytes_max
            )
        else:
            found = returned.copy_changes(
                room.work, room.lower, files_max=files_max, bytes_max=bytes_max
            )
        edits, refused = found
    kept = None
    if spec["keep"] is not None and code == 0:
        from . import keeping  # noqa: PLC0415 - seldom needed

        kept = keeping.keep(room, spec["keep"])
    out = space.collect(room.path("out"), bytes_max)
    return {"code": code, "edits": edits, "refused": refused, "kept": kept, "out": out}


def _say(kind: bytes, content: bytes) -> None:
    os.set_blocking(1, True)
    left = kind + len(content).to_bytes(4, "big") + content
    try:
        while left:
            left = left[os.write(1, left) :]
    except OSError:
        return


def _exactly(count: int) -> bytes:
    content = b""
    while len(content) < count:
        chunk = os.read(0, count - len(content))
        if not chunk:
            os._exit(1)
        content += chunk
    return content
