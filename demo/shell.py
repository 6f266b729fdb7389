"""Runs what a user would type and shows it; nothing here knows the coordinator's insides."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

COORDINATOR = str(Path(sys.executable).with_name("coordinator"))
COMMAND_S_MAX = 120
STOP_S_MAX = 60


class DemoError(Exception):
    """Something the demo needed did not happen; the message says what."""


def environment() -> dict[str, str]:
    """Returns the user's environment without what a hook or a test run would leave in it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "COORDINATOR_"))}


def heading(text: str) -> None:
    """Prints what comes next."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def show(*command: str, where: Path, expect: tuple[int, ...] = (0,)) -> None:
    """Prints a command as typed, and what it answers."""
    print("$ " + shlex.join(command), flush=True)
    text = run(*command, where=where, expect=expect, errors_too=True)
    print("".join(f"  {line}\n" for line in text.splitlines()), end="", flush=True)


def run(
    *command: str, where: Path, expect: tuple[int, ...] = (0,), errors_too: bool = False
) -> str:
    """Returns what a command prints. Raises DemoError for an exit code that was not expected."""
    program = COORDINATOR if command[0] == "coordinator" else command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=where,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        check=False,
    )
    if done.returncode not in expect:
        said = (done.stderr or done.stdout).strip()
        raise DemoError(f"{shlex.join(command)} ended with {done.returncode}:\n{said}")
    return done.stdout + (done.stderr if errors_too else "")


def answer(*command: str, where: Path, expect: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Returns what a command answers under --json."""
    text = run(*command, "--json", where=where, expect=expect)
    said: dict[str, Any] = json.loads(text)
    return said


def can_confine() -> bool:
    """Tells whether bubblewrap works on this machine."""
    try:
        run("bwrap", "--unshare-all", "--ro-bind", "/", "/", "true", where=Path("/"))
    except (DemoError, OSError):
        return False
    return True


class Daemon:
    """`coordinator run --json` in the background; its events are printed as a timeline."""

    def __init__(self, *, where: Path, errors: Path) -> None:
        self._started = time.monotonic()
        self._ready = threading.Event()
        self._errors = errors
        self._process = subprocess.Popen(
            [COORDINATOR, "run", "--json"],
            cwd=where,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors.open("w", encoding="utf-8"),
            text=True,
        )
        if self._process.stdout is None:
            raise DemoError("the daemon has no output to read")
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()

    def wait_until_ready(self, *, timeout_s: float) -> None:
        """Returns at its first event. Raises DemoError when there is none."""
        if not self._ready.wait(timeout_s):
            raise DemoError(f"the daemon did not get ready\n{self.complaints()}")

    @property
    def runs(self) -> bool:
        """Tells whether it has not ended."""
        return self._process.poll() is None

    def complaints(self) -> str:
        """Returns the end of what it wrote to stderr."""
        return self._errors.read_text(encoding="utf-8", errors="replace")[-2000:]

    def stop(self) -> int:
        """Asks it to stop as systemd or Ctrl-C would; returns its exit code."""
        if self.runs:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        return code

    def _read(self, events: IO[str]) -> None:
        for line in events:
            self._ready.set()
            print(self._told(line.strip()), flush=True)

    def _told(self, line: str) -> str:
        """Returns one event as a line of the timeline."""
        after_s = time.monotonic() - self._started
        try:
            event: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            return f"  {after_s:5.1f}s  {line}"
        name, brief = str(event.pop("event", "?")), str(event.pop("brief", None) or "")
        rest = " ".join(
            f"{key}={_short(value)}"
            for key, value in event.items()
            if key not in ("schema", "time", "at", "timestamp") and value not in (None, "", [], {})
        )
        return f"  {after_s:5.1f}s  {name:<16} {brief:<26} {rest}".rstrip()


def _short(value: object) -> str:
    """Returns a value as one word or a short phrase; an oid is cut as git does it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) == 40 and all(c in "0123456789abcdef" for c in text):
        return text[:9]
    return text if len(text) <= 70 else text[:69] + "…"
