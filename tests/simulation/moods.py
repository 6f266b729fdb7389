"""What a day is like: the rules of the house, the weather, and how people are."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from coordinator.domain.names import Environment, ProfileName
from coordinator.domain.policy import Command, Policy, Profile, Target

from .network import Weather

_FAULTS = (
    "torn",
    "moved_though_refused",
    "delayed",
    "lost_reply",
    "hang",
    "no_answer",
    "refused",
    "torn_look",
    "slow",
)
POLICY = Policy(
    remote_poll_s=10.0,
    lease_s=60.0,
    aging_s=60.0,
    record_interval_s=2.0,
    retries=2,
    profiles=(
        Profile(
            name=ProfileName("hand"),
            capabilities=frozenset({"hand"}),
            output_kinds=frozenset({"list", "json", "table", "report", "changes"}),
            tools=frozenset({"read", "list"}),
        ),
    ),
    gates=(Command(name="gate", run="gate"),),
    unverified="land",
    environments=(
        Target(
            environment=Environment("production"),
            kind="directory",
            path="/srv/www",
            health_polls=2,
            timeout_s_max=20.0,
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Mood:
    """What a day is like: mostly drawn from its seed."""

    weather: Mapping[str, float]
    machines: int = 3
    sluggish: str = ""  # a machine whose way to the remote is long
    haste: float = 0.0  # how likely somebody cancels just before something happens
    holds: bool = False  # whether a human has to approve what nothing could check
    kills: int = 0  # of each machine, at port calls
    wipes: bool = False  # whether run folders may go with a kill

    def begin(self) -> Weather:
        """Returns the weather of the morning."""
        weather = Weather(sluggish=self.sluggish)
        for name, chance in self.weather.items():
            setattr(weather, name, chance)
        return weather


def drawn(random: Random) -> Mood:
    """Returns the mood of any day."""
    weather = {
        name: random.choice((0.03, 0.1, 0.25))
        for name in random.sample(_FAULTS, random.choice((0, 1, 2, 3, 4, 5)))
    }
    weather |= {"zombie": random.choice((0.0, 0.5, 1.0)), "silence": random.choice((0.0, 0.3))}
    return Mood(
        weather=weather,
        machines=random.choice((2, 2, 3, 3, 4)),
        sluggish=f"m{random.randrange(2)}" if random.random() < 0.5 else "",
        haste=random.choice((0.0, 0.0, 0.6)),
        holds=random.random() < 0.25,
        kills=random.choice((0, 0, 1, 2, 4)),
        wipes=random.random() < 0.5,
    )
