"""Runs one cell in the runner: from what is asked to what came of it. Standard library only, see runner.py.

Frames go to the daemon on stdout (one byte for the kind, four for the length, the content); what is asked
comes on stdin, which then stays open: a byte means stop, and its end means that the daemon is gone.
"""

import errno
import marshal
import os
import select
import sys
import time

from . import kernel, launch, namespaces, space
from .population import Population

_CHUNK = 65_536
_LOOK_S = 0.1
_BACKLOG_BYTES_MAX = 1 << 20
_DRAIN_S_MAX = 0.5
_REAP_S_MAX = 10.0
_STDERR_BYTES_MAX = 8_192
_SIGINT, _SIGKILL = 2, 9
_GONE = "stopped: the daemon is gone"


def main() -> int:
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
    return 0


def _run(spec: dict) -> dict:  # type: ignore[type-arg]
    listener = None
    facts = {}
    if spec["confinement"] == "strict":
        kernel.die_with_parent()
        if os.getppid() != spec["parent"]:
            os._exit(1)
        network = kernel.CLONE_NEWNET if spec["socket"] is not None else 0
        namespaces.enter(kernel.CLONE_NEWPID | network)
        room = space.on_a_disk_of_its_own(spec)
        if network:
            from . import bridge  # noqa: PLC0415 - slow to load, and seldom needed

            listener = bridge.listen()
        people = Population(room.path("proc"))
    else:
        if sys.platform == "linux":
            kernel.adopt_orphans()
        wants_mounts = spec["isolation"] != "copy" and sys.platform == "linux"
        if wants_mounts and namespaces.enter_mounts():
            room = space.on_a_disk_of_its_own(spec)
        else:
            room = space.on_the_disk(spec)
        people = Population("/proc", os.getpid())
    facts["work"] = "overlay" if room.upper else "bound" if room.is_mounted else "copy"
    began = time.monotonic()
    started = launch.start(spec, room)
    if listener is not None:
        bridge.serve(listener, spec["socket"])
    watch = _Watch(spec, started, people)
    watch.follow()
    code = watch.end()
    wall_s = time.monotonic() - began
    code = _judge(spec, code, watch)
    return {**_results(spec, room, code), **watch.said(), "wall_s": wall_s, "facts": facts}


