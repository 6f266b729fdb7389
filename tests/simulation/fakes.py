"""The ports of one process that are not git: what a kill leaves behind is kept by the machine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from coordinator.domain.attempt import RESTARTED, AttemptId, Spec
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import BriefId, Digest, Environment, Oid, digest
from coordinator.domain.output import NoOutput, Output, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.past import Past
from coordinator.domain.policy import Profile, Target
from coordinator.domain.proof import Planned
from coordinator.domain.request import Request
from coordinator.domain.together import Touched
from coordinator.ports import SecretHit

from .engine import Life

BEGAN_S = 1_700_005_800  # ten minutes before midnight: the money of a day comes back during each


class SimClock:
    """Virtual time with an offset of its own: no machine's clock says anything about another's."""

    def __init__(self, life: Life, *, offset_s: float) -> None:
        self._life = life
        self._offset_s = offset_s

    def monotonic_s(self) -> float:
        return self._life.scheduler.now_s + self._offset_s

    def timestamp(self) -> int:
        return BEGAN_S + int(self._life.scheduler.now_s)

    def nonce(self) -> str:
        return f"{self._life.scheduler.random.getrandbits(64):016x}"

    def pause(self, seconds: float) -> None:
        self._life.sleep(seconds)


class NoPast:
    """A history that says nothing of the files."""

    def touched(self, tip: Oid) -> Sequence[Touched]:
        del tip
        return ()


class NoSecrets:
    """Finds none."""

    def scan(self, text: str) -> tuple[SecretHit, ...]:
        del text
        return ()


@dataclass
class Folder:
    """An inbox folder on a disk: it outlives processes, and is no part of the run folder."""

    requests: list[Request] = field(default_factory=list)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)


class SimInbox:
    """The inbox of one machine."""

    def __init__(
        self,
        folder: Folder,
        *,
        removed: Callable[[Request], None],
        replied: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._folder = folder
        self._removed = removed
        self._replied = replied

    def waiting(self) -> tuple[Request, ...]:
        return tuple(self._folder.requests)

    def growing(self) -> tuple[str, ...]:
        return ()

    def put(self, name: str, content: bytes) -> str:
        raise AssertionError(f"nobody here puts {name} ({len(content)} bytes)")

    def remove(self, request: Request, *, keep: bool) -> None:
        del keep
        if request in self._folder.requests:
            self._removed(request)
            self._folder.requests.remove(request)

    def reply(self, name: str, *, fields: Mapping[str, Any], text: str) -> None:
        del text
        if self._folder.replies.get(name) != dict(fields):
            self._replied(name, fields)
            self._folder.replies[name] = dict(fields)

    def replies(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self._folder.replies)


class SimJournal:
    """A journal in memory; its machine keeps it over a kill, unless the run folder goes."""

    def __init__(self) -> None:
        self.now: Callable[[], float] = lambda: 0.0
        self._intents: dict[Oid, Planned] = {}
        self._begun: dict[AttemptId, tuple[Spec, str | None]] = {}
        self._began_s: dict[AttemptId, float] = {}
        self._past: dict[AttemptId, tuple[Spec, str, int, float, float]] = {}
        self._checks: dict[Digest, CheckResult] = {}

    def intend(self, planned: Planned) -> None:
        self._intents.setdefault(planned.oid, planned)

    def settle_intent(self, planned: Planned) -> None:
        self._intents.pop(planned.oid, None)

    def intents(self) -> tuple[Planned, ...]:
        return tuple(self._intents.values())

    def begin(self, spec: Spec) -> None:
        self._begun.setdefault(spec.id, (spec, None))
        self._began_s.setdefault(spec.id, self.now())

    def end(self, attempt: AttemptId, *, usage: Usage, reason: str) -> None:
        if attempt in self._begun:
            spec, tokens = self._begun[attempt][0], usage.tokens_in + usage.tokens_out
            self._begun[attempt] = (spec, reason)
            self._past[attempt] = (spec, reason, tokens, self._began_s[attempt], self.now())

    def begun(self) -> tuple[tuple[Spec, str | None], ...]:
        return tuple(self._begun.values())

    def past(self) -> tuple[Past, ...]:
        now_s = self.now()
        ended = [
            Past(
                spec=spec,
                began_ago_s=now_s - began_s,
                ended_ago_s=now_s - ended_s,
                reason=reason,
                tokens=tokens,
            )
            for spec, reason, tokens, began_s, ended_s in self._past.values()
        ]
        running = [
            Past(spec=spec, began_ago_s=now_s - self._began_s[name])
            for name, (spec, reason) in self._begun.items()
            if reason is None
        ]
        return (*ended, *running)

    def spent(self, brief: BriefId) -> Mapping[str, Usage]:
        return {}

    def spent_since(self, timestamp: int) -> float:
        return 0.0  # nobody here costs money

    @property
    def running(self) -> int:
        """How many attempts have begun and not ended."""
        return sum(ended is None for _, ended in self._begun.values())

    def forget(self, brief: BriefId) -> None:
        for attempt in [a for a in self._begun if a.brief == brief]:
            if self._begun[attempt][1] is None:
                spent = Usage(cost_usd=self._begun[attempt][0].cost_usd_max)
                self.end(attempt, usage=spent, reason=RESTARTED)
            del self._begun[attempt]

    def keep_check(self, result: CheckResult) -> None:
        self._checks[result.key] = result

    def checks(self) -> Mapping[Digest, CheckResult]:
        return self._checks


Work = Callable[[Spec, ContextPackage], Output | NoOutput]


class SimPool:
    """Attempts that take virtual time; what they came to is in the machine's spool until acknowledged."""

    def __init__(
        self,
        life: Life,
        spool: dict[AttemptId, tuple[Spec, Output | NoOutput]],
        *,
        work: Work,
        began: Callable[[Spec], None],
        wake: Callable[[], None],
        lasts_s: Callable[[Spec], float],
        stopped: Callable[[Spec], Usage],
    ) -> None:
        self._life = life
        self._spool = spool
        self._work = work
        self._stopped = stopped
        self._lasts_s = lasts_s
        self._began = began
        self._wake = wake
        self._running: dict[AttemptId, Spec] = {}

    def submit(self, spec: Spec, package: ContextPackage, profile: Profile) -> None:
        del profile
        if spec.id in self._spool or spec.id in self._running:
            return
        self._began(spec)
        self._running[spec.id] = spec
        self._life.spawn(self._lasts_s(spec), "attempt", partial(self._end, spec, package))

    def cancel(self, attempt: AttemptId, *, reason: str) -> None:
        spec = self._running.pop(attempt, None)
        if spec is not None:
            lost = NoOutput(reason=f"cancelled: {reason}", usage=self._stopped(spec))
            self._spool[attempt] = (spec, lost)
            self._wake()

    def finished(self) -> tuple[tuple[Spec, Output | NoOutput], ...]:
        return tuple(self._spool.values())

    def acknowledge(self, attempt: AttemptId) -> None:
        self._spool.pop(attempt, None)

    def running(self) -> Mapping[AttemptId, float]:
        return dict.fromkeys(self._running, 0.0)

    def close(self) -> None:
        self._running.clear()

    def _end(self, spec: Spec, package: ContextPackage) -> None:
        if self._running.pop(spec.id, None) is None:
            return
        self._spool[spec.id] = (spec, self._work(spec, package))
        self._wake()


