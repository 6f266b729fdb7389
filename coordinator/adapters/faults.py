"""Fault points: every port call may be where the process dies, when COORDINATOR_FAULT says so.

`COORDINATOR_FAULT=<port>.<call>:before|after[:n]` kills this process with SIGKILL at the n-th such call.
Services hold no test code; the wrapping here is all there is.
"""

import functools
import os
import signal
import threading
from dataclasses import dataclass
from typing import Any

from coordinator import ports
from coordinator.domain.errors import ConfigError

VARIABLE = "COORDINATOR_FAULT"

PORTS: dict[str, type] = {
    "inbox": ports.Inbox,
    "objects": ports.Objects,
    "attempts": ports.Attempts,
    "claims": ports.Claims,
    "remote": ports.Remote,
    "committer": ports.Committer,
    "checks": ports.Checks,
    "pool": ports.Pool,
    "targets": ports.Targets,
    "deploys": ports.DeployRefs,
    "journal": ports.Journal,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One port call; `writes` tells whether it leaves a durable fact behind."""

    port: str
    call: str
    writes: bool


def points() -> tuple[Point, ...]:
    """Returns every port call, in the order of the ports."""
    return tuple(
        Point(port=port, call=call, writes="writes" in vars(function))
        for port, protocol in PORTS.items()
        for call, function in vars(protocol).items()
        if not call.startswith("_") and callable(function)
    )


def around(name: str, port: Any) -> Any:
    """Returns `port`, or a port that dies where COORDINATOR_FAULT says. Raises ConfigError."""
    said = os.environ.get(VARIABLE)
    if not said:
        return port
    where, _, rest = said.partition(":")
    when, _, count = rest.partition(":")
    known = {f"{p.port}.{p.call}" for p in points()}
    if where not in known or when not in ("before", "after") or not (count or "1").isdigit():
        raise ConfigError(
            f"{VARIABLE}={said}: no such fault point",
            hint="<port>.<call>:before|after[:n]; `coordinator faults` lists them",
        )
    owner, _, call = where.partition(".")
    if owner != name:
        return port
    return _Dying(port, call, when=when, count=int(count or "1"))


class _Dying:
    """A port that kills its process before or after the n-th call of one name."""

    def __init__(self, port: Any, call: str, *, when: str, count: int) -> None:
        self._port = port
        self._call = call
        self._when = when
        self._left = count
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._call:
            return found

        @functools.wraps(found)
        def dying(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self._left -= 1
                now = self._left == 0
            if now and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = found(*arguments, **named)
            if now:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return dying
