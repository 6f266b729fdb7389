"""Hostile outputs through the command line alone: each is refused for its own reason, and the branch stays as it was.

And each is shown to bite where nobody looks, so that a refusal is worth something.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coordinator.domain.record import clean
from tests.support.command_line import coordinator
from tests.support.hostile import BASE, CASES, Case
from tests.support.naive import naive
from tests.support.repos import git
from tests.support.walk import Walk, make_walk

DAYS = 8
_RUN_S_MAX = 1_200.0
CONFIG = (
    '[daemon]\nrecord_interval_s = 0.05\n[landing]\nunverified = "land"\n[intake]\nretries = 0\n'
)
"""What nobody could check lands: only the screen is in the way."""

WORKER = """\
---
kind: command
description: does whatever the script says that its brief names
capabilities: [{name}]
command: [bash, -e, "{{inputs}}"]
changes: {changes}
returns: [{returns}]
limits:
  output_bytes: 20000000
---
"""
WORKERS = {
    "folder": WORKER.format(name="hostile-folder", changes="folder", returns="changes"),
    "patch": WORKER.format(name="hostile-patch", changes="patch", returns="changes"),
    "answer": WORKER.format(name="hostile-answer", changes="folder", returns="changes"),
    "report": WORKER.format(name="hostile-report", changes="folder", returns="report"),
}
BRIEF = """\
---
worker: hostile-{mode}
retries: 0
---
TASK: Tidy the pages of the site, in the way that is called {name}.
INPUTS: cases/{name}.sh
SCOPE: {scope}
OUTPUT FORMAT: {wanted}
DO NOT: hurry
"""
HONEST = Case("honest", "", "echo honest > docs/honest.md", lambda _: None)

BATCHES = tuple(CASES[day::DAYS] for day in range(DAYS))
# Five days have more than sixty of them; HOSTILE=all has them all.
WORKED = range(DAYS if os.environ.get("HOSTILE") == "all" else 5)


def test_there_are_as_many_as_were_promised_and_no_two_are_one() -> None:
    refused = [case for case in CASES if case.code not in ("held", "clean")]
    assert len(refused) >= 60
    assert len({case.name for case in CASES}) == len({case.script for case in CASES}) == len(CASES)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a plain clone with the files that every case starts from."""
    return _base(tmp_path_factory.mktemp("base") / "clone")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_bites_where_nobody_looks(base: Path, tmp_path: Path, case: Case) -> None:
    case.bite(naive(tmp_path, base, case.script))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
@pytest.mark.parametrize("number", WORKED)
def test_it_is_refused_for_its_own_reason_and_the_branch_stays(tmp_path: Path, number: int) -> None:
    site = Hostile(_walk(tmp_path))
    before = site.product()
    shown = site.done([*BATCHES[number], HONEST])
    assert shown["honest"]["state"] == "completed", shown["honest"]
    wrong = {
        case.name: told
        for case in BATCHES[number]
        if (told := site.fault(case, shown[case.name])) is not None
    }
    assert wrong == {}
    landed = {case.name for case in BATCHES[number] if case.code == "clean"}
    files = {"docs/honest.md", *(f"docs/w{n}.md" for n in range(9) if landed)}
    after = {path: entry for path, entry in site.product().items() if path not in files}
    assert after == before
    site.speaks_plainly(shown[case.name]["id"] for case in BATCHES[number] if case.mode == "report")


@dataclass(frozen=True, slots=True)
class Hostile:
    """A coordinated site whose workers do what the cases say."""

    walk: Walk

    def product(self) -> dict[str, str]:
        """Returns every entry at the tip that is neither a record of ours nor a lesson that we wrote."""
        lines = git(self.walk.hub, "ls-tree", "-r", "-z", "main").split("\0")
        entries = {line.partition("\t")[2]: line.partition("\t")[0] for line in lines if line}
        ours = ("briefs/", "memory/plan.md", "memory/state.md", "memory/lessons.md")
        return {path: what for path, what in entries.items() if not path.startswith(ours)}

    def done(self, cases: Iterable[Case]) -> Mapping[str, dict[str, Any]]:
        """Drops a brief for each case, lets the daemon run once, and returns what `show` says of each."""
        ids = {}
        for case in cases:
            text = BRIEF.format(
                mode=case.mode,
                name=case.name,
                scope=case.scope,
                wanted="a report" if case.mode == "report" else "changes",
            )
            self.walk.drop(f"{case.name}.md", text)
        self.walk.work(timeout_s=_RUN_S_MAX, code=None)
        for brief in self.walk("status", "--json", "--all").json["briefs"]:
            ids[brief["name"]] = brief["id"]
        return {name: self.shown(one) for name, one in ids.items()}

    def shown(self, brief: str) -> dict[str, Any]:
        """Returns what `show` says of a brief."""
        return coordinator(self.walk.repo, "show", brief, "--json").json

    def speaks_plainly(self, reports: Iterable[str]) -> None:
        """Asserts that nothing that was written steers a terminal, or says what only we may say."""
        messages = git(self.walk.hub, "log", "-z", "--format=%B", "main").split("\0")
        told = [self.walk("show", brief, "--result").out for brief in reports]
        records = (
            self.walk("log").out,
            *map(self.walk.at_tip, ("memory/state.md", "memory/lessons.md")),
        )
        for text in (*messages, *told, *records):
            assert clean(text) == text
        for message in messages:
            said = git(self.walk.hub, "interpret-trailers", "--parse", stdin=message.encode())
            assert "evil" not in said.lower()
            assert ("[skip ci]" in message) <= (not message.startswith("land ")), message
            assert "***" not in message

    def fault(self, case: Case, shown: dict[str, Any]) -> object:
        """Returns what is not as it should be; None when all is."""
        if case.code == "clean":
            return None if shown["state"] == "completed" else shown
        if case.code == "held":
            return (
                None
                if (shown["state"], shown["held"]) == ("input_required", "protected")
                else shown
            )
        told = [reason for attempt in shown["attempts"] for reason in attempt["reasons"]]
        if shown["state"] != "failed" or not told:
            return shown
        return None if told[0].startswith(f"{case.code}: ") else told


def _walk(folder: Path) -> Walk:
    """Returns a coordinated site with the base files, the workers, and a script for each case."""
    walk = make_walk(folder, config=CONFIG)
    other = folder / "other"
    git(folder, "clone", "--quiet", str(walk.hub), str(other))
    scripts = {f"cases/{case.name}.sh": case.script for case in (*CASES, HONEST)}
    for path, text in {**BASE, **scripts}.items():
        _write(other / path, text)
    for mode, text in WORKERS.items():
        _write(other / f".orchestrator/workers/hostile-{mode}.md", text)
    _finish(other)
    git(other, "push", "--quiet", "origin", "HEAD:main")
    return walk


def _base(clone: Path) -> Path:
    git(clone.parent, "init", "--quiet", str(clone))
    for path, text in BASE.items():
        _write(clone / path, text)
    _write(clone / ".orchestrator" / "config.toml", f"schema = 1\n{CONFIG}")
    _write(clone / ".orchestrator" / "workers" / "other.md", WORKERS["folder"])
    _finish(clone)
    return clone


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _finish(clone: Path) -> None:
    """Commits all of it, with the links and the executable file that no text can say."""
    (clone / "docs" / "run.sh").chmod(0o755)
    (clone / "docs" / "link").symlink_to("a.md")
    (clone / "docs" / "folder").symlink_to("deep")
    git(clone, "add", "--all", "--force")
    git(clone, "commit", "--quiet", "--message", "base")
