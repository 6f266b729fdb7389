"""A brief that one clone began and another one goes on with: where the first was killed, and what must come of it.

The *course* of a scenario is what happens when nobody is killed: every writing port call in order, and what
stands on the remote at the end. It is listed in tests/e2e/elsewhere.json; a kill must change nothing of the end.
"""

import functools
import json
import os
import re
import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.elsewhere_scenarios import SCENARIOS
from tests.support.patience import COMMAND_S_MAX, UNTIL_IDLE
from tests.support.repos import assert_whole, git
from tests.support.worked import worked

COURSES = Path(__file__).parents[1] / "e2e" / "elsewhere.json"

_SHORT = "lease_s = 1.5\nremote_poll_s = 0.3\nrecord_interval_s = 0.05\n"
_NOT_MADE = (".orchestrator/", ".gitignore", "memory/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happens to the brief of a scenario that nobody disturbs."""

    calls: list[list[str]]  # for each time the daemon is started: <port>.<call>:<n>, in order
    records: list[str]  # subjects of commits, oldest first
    started: dict[str, int]  # attempts by worker and role, lost ones too
    attempts: list[str]  # task, worker, role and verdict of each, sorted
    files: dict[str, str]  # blobs at the tip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Where the first daemon dies: at a call of its `stage`-th start."""

    scenario: str
    stage: int
    call: str
    side: str

    @property
    def fault(self) -> str:
        """Returns it as COORDINATOR_FAULT has it."""
        name, _, number = self.call.rpartition(":")
        return f"{name}:{self.side}:{number}"

    def __str__(self) -> str:
        """Returns what a test is called."""
        return f"{self.scenario}-{self.stage}-{self.fault}"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a daemon ended, and what it said."""

    code: int
    events: list[dict[str, Any]]
    said: str

    def started(self) -> Counter[str]:
        """Returns the attempts that it started, by worker and role."""
        return Counter(f"{e['worker']} {e['role']}" for e in self.events if e["event"] == "started")


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone of the hub, with a daemon when one is started."""

    repo: Path
    hub: Path
    brief: str
    scenario: str

    def command(self, *arguments: str, fault: str = "") -> Ran:
        """Runs a command in it."""
        found = {**os.environ, **({"COORDINATOR_FAULT": fault} if fault else {})}
        ended = warm.run(arguments, cwd=self.repo, env=found, timeout=COMMAND_S_MAX)
        whole = ended.stdout.decode().rpartition("\n")[0].splitlines()
        events = [json.loads(line) for line in whole if line.startswith("{")]
        return Ran(ended.returncode, events, ended.stderr.decode())

    def run(self, fault: str = "") -> Ran:
        """Runs the daemon until it is idle, or dies at `fault`."""
        ran = self.command("run", "--json", *UNTIL_IDLE, fault=fault)
        assert ran.code in ((0, -signal.SIGKILL) if fault else (0,)), (ran, self.log())
        troubles = [event for event in ran.events if event["event"] == "trouble"]
        assert not troubles, (troubles, self.log())
        assert "Traceback" not in ran.said + self.log(), self.log()
        return ran

    def goes_on(self) -> Counter[str]:
        """Runs the daemon to the end, a person saying what the scenario has where it waits."""
        ran = self.run()
        started = ran.started()
        if self.place() == "waiting":
            self.says()
            started += self.run().started()
        return started

    def says(self) -> None:
        """Has a person say what the scenario wants to hear."""
        git(self.repo, "fetch", "--quiet")
        told = self.command("show", self.brief, "--json").events[0]
        asked = {"brief": self.brief, "question": next(iter(told["questions"]), {"id": ""})["id"]}
        words = [word.format(**asked) for word in SCENARIOS[self.scenario].says]
        assert words, told
        assert self.command(*words).code == 0, told

    def folder(self) -> str:
        """Returns where the brief is at the tip of the hub; '' while it is nowhere."""
        paths = git(self.hub, "ls-tree", "-r", "-d", "--name-only", "main", "briefs").splitlines()
        (found,) = [path for path in paths if path.endswith(f"/{self.brief}")] or [""]
        return found

    def place(self) -> str:
        """Returns the state of the brief, as its folder says."""
        return [*self.folder().split("/"), "", ""][1]

    def log(self) -> str:
        """Returns the daemon's log."""
        file = self.repo / ".orchestrator/run/daemon.log"
        return file.read_text() if file.exists() else ""

    def elsewhere(self) -> "Clone":
        """Returns a plain clone of the hub in another place."""
        place = self.hub.parent / "elsewhere"
        git(self.hub.parent, "clone", "--quiet", str(self.hub), str(place))
        return Clone(place, self.hub, self.brief, self.scenario)


def made(scenario: str, stage: int, folder: Path) -> Clone:
    """Returns a clone whose daemon has come to rest `stage` times, a person having spoken after each."""
    template = _template(scenario, stage)
    for name in ("repo", "hub.git"):
        shutil.copytree(template.repo.parent / name, folder / name, symlinks=True)
    for file in (folder / "repo/.git/config", folder / "repo/.orchestrator/run/repo.git/config"):
        file.write_text(file.read_text().replace(str(template.repo.parent), str(folder)))
    return Clone(folder / "repo", folder / "hub.git", template.brief, scenario)


@functools.cache
def _template(scenario: str, stage: int) -> Clone:
    folder = Path(tempfile.mkdtemp(prefix="elsewhere-", dir=os.environ["HOME"]))
    if stage:
        clone = made(scenario, stage - 1, folder)
        clone.run()
        clone.says()
        return clone
    wanted = SCENARIOS[scenario]
    site = worked(
        folder, wanted.workers, files=wanted.files, config=f"{wanted.config}[daemon]\n{_SHORT}"
    ).site
    file = folder / f"{scenario}.md"
    file.write_text(wanted.brief)
    clone = Clone(site.repo, site.hub, "", scenario)
    dropped = clone.command("brief", "drop", str(file), "--remote", "--json")
    assert dropped.code == 0, dropped.said
    return Clone(site.repo, site.hub, dropped.events[0]["id"], scenario)


def courses() -> dict[str, Course]:
    """Returns the courses as they are written down."""
    return {name: Course(**said) for name, said in json.loads(COURSES.read_text()).items()}


def records(clone: Clone) -> list[str]:
    """Returns the subjects of the commits about the brief, oldest first; numbers of attempts may differ."""
    lines = git(clone.hub, "log", "--reverse", "--format=%s", "main").splitlines()
    return [re.sub(r"-\d+ answered", "-N answered", line) for line in lines if clone.brief in line]


def attempts(clone: Clone) -> dict[str, tuple[str, tuple[str, str]]]:
    """Returns what the hub has of each attempt, by its name: what it says, and its oids."""
    found = {}
    refs = git(clone.hub, "for-each-ref", "--format=%(refname) %(objectname)", "refs/orchestrator")
    oids = dict(line.split(" ") for line in refs.splitlines())
    for ref, oid in oids.items():
        kind, _, name = ref.removeprefix("refs/orchestrator/").partition("/")
        if kind != "attempts":
            continue
        spec = json.loads(git(clone.hub, "show", f"{oid}:spec.json"))
        judged = oids.get(f"refs/orchestrator/verdicts/{name}", "")
        verdict = json.loads(git(clone.hub, "cat-file", "blob", judged)) if judged else {}
        said = f"{spec['task']} {spec['profile']} {spec['role']} {verdict.get('verdict', '-')}"
        found[name] = (said, (oid, judged))
    return found


def files(clone: Clone) -> dict[str, str]:
    """Returns the blobs at the tip of the hub that briefs may change, and their results."""
    lines = git(clone.hub, "ls-tree", "-r", "main").splitlines()
    found = {path: said.split(" ")[2] for said, path in (line.split("\t") for line in lines)}
    return {
        path: oid
        for path, oid in found.items()
        if not path.startswith(_NOT_MADE)
        and (not path.startswith("briefs/") or Path(path).stem == "result")
    }


def allowed(course: Course, before: Mapping[str, tuple[str, Any]]) -> Counter[str]:
    """Returns what may be started yet, by worker and role: what is on the hub is not paid again."""
    there = Counter(" ".join(said.split(" ")[1:3]) for said, _ in before.values())
    return Counter(course.started) - there


def rests(clone: Clone, course: Course) -> None:
    """Asserts what must stand on the hub at the end, wherever somebody died."""
    assert clone.place() == "done", (clone.place(), clone.log())
    assert records(clone) == course.records, (records(clone), clone.log())
    assert files(clone) == course.files, (files(clone), clone.log())
    kinds = ("claims", "held", "gate")
    refs = (*(f"refs/orchestrator/{kind}" for kind in kinds), "refs/heads/inbox")
    assert git(clone.hub, "for-each-ref", "--format=%(refname)", *refs) == ""
    for repository in (clone.hub, clone.repo / ".orchestrator/run/repo.git"):
        assert_whole(repository)


def journal_rests(clone: Clone, started: Counter[str] | None) -> None:
    """Asserts that this journal has what was `started` here, each once, and nothing under way."""
    with closing(sqlite3.connect(clone.repo / ".orchestrator/run/journal.sqlite3")) as rows:
        assert rows.execute("SELECT count(*) FROM intents").fetchone() == (0,)
        assert rows.execute("SELECT count(*) FROM attempts").fetchone() == (0,)
        spent = rows.execute("SELECT id, spec FROM spend").fetchall()
    assert len(dict(spent)) == len(spent)
    specs = [json.loads(said) for _, said in spent]
    paid = Counter(f"{one['profile']} {one['role']}" for one in specs)
    assert started is None or paid == started, (paid, started, clone.log())
