"""Runs git: a scrubbed environment, an end to every wait, and the whole process group killed when it comes.

Output goes through files and not through pipes: an ssh master that outlives git keeps a pipe open for
ever, and then waiting for the end of its output is waiting for git after all.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from coordinator.domain.errors import RepositoryError

LOCAL_S_MAX = 120.0
GIT_VERSION_MIN = (2, 38)
_TERMINATE_S = 15.0
_GROUP_LOOK_S = 0.02
_LOOK_S = 0.25

# What a person sets to say how git reaches a remote; every other GIT_* is somebody else's business.
_KEPT = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|PROXY_COMMAND|HTTP_\w+|CONFIG_GLOBAL|CONFIG_SYSTEM"
    r"|CONFIG_NOSYSTEM|CONFIG_COUNT|CONFIG_KEY_\d+|CONFIG_VALUE_\d+|EXEC_PATH|ALLOW_PROTOCOL"
    r"|TRACE\w*|CURL_\w+)"
)
_NEVER_PROMPT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # empty is not unset: git then asks no helper window either
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_EDITOR": "false",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
_HARMLESS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How one git ended; `code` is None when its time was up."""

    code: int | None
    out: bytes
    said: str  # stderr

    @property
    def last_line(self) -> str:
        """Returns the last thing it said that is not a hint or a progress line."""
        lines = [line.strip() for line in re.split(r"[\r\n]+", self.said) if line.strip()]
        grave = [
            line
            for line in lines
            if line.startswith(("fatal:", "error:", "ERROR:"))
            and "failed to push some refs" not in line  # git's last words, which say nothing
        ]
        return without_secrets((grave or lines or ["git said nothing"])[-1])


def hermetic_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns an environment in which git sees no settings but those of the repository it works on."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        **_NEVER_PROMPT,
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        **(extra or {}),
    }


def user_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the user's own environment without what would redirect git, and without prompts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    return {**kept, **_NEVER_PROMPT, **(extra or {})}


def with_settings(
    environment: Mapping[str, str], settings: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Returns `environment` with git settings added; not in the arguments, where `ps` would show them."""
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    added = {}
    for i, (key, value) in enumerate(settings, start=count):
        added[f"GIT_CONFIG_KEY_{i}"] = key
        added[f"GIT_CONFIG_VALUE_{i}"] = value
    return {**environment, **added, "GIT_CONFIG_COUNT": str(count + len(settings))}


def command(arguments: Sequence[str], *, repository: Path | None) -> list[str]:
    """Returns the whole command line: our options, then `arguments`."""
    options = [part for key, value in _HARMLESS for part in ("-c", f"{key}={value}")]
    where = [f"--git-dir={repository}"] if repository else []
    return ["git", "--no-pager", *where, *options, *arguments]


def run(
    arguments: Sequence[str],
    *,
    repository: Path | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stdin: bytes = b"",
    timeout_s_max: float = LOCAL_S_MAX,
    silence_s_max: float | None = None,
    stop: threading.Event | None = None,
    memory_kib_max: int | None = None,
) -> Finished:
    """Runs git to its end, or kills it and all it started after `timeout_s_max`.

    `silence_s_max` also ends it when it has said nothing for that long (it must run with --progress),
    and `stop` once it is set. With `memory_kib_max` git gets no more memory than that, where the system
    can hold it to it.
    Raises RepositoryError when git itself cannot be started.
    """
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as said,
    ):
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                _within(memory_kib_max, command(arguments, repository=repository)),
                stdin=given if stdin else subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                env=dict(environment) if environment is not None else hermetic_environment(),
                cwd=directory or repository,
                start_new_session=True,
            )
        except OSError as error:
            raise cannot_start(error) from error
        ended = _wait(
            process, said, timeout_s_max=timeout_s_max, silence_s_max=silence_s_max, stop=stop
        )
        return Finished(
            code=process.returncode if ended else None,
            out=_content(out),
            said=_content(said).decode("utf-8", "replace"),
        )


def _within(memory_kib_max: int | None, line: list[str]) -> list[str]:
    """Returns the command line that runs `line` in so much memory."""
    if memory_kib_max is None:
        return line
    return ["sh", "-c", 'ulimit -v "$0" 2>/dev/null; exec "$@"', str(memory_kib_max), *line]


def git_version() -> tuple[int, ...]:
    """Returns the version of the git on the PATH. Raises RepositoryError when there is none."""
    finished = run(["version"])
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", finished.out)
    if not found:
        raise RepositoryError("`git version` gave no version", hint="install git 2.38 or newer")
    return tuple(int(part) for part in found.groups() if part)


def cannot_start(error: OSError) -> RepositoryError:
    """Returns what to tell when git could not be started."""
    if shutil.which("git") is None:
        return RepositoryError("git is not on the PATH", hint="install git 2.38 or newer")
    if error.errno == 7:  # E2BIG
        return RepositoryError(
            "too many refs for one git command", hint="claim a folder instead of its files"
        )
    return RepositoryError(f"git could not be started: {error}", hint="see the message")


def without_secrets(text: str) -> str:
    """Returns `text` with the user part of every URL removed: it may hold a password."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def _wait(
    process: subprocess.Popen[bytes],
    said: IO[bytes],
    *,
    timeout_s_max: float,
    silence_s_max: float | None,
    stop: threading.Event | None,
) -> bool:
    """Returns whether it ended by itself; kills it otherwise."""
    started = time.monotonic()
    end = started + timeout_s_max
    heard, size = started, 0
    try:
        while True:
            now = time.monotonic()
            if silence_s_max is not None:
                if (grown := os.fstat(said.fileno()).st_size) != size:
                    heard, size = now, grown
                end = min(started + timeout_s_max, heard + silence_s_max)
            if now >= end or (stop is not None and stop.is_set()):
                return False
            looks = silence_s_max is not None or stop is not None
            if _ended(process, min(end - now, _LOOK_S) if looks else end - now):
                return True
    finally:
        kill_group(process)


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Waits without polling where the system can: a poll adds half as much again to a 3 ms call."""
    if hasattr(os, "pidfd_open"):
        try:
            watched = os.pidfd_open(process.pid)
        except OSError:  # too many open files, or an old kernel
            pass
        else:
            try:
                poll = select.poll()
                poll.register(watched, select.POLLIN)
                poll.poll(seconds * 1000)
            finally:
                os.close(watched)
            return process.poll() is not None
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills a process that leads its own group, and the group: politely first, as git then removes its locks.

    What it started is given time too: the other end of a push to a folder is in the group, and a lock that
    it leaves on the remote would stop every later push.
    """
    if process.poll() is not None:
        return
    _signal_group(process.pid, signal.SIGTERM)
    until = time.monotonic() + _TERMINATE_S
    _ended(process, _TERMINATE_S)
    while (runs := _group_runs(process.pid)) and time.monotonic() < until:
        time.sleep(_GROUP_LOOK_S)
    if runs:
        _signal_group(process.pid, signal.SIGKILL)
        _ended(process, 5.0)


def _signal_group(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _group_runs(leader: int) -> bool:
    """Tells whether a process of the group runs yet."""
    if not sys.platform.startswith("linux"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, 0)
            return True
        return False
    return any(_runs_in(stat, leader) for stat in Path("/proc").glob("[0-9]*/stat"))


def _runs_in(stat: Path, leader: int) -> bool:
    try:
        state, _, group = stat.read_bytes().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):
        return False  # it has just gone
    return int(group) == leader and state not in (b"Z", b"X")


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
