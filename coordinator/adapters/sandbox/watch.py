"""Follows one command: its output, its limits, its end. Standard library only, see runner.py."""

import os
import select
import time

from . import launch
from .population import Population

_CHUNK = 65_536
_LOOK_S = 0.1
_BACKLOG_BYTES_MAX = 1 << 20
_DRAIN_S_MAX = 0.5
_REAP_S_MAX = 60.0  # a killed process needs a processor to end
_STDERR_BYTES_MAX = 8_192
_SIGINT, _SIGKILL = 2, 9
_GONE = "stopped: the daemon is gone"


class Watch:
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
        elif idle_s_max and now - self._heard > idle_s_max and not self._has_spoken():
            self._stop(f"killed: silent for longer than {idle_s_max:g} s")
        elif now - self._looked > _LOOK_S and "limits" not in spec["without"]:
            self._looked = now
            fault = self._people.fault(
                processes_max=spec["processes_max"], memory_bytes_max=spec["memory_bytes_max"]
            )
            if fault is not None:
                self._stop(fault, at_once=True)

    def _has_spoken(self) -> bool:
        """Tells whether output waits to be read: it was us who were kept from looking, or from passing it on."""
        return bool(self._outputs and select.select(list(self._outputs), [], [], 0)[0])

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
        if in_time and self._spec["shares_processes"]:
            self._drain(0.0)
        os.kill(self._started.pid, _SIGKILL)
        self._status = os.waitpid(self._started.pid, 0)[1]
        if self._spec["shares_processes"]:
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
