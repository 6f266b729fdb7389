"""Tries escapes one after the other, each in a process of its own, and prints what each came to.

This is packed into an archive and run where a worker runs: nothing of the coordinator is there.
What it prints is a claim. Wherever it can be, what counts is what is seen from outside.
"""

import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SECONDS_MAX = 90.0  # of one escape that hangs: a busy machine gives it nothing for many
TOLD_CHARS_MAX = 120
MARK = "escape-report "
# In two pieces, so that a search of memory finds what was planted and not this line.
_SECRET = re.compile(rb"canary" + rb"-[0-9a-f]{24}")


class Stopped(Exception):
    """An escape that led nowhere, with what stopped it."""


@dataclass(frozen=True)
class Scene:
    """What was planted outside, and where: an escape may know everything but the secrets themselves."""

    top: str  # a folder of the machine that the worker was not given
    work: str  # the folder that it was given
    snapshot: str  # where that folder comes from
    out: str
    tmp: str
    interpreter: str
    victim: int  # a process of the same user
    victim_address: int
    victim_file: int
    visible: list[int] | None  # processes to look at; None: every one that there is
    marker: str
    ports: dict[str, int]
    address: str  # of this machine, not loopback; "": it has none
    shared_key: int
    queue: str
    way_out: str
    token: str
    other_token: str
    other_socket: str
    model: str
    processes: int
    memory_bytes: int
    disk_bytes: int
    files: int
    output_bytes: int
    cpu_s: float
    patience_s: float  # for what somebody outside does, should the escape lead out
    hold_s: float  # for whoever looks only from time to time, should it not

    def below(self, *parts: str) -> str:
        """Returns the path of something planted."""
        return os.path.join(self.top, *parts)

    def tool(self, path: str) -> str:
        """Returns the path of something below the worker's folder."""
        return os.path.join(self.work, path)


Attempt = Callable[[Scene], str]
ATTEMPTS: dict[str, Attempt] = {}


def attempt(name: str) -> Callable[[Attempt], Attempt]:
    """Keeps a function as the escape called `name`: it returns what it got, or raises."""

    def keep(function: Attempt) -> Attempt:
        ATTEMPTS[name] = function
        return function

    return keep


def secrets_in(content: bytes) -> str:
    """Returns the planted secrets in `content`. Raises Stopped when there are none."""
    found = sorted({one.decode() for one in _SECRET.findall(content)})
    if not found:
        raise Stopped("no secret in it")
    return " ".join(found)


def read(path: str) -> bytes:
    """Returns what a file holds."""
    with open(path, "rb") as file:
        return file.read()


def main(arguments: list[str]) -> None:
    """Tries the escapes that are named, in the scene of a JSON file."""
    with open(arguments[0], encoding="utf-8") as file:
        said: dict[str, Any] = json.load(file)
    scene = Scene(**said["scene"])
    for name in said["escapes"]:
        report = _tried(name, scene)
        if not said.get("wordy", True):
            report.pop("told", None)
        line = MARK + json.dumps({"id": name, **report}) + "\n"
        sys.stdout.write(line)
        sys.stdout.flush()


def _tried(name: str, scene: Scene) -> dict[str, str | None]:
    """Returns what an escape got (None: nothing) and what it was told; it may crash without us."""
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return {"got": None, "told": f"fork: {error.strerror}"}
    if child == 0:
        os.close(reading)
        _try_here(name, scene, writing)
    os.close(writing)
    try:
        content, status = _followed(child, reading)
    finally:
        os.close(reading)
    if content:
        report: dict[str, str | None] = json.loads(content)
        return report
    if os.WIFSIGNALED(status):
        return {"got": None, "told": f"killed by signal {os.WTERMSIG(status)}"}
    return {"got": None, "told": "ended without a word"}


def _try_here(name: str, scene: Scene, writing: int) -> None:
    report: dict[str, str | None]
    try:
        report = {"got": ATTEMPTS[name](scene)[:2_000], "told": ""}
    except BaseException as error:  # noqa: BLE001 - whatever stops an escape is what we want to know
        report = {"got": None, "told": f"{type(error).__name__}: {error}"[:TOLD_CHARS_MAX]}
    with os.fdopen(writing, "w") as pipe:
        json.dump(report, pipe)
    os._exit(0)


def _followed(child: int, reading: int) -> tuple[bytes, int]:
    end = time.monotonic() + SECONDS_MAX
    content = b""
    while select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
        chunk = os.read(reading, 65_536)
        if not chunk:
            break
        content += chunk
    else:
        os.kill(child, signal.SIGKILL)
    return content, os.waitpid(child, 0)[1]
