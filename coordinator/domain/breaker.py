"""Workers that only fail are left alone for a while: after so many losses in a row, over all briefs.

What fails may be the worker, or the model behind it, so all workers of one model at one endpoint are counted
together. After the cool-down one attempt goes out as a trial: when something comes back the worker is used
as before, and when that is lost too, the next cool-down begins. Nothing of this is stored: it follows from
the attempts that the journal remembers. The breaker's window counts back from each loss, so what has opened
stays open for the whole cool-down, however long that is; after the cool-down and one window more, in which
nobody asked for a trial, it is forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence

from .failure_policy import Breaking
from .names import ProfileName
from .past import Past
from .policy import Policy, Profile
from .record import one_line
from .world import LeftAlone, World

_REASON_CHARS_MAX = 120
_TRIAL_S = 5.0  # its end wakes everybody; this is for the case that it does not


def opened(past: Sequence[Past], policy: Policy) -> Mapping[ProfileName, LeftAlone]:
    """Returns the workers that are not dispatched now, each with why and until when."""
    if not policy.breaking.failures:
        return {}
    found: dict[ProfileName, LeftAlone] = {}
    for together in _together(policy):
        names = {profile.name for profile in together}
        open_ = _opened([p for p in past if p.spec.profile in names], together[0], policy)
        if open_ is not None:
            found |= dict.fromkeys(names, open_)
    return found


def _opened(past: Sequence[Past], profile: Profile, policy: Policy) -> LeftAlone | None:
    rule = policy.breaking
    if sum(p.has_failed for p in past) < rule.failures:
        return None
    failed = _in_a_row(past, rule)
    if len(failed) < rule.failures or _ended_ago_s(failed[-1]) > _kept_s(rule):
        return None
    last = failed[-1]
    ago_s = _ended_ago_s(last)
    who = f"{profile.model} at {profile.endpoint}" if profile.model else profile.name
    why = one_line(last.reason or "")[:_REASON_CHARS_MAX]
    said = f"{who} failed {len(failed)} times in a row (last: {why})"
    if ago_s < rule.cool_down_s:
        return LeftAlone(
            why=f"{said}; it is left alone for a while", due_in_s=rule.cool_down_s - ago_s
        )
    if any(p.is_running and p.began_ago_s < ago_s for p in past):
        return LeftAlone(why=f"{said}; one attempt tries whether it works again", due_in_s=_TRIAL_S)
    return LeftAlone(why=f"{said}; one attempt may try it again", due_in_s=0.0, on_trial=True)


def is_open(profile: str, world: World) -> LeftAlone | None:
    """Returns why a worker is not dispatched now; None when it is, be it on trial."""
    found = world.breakers.get(ProfileName(profile))
    return None if found is None or found.on_trial else found


def is_on_trial(profile: str, world: World) -> bool:
    """Tells whether a worker may be dispatched once, to see whether it works again."""
    found = world.breakers.get(ProfileName(profile))
    return found is not None and found.on_trial


def _in_a_row(past: Sequence[Past], rule: Breaking) -> Sequence[Past]:
    """Returns the losses that count, oldest first: each within the window of the last, or after it was open."""
    row = list[Past]()
    ended = (p for p in past if p.has_returned or p.has_failed)
    for one in sorted(ended, key=lambda p: -_ended_ago_s(p)):
        if one.has_returned:
            row = []
            continue
        ago_s = _ended_ago_s(one)
        open_s = _ended_ago_s(row[-1]) - ago_s if len(row) >= rule.failures else None
        if open_s is None or open_s > _kept_s(rule):  # else it was the trial, however late
            row = [p for p in row if _ended_ago_s(p) - ago_s <= rule.window_s]
        row.append(one)
    return row


def _kept_s(rule: Breaking) -> float:
    """Returns how long after its last loss an open breaker is remembered."""
    return rule.cool_down_s + rule.window_s


def _ended_ago_s(past: Past) -> float:
    return past.ended_ago_s or 0.0


def _together(policy: Policy) -> Iterable[tuple[Profile, ...]]:
    """Yields the workers that fail together: those of one model at one endpoint, and each other by itself."""
    by_model: dict[tuple[str, str], list[Profile]] = {}
    for profile in policy.profiles:
        if profile.model:
            by_model.setdefault((profile.endpoint, profile.model), []).append(profile)
        else:
            yield (profile,)
    yield from (tuple(found) for found in by_model.values())