class _Watch:
    """Follows one command: its output, its limits, and what the daemon says meanwhile."""

    def __init__(self, spec: dict, started: launch.Started, people: Population) -> None:  # type: ignore[type-arg]
        self.stopped: str | None = None
        self.stderr = b""
        self._spec = spec
        self._started = started
        self._people = people
        self._begun = self._heard = time.monotonic()
        self._looked = self._begun
        self._kill_at: float | None = None
        self._bytes_left = spec["output_bytes_max"]
        self._backlog = b""
        self._outputs = {started.stdout, started.stderr}
        self._ended = os.pidfd_open(started.pid) if hasattr(os, "pidfd_open") else -1
        self._status: int | None = None
        os.set_blocking(1, False)

    def follow(self) -> None:
        """Returns when the command has ended, or must."""
        poll = select.poll()
        while True:
            now = time.monotonic()
            if self._kill_at is not None and now >= self._kill_at:
                return
            self._check(now)
            if self._poll(poll, self._wait_s(now)):
                return

    def _poll(self, poll: "select.poll", wait_s: float) -> bool:
        """Waits for something to happen and sees to it; tells whether the command has ended."""
        watched = {0: select.POLLIN}
        if len(self._backlog) < _BACKLOG_BYTES_MAX:
            watched.update(dict.fromkeys(self._outputs, select.POLLIN))
        if self._backlog:
            watched[1] = select.POLLOUT
        if self._ended >= 0:
            watched[self._ended] = select.POLLIN
        for descriptor, events in watched.items():
            poll.register(descriptor, events)
        happened = dict(poll.poll(max(1, int(wait_s * 1000))))
        for descriptor in watched:
            poll.unregister(descriptor)
        if 0 in happened:
            self._listen()
        if 1 in happened:
            self._send()
        for descriptor in self._outputs & happened.keys():
            self._take(descriptor)
        return self._has_ended()

    def _has_ended(self) -> bool:
        if self._status is None:
            # Not reaped yet: until all is killed its number must not go to anybody else.
            state = os.waitid(os.P_PID, self._started.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            return state is not None
        return True

    def _listen(self) -> None:
        word = os.read(0, 1)
        self._stop("stopped: asked to" if word else _GONE, at_once=not word)
        if not word:
            os.dup2(os.open("/dev/null", os.O_WRONLY), 0)  # never readable again

    def _check(self, now: float) -> None:
        spec = self._spec
        idle_s_max = spec["idle_s_max"]
        if now - self._begun > spec["wall_clock_s_max"]:
            self._stop(f"killed: longer than {spec['wall_clock_s_max']:g} s")
        elif idle_s_max and now - self._heard > idle_s_max:
            self._stop(f"killed: silent for longer than {idle_s_max:g} s")
        elif now - self._looked > _LOOK_S and "limits" not in spec["without"]:
            self._looked = now
            fault = self._people.fault(
                processes_max=spec["processes_max"], memory_bytes_max=spec["memory_bytes_max"]
            )
            if fault is not None:
                self._stop(fault, at_once=True)

    def _wait_s(self, now: float) -> float:
        spec = self._spec
        waits = [_LOOK_S, self._begun + spec["wall_clock_s_max"] - now]
        if self._kill_at is not None:
            waits.append(self._kill_at - now)
        return max(0.001, min(wait for wait in waits if wait > 0) if waits[1] > 0 else _LOOK_S)

    def _stop(self, why: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        grace_s = 0.0 if at_once else self._spec["interrupt_grace_s"]
        if self.stopped is None:
            self.stopped = why
            self._kill_at = now + grace_s
            if grace_s:
                self._people.signal(_SIGINT, leader=self._started.pid)
        elif at_once:
            self._kill_at = now

    def _take(self, descriptor: int) -> bool:
        """Reads once; False when there was nothing, or nothing more will come."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._outputs.discard(descriptor)
            return False
        self._heard = time.monotonic()
        kept, self._bytes_left = chunk[: self._bytes_left], self._bytes_left - len(chunk)
        if descriptor == self._started.stderr:
            self.stderr = (self.stderr + chunk)[-_STDERR_BYTES_MAX:]
        elif kept:
            self._backlog += b"o" + len(kept).to_bytes(4, "big") + kept
            self._send()
        if self._bytes_left < 0:
            self._bytes_left = 0
            self._stop(f"killed: more output than {self._spec['output_bytes_max']} bytes")
        return True

    def _send(self) -> None:
        try:
            self._backlog = self._backlog[os.write(1, self._backlog) :]
        except BlockingIOError:
            return
        except OSError:
            self._backlog = b""
            self._stop(_GONE, at_once=True)

    def end(self) -> int | None:
        """Kills all that is left, takes what they said last, and returns how the command ended."""
        in_time = self.stopped is None
        if in_time and self._spec["confinement"] == "none":
            self._drain(0.0)
        os.kill(self._started.pid, _SIGKILL)
        self._status = os.waitpid(self._started.pid, 0)[1]
        if self._spec["confinement"] == "none":
            self._kill_the_rest()
        self._drain(_DRAIN_S_MAX)
        os.set_blocking(1, True)
        while self._backlog:
            self._send()
        return os.waitstatus_to_exitcode(self._status)

    def _kill_the_rest(self) -> None:
        try:
            os.killpg(self._started.pid, _SIGKILL)
        except OSError:
            pass
        until = time.monotonic() + _REAP_S_MAX
        while time.monotonic() < until:
            self._people.signal(_SIGKILL)
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.001)
            except ChildProcessError:
                return

    def _drain(self, wait_s: float) -> None:
        for descriptor in self._outputs:
            os.set_blocking(descriptor, False)
        until = time.monotonic() + wait_s
        for descriptor in tuple(self._outputs):
            while self._take(descriptor):
                pass
        # Whoever holds the other end still has left our sight, and is not waited for.
        while self._outputs and time.monotonic() < until:
            select.select(list(self._outputs), [], [], 0.01)
            for descriptor in tuple(self._outputs):
                while self._take(descriptor):
                    pass

    def said(self) -> dict:  # type: ignore[type-arg]
        """Returns what there is to tell beside the results."""
        return {"stopped": self.stopped, "stderr": self.stderr}

    def told(self) -> bytes:
        """Returns what bubblewrap said of how it went."""
        os.set_blocking(self._started.status, False)
        try:
            return os.read(self._started.status, _CHUNK)
        except BlockingIOError:
            return b""


def _judge(spec: dict, code: int | None, watch: _Watch) -> int | None:  # type: ignore[type-arg]
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
        if b'"exit-code"' not in told:
            text = watch.stderr.decode("utf-8", "replace").strip() or f"it ended with {code}"
            raise kernel.Missing(f"bubblewrap could not confine the command: {text}", "")
        if code == 1 and watch.stderr.startswith(b"bwrap: execvp "):
            return 127
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
    kept = False
    if spec["keep"] is not None and code == 0:
        kept = space.keep(room, spec["keep"])
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
