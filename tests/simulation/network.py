"""The remote and the way to it: what arrives late, half, twice, or not at all, chosen by the seed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from coordinator.adapters.git import PushReply, RefUpdate
from coordinator.domain.names import Oid
from coordinator.domain.proof import Unreachable
from tests.support.fake_git import FakeGit, FakeServer, PushFault

from .engine import Life, Scheduler

BRANCH = "refs/heads/main"
_NO_REPLY: tuple[Literal["timeout", "unreachable"], ...] = ("timeout", "unreachable")

Watch = Callable[[Sequence[RefUpdate], int], None]
Trace = Callable[[str, Callable[[], str]], None]


@dataclass(kw_only=True)
class Weather:
    """How likely each fault is for one remote call, while faults are on; and how the remote is now."""

    torn: float = 0.0
    moved_though_refused: float = 0.0
    delayed: float = 0.0
    lost_reply: float = 0.0
    hang: float = 0.0
    no_answer: float = 0.0
    refused: float = 0.0
    torn_look: float = 0.0
    slow: float = 0.0
    zombie: float = 0.0
    silence: float = 0.0  # nothing comes through for a while after another fault
    sluggish: str = ""  # a machine far away: every hop takes seconds
    over: bool = False
    away: set[str] = field(default_factory=set)  # machines that cannot reach the remote

    def chance(self, name: str) -> float:
        """Returns how likely a fault is now."""
        return 0.0 if self.over else float(getattr(self, name))


class SimServer(FakeServer):
    """A server that tells its watch of every change, and when the push that made it had been sent."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self.scheduler = scheduler
        self.changes = 0
        self.sent_at = 0  # of the push being applied: how many changes there were when it was sent
        self.watch: Watch = lambda _updates, _sent_at: None

    def apply(self, updates: Sequence[RefUpdate]) -> dict[str, str]:
        """Applies all or none, and returns why not."""
        faults = super().apply(updates)
        if not faults and updates:
            self.changes += 1
            self.watch(updates, self.sent_at)
        return faults

    def deliver(self, updates: Sequence[RefUpdate], sent_at: int) -> None:
        """Lets a push arrive whose client does not wait for it any more."""
        self.sent_at = sent_at
        self.apply(updates)


