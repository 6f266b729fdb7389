"""A seed becomes a day: machines, people, weather; and what must be true of it, while it lasts and after it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from coordinator.adapters.git import RefUpdate
from coordinator.domain.attempt import Spec
from coordinator.domain.names import Environment, Oid, RepoPath
from coordinator.domain.output import Changes, CouldNot, Edit, NoOutput, Output, Report, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Policy
from coordinator.domain.tree import matches
from tests.support.fake_git import FakeGit
from tests.support.trees import Trees

from .engine import Scheduler
from .machine import Around, Machine, Plant
from .moods import POLICY, Mood, drawn
from .network import BRANCH, SimServer
from .people import People
from .watch import Watch

_FILES = {
    "index.txt": "index\n",
    "site/a/shared.txt": "shared\n",
    "site/b/page.txt": "page\n",
    "docs/readme.txt": "readme\n",
}
_FAULTS_END_S = 75.0
_BOUND_S = 2_500.0  # everything has ended by then, or somebody starves


@dataclass
class Outcome:
    """What became of a day."""

    seed: int
    broken: list[str]
    trace: list[str] = field(default_factory=list)
    virtual_s: float = 0.0
    landings: int = 0
    command: str = ""  # what replays it

    def told(self) -> str:
        """Returns what a failing test says."""
        listed = "\n".join(f"  {line}" for line in self.broken[:5])
        return f"seed {self.seed}:\n{listed}\nreplay: python -m tests.simulation {self.command or self.seed}"


def run(
    seed: int, *, plant: Plant | None = None, mood: Mood | None = None, traced: bool = False
) -> Outcome:
    """Runs the day of a seed to its quiet end."""
    return Day(seed, plant=plant or Plant(), mood=mood, traced=traced).run()


def run_rewound(seed: int, *, traced: bool = False) -> Outcome:
    """Runs a day in whose middle somebody rewrites the branch: all must stop, with everything kept."""
    mood = Mood(weather={"slow": 0.1}, machines=2 + seed % 2)
    return RewoundDay(seed, plant=Plant(), mood=mood, traced=traced).run()


class Day:
    """One scenario."""

    def __init__(self, seed: int, *, plant: Plant, mood: Mood | None, traced: bool) -> None:
        self.outcome = Outcome(seed, [])
        self.random = Random(seed)
        self.scheduler = Scheduler(self.random)
        self.server = SimServer(self.scheduler)
        self.mood = mood or drawn(self.random)
        self.weather = self.mood.begin()
        self._traced = traced
        trees = Trees(FakeGit(self.server))
        born = trees.commit(trees.tree(_FILES))
        self.server.apply([RefUpdate(ref=BRANCH, expected=None, new=born)])
        policy = self.policy
        self.watch = Watch(self.server, policy=policy, born=born)
        self.server.watch = self.watch.applied
        self.standing: dict[Environment, tuple[Oid, int]] = {}
        around = Around(
            server=self.server,
            watch=self.watch,
            weather=self.weather,
            policy=policy,
            work=self.work,
            began=self.began,
            lasts_s=self.lasts_s,
            stopped=self.stopped,
            standing=self.standing,
            plant=plant,
            trace=self._trace,
            gating=self._gating,
        )
        self.machines = [Machine(f"m{n}", around) for n in range(self.mood.machines)]
        self.people = People(
            self.machines, self.server, self.watch, haste=self.mood.haste, trace=self._trace
        )
        self.watch.changed = self.people.changed

    @property
    def policy(self) -> Policy:
        """The rules of the house."""
        return replace(POLICY, unverified="hold") if self.mood.holds else POLICY

    def run(self) -> Outcome:
        """Runs faults and all, then waits for the quiet that must come."""
        random, after = self.random, self.scheduler.after
        for machine in self.machines:
            machine.kills_left = self.mood.kills
            machine.wipe_chance = 0.5 if self.mood.wipes else 0.0
            after(random.uniform(0.0, 3.0), machine.boot)
        self.people.begin(random.choice((2, 3, 3, 4, 5)), deploys=random.random() < 0.3)
        self._plan_troubles()
        after(_FAULTS_END_S, self._clear_up)
        after(1.0, self.look)
        self.scheduler.run(_BOUND_S)
        self.judge()
        for machine in self.machines:
            if machine.life is not None:
                machine.life.bury()
        return self.outcome

    def _gating(self, took_s: float) -> None:
        self.people.gating(took_s)

    def _plan_troubles(self) -> None:
        random, after = self.random, self.scheduler.after
        for machine in self.machines:
            if random.random() < 0.2:  # its network is gone for a while
                begins_s = random.uniform(0.0, 50.0)
                ends_s = begins_s + random.choice((5.0, 30.0, 100.0))
                after(begins_s, partial(self.weather.away.add, machine.name))
                after(ends_s, partial(self.weather.away.discard, machine.name))
        if random.random() < 0.12:  # an orphan packed-refs.lock
            self.stuck = random.random() < 0.5
            begins_s = random.uniform(0.0, 40.0)
            after(begins_s, partial(self._obstruct, stays=self.stuck))
            if not self.stuck:
                after(
                    begins_s + random.choice((3.0, 20.0, 60.0)), partial(self._obstruct, stays=None)
                )

    def _obstruct(self, *, stays: bool | None) -> None:
        self.server.obstructed = stays is not None
        self._trace("server", lambda: f"deletions obstructed: {self.server.obstructed}")

    def _clear_up(self) -> None:
        self.weather.over = True
        self._trace("weather", lambda: "faults end")

    def look(self) -> None:
        """Stops the day when nothing is left to do."""
        self.scheduler.after(1.0, self.look)
        if self.watch.broken or (self.weather.over and self.is_quiet):
            self.scheduler.stopped = True

    @property
    def is_quiet(self) -> bool:
        """Tells whether every brief has ended, every request is dealt with, and nothing is claimed."""
        return (
            not self.people.planned
            and all(machine.is_quiet for machine in self.machines)
            and not self.watch.live()
            and not self.watch.left()
        )

    def judge(self) -> None:
        watch = self.watch
        if not watch.broken and not self.scheduler.stopped:
            self._starved()
        elif not watch.broken:
            watch.at_rest(standing=self.standing)
        self.outcome.broken = watch.broken
        self.outcome.virtual_s = self.scheduler.now_s
        self.outcome.landings = len(watch.landed)

    def _starved(self) -> None:
        watch = self.watch
        for filed in watch.live().values():
            watch.fault(f"{filed.id} is still in {filed.place}: {filed.reply}")
        for machine in self.machines:
            for request in machine.folder.requests:
                watch.fault(f"{request.origin.name} is still in the inbox of {machine.name}")
            if machine.life is None or not machine.life.alive:
                watch.fault(f"{machine.name} is down")
        for ref in watch.left():
            watch.fault(f"{ref} is left")

    def began(self, spec: Spec) -> None:
        """An attempt begins."""
        self.watch.began(spec)

    def lasts_s(self, spec: Spec) -> float:
        """Returns how long an attempt takes."""
        del spec
        return self.random.choice((0.3, 2.0, 5.0, 12.0))

    def stopped(self, spec: Spec) -> Usage:
        """Returns what an attempt has used that is stopped."""
        del spec
        return Usage()

    def work(self, spec: Spec, package: ContextPackage) -> Output | NoOutput:
        """What a worker comes to: mostly what was asked, and sometimes anything else."""
        drawn = self.random.random()
        brief = package.brief_id
        usage = Usage(tokens_in=10, cost_usd=0.01)
        if drawn < 0.06:
            return NoOutput(reason="the worker failed: out of memory", usage=usage)
        if drawn < 0.1:
            return Output(body=CouldNot(why="missing_data", text="no index"), usage=usage)
        if drawn < 0.15:
            return Output(body=CouldNot(why="question", text="which page?"), usage=usage)
        if package.constraints.output_format.kind != "changes":
            return Output(body=Report(text=f"all about {brief} at {spec.base[:6]}"), usage=usage)
        return self.line(spec, package, self._path(package, drawn), broken=drawn > 0.9)

    def line(self, spec: Spec, package: ContextPackage, path: str, *, broken: bool) -> Output:
        """Returns an output that writes the brief's line into a file."""
        usage, brief = Usage(tokens_in=10, cost_usd=0.01), package.brief_id
        text = self.watch.file_at(spec.base, path)
        if f"{brief}\n" in text:
            return Output(body=CouldNot(why="noop", text="it is there"), usage=usage)
        told = "BROKEN\n" if broken else ""
        content = base64.b64encode(f"{text}{brief}\n{told}".encode()).decode()
        edit = Edit(path=RepoPath(path), content_b64=content)
        return Output(body=Changes(edits=(edit,), summary=f"one line in {path}"), usage=usage)

    def _path(self, package: ContextPackage, drawn: float) -> str:
        if drawn < 0.2:
            return "index.txt"  # out of bounds
        inside = package.scope.inside
        known = [p for p in _FILES if any(matches(p, pattern) for pattern in inside)]
        if known and drawn < 0.6:
            return known[0]
        folder = next((p.rstrip("/") for p in inside if p.endswith("/")), None)
        return f"{folder}/{package.brief_id}.txt" if folder else known[0]

    def _trace(self, who: str, told: Callable[[], str]) -> None:
        if self._traced:
            self.outcome.trace.append(f"{self.scheduler.now_s:9.2f} {who:8} {told()}")


