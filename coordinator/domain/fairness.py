"""Who goes first, and who has to wait so that others are not asked for too much.

Briefs go by priority, which grows while they wait: however many more urgent ones keep coming, each is older
than what comes later, and so gets its turn. Attempts go by what the house allows a worker, its kind, its model
or its endpoint: so many at once, and so many requests and tokens in any minute.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from .attempt import RESTARTED
from .failure_policy import Limit
from .names import ProfileName
from .past import Past
from .policy import Policy, Profile
from .world import LeftAlone, Sighting, World

WINDOW_S = 60.0


def in_order(world: World) -> tuple[Sighting, ...]:
    """Returns the briefs in the order in which they get claims and attempts."""
    return tuple(sorted(world.briefs.values(), key=lambda s: _rank(s, world.policy)))


def effective(sighting: Sighting, policy: Policy) -> int:
    """Returns the priority of a brief with what it has gained by waiting."""
    return sighting.filed.brief.priority + math.floor(sighting.age_s / policy.aging_step_s)


def _rank(sighting: Sighting, policy: Policy) -> tuple[float, float, int]:
    """Returns what is compared: priority, then how long an attempt may take, then who was accepted first.

    The deadline bounds an attempt and not the wait: that is what priority grows with.
    """
    deadline_s = sighting.filed.brief.deadline_s
    at_most_s = math.inf if deadline_s is None else deadline_s
    return (-effective(sighting, policy), at_most_s, sighting.order)


def limits_of(profile: Profile, policy: Policy) -> tuple[Limit, ...]:
    """Returns the limits that hold for a worker, by whatever name."""
    return tuple(limit for limit in policy.limits if limit.of in profile.limited_as)


def full(past: Sequence[Past], policy: Policy) -> Mapping[ProfileName, LeftAlone]:
    """Returns the workers that may not begin another attempt now, each with why and for how long.

    An attempt counts as one request at least, and with all the tokens set aside for it until it has ended.
    One that wants more than a limit gives in a minute goes when nothing else is counted.
    """
    found: dict[ProfileName, LeftAlone] = {}
    for profile in policy.profiles:
        limits = limits_of(profile, policy)
        waits = [_wait(limit, profile, _of(limit, past, policy)) for limit in limits]
        longest = max((w for w in waits if w), key=lambda wait: wait.due_in_s, default=None)
        if longest is not None:
            found[profile.name] = longest
    return found


def _wait(limit: Limit, profile: Profile, past: Sequence[Past]) -> LeftAlone | None:
    at_once = sum(p.is_running for p in past)
    if limit.parallel is not None and at_once >= limit.parallel:
        why = f"[limits.{limit.of}] parallel: {at_once} of {limit.parallel} at work"
        return LeftAlone(why=why, due_in_s=WINDOW_S)
    recent = [p for p in past if p.began_ago_s < WINDOW_S]
    most = limit.requests_per_minute
    if most is not None and len(recent) >= most:
        said = f"[limits.{limit.of}] requests_per_minute: {len(recent)} of {most}"
        return LeftAlone(why=said, due_in_s=_until(recent, len(recent) - most + 1))
    tokens_max = limit.tokens_per_minute
    if tokens_max is not None:
        return _wait_for_tokens(limit, tokens_max, profile, past)
    return None


def _wait_for_tokens(
    limit: Limit, tokens_max: int, profile: Profile, past: Sequence[Past]
) -> LeftAlone | None:
    counted = [p for p in past if p.is_running or (p.ended_ago_s or 0.0) < WINDOW_S]
    taken = sum(_tokens(p) for p in counted)
    if not taken or taken + profile.limits.tokens_max <= tokens_max:
        return None
    said = f"[limits.{limit.of}] tokens_per_minute: {taken} of {tokens_max} used or set aside"
    ended = [WINDOW_S - (p.ended_ago_s or 0.0) for p in counted if not p.is_running]
    return LeftAlone(why=said, due_in_s=min(ended, default=WINDOW_S))


def _tokens(past: Past) -> int:
    """Returns what counts of an attempt; of one that a restart ended nobody knows what it had used."""
    unknown = past.is_running or past.reason == RESTARTED
    return past.spec.tokens_max if unknown else past.tokens


def _until(recent: Iterable[Past], count: int) -> float:
    """Returns in how many seconds so many of the oldest are out of the window."""
    oldest = sorted((p.began_ago_s for p in recent), reverse=True)
    return WINDOW_S - oldest[count - 1]


def _of(limit: Limit, past: Sequence[Past], policy: Policy) -> list[Past]:
    names = {p.name for p in policy.profiles if limit in limits_of(p, policy)}
    return [p for p in past if p.spec.profile in names]
