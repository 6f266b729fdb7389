"""Whether an attempt may cost what it may cost: what its worker, its brief and the day leave for it."""

from dataclasses import dataclass
from typing import Literal

from .policy import Policy, Profile
from .spent import Spent
from .world import Sighting, World

_USD_MIN = 0.01  # with less, a model is not worth asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """Why there is no money for an attempt. The day's comes back by itself."""

    of: Literal["brief", "day"]
    why: str


def is_paid(policy: Policy, profile: str) -> bool:
    """Tells whether a worker costs money."""
    found = policy.profile(profile)
    return found is not None and found.limits.cost_usd_max > 0


def has_paid(policy: Policy) -> bool:
    """Tells whether any worker costs money."""
    return any(profile.limits.cost_usd_max > 0 for profile in policy.profiles)


def lack(profile: str, sighting: Sighting, world: World) -> Lack | None:
    """Returns why a worker cannot be paid for an attempt at this brief now; None when it can, or is free."""
    found = world.policy.profile(profile)
    if found is None:
        return None
    money = left(found, sighting, policy=world.policy, brief=sighting.spent, day=world.spent_today)
    return money if isinstance(money, Lack) else None


def left(
    profile: Profile, sighting: Sighting, *, policy: Policy, brief: Spent, day: Spent
) -> float | Lack:
    """Returns what one attempt may cost in US dollars: the least of what worker, brief and day leave."""
    most = profile.limits.cost_usd_max
    if most <= 0:
        return 0.0
    own = sighting.filed.brief.budget_usd
    limit = policy.usd_per_brief if own is None else own
    if is_spent(brief, limit):
        where = "`budget` of the brief" if own is not None else "[budget] usd_per_brief"
        why = f"the brief has used its budget: {_said(brief, limit)}; {where} says how much it may"
        return Lack(of="brief", why=why)
    if is_spent(day, policy.usd_per_day):
        why = f"the money of this day is used up: {_said(day, policy.usd_per_day)}"
        return Lack(of="day", why=why)
    return min(most, limit - brief.usd, policy.usd_per_day - day.usd)


def is_day_spent(world: World) -> bool:
    """Tells whether no worker that costs money starts before the day ends."""
    return is_spent(world.spent_today, world.policy.usd_per_day)


def day_said(world: World) -> str:
    """Returns what the day has cost, of what it may."""
    return _said(world.spent_today, world.policy.usd_per_day)


def is_spent(spent: Spent, limit: float) -> bool:
    """Tells whether so little is left of a limit that it is not worth starting anything."""
    rest = limit - spent.usd
    return rest <= 0 or rest < min(_USD_MIN, limit)


def _said(spent: Spent, limit: float) -> str:
    also = ""
    if spent.unknown:
        count = "1 attempt" if spent.unknown == 1 else f"{spent.unknown} attempts"
        also = f", and {count} of unknown cost"
    return f"{spent.usd:.2f} of {limit:.2f} USD{also}"
