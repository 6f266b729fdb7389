"""Several coordinators on one hub: clones with homes of their own, and real daemons in them."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from tests.support import warm
from tests.support.cells import running
from tests.support.http_git import HttpGit, serve
from tests.support.patience import COMMAND_S_MAX, PATIENCE_S
from tests.support.repos import Content, git, make_site

Transport = Literal["file", "http"]
T = TypeVar("T")

_POLL_S = 0.15  # most looks start a git, and what they wait for takes seconds

PAGES: Mapping[str, Content] = {
    ".gitignore": "/.orchestrator/run/\n/briefs/inbox/\n",
    "docs/guide.md": "# Guide\n\nSee [the other](othr.md).\n",
    "docs/other.md": "# Other\n",
    "public/index.html": '<a href="about.html">About</a>\n',
    "public/about.html": '<a href="pages/index.html">Home</a>\n',
    "public/sitemap.xml": (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        "  <url><loc>https://site.example/index.html</loc></url>\n"
        "</urlset>\n"
    ),
}

SITEMAP_BRIEF = """\
TASK: Add the pages that are missing from the sitemap.
INPUTS: public/sitemap.xml, public/**/*.html
SCOPE: public/sitemap.xml; out of bounds: public/*.html
OUTPUT FORMAT: changes to public/sitemap.xml
DO NOT: touch any page
"""

LINKS_BRIEF = """\
TASK: Fix the broken relative links of the pages.
INPUTS: public/**/*.html
SCOPE: public/; out of bounds: docs/
OUTPUT FORMAT: changes to public/*.html
DO NOT: change any text
"""

MALFORMED_BRIEF = "TASK: no\nINPUTS: {number}\n"
"""Ends as one small record (rejected, with its reasons) and nothing else."""


def config(*, gate: str | None = None, **daemon: float) -> str:
    """Returns a config.toml with short times, so that a lease can run out within a test."""
    times = {
        "interval_s": 0.5,
        "remote_poll_s": 0.5,
        "lease_s": 3.0,
        "record_interval_s": 0.1,
        **daemon,
    }
    lines = ["schema = 1", "[daemon]", *(f"{key} = {value}" for key, value in times.items())]
    if gate is not None:
        # These gates wait for files of the test, which no confined command sees.
        lines += ["[confinement]", 'checks = "none"', "[[gate]]", f'run = "{gate}"']
    return "\n".join(lines) + "\n"


def until(look: Callable[[], T], what: str, *, within_s: float = PATIENCE_S) -> T:
    """Looks until it finds something true, and returns that; fails with `what` after a while."""
    end = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() >= end:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(_POLL_S)
    return found


@dataclass(kw_only=True)
class Hub:
    """A bare repository on real disk, reached as a file or over http."""

    folder: Path
    bare: Path
    url: str
    transport: Transport
    server: HttpGit | None
    stations: list["Station"] = field(default_factory=list)

    def station(self, name: str) -> "Station":
        """Returns a new clone with a home of its own."""
        home, repo = self.folder / f"home-{name}", self.folder / name
        home.mkdir()
        shutil.copy(os.environ["GIT_CONFIG_GLOBAL"], home / ".gitconfig")
        git(self.folder, "clone", "--quiet", self.url, str(repo))
        station = Station(repo=repo, home=home)
        self.stations.append(station)
        return station

    def git(self, *arguments: str, check: bool = True) -> str:
        """Runs git in the bare repository, as the person who owns the server."""
        return git(self.bare, *arguments, check=check)

    def hook(self, name: str, script: str) -> None:
        """Installs a hook of the server; the script runs under `sh`."""
        file = self.bare / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        file.chmod(0o755)

    @property
    def tip(self) -> str:
        """Returns the commit at main."""
        return self.git("rev-parse", "refs/heads/main")

    def subjects(self) -> list[str]:
        """Returns the subjects along the first parents, oldest first."""
        return self.git("log", "--first-parent", "--reverse", "--format=%s", "main").splitlines()

    def landings(self, brief: str) -> list[str]:
        """Returns the commits that landed `brief`."""
        found = self.git("log", "--format=%H %s", "main").splitlines()
        return [line[:40] for line in found if line[41:].startswith(f"land {brief}: ")]

    def refs(self, *below: str) -> dict[str, str]:
        """Returns the refs below refs/orchestrator/<below>, of all without one, and their objects."""
        folders = [f"refs/orchestrator/{one}" for one in below or ("",)]
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname)", *folders)
        return dict(tuple(line.split(" ", 1)) for line in listed.splitlines())  # type: ignore[misc]

    def claims(self) -> list[str]:
        """Returns every ref that says somebody works: held briefs, claimed paths, gates."""
        return list(self.refs("held", "claims", "gate"))

    def said(self, ref: str) -> dict[str, Any]:
        """Returns the JSON at a ref; {} when there is none."""
        found = self.git("cat-file", "blob", ref, check=False)
        said: dict[str, Any] = json.loads(found) if found else {}
        return said

    def put_blob(self, ref: str, said: Mapping[str, Any]) -> str:
        """Makes a ref to a blob that says `said`."""
        oid = git(self.bare, "hash-object", "-w", "--stdin", stdin=json.dumps(said).encode())
        self.git("update-ref", ref, oid)
        return oid

    def place(self, brief: str) -> str:
        """Returns the folder of briefs/ that `brief` is in at the tip, '' when it is in none."""
        listed = self.git("ls-tree", "-r", "--name-only", "main", "briefs/").splitlines()
        return next((path.split("/")[1] for path in listed if f"/{brief}/" in path), "")

    def wait_for_clients(self) -> None:
        """Waits until no fetch and no push is under way, also of clients that are dead already."""
        names = {self.url, str(self.bare)}
        until(
            lambda: not (any(map(running, names)) or (self.server and self.server.busy)),
            "the server is done with all requests",
        )

    def assert_quiet(self) -> None:
        """Asserts that nobody holds anything any more, and that git finds no fault."""
        until(lambda: not self.claims(), "no claim is left")
        checked = subprocess.run(
            ["git", "-C", str(self.bare), "fsck", "--strict", "--no-dangling", "--no-progress"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@dataclass(kw_only=True)
class Station:
    """One clone of a hub with its own home: one coordinator's place."""

    repo: Path
    home: Path
    daemons: list["Daemon"] = field(default_factory=list)

    def drop(self, name: str, text: str) -> str:
        """Drops a brief through the command line and returns its id."""
        file = self.home / f"{name}.md"
        file.write_text(text, encoding="utf-8")
        said: str = self.json("brief", "drop", str(file))["id"]
        return said

    def put(self, name: str, text: str) -> None:
        """Puts a file into the inbox as a person would, without asking the command line."""
        fresh = self.repo / "briefs" / f".{name}"
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(self._inbox / name)

    def inbox_is_empty(self) -> bool:
        """Tells whether everything that was dropped has been taken in."""
        return not list(self._inbox.glob("*.md"))

    @property
    def _inbox(self) -> Path:
        return self.repo / "briefs" / "inbox"

    def json(self, *arguments: str) -> dict[str, Any]:
        """Runs a command with --json that must succeed, and returns its answer."""
        finished = self.run(*arguments, "--json")
        assert finished.returncode == 0, finished.stderr
        said: dict[str, Any] = json.loads(finished.stdout)
        return said

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        done = warm.run(arguments, cwd=self.repo, env=self.environment(), timeout=COMMAND_S_MAX)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def brief(self, brief: str) -> dict[str, Any]:
        """Returns what `status` says of one brief."""
        found: list[dict[str, Any]] = self.json("status")["briefs"]
        return next(one for one in found if one["id"] == brief)

    def start(self, *arguments: str, **environment: str) -> "Daemon":
        """Starts a daemon and returns once it is ready."""
        daemon = Daemon(self, arguments, environment)
        self.daemons.append(daemon)
        daemon.event("ready")
        return daemon

    def log(self) -> str:
        """Returns the daemon's log."""
        file = self.repo / ".orchestrator" / "run" / "daemon.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def lose_run_folder(self) -> None:
        """Deletes all that the daemon keeps for itself here."""
        shutil.rmtree(self.repo / ".orchestrator" / "run")

    def environment(self, **extra: str) -> dict[str, str]:
        """Returns the environment of everything that runs here."""
        return {
            **os.environ,
            "HOME": str(self.home),
            "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"),
            **extra,
        }


class Daemon:
    """One `coordinator run`; what it prints is kept as events."""

    def __init__(
        self, station: Station, arguments: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        self._process = warm.start(
            ("run", "--json", *arguments),
            cwd=station.repo,
            env=station.environment(**environment),
            start_new_session=True,
        )
        self.events: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Returns the process id."""
        return self._process.pid

    def event(self, name: str, *, within_s: float = PATIENCE_S, **values: Any) -> dict[str, Any]:
        """Waits for an event with these values and returns it."""

        def look() -> dict[str, Any] | None:
            for event in tuple(self.events):
                if event["event"] == name and values.items() <= event.items():
                    return event
            assert self._process.poll() is None, f"it ended: {self.said}, {self.events[-3:]}"
            return None

        found = until(look, f"event {name} {values}; there were {self.events}", within_s=within_s)
        assert found is not None
        return found

    def event_seen(self, name: str) -> dict[str, Any]:
        """Returns the last event of that name, which has been printed already."""
        return next(event for event in reversed(self.events) if event["event"] == name)

    def wait(self, timeout_s: float = COMMAND_S_MAX) -> int:
        """Waits for its end and returns the exit code."""
        code = self._process.wait(timeout_s)
        for reader in self._readers:
            reader.join(COMMAND_S_MAX)
        return code

    def stop(self) -> int:
        """Asks it to stop and returns the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self, *, clients: bool = False) -> None:
        """Ends it as a power cut would; with `clients` the git processes that push or fetch for it too.

        What serves a push on the other side of a pipe or a socket is not ended: it is another machine.
        """
        ours = _children(self.pid)
        self._process.kill()
        if clients:
            for pid in ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.wait()

    def freeze(self) -> None:
        """Stops it in its tracks, like the lid of a laptop."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen one go on."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Makes sure that nothing of it is left, frozen or not."""
        if self._process.poll() is None:
            self.thaw()
            self._process.terminate()
            try:
                self._process.wait(15.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)


def _children(pid: int) -> list[int]:
    """Returns the processes that `pid` itself started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


@contextlib.contextmanager
def hub(
    folder: Path, transport: Transport, *, rules: str | None = None, files: Mapping[str, Content]
) -> Iterator[Hub]:
    """Makes a hub with one commit and serves it; every daemon of its stations is ended afterwards."""
    site = make_site(folder, {**files, ".orchestrator/config.toml": rules or config()})
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(site.hub)) if transport == "http" else None
        url = server.url(site.hub) if server else f"file://{site.hub}"
        made = Hub(folder=folder, bare=site.hub, url=url, transport=transport, server=server)
        stack.callback(_end_all, made)
        yield made


def _end_all(made: Hub) -> None:
    for station in made.stations:
        for daemon in station.daemons:
            daemon.end()
