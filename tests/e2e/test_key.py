"""The key of a model server: the daemon has it, and nobody and nothing else, at any time."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_budget import BRIEF, KEY, site_with, thinks
from tests.support.cells import mark, need_bubblewrap
from tests.support.command_line import in_a_process
from tests.support.patience import COMMAND_S_MAX, UNTIL_IDLE
from tests.support.repos import Site, push_files
from tests.support.upstream_server import serving

pytestmark = pytest.mark.slow

# Says all that it can see, and stays until somebody outside, who has looked at it, ends its sleep.
SLEEP = mark()
CURIOUS = f"""\
---
kind: command
command: |
  env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; cat /in/*
  sleep {SLEEP} || true
limits: {{wall_clock_s: 900, idle_s: 900}}
network: model
endpoint: here
model: home-made-1
price: {{input: 1, output: 10}}
returns: [report]
---
"""
SLEEPING = f"sleep\0{SLEEP}\0".encode()
HOLDERS = ("runner.py", "worker_child")
NOTHING = frozenset[str]()


class Look:
    """What /proc showed of other processes while a command ran."""

    def __init__(self) -> None:
        self.processes: set[str] = set()
        self.with_the_key: set[str] = set()
        self.of_the_daemon = b""

    def once(self, daemon: int) -> None:
        """Looks at every process but the daemon itself, which was started with the key."""
        self.of_the_daemon = self.of_the_daemon or Path(f"/proc/{daemon}/cmdline").read_bytes()
        for folder in Path("/proc").glob("[0-9]*"):
            if int(folder.name) in (daemon, os.getpid()):
                continue
            try:
                line = (folder / "cmdline").read_bytes()
                known = line + (folder / "environ").read_bytes()
                changed = (folder / "cmdline").read_bytes() != line
            except OSError:
                continue
            if changed or line == self.of_the_daemon:
                continue  # a copy of it that is about to become another program, or has just become one
            if b"coordinator" in line or b"runner.py" in line or b"bwrap" in line:
                self.processes.add(line.replace(b"\0", b" ").decode("utf-8", "replace"))
            if line == SLEEPING:
                self._sleeps(int(folder.name))
            if KEY.encode() in known and not _finds_the_repository(line):
                self.with_the_key.add(line.replace(b"\0", b" ").decode("utf-8", "replace"))

    def _sleeps(self, pid: int) -> None:
        """Ends the sleep of the curious one once whatever holds it has been seen."""
        if all(any(one in line for line in self.processes) for one in HOLDERS):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _finds_the_repository(line: bytes) -> bool:
    """Tells whether it is git that looks for the config which says what a key is called."""
    asked = (
        b"rev-parse",
        b"config",
        b"symbolic-ref",
        b"for-each-ref",
        b"remote",
        b"var",
        b"version",
    )
    return line.startswith(b"git\0") and b"--git-dir" not in line and any(a in line for a in asked)


@contextmanager
def looking(daemon: int) -> Iterator[Look]:
    look, over = Look(), threading.Event()

    def look_on() -> None:
        while not over.is_set():
            look.once(daemon)
            over.wait(0.02)

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield look
    finally:
        over.set()
        thread.join()


def worked(site: Site) -> tuple[bytes, Look]:
    """Runs the daemon until idle, with the key in its environment alone."""
    command = [sys.executable, "-m", "coordinator", "run", *UNTIL_IDLE]
    with (
        subprocess.Popen(
            command,
            cwd=site.repo,
            env={**os.environ, "HERE_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as daemon,
        looking(daemon.pid) as look,
    ):
        said, _ = daemon.communicate(timeout=COMMAND_S_MAX)
    assert daemon.returncode == 0, said
    return said, look


def unpacked(path: Path) -> bytes:
    """Returns what a file holds; a git object is read as what it says."""
    content = path.read_bytes()
    try:
        return content + zlib.decompress(content)
    except zlib.error:
        return content


def test_the_key_is_in_no_environment_argument_file_log_transcript_or_commit(
    tmp_path: Path,
) -> None:
    need_bubblewrap()
    with serving(thinks) as server:
        site = site_with(tmp_path, server.url, "usd_per_brief = 1.0")
        push_files(site, {".orchestrator/workers/curious.md": CURIOUS}, "a curious worker")
        for worker in ("thinker", "curious"):
            file = tmp_path / f"{worker}.md"
            file.write_text(BRIEF.replace("thinker", worker))
            dropped = in_a_process(site.repo, "brief", "drop", str(file), "--json")
            assert dropped.code == 0, dropped.said
        said, look = worked(site)
        assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {KEY}"]
    briefs = in_a_process(site.repo, "status", "--json", "--all").json["briefs"]
    assert {b["name"]: b["state"] for b in briefs} == {
        "thinker": "completed",
        "curious": "completed",
    }
    curious = next(b["id"] for b in briefs if b["name"] == "curious")
    seen = in_a_process(site.repo, "show", curious, "--result").out
    assert "COORDINATOR_TOKEN=" in seen  # it did look, and this is all that it was given
    for holder in HOLDERS:
        assert any(holder in line for line in look.processes)
    assert look.with_the_key == NOTHING
    assert KEY.encode() not in said
    assert KEY not in seen
    files = [Path(top) / name for top, _, names in os.walk(tmp_path) for name in names]
    assert [path for path in files if KEY.encode() in unpacked(path)] == []