class SimGit(FakeGit):
    """One process's git: its pushes and fetches take time, and meet the weather."""

    def __init__(
        self, server: SimServer, *, life: Life, weather: Weather, machine: str, trace: Trace
    ) -> None:
        super().__init__(server, name=machine)
        self._sim = server
        self._life = life
        self._weather = weather
        self._trace = trace
        self._random = server.scheduler.random
        self._seen_before: dict[str, Oid] | None = None  # what a torn look shows of some refs
        self._late_branch = False
        self._on_the_way: dict[int, tuple[tuple[RefUpdate, ...], int]] = {}
        self._pushes = 0
        self._deaf_until_s = -1.0

    def push(self, updates: Sequence[RefUpdate], *, timeout_s_max: float) -> PushReply:
        """Travels, arrives (or not), and is answered (or not)."""
        sending, sent_at = tuple(updates), self._sim.changes
        self.server.pushes += 1
        self._pushes += 1
        number = self._pushes
        fault = self._push_fault(sending)
        if fault is not None and self._random.random() < self._weather.chance("silence"):
            self._deaf_until_s = self._sim.scheduler.now_s + self._random.uniform(0.5, 15.0)
        self._on_the_way[number] = (sending, sent_at)
        self._life.sleep(self._hop())
        self._on_the_way.pop(number, None)
        self._sim.sent_at = sent_at
        reply = self._push(sending, fault)
        self._trace(self.name, lambda: f"push {_said(sending)}: {_effect(fault)} -> {reply.kind}")
        self._life.sleep(timeout_s_max if reply.kind == "timeout" else self._hop())
        return reply

    def fetch(self, refspecs: Sequence[str], *, prune: bool) -> Unreachable | None:
        """Looks at the remote; now and then the branch and the claims as of different moments."""
        if self._is_away() or self._random.random() < self._weather.chance("no_answer"):
            self._life.sleep(self._random.choice((0.1, 1.0, 30.0)))
            self._trace(self.name, lambda: "fetch: unreachable")
            return Unreachable("the remote did not answer")
        torn = self._random.random() < self._weather.chance("torn_look")
        if torn:
            self._seen_before = dict(self.server.refs.items())
            self._late_branch = self._random.random() < 0.5
        self._life.sleep(self._hop())
        if torn:
            self._fetched.clear()
        failed = super().fetch(refspecs, prune=prune)
        self._trace(self.name, lambda: "fetch")
        if torn:
            self._seen_before = None
            self._fetched.clear()
        self._life.sleep(self._hop())
        return failed

    def abandoned(self) -> list[tuple[tuple[RefUpdate, ...], int]]:
        """Returns the pushes that were on the way when their client died: they may still arrive."""
        return list(self._on_the_way.values())

    def _matching(self, source: str) -> Iterable[tuple[str, Oid]]:
        before = self._seen_before
        if before is None or (source == BRANCH) is self._late_branch:
            return super()._matching(source)
        if "*" not in source:
            return [(source, before[source])] if source in before else []
        head, _, tail = source.partition("*")
        return [
            (ref, oid)
            for ref, oid in before.items()
            if len(ref) >= len(head) + len(tail) and ref.startswith(head) and ref.endswith(tail)
        ]

    def _send(self, sent: Sequence[RefUpdate], fault: PushFault | None) -> dict[str, str] | None:
        if fault is not None and fault.effect == "delayed":
            late_s = self._random.uniform(
                *self._random.choice(((0.2, 5.0), (3.0, 40.0), (20.0, 90.0)))
            )
            arrive = partial(self._sim.deliver, tuple(sent), self._sim.sent_at)
            self._sim.scheduler.after(late_s, arrive)
            return None
        return super()._send(sent, fault)

    def _push_fault(self, updates: Sequence[RefUpdate]) -> PushFault | None:
        if self._is_away():
            return PushFault(effect="nothing", reply="unreachable")
        weather, random = self._weather, self._random
        branch = frozenset(u.ref for u in updates if u.ref == BRANCH)
        drawn = random.random()
        for name in ("torn", "moved_though_refused", "delayed", "lost_reply", "hang", "refused"):
            # A landing is where most can go wrong, and there are few of them.
            drawn -= weather.chance(name) * (2.0 if branch and len(updates) > 1 else 1.0)
            if drawn >= 0:
                continue
            match name:
                case "torn":
                    some = frozenset(u.ref for u in updates if random.random() < 0.5)
                    return PushFault(effect="torn", refs=some, reply="rejected")
                case "moved_though_refused":
                    if not branch:
                        return None
                    return PushFault(effect="torn", refs=branch, reply="rejected")
                case "delayed":
                    return PushFault(effect="delayed", reply=random.choice(_NO_REPLY))
                case "lost_reply":
                    reply = random.choice(_NO_REPLY)
                    return PushFault(effect="whole", reply=reply)
                case "hang":
                    return PushFault(effect="nothing", reply="timeout")
                case _:
                    return PushFault(effect="nothing", reply="rejected")
        return None

    def _is_away(self) -> bool:
        deaf = self._sim.scheduler.now_s < self._deaf_until_s
        return deaf or self.name in self._weather.away

    def _hop(self) -> float:
        random = self._random
        if random.random() < self._weather.chance("slow"):
            return random.uniform(0.5, 8.0)
        if self.name == self._weather.sluggish and not self._weather.over:
            return random.uniform(0.1, 4.0)
        return random.uniform(0.005, 0.06)


def _said(updates: Sequence[RefUpdate]) -> str:
    words = []
    for update in updates:
        name = update.ref.removeprefix("refs/").removeprefix("orchestrator/")
        if update.new is None:
            words.append(f"-{name}@{(update.expected or '')[:6]}")
        else:
            words.append(f"{name}={update.new[:6]}" + ("" if update.expected else "(new)"))
    return " ".join(words)


def _effect(fault: PushFault | None) -> str:
    if fault is None:
        return "ok"
    return f"{fault.effect.upper()} {len(fault.refs) or ''}".strip()
