"""The tables of config.toml about what fails, lags or asks for too much, and the rules that they make."""

from typing import Annotated

from pydantic import BaseModel, Field

from coordinator.config.table import STRICT
from coordinator.config.values import Money, Seconds, Some, SomeOrNone
from coordinator.domain import failure_policy
from coordinator.domain.failure_policy import Breaking, Retrying

_RETRYING, _BREAKING, _SPECULATION = Retrying(), Breaking(), failure_policy.Speculation()


class _Table(BaseModel):
    model_config = STRICT


class Retry(_Table):
    """[retry]: how long a lost attempt is left alone before the next."""

    pause_s: Money = _RETRYING.pause_s
    pause_s_max: Money = _RETRYING.pause_s_max


class Breaker(_Table):
    """[breaker]: after how many losses in a row a worker is left alone (0 = never), and for how long."""

    failures: SomeOrNone = _BREAKING.failures
    window_s: Seconds = _BREAKING.window_s
    cool_down_s: Seconds = _BREAKING.cool_down_s


class Speculation(_Table):
    """[speculation]: when an attempt that takes long gets a second one beside it."""

    enabled: bool = _SPECULATION.enabled
    factor: Annotated[float, Field(ge=1, le=1_000)] = _SPECULATION.factor
    share_max: Annotated[float, Field(gt=0, le=1)] = _SPECULATION.share_max
    samples_min: Some = _SPECULATION.samples_min


class Limit(_Table):
    """[limits.NAME]: what all attempts of a worker, a kind of worker, a model or an endpoint may use."""

    parallel: Some | None = None
    requests_per_minute: Some | None = None
    tokens_per_minute: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None


def retrying(said: Retry) -> Retrying:
    """Returns the rule that [retry] makes."""
    return Retrying(**said.model_dump())


def breaking(said: Breaker) -> Breaking:
    """Returns the rule that [breaker] makes."""
    return Breaking(**said.model_dump())


def speculation(said: Speculation) -> failure_policy.Speculation:
    """Returns the rule that [speculation] makes."""
    return failure_policy.Speculation(**said.model_dump())


def limits(said: dict[str, Limit]) -> tuple[failure_policy.Limit, ...]:
    """Returns the rules that [limits] makes, in the order of the text."""
    return tuple(failure_policy.Limit(of=of, **one.model_dump()) for of, one in said.items())