class SimChecks:
    """A gate that is red on a tree with a file that says BROKEN."""

    def __init__(
        self, life: Life, *, is_broken: Callable[[Oid], bool], begins: Callable[[float], None]
    ) -> None:
        self._life = life
        self._is_broken = is_broken
        self._begins = begins

    def run(self, check: Check) -> CheckResult:
        took_s = self._life.scheduler.random.choice((0.1, 1.0, 4.0))
        self._begins(took_s)
        self._life.sleep(took_s)
        passed = not self._is_broken(check.product)
        return CheckResult(
            key=check.key,
            name=check.command.name,
            passed=passed,
            tail="" if passed else "a file says BROKEN",
            log=digest(check.product.encode()),
            wall_s=took_s,
        )


class SimTargets:
    """Directories that everybody ships to; a lower generation is refused there (rule D1)."""

    def __init__(
        self,
        life: Life,
        standing: dict[Environment, tuple[Oid, int]],
        *,
        went_live: Callable[[Environment, Oid, int], None],
        fails: Callable[[Random], bool],
    ) -> None:
        self._life = life
        self._standing = standing
        self._went_live = went_live
        self._fails = fails

    def live(self, target: Target) -> Oid | None:
        found = self._standing.get(target.environment)
        return found[0] if found else None

    def generation(self, target: Target) -> int | None:
        found = self._standing.get(target.environment)
        return found[1] if found else None

    def deploy(self, target: Target, *, revision: Oid, product: Oid, generation: int) -> str | None:
        del product
        random = self._life.scheduler.random
        self._life.sleep(random.choice((0.1, 1.0, 5.0)))
        if self._fails(random):
            return "exit status 1"
        standing = self.generation(target)
        if standing is not None and generation < standing:
            return f"generation {standing} stands there already"
        self._went_live(target.environment, revision, generation)
        self._standing[target.environment] = (revision, generation)
        return None
