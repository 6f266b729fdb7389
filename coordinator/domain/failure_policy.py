"""The rules of the house for what fails, lags or asks for too much: pauses, breakers, second attempts, limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """How long a lost attempt is left alone before the next: the first pause, which doubles up to the most."""

    pause_s: float = 1.0
    pause_s_max: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaking:
    """After how many losses in a row a worker is not dispatched for a while; 0 = never."""

    failures: int = 5
    window_s: float = 600.0  # losses further apart than this do not count together
    cool_down_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """When an attempt that takes long gets a second one beside it."""

    enabled: bool = False
    factor: float = 2.0  # of the median that such attempts take
    share_max: float = 0.1  # of the attempts that may run at once; one at least
    samples_min: int = 5  # with fewer, nobody knows what takes long


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What all attempts of a worker, of its kind or of its model may use; None = as much as there is."""

    of: str  # a profile, a kind of worker, a model, or an endpoint
    parallel: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
