"""One coordinator's machine: what is on its disk, and the process that lives on it until it is killed."""

import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.claims import RefClaims
from coordinator.adapters.committer import GitCommitter
from coordinator.adapters.deploys import GitDeployRefs
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.remote import GitRemote
from coordinator.adapters.web import HttpWeb
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.names import Environment, Epoch, Oid, RecordPaths
from coordinator.domain.output import NoOutput, Output, Usage
from coordinator.domain.policy import Policy
from coordinator.reconcile import Coordinator, Kit, Ports
from coordinator.reconcile.kit import Memory
from coordinator.services.observe import Observer
from tests.support.fake_refs import RefTable

from .engine import Life
from .fakes import (
    Folder,
    NoPast,
    NoSecrets,
    SimChecks,
    SimClock,
    SimInbox,
    SimJournal,
    SimPool,
    SimTargets,
    Work,
)
from .interrupted import Interrupted, Reporting
from .lanes import SimLanes
from .network import SimGit, SimServer, Trace, Weather
from .watch import Watch

_AGAIN_S = 5.0  # after a tick that failed
_PAUSE = 0.01  # how likely others run at a port call


@dataclass(kw_only=True)
class Plant:
    """The classes that a coordinator is made of; a planted bug is another one of them."""

    claims: type[RefClaims] = RefClaims
    committer: type[GitCommitter] = GitCommitter
    observer: type[Observer] = Observer


@dataclass(kw_only=True)
class Around:
    """What all machines share."""

    server: SimServer
    watch: Watch
    weather: Weather
    policy: Policy
    work: Work
    began: Callable[[Spec], None]
    lasts_s: Callable[[Spec], float]  # how long an attempt takes
    stopped: Callable[[Spec], Usage]  # what one has used that is stopped
    standing: dict[Environment, tuple[Oid, int]]
    plant: Plant
    trace: Trace
    gating: Callable[[float], None]


@dataclass
class Disk:
    """The run folder."""

    refs: RefTable = field(default_factory=RefTable)
    journal: SimJournal = field(default_factory=SimJournal)
    spool: dict[AttemptId, tuple[Spec, Output | NoOutput]] = field(default_factory=dict)


