"""How long a lost attempt is left alone before the next one: a pause that doubles, for what may pass by itself.

The pause is the same whenever it is worked out: chance would make it another at every look. Its jitter, which
keeps what was lost together from coming back together, is drawn from what the attempt is called.
"""

import hashlib
import re
from collections.abc import Sequence

from .attempt import RESTARTED, Attempt, Lost
from .failure_policy import Retrying
from .past import Past
from .world import World

_OURS = re.compile(r"broke its contract|^cancelled: |over the budget", re.IGNORECASE)
_SERVER_SAID = re.compile(
    r"rate.?limit|too many requests|overload|\b(?:408|409|425|429|500|502|503|504|529)\b",
    re.IGNORECASE,
)
_KEY = re.compile(  # what only a person mends
    r"\bno (?:x-)?(?:api.)?key\b|(?:invalid|incorrect|missing|wrong|expired|revoked) (?:x-)?(?:api.)?key\b"
    r"|\bwants a key\b|\bcannot be a key\b|not take the coordinator's key\b|\b401\b|unauthori[sz]ed",
    re.IGNORECASE,
)
_PASSES = re.compile(
    r"capacity"
    r"|connect|network|unreachable|unavailable|temporar|tim(?:ed|e) ?out|took too long|no answer"
    r"|no sign of life|silen|idle|died|killed|\blost\b|reset|broken pipe|try again",
    re.IGNORECASE,
)


def passes(reason: str) -> bool:
    """Tells whether what an attempt was lost to looks as if it might pass by itself.

    What a model server says of too many calls counts more than the rest of its words: it may name the key
    that they were made with.
    """
    if reason == RESTARTED or _OURS.search(reason):
        return False
    if _SERVER_SAID.search(reason):
        return True
    return _PASSES.search(reason) is not None and not _KEY.search(reason)


def pause_s(last: Lost, *, in_a_row: int, policy: Retrying) -> float:
    """Returns the pause after the last of so many losses: between half of it and all."""
    whole_s = min(policy.pause_s_max, policy.pause_s * 2.0 ** min(in_a_row - 1, 30))
    name = f"{last.spec.id.brief}/{last.spec.id.number}".encode()
    drawn = int.from_bytes(hashlib.sha256(name).digest()[:4], "big") / 2**32
    return whole_s * (0.5 + drawn / 2)


def left_s(tried: Sequence[Attempt], world: World) -> float:
    """Returns how long the worker that made the last of these attempts is left alone yet; 0 = it may go on.

    When the last one was lost is known from the journal; without it nobody waits.
    """
    in_a_row = _losses(tried)
    last = tried[-1] if tried else None
    if not in_a_row or not isinstance(last, Lost):
        return 0.0
    ended_ago_s = _ended_ago_s(last, world.past)
    if ended_ago_s is None:
        return 0.0
    return max(0.0, pause_s(last, in_a_row=in_a_row, policy=world.policy.retrying) - ended_ago_s)


def _losses(tried: Sequence[Attempt]) -> int:
    count = 0
    for attempt in reversed(tried):
        if not (isinstance(attempt, Lost) and passes(attempt.reason)):
            break
        count += 1
    return count


def _ended_ago_s(lost: Lost, past: Sequence[Past]) -> float | None:
    found = (p.ended_ago_s for p in reversed(past) if p.spec.id == lost.spec.id)
    return next(found, None)
