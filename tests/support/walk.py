"""A coordinated clone, driven as a user drives it: through the command line alone."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support import warm
from tests.support.patience import COMMAND_S_MAX, PATIENCE_S
from tests.support.repos import Content, Site, copy_site, git, make_site

FILES: Mapping[str, Content] = {
    "README.md": "# A site\n\nSee [the guide](docs/guide.md).\n",
    "docs/guide.md": "# Guide\n\nSee [the other](other.md), and [the start](../README.md).\n",
    "docs/more/other.md": "# Other\n",
    "notes/one.txt": "alpha\nTODO beta\n",
}

GOOD = """\
TASK: Correct the broken relative links in the guide.
INPUTS: docs/**/*.md
SCOPE: docs/guide.md; out of bounds: README.md
OUTPUT FORMAT: changes to docs/guide.md
DO NOT: change prose
"""
"""A brief that changes one line of docs/guide.md."""

LIST = """\
---
worker: search
---
TASK: List every line that says TODO.
INPUTS: notes/**/*.txt, /TODO/
SCOPE: notes/; everything else is out of bounds
OUTPUT FORMAT: a markdown table
DO NOT: change files
"""
"""A brief whose result is a report."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Said:
    """How one command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Returns the answer as the JSON object that it is."""
        found = json.loads(self.out)
        assert isinstance(found, dict), self
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        """Returns the events of `run --json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    def event(self, kind: str) -> dict[str, Any]:
        """Returns the first event of a kind."""
        return next(event for event in self.events if event["event"] == kind)

    def is_calm(self) -> "Said":
        """Asserts that nothing of our own broke; returns itself."""
        for text in (self.out, self.err):
            assert "Traceback" not in text, text
            assert "a fault of ours" not in text, text
        assert self.code != 3, self
        return self


@dataclass(frozen=True, slots=True)
class Walk:
    """A clone with `coordinator init` done; `environment` is what each command finds besides ours."""

    site: Site
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        """Returns the user's checkout."""
        return self.site.repo

    @property
    def hub(self) -> Path:
        """Returns the bare repository that is the remote."""
        return self.site.hub

    @property
    def run_folder(self) -> Path:
        """Returns the daemon's own folder."""
        return self.repo / ".orchestrator" / "run"

    @property
    def inbox(self) -> Path:
        """Returns the inbox folder."""
        return self.repo / "briefs" / "inbox"

    def __call__(self, *arguments: str, code: int | None = 0, **how: Any) -> Said:
        """Runs one command; asserts its exit code, and that it did not crash."""
        said = coordinator(*arguments, folder=self.repo, environment=self.environment, **how)
        assert "Traceback" not in self.log_text(), self.log_text()
        assert code is None or said.code == code, said
        return said.is_calm()

    def work(self, *, timeout_s: float = PATIENCE_S, code: int | None = 0) -> Said:
        """Runs the daemon until idle."""
        return self(
            *("run", "--until-idle", "--json", "--timeout", f"{timeout_s:g}"),
            code=code,
            timeout_s=timeout_s + 60,
        )

    def drop(self, name: str, content: str | bytes = GOOD) -> None:
        """Writes a file into the inbox as an editor would, settled already."""
        file = self.inbox / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(file, (time.time() - 60, time.time() - 60))

    def log_text(self) -> str:
        """Returns the daemon's log."""
        file = self.run_folder / "daemon.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def reply(self, name: str) -> dict[str, Any]:
        """Returns what the inbox answered a file."""
        said = json.loads((self.inbox / ".replies" / f"{name}.json").read_bytes())
        assert isinstance(said, dict)
        return said

    def brief(self, name: str) -> dict[str, Any]:
        """Returns the status of the brief called `name`."""
        briefs = {b["name"]: b for b in self("status", "--json", "--all").json["briefs"]}
        assert name in briefs, (name, sorted(briefs))
        found = briefs[name]
        assert isinstance(found, dict)
        return found

    def state(self, name: str) -> str:
        """Returns the public state of a brief."""
        return str(self.brief(name)["state"])

    def at_tip(self, path: str) -> str:
        """Returns a file at the remote's branch."""
        return git(self.hub, "show", f"main:{path}")

    def commit(self, files: Mapping[str, Content], message: str = "change by hand") -> str:
        """Commits to the remote's branch from a clone of its own, as a colleague would."""
        with tempfile.TemporaryDirectory(dir=self.repo.parent) as folder:
            other = Path(folder) / "other"
            git(self.repo.parent, "clone", "--quiet", str(self.hub), str(other))
            for path, content in files.items():
                target = other / path
                if content is None:
                    target.unlink()
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode() if isinstance(content, str) else content)
            git(other, "add", "--all", "--force", "--", *files)
            git(other, "commit", "--quiet", "--message", message)
            git(other, "push", "--quiet", "origin", "HEAD:main")
            return git(other, "rev-parse", "HEAD")

    def config(self, more: str) -> str:
        """Commits a config.toml that says this and nothing else."""
        return self.commit({".orchestrator/config.toml": f"schema = 1\n{more}"})

    @contextlib.contextmanager
    def daemon(self, *arguments: str) -> Iterator["Daemon"]:
        """Runs a daemon in the background; ends it when the block ends."""
        output = self.repo.parent / f"daemon-{time.monotonic_ns()}.out"
        with output.open("wb") as out:
            process = warm.start(
                ("run", "--json", *arguments),
                cwd=self.repo,
                env={**os.environ, **self.environment},
                stdout=out.fileno(),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield Daemon(process, output)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon in the background."""

    process: "warm.WarmProcess | subprocess.Popen[str]"
    output: Path

    def events(self) -> list[dict[str, Any]]:
        """Returns the events so far; a line half written is left out."""
        return [
            json.loads(line)
            for line in self.output.read_text("utf-8").splitlines(keepends=True)
            if line.endswith("\n")
        ]

    def told(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Returns the events of a kind so far."""
        events = self.events()
        return [e for e in events if e["event"] == kind and fields.items() <= e.items()]

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Waits for an event."""
        return until(lambda: self.told(kind, **fields))[0]

    def end(self, number: int) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(COMMAND_S_MAX)


def until(found: "Callable[[], Found]", *, within_s: float = PATIENCE_S) -> "Found":
    """Returns what `found` finds, once it finds something; fails when it does not in time."""
    end = time.monotonic() + within_s
    while not (there := found()):
        assert time.monotonic() < end, f"not within {within_s:g} s"
        time.sleep(0.05)
    return there


def coordinator(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = COMMAND_S_MAX,
    stdin: str = "",
) -> Said:
    """Runs `python -m coordinator` in a folder."""
    finished = warm.run(
        arguments,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        input=stdin,
        timeout=timeout_s,
    )
    return Said(
        finished.returncode,
        finished.stdout.decode("utf-8", "replace"),
        finished.stderr.decode("utf-8", "replace"),
    )


def make_walk(
    folder: Path, files: Mapping[str, Content] | None = None, *, config: str = ""
) -> Walk:
    """Returns a coordinated clone of its own, copied from one that was made once."""
    template = _template(tuple(sorted({**FILES, **(files or {})}.items())), config)
    site = copy_site(template, folder)
    git(site.repo, "update-index", "-q", "--refresh", check=False)
    return Walk(site)


@functools.lru_cache(maxsize=32)
def _template(files: tuple[tuple[str, Content], ...], config: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="coordinator-walk-", dir=os.environ["HOME"]))
    site = make_site(folder, dict(files))
    walk = Walk(site)
    walk("init")
    if config:
        walk.config(config)
        git(site.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    return folder
