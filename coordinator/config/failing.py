"""The tables of config.toml about what fails, lags or asks for too much, and the rules that they make."""

import difflib
from collections.abc import Collection, Sequence
from typing import Annotated, get_args

from pydantic import BaseModel, Field, model_validator

from coordinator.config.table import CONFIG_FILE, STRICT
from coordinator.config.values import Seconds, SecondsOrNone, Some, SomeOrNone
from coordinator.domain import failure_policy
from coordinator.domain.errors import ConfigError
from coordinator.domain.failure_policy import Breaking, Retrying
from coordinator.domain.policy import Endpoint, Profile, ProfileKind

_RETRYING, _BREAKING, _SPECULATION = Retrying(), Breaking(), failure_policy.Speculation()


class _Table(BaseModel):
    model_config = STRICT


class Retry(_Table):
    """[retry]: how long a lost attempt is left alone before the next."""

    pause_s: SecondsOrNone = _RETRYING.pause_s
    pause_s_max: SecondsOrNone = _RETRYING.pause_s_max

    @model_validator(mode="after")
    def _in_order(self) -> "Retry":
        if self.pause_s > self.pause_s_max:
            said = (
                f"pause_s is {self.pause_s:g}, which is more than pause_s_max, {self.pause_s_max:g}"
            )
            raise ValueError(said)
        return self


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

    @model_validator(mode="after")
    def _limiting(self) -> "Limit":
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"it limits nothing; known here: {', '.join(type(self).model_fields)}")
        return self


def retrying(said: Retry) -> Retrying:
    """Returns the rule that [retry] makes."""
    return Retrying(**said.model_dump())


def breaking(said: Breaker) -> Breaking:
    """Returns the rule that [breaker] makes."""
    return Breaking(**said.model_dump())


def speculation(said: Speculation) -> failure_policy.Speculation:
    """Returns the rule that [speculation] makes."""
    return failure_policy.Speculation(**said.model_dump())


def limits(
    said: dict[str, Limit], profiles: Collection[Profile], endpoints: Collection[Endpoint]
) -> tuple[failure_policy.Limit, ...]:
    """Returns the rules that [limits] makes, in the order of the text.

    Raises ConfigError for a name of nothing that there is: such a limit would bind nobody, and nobody would know.
    """
    names = {*get_args(ProfileKind), *(endpoint.name for endpoint in endpoints)}
    known = sorted(names.union(*(profile.limited_as for profile in profiles)))
    unknown = [of for of in said if of not in known]
    if unknown:
        raise ConfigError(
            "\n".join(f"{CONFIG_FILE}: {_unknown(of, known)}" for of in unknown),
            hint=f"limits may be of {', '.join(known)}",
        )
    return tuple(failure_policy.Limit(of=of, **one.model_dump()) for of, one in said.items())


def _unknown(of: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(of, known, n=1)
    told = f"limits.{of}: no worker, kind of worker, model or endpoint has this name"
    return f"{told}; did you mean {close[0]}?" if close else told
