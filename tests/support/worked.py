"""A site with workers of its own: a brief is dropped, the daemon runs until it is idle, and what came is read."""

import functools
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command_line import Answered, in_a_process
from tests.support.patience import COMMAND_S_MAX, PATIENCE_S
from tests.support.repos import SITE, Content, Site, copy_site, git, make_site, push_files

CHANGE = """\
---
task_type: {capability}
---

## TASK

Write the guide in capitals.

## INPUTS

- docs/guide.md

## SCOPE

in: docs/guide.md

## OUTPUT FORMAT

changes

## DO NOT

- new files

## ACCEPTANCE

- matches: /G/
"""

REPORT = """\
---
task_type: {capability}
---

## TASK

Say what the guide is about.

## INPUTS

- docs/guide.md

## SCOPE

in: docs/

## OUTPUT FORMAT

report

## DO NOT

- change anything

## ACCEPTANCE

- matches: /[Gg]uide/
"""

CAPITALS = """\
---
kind: command
description: writes files in capitals
capabilities: [capitals]
command: [sed, -i, "s/.*/\\\\U&/", "{scope}"]
returns: [changes]
---
"""
"""A worker that changes every line of the files in its scope."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A repository that is coordinated, with worker files at its remote tip."""

    site: Site
    environment: Mapping[str, str]

    def run(self, *arguments: str, timeout_s_max: float = COMMAND_S_MAX) -> Answered:
        """Runs a command of the coordinator in it."""
        return in_a_process(
            self.site.repo,
            *arguments,
            environment=dict(self.environment),
            timeout_s_max=timeout_s_max,
        )

    def done(
        self, brief: str, *, name: str = "guide", timeout_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """Drops a brief, runs the daemon until it is idle, and returns the brief as `show` has it.

        `events` is what the daemon said meanwhile.
        """
        return self.worked_on(self.dropped(brief, name=name), timeout_s=timeout_s)

    def dropped(self, brief: str, *, name: str) -> str:
        """Drops a brief, and returns its id."""
        file = self.site.repo.parent / f"{name}.md"
        file.write_text(brief)
        said = self.run("brief", "drop", str(file), "--json")
        assert said.code == 0, said.out + said.said
        return str(said.json["id"])

    def worked_on(self, brief: str, *, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Runs the daemon until it is idle, and returns the brief as `show` has it, with `events`."""
        ran = self.run(
            *("run", "--until-idle", "--timeout", f"{timeout_s:g}", "--json"),
            timeout_s_max=timeout_s + 60,
        )
        assert ran.code == 0, ran.out + ran.said
        events = [json.loads(line) for line in ran.out.splitlines()]
        return {**self.shown(brief), "events": events}

    def shown(self, brief: str) -> dict[str, Any]:
        """Returns a brief as `show` has it."""
        shown = self.run("show", brief, "--json")
        assert shown.code == 0, shown.said
        return shown.json

    def at_tip(self, path: str) -> str:
        """Returns a file as it is on the remote."""
        return git(self.site.hub, "show", f"main:{path}")


def worked(
    folder: Path,
    workers: Mapping[str, str],
    *,
    files: Mapping[str, Content] = SITE,
    config: str = "",
    environment: Mapping[str, str] | None = None,
) -> Worked:
    """Returns a site of its own that is initialised, with `workers` (name -> text of its file) pushed."""
    site = copy_site(_initialised(tuple(sorted(files.items()))), folder / "site")
    return _with_workers(site, workers, config, environment)


def worked_at(
    site: Site,
    workers: Mapping[str, str],
    *,
    config: str = "",
    environment: Mapping[str, str] | None = None,
) -> Worked:
    """Returns a site that is there, initialised and with `workers` pushed."""
    _initialise(site)
    return _with_workers(site, workers, config, environment)


@functools.lru_cache(maxsize=16)
def _initialised(files: tuple[tuple[str, Content], ...]) -> Path:
    """Returns the folder of a site that is initialised, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="coordinator-worked-", dir=os.environ["HOME"]))
    _initialise(make_site(folder, dict(files)))
    return folder


def _initialise(site: Site) -> None:
    started = in_a_process(site.repo, "init")
    assert started.code == 0, started.said
    git(site.repo, "pull", "--quiet", "--ff-only", "origin", "main")


def _with_workers(
    site: Site, workers: Mapping[str, str], config: str, environment: Mapping[str, str] | None
) -> Worked:
    placed: dict[str, Content] = {
        f".orchestrator/workers/{name}.md": text for name, text in workers.items()
    }
    if config:
        said = (site.repo / ".orchestrator/config.toml").read_text()
        for table in re.findall(r"^\[\w+\]$", config, re.MULTILINE):
            said = said.replace(f"{table}\n", "", 1)  # it holds no setting there
        placed[".orchestrator/config.toml"] = f"{said}\n{config}"
    push_files(site, placed, "workers")
    return Worked(site, environment or {})
