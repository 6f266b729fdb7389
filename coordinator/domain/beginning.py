"""Whether a worker may begin an attempt at a brief now: one rule, whatever the attempt is for."""

from . import breaker
from .budget import Lack, lack
from .names import ProfileName
from .steps import Wait
from .world import LeftAlone, Sighting, World


def why_not(profile: str, sighting: Sighting, world: World) -> Lack | LeftAlone | None:
    """Returns why a worker may not begin now; None when it may, be it on trial.

    There is no money for it, it only fails, or it has as much to do as a limit allows.
    """
    return (
        lack(profile, sighting, world)
        or breaker.is_open(profile, world)
        or world.full.get(ProfileName(profile))
    )


def waiting(why: Lack | LeftAlone) -> Wait:
    """Returns the step of whoever waits until it may."""
    if isinstance(why, LeftAlone):
        return Wait(phase="dispatch", why=why.why, due_in_s=why.due_in_s)
    return Wait(phase="dispatch", why=why.why, rests=why.of == "day")
