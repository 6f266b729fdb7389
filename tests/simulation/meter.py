"""What the workers of a day use, counted beside the code under test: money, requests, tokens, second attempts."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.failure_policy import Limit
from coordinator.domain.names import BriefId
from coordinator.domain.output import Usage
from coordinator.domain.policy import Policy
from coordinator.domain.spent import day_of

_MINUTE_S = 59.5  # the journal writes an attempt down a moment before it starts


@dataclass(kw_only=True)
class _Used:
    """One attempt: when it began, when it ended, and the tokens that count for it."""

    spec: Spec
    began_s: float
    ended_s: float | None = None
    tokens: int = 0


class Meter:
    """Judges each beginning by the limits of the house, and the day by its money."""

    def __init__(
        self, policy: Policy, *, now_s: Callable[[], float], began_s: int, fate: Random
    ) -> None:
        self.copies = 0
        self.broken: Callable[[str], None] = lambda _: None
        self._policy = policy
        self._now_s = now_s
        self._day_began_s = began_s
        self._fate = fate
        self._used: dict[AttemptId, _Used] = {}
        self._paid: dict[BriefId, float] = {}
        self._paid_on: dict[int, float] = {}

    def began(self, spec: Spec) -> None:
        """An attempt begins: whatever holds for its worker leaves room for it."""
        self._used[spec.id] = _Used(spec=spec, began_s=self._now_s())
        for limit in self._policy.limits:
            if spec.profile in self._names(limit):
                self._within(limit, spec)
        if spec.beside is not None:
            self.copies += 1
            self._few_copies()

    def ended(self, spec: Spec) -> Usage:
        """It ends, or is stopped: it has used what is left to chance, often all that it may."""
        most = self._fate.random() < 0.5
        tokens = spec.tokens_max if most else spec.tokens_max // 10
        self._end(spec.id, tokens)
        usd = spec.cost_usd_max if most else spec.cost_usd_max / 10
        self._pay(spec, usd)
        return Usage(tokens_in=tokens, cost_usd=usd)

    def died(self) -> None:
        """The machine dies: what ran has used all that it may, and nobody will ever know."""
        for used in self._running():
            self._end(used.spec.id, used.spec.tokens_max)
            self._pay(used.spec, used.spec.cost_usd_max)

    def judge(self) -> None:
        """No brief and no day cost more than it may, whatever was lost or came second."""
        for brief, usd in self._paid.items():
            if usd > self._policy.usd_per_brief + 1e-9:
                self.broken(f"{brief} cost {usd:.3f} USD, over {self._policy.usd_per_brief}")
        for day, usd in self._paid_on.items():
            if usd > self._policy.usd_per_day + 1e-9:
                self.broken(f"day {day} cost {usd:.3f} USD, over {self._policy.usd_per_day}")

    def _within(self, limit: Limit, spec: Spec) -> None:
        now_s, names = self._now_s(), self._names(limit)
        mine = [used for used in self._used.values() if used.spec.profile in names]
        at_once = sum(used.ended_s is None for used in mine)
        if limit.parallel is not None and at_once > limit.parallel:
            self._over(limit, f"{at_once} at once", spec)
        begun = sum(now_s - used.began_s < _MINUTE_S for used in mine)
        if limit.requests_per_minute is not None and begun > limit.requests_per_minute:
            self._over(limit, f"{begun} requests in a minute", spec)
        others = sum(_tokens(used, now_s) for used in mine if used.spec.id != spec.id)
        most = limit.tokens_per_minute
        if most is not None and others and others + spec.tokens_max > most:
            self._over(limit, f"{others + spec.tokens_max} tokens in a minute", spec)

    def _few_copies(self) -> None:
        rule = self._policy.speculation
        most = max(1, int(rule.share_max * self._policy.attempts_parallel_max))
        count = sum(used.spec.beside is not None for used in self._running())
        if count > most:
            self.broken(f"{count} second attempts run at once, and {most} may")

    def _over(self, limit: Limit, what: str, spec: Spec) -> None:
        self.broken(f"over [limits.{limit.of}]: {what}, with {spec.id.brief} {spec.id.number}")

    def _names(self, limit: Limit) -> set[str]:
        return {
            profile.name
            for profile in self._policy.profiles
            if limit.of in (profile.name, profile.kind, profile.model)
        }

    def _running(self) -> list[_Used]:
        return [used for used in self._used.values() if used.ended_s is None]

    def _end(self, attempt: AttemptId, tokens: int) -> None:
        used = self._used[attempt]
        used.ended_s, used.tokens = self._now_s(), tokens

    def _pay(self, spec: Spec, usd: float) -> None:
        brief, day = spec.id.brief, day_of(self._day_began_s + int(self._now_s()))
        self._paid[brief] = self._paid.get(brief, 0.0) + usd
        self._paid_on[day] = self._paid_on.get(day, 0.0) + usd


def _tokens(used: _Used, now_s: float) -> int:
    """Returns the tokens of an attempt that count now: all it may take, until it has ended."""
    if used.ended_s is None:
        return used.spec.tokens_max
    return used.tokens if now_s - used.ended_s < _MINUTE_S else 0