class Machine:
    """Starts, ticks, is killed at a port call, and starts again."""

    def __init__(self, name: str, around: Around) -> None:
        self.name = name
        self.disk = Disk()
        self.folder = Folder()
        self.life: Life | None = None
        self.kills_left = 0
        self.wipe_chance = 0.0
        self.kill_after: Callable[[], int] = lambda: self._random.randint(1, 400)  # port calls
        self.dies_at: Container[str] | None = None  # None: at every call
        self.away_s: tuple[float, ...] = (
            0.5,
            3.0,
            10.0,
            1.5 * around.policy.lease_s,
        )  # until it starts again
        self.calls = 0  # of those that `dies_at` names
        self.died: Callable[[], None] = lambda: None
        self.cannot: str | None = None
        self.troubles: tuple[str, ...] = ()
        self.epoch = ""
        self._around = around
        self._scheduler = around.server.scheduler
        self._random: Random = self._scheduler.random
        self._git: SimGit | None = None
        self._coordinator: Coordinator | None = None
        self._ticking = self._again = False
        self._tick_due_s: float | None = None
        self._calls_left = 0
        self._calls_to_pause = 0
        self._calls_calm = 0  # at so many more nothing happens

    @property
    def is_quiet(self) -> bool:
        """Tells whether it lives, and has nothing in its inbox."""
        return self.life is not None and self.life.alive and not self.folder.requests

    def boot(self) -> None:
        """Starts the process: a new epoch on the disk as it is."""
        around, random = self._around, self._random
        self.life = life = Life(self._scheduler, crashed=self._crashed)
        self._ticking, self._tick_due_s = False, None
        self._calls_left = self.kill_after() if self.kills_left else 0
        self._calls_to_pause = self._drawn_calls()
        self._calm_down()
        clock = SimClock(life, offset_s=random.uniform(0.0, 10_000.0))
        self.epoch = clock.nonce()
        git = SimGit(
            around.server, life=life, weather=around.weather, machine=self.name, trace=around.trace
        )
        git.local = self.disk.refs
        self.disk.journal.now = lambda: self._scheduler.now_s
        self._git = git
        self._coordinator = self._built(git, clock, life)
        around.trace(self.name, lambda: f"starts, epoch {self.epoch[:6]}")
        self.wake()

    def known(self) -> tuple[Oid, ...]:
        """Returns what it takes for the branch of the remote."""
        refs = self.disk.refs.items()
        return tuple(oid for ref, oid in refs if ref.startswith("refs/mirror/known"))

    def wake(self) -> None:
        """Sees to it that a tick comes soon."""
        self._tick_at(self._random.uniform(0.01, 0.1))

    def _built(self, git: SimGit, clock: SimClock, life: Life) -> Coordinator:
        around, policy, watch = self._around, self._around.policy, self._around.watch
        objects = GitObjects(git, paths=RecordPaths)
        remote = GitRemote(git, branch="main", clock=clock, paths=RecordPaths)
        claims = around.plant.claims(
            git, remote, epoch=Epoch(self.epoch), clock=clock, lease_s=lambda: policy.lease_s
        )
        committer = around.plant.committer(
            git,
            objects,
            remote,
            branch="main",
            clock=clock,
            identity=lambda _: ("Coordinator", "coordinator@example.invalid"),
        )
        ports = Ports(
            clock=clock,
            inbox=self._port(SimInbox(self.folder, removed=watch.removed, replied=watch.replied)),
            objects=objects,
            attempts=self._port(GitAttempts(git, objects)),
            claims=self._port(claims),
            remote=self._port(remote),
            checks=self._port(SimChecks(life, is_broken=watch.is_broken, begins=around.gating)),
            pool=self._port(
                SimPool(
                    life,
                    self.disk.spool,
                    work=around.work,
                    began=around.began,
                    wake=self.wake,
                    lasts_s=around.lasts_s,
                    stopped=around.stopped,
                )
            ),
            targets=self._port(
                SimTargets(
                    life,
                    around.standing,
                    went_live=watch.went_live,
                    fails=lambda random: not around.weather.over and random.random() < 0.1,
                )
            ),
            deploys=self._port(GitDeployRefs(git, clock=clock, holder=self.name)),
            journal=self._port(self.disk.journal),
            lanes=SimLanes(life, clock, wake=self.wake, failed=self._step_failed),
            secrets=NoSecrets(),
            web=HttpWeb(),  # no brief here names a URL
            past=NoPast(),
        )
        return Coordinator(
            Kit(
                ports=ports,
                committer=self._port(Reporting(committer, watch.ended)),
                observer=self._observer(ports),
                memory=Memory(),
                epoch=Epoch(self.epoch),
                branch="main",
                holder=self.name,
                say=self._say,
            )
        )

    def _observer(self, ports: Ports) -> Observer:
        policy = self._around.policy
        return self._around.plant.observer(
            objects=ports.objects,
            attempts=ports.attempts,
            claims=ports.claims,
            remote=ports.remote,
            inbox=ports.inbox,
            journal=ports.journal,
            pool=ports.pool,
            deploys=ports.deploys,
            clock=ports.clock,
            epoch=Epoch(self.epoch),
            branch="main",
            refs_root="refs/orchestrator",
            read_policy=lambda _text, _workers, _doctrine: policy,
        )

    def _port(self, port: Any) -> Any:
        return Interrupted(port, self._at_call)

    def _at_call(self, name: str) -> None:
        """A port call begins or ends: other threads may run here, and the process may die here."""
        life = self.life
        assert life is not None
        if self._calls_calm and life.alive:
            self._calls_calm -= 1
        else:
            self._at_eventful_call(life, name)

    def _at_eventful_call(self, life: Life, name: str) -> None:
        if not life.alive:
            life.die()
        counts = self.dies_at is None or name in self.dies_at
        self.calls += counts
        if self._calls_left and counts and not self._around.weather.over:
            self._calls_left -= 1
            if not self._calls_left:
                self._around.trace(self.name, lambda: f"killed at {name}")
                self._down()
                life.die()
        self._calls_to_pause -= 1
        pauses = not self._calls_to_pause
        if pauses:
            self._calls_to_pause = self._drawn_calls()
        self._calm_down()
        if pauses:
            life.sleep(self._random.choice((0.0, 0.01)))

    def _calm_down(self) -> None:
        """Works out at how many calls nothing can happen: there are many thousands of them in a day."""
        if self.dies_at is not None:
            return
        calls = self._calls_to_pause
        if self._calls_left and not self._around.weather.over:
            calls = min(calls, self._calls_left)
            self._calls_left -= calls - 1
        self._calls_to_pause -= calls - 1
        self._calls_calm = calls - 1

    def _drawn_calls(self) -> int:
        """Returns in how many calls others run; drawn once for each pause, for a day has thousands of calls."""
        return 1 + int(math.log(1.0 - self._random.random(), 1.0 - _PAUSE))

    def _down(self) -> None:
        life, git = self.life, self._git
        assert life is not None
        assert git is not None
        life.end()
        self.died()
        self.kills_left = max(0, self.kills_left - 1)
        for updates, sent_at in git.abandoned():
            if self._random.random() < self._around.weather.zombie:
                late_s = self._random.uniform(0.0, 10.0)
                arrive = partial(self._around.server.deliver, updates, sent_at)
                self._scheduler.after(late_s, arrive)
        if self._random.random() < self.wipe_chance:
            self.disk = Disk()
            self._around.trace(self.name, lambda: "loses its run folder")
        self._scheduler.after(self._random.choice(self.away_s), self.boot)

    def _tick_at(self, delay_s: float) -> None:
        due_s = self._scheduler.now_s + delay_s
        if self._tick_due_s is not None and self._tick_due_s <= due_s:
            return
        self._tick_due_s = due_s
        life = self.life
        assert life is not None
        life.spawn(delay_s, "tick", partial(self._tick, due_s))

    def _tick(self, due_s: float) -> None:
        if self._tick_due_s != due_s:
            return  # an earlier one was asked for since
        self._tick_due_s = None
        if self._ticking:
            self._again = True
            return
        assert self._coordinator is not None
        self._ticking, self._again = True, False
        wait_s = _AGAIN_S
        try:
            ticked = self._coordinator.tick()
        except CoordinatorError as error:
            self._around.watch.fault(f"{self.name}: a tick failed: {error}")
        else:
            self.cannot = ticked.cannot
            self.troubles = tuple(trouble.text for trouble in ticked.troubles)
            wait_s = max(ticked.wake_in_s, 0.2)
        self._ticking = False
        self._tick_at(0.0 if self._again else wait_s)

    def _crashed(self, name: str, told: str) -> None:
        self._around.watch.fault(f"{self.name}: {name} crashed:\n{told}")

    def _step_failed(self, told: str) -> None:
        self._around.watch.fault(f"{self.name}: {told}")

    def _say(self, event: Mapping[str, Any]) -> None:
        self._around.trace(self.name, lambda: " ".join(f"{k}={v}" for k, v in event.items()))
