"""Whether a worker may begin an attempt at a brief now: one rule, whatever the attempt is for."""

from dataclasses import dataclass

from . import breaker
from .budget import Lack, lack
from .names import ProfileName
from .steps import Wait
from .world import LeftAlone, Sighting, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Why a worker that was planned never begins: the house has it no more."""

    why: str


def why_not(profile: str, sighting: Sighting, world: World) -> Lack | LeftAlone | Gone | None:
    """Returns why a worker may not begin now; None when it may, be it on trial.

    The house has it no more, there is no money for it, it only fails, or it has as much to do as a limit
    allows.
    """
    if world.policy.profile(profile) is None:
        return Gone(why=f"there is no worker {profile!r} here any more")
    return (
        lack(profile, sighting, world)
        or breaker.is_open(profile, world)
        or world.full.get(ProfileName(profile))
    )


def waiting(why: Lack | LeftAlone | Gone) -> Wait:
    """Returns the step of whoever waits until it may."""
    if isinstance(why, LeftAlone):
        return Wait(phase="dispatch", why=why.why, due_in_s=why.due_in_s)
    return Wait(phase="dispatch", why=why.why, rests=isinstance(why, Lack) and why.of == "day")
