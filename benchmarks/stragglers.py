"""How much a second attempt beside a straggler saves, and what it costs: `python benchmarks/stragglers.py`.

The deciding code is the real one (`fairness`, `trying`, `straggling`, `speculating`), on a fake clock: briefs
arrive, attempts take as long as they are drawn to, outputs are accepted. The same day, with the same draws, is
lived twice: with second attempts off, and on. Work is what attempts ask of their workers: a whole attempt each,
even one that was stopped, so what is saved by stopping it is not counted.
"""

import heapq
import math
import sys
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType

from pydantic import TypeAdapter

from coordinator.domain import fairness, speculating, straggling, tasks, trying
from coordinator.domain.attempt import SUPERSEDED, Attempt, AttemptId, Lost, Returned, Running, Spec
from coordinator.domain.brief import Brief, Kind, OutputFormat
from coordinator.domain.failure_policy import Speculation
from coordinator.domain.names import BriefId, Digest, Epoch, Oid, Place, ProfileName, TaskId
from coordinator.domain.output import Output, Report
from coordinator.domain.past import Past
from coordinator.domain.plan import Plan, Task
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.steps import Dispatch, Review, Wait
from coordinator.domain.verdict import Accept, Trust
from coordinator.domain.world import Filed, Sighting, World

BRIEFS, EVERY_S, AT_ONCE = 1_000, 4.0, 40
STRAGGLERS, LAGS = 0.07, (8.0, 20.0)  # so many attempts take so many times as long
USUAL_S = MappingProxyType({"quick": 15.0, "thorough": 60.0})
SEEDS = (1, 2, 3)
P95_MAX, COST_MAX = 0.5, 1.1
_REMEMBERED = 60
_OID, _EPOCH = Oid("0" * 40), Epoch("e1")
_ACCEPTED = Accept(trust=Trust.VERIFIED, findings=())
_NAME = TypeAdapter(AttemptId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What came of it: how long each brief took, and how much work was asked for."""

    took_s: tuple[float, ...]
    work_s: float
    seconds: int  # second attempts

    @property
    def p95_s(self) -> float:
        """Returns how long all but the slowest twentieth took at most."""
        return sorted(self.took_s)[math.ceil(0.95 * len(self.took_s)) - 1]


@dataclass(kw_only=True)
class _Life:
    """One brief on its way."""

    sighting: Sighting
    begun_s: float
    tried: list[Attempt] = field(default_factory=list)


class _House:
    """One day of a coordinator without git: what is observed, decided and begun."""

    def __init__(self, seed: int, *, policy: Policy) -> None:
        self._seed = seed
        self._random = Random(seed)
        self._policy = policy
        self._now_s = 0.0
        self._events: list[tuple[float, int, str, str]] = []
        self._lives: dict[BriefId, _Life] = {}
        self._begun: dict[AttemptId, tuple[Spec, float]] = {}
        self._ended: list[tuple[Spec, float, float, str]] = []
        self._took: list[float] = []
        self._work_s = 0.0
        self._seconds = self._count = 0
        self._look_s = math.inf  # when it looks again though nothing happens

    def live(self) -> Day:
        """Lives the day to its end."""
        at_s = 0.0
        for number in range(BRIEFS):
            at_s += self._random.expovariate(1 / EVERY_S)
            self._at(at_s, "brief", str(number))
        while self._events:
            self._now_s, _, kind, what = heapq.heappop(self._events)
            if kind == "brief":
                self._arrive(int(what))
            elif kind == "end":
                self._end(what)
            elif self._now_s == self._look_s:
                self._look_s = math.inf
            self._decide()
        return Day(took_s=tuple(self._took), work_s=self._work_s, seconds=self._seconds)

    def _at(self, at_s: float, kind: str, what: str) -> None:
        self._count += 1
        heapq.heappush(self._events, (at_s, self._count, kind, what))

    def _look_in(self, seconds: float) -> None:
        due_s = self._now_s + seconds
        if due_s < self._look_s:
            self._look_s = due_s
            self._at(due_s, "look", "")

    def _arrive(self, number: int) -> None:
        profile = ProfileName("quick" if number % 2 else "thorough")
        task = Task(id=TaskId("only"), objective="Do it.", profile=profile)
        filed = Filed(
            id=BriefId(f"b{number}-00000001"),
            place=Place.OPEN,
            folder=_OID,
            blob=_OID,
            digest=Digest("sha256:0"),
            brief=Brief(
                task="Do it.", output_format=OutputFormat(text="", kind=Kind.REPORT), name="b"
            ),
            plan=Plan(tasks=(task,)),
            reply=None,
        )
        one = Sighting(filed=filed, order=number, age_s=0.0, attempts=(), claim=None)
        self._lives[filed.id] = _Life(sighting=one, begun_s=self._now_s)

    def _world(self) -> World:
        now_s = self._now_s
        ended = (
            Past(spec=spec, began_ago_s=now_s - a, ended_ago_s=now_s - b, reason=why)
            for spec, a, b, why in self._ended[-_REMEMBERED:]
        )
        begun = (Past(spec=spec, began_ago_s=now_s - a) for spec, a in self._begun.values())
        seen = {
            name: replace(life.sighting, attempts=tuple(life.tried), age_s=now_s - life.begun_s)
            for name, life in self._lives.items()
        }
        return World(
            now_s=now_s,
            epoch=_EPOCH,
            tip=_OID,
            remote=None,
            policy=self._policy,
            policy_faults=(),
            paused=None,
            holds=frozenset(),
            inbox=(),
            briefs=seen,
            held={},
            claims=(),
            gate=None,
            checks={},
            environments={},
            intents=(),
            past=(*ended, *begun),
        )

    def _decide(self) -> None:
        """Does what the state machine says, until it says nothing more at this moment."""
        world = self._world()
        copies = straggling.copies(world)
        for one in fairness.in_order(world):
            plan = one.filed.plan
            assert plan is not None
            step = trying.task_step(plan.tasks[0], one, world)
            match step:
                case Dispatch(beside=beside):
                    full = beside is not None and copies >= straggling.copies_max(self._policy)
                    if len(self._begun) < self._policy.attempts_parallel_max and not full:
                        copies += beside is not None
                        self._begin(step)
                case Wait(due_in_s=due_in_s) if due_in_s is not None:
                    self._look_in(due_in_s + 1e-6)
                case None:
                    self._finish(one)
                case Review() | Wait():
                    pass
                case _:
                    raise AssertionError(step)

    def _begin(self, step: Dispatch) -> None:
        spec = Spec(
            id=AttemptId(brief=step.brief, epoch=_EPOCH, number=step.number),
            round=1,
            task=step.task.id,
            beside=step.beside,
            profile=step.task.profile,
            base=_OID,
            package=_OID,
            wall_clock_s_max=3_600.0,
        )
        self._lives[step.brief].tried.append(Running(spec, silent_s=0.0))
        self._begun[spec.id] = (spec, self._now_s)
        usual_s = USUAL_S[spec.profile]
        # Drawn from the name, so that both days have the same stragglers.
        drawn = Random(f"{self._seed}/{spec.id.brief}/{spec.id.number}")
        lag = drawn.uniform(*LAGS) if drawn.random() < STRAGGLERS else drawn.uniform(0.7, 1.3)
        self._work_s += usual_s
        self._seconds += step.beside is not None
        self._at(self._now_s + usual_s * lag, "end", _NAME.dump_json(spec.id).decode())

    def _end(self, what: str) -> None:
        name = _NAME.validate_json(what)
        if name not in self._begun:
            return  # it was stopped
        spec = self._forget(name, "")
        tried = self._lives[name.brief].tried
        output = Output(body=Report(text=f"by {name.number}"))
        tried[name.number - 1] = Returned(
            spec=spec, commit=_OID, output=output, result=None, verdict=_ACCEPTED
        )

    def _finish(self, one: Sighting) -> None:
        assert tasks.accepted(TaskId("only"), one) is not None
        for name in speculating.superseded(one):
            spec = self._forget(name, f"cancelled: {SUPERSEDED}")
            self._lives[name.brief].tried[name.number - 1] = Lost(spec, SUPERSEDED)
        self._took.append(self._now_s - self._lives.pop(one.filed.id).begun_s)
        self._look_in(1e-6)  # a place is free

    def _forget(self, name: AttemptId, why: str) -> Spec:
        spec, began_s = self._begun.pop(name)
        self._ended.append((spec, began_s, self._now_s, why))
        return spec


def day(seed: int, *, enabled: bool) -> Day:
    """Returns what comes of the day of a seed."""
    profiles = tuple(Profile(name=ProfileName(name)) for name in USUAL_S)
    rules = Policy(
        attempts_parallel_max=AT_ONCE,
        speculation=Speculation(enabled=enabled),
        profiles=profiles,
    )
    return _House(seed, policy=rules).live()


def main() -> int:
    """Prints both ratios for each seed; 1 where one of them is not good enough."""
    sys.stdout.write(
        f"{BRIEFS} briefs, {AT_ONCE} attempts at once, {STRAGGLERS:.0%} of them {LAGS[0]:g} to"
        f" {LAGS[1]:g} times as slow\n"
    )
    worst_p95 = worst_cost = 0.0
    for seed in SEEDS:
        off, on = day(seed, enabled=False), day(seed, enabled=True)
        p95, cost = on.p95_s / off.p95_s, on.work_s / off.work_s
        worst_p95, worst_cost = max(worst_p95, p95), max(worst_cost, cost)
        sys.stdout.write(
            f"seed {seed}: p95 {off.p95_s:.0f} s -> {on.p95_s:.0f} s ({p95:.2f}),"
            f" work x {cost:.3f}, {on.seconds} second attempts\n"
        )
    good = worst_p95 <= P95_MAX and worst_cost < COST_MAX
    sys.stdout.write(
        f"worst: p95 x {worst_p95:.2f} (at most {P95_MAX:g}), work x {worst_cost:.3f}"
        f" (below {COST_MAX:g}): {'holds' if good else 'DOES NOT HOLD'}\n"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
