"""How long tests wait for what must come: a busy machine gives a process nothing for many seconds.

A wait ends as soon as what it waits for is there, so that a long one costs nothing where all is well.
Nothing that is to be proved may hang on how fast something is: see CONTRIBUTING.md.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

PATIENCE_S = 240.0
"""For whatever comes by itself, and for a daemon that shall come to rest."""

COMMAND_S_MAX = 300.0
"""For a command to end: longer than a daemon in it may take to come to rest."""

UNTIL_IDLE = ("--until-idle", "--timeout", f"{PATIENCE_S:g}")
"""What a daemon is started with that shall end when nothing is left to do."""

T = TypeVar("T")
_LOOK_S = 0.01
_LIMITS_S = (0.5, 6.0, 60.0)


def until(look: Callable[[], T], what: str = "it did not happen") -> T:
    """Looks until it finds something true, and returns that; fails with `what` when patience ends."""
    end_s = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end_s, what
        time.sleep(_LOOK_S)
    return found


def with_enough(
    run: Callable[[float], T],
    is_enough: Callable[[T], object],
    *,
    limits_s: Sequence[float] = _LIMITS_S,
) -> tuple[float, T]:
    """Runs with longer and longer limits until what must come before the limit has; returns both.

    For tests that are about a limit, and about what was done before it: only the last limit tells.
    """
    for limit_s in limits_s[:-1]:
        came = run(limit_s)
        if is_enough(came):
            return limit_s, came
    return limits_s[-1], run(limits_s[-1])