class RewoundDay(Day):
    """P5: somebody forces the branch back to where it began, after every machine had seen more."""

    def run(self) -> Outcome:
        """Runs on for long after the rewind."""
        self._kept: dict[str, Oid] = {}
        self._here: list[dict[str, Oid]] = []
        self._asked = 0
        rewind_s = self.random.uniform(26.0, 60.0)
        self.scheduler.after(rewind_s, self._rewind)
        return super().run()

    def _rewind(self) -> None:
        if any(set(machine.known()) <= {self.watch.born} for machine in self.machines):
            self.scheduler.after(5.0, self._rewind)  # one that has seen no more cannot know
            return
        self.scheduler.after(200.0, self._stop)
        self.watch.rewound = True
        self.weather.over = True
        self.server.refs.set(BRANCH, self.watch.born)
        self._kept = dict(self.server.refs.items())
        self._here = [dict(machine.disk.refs.items()) for machine in self.machines]
        self._trace("people", lambda: "force the branch back to where it began")

    def look(self) -> None:
        """Leaves the end of the day to the clock."""

    def _stop(self) -> None:
        self.scheduler.stopped = True

    def judge(self) -> None:
        watch = self.watch
        for commit in watch.history():
            record = watch.commits.get(commit)
            if record is not None:
                watch.fault(f"{record.verb} {record.about} went onto the rewritten branch")
        for machine, before in zip(self.machines, self._here, strict=True):
            if "rewritten" not in (machine.cannot or ""):
                watch.fault(f"{machine.name} does not say that the remote was rewritten")
            here = dict(machine.disk.refs.items())
            for ref in before:
                if ref.startswith(("refs/orchestrator/", "refs/mirror/known")) and ref not in here:
                    watch.fault(f"{machine.name} lost {ref}")
        for ref in self._kept:
            if "/attempts/" in ref and self.server.refs.get(ref) is None:
                watch.fault(f"{ref} is gone from the remote")
        self.outcome.broken = watch.broken
        self.outcome.virtual_s = self.scheduler.now_s
