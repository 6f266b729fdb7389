"""What came of one attempt, as its process and its room tell: an output, or why there is none; and what it used."""

import signal
from typing import Any

from pydantic import ValidationError

from coordinator.adapters.pool_process import Ended
from coordinator.adapters.rooms import WITH_A_MODEL
from coordinator.adapters.spool import Outcome
from coordinator.domain.attempt import Spec
from coordinator.domain.output import NoOutput, Output, Usage
from coordinator.domain.policy import Profile
from coordinator.domain.record import one_line

_FAILED = 3  # what a child exits with when its worker raised
_REASON_CHARS_MAX = 2_000


def lost(spec: Spec, reason: str, *, usage: Usage) -> Outcome:
    """Returns the outcome of an attempt that has no output."""
    return Outcome(spec=spec, reason=one_line(reason)[:_REASON_CHARS_MAX], usage=usage)


UNUSED = Usage(cost_usd=0.0)
"""What a worker used that never began."""


def outcome(
    spec: Spec, ended: Ended, profile: Profile, *, metered: Usage | None, wall_s: float
) -> Outcome:
    """Returns the outcome of an attempt whose process has ended.

    What was metered is what counts: a worker may forget what it used, or lie about it.
    """
    came = _came(ended)
    said = came.usage if isinstance(came, Output | NoOutput) else Usage()
    usage = _used(said, profile, metered=metered, wall_s=wall_s)
    match came:
        case Output():
            return Outcome(spec=spec, output=came.model_copy(update={"usage": usage}))
        case NoOutput(reason=reason):
            return lost(spec, reason, usage=usage)
        case reason:
            return lost(spec, reason, usage=usage)


def _used(said: Usage, profile: Profile, *, metered: Usage | None, wall_s: float) -> Usage:
    wall_s = said.wall_s or round(wall_s, 3)
    if metered is not None:
        return metered.model_copy(update={"wall_s": wall_s})
    if profile.kind in WITH_A_MODEL:
        return said.model_copy(update={"wall_s": wall_s})
    cost_usd = said.cost_usd if said.cost_usd is not None else 0.0  # it has no way to a model
    return said.model_copy(update={"wall_s": wall_s, "cost_usd": cost_usd})


def _came(ended: Ended) -> Output | NoOutput | str:
    if ended.killed is not None:
        return ended.killed
    if ended.code == _FAILED:
        return f"the worker failed: {one_line(ended.stderr) or 'it did not say why'}"
    if ended.code != 0:
        return f"the worker's process died: {_ending(ended.code)}"
    told = ended.outputs + ended.reasons
    if len(told) != 1:
        return f"worker broke its contract: it returned {len(told)} outputs"
    kind = Output if ended.outputs else NoOutput
    try:
        return kind.model_validate_json(told[0])
    except ValidationError as error:
        first = _first(error.errors(include_url=False, include_input=False))
        return f"worker broke its contract: {first}"


def _first(errors: list[Any]) -> str:
    where = ".".join(str(part) for part in errors[0]["loc"])
    return f"{where}: {errors[0]['msg']}" if where else str(errors[0]["msg"])


def _ending(code: int) -> str:
    number = -code if code < 0 else code - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit status {code}"
