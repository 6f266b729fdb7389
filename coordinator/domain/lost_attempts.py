"""Attempts that ended without an output, as a trailer says them: nothing else of them is kept."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reading a trailer is part of `status`, which has to start fast
    from .attempt import Lost, Role

_SAID = re.compile(
    r"(?P<worker>[^\s/]+)/(?P<number>\d{1,9}) lost"
    r" for (?P<cost>unknown|\d+\.\d+) USD"
    r"(?: and (?P<tokens_in>\d+)\+(?P<tokens_out>\d+) tokens)?:"
    r"(?: at (?P<task>[A-Za-z0-9][\w-]*):)?"
    r"(?: as (?P<role>planner|evaluator|synthesizer):)? (?P<reason>.*)"
)


_ROLES: "dict[str, Role]" = {
    "planner": "planner",
    "evaluator": "evaluator",
    "synthesizer": "synthesizer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidLost:
    """What a commit says of one; cost and tokens (read, written) are None where nobody knows."""

    number: int
    worker: str
    cost_usd: float | None
    reason: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    role: "Role" = "author"
    task: str = (
        ""  # where a commit says it: of several tasks, or of one that another was planned for
    )


def cost(lost: "Lost") -> float | None:
    """Returns what it cost in US dollars: nothing for a worker without money, None where nobody knows."""
    if not lost.spec.cost_usd_max:
        return 0.0
    return lost.usage.cost_usd if lost.usage is not None else None


def said(lost: "Lost") -> str:
    """Returns the value of its Attempt trailer."""
    known = cost(lost)
    used = "unknown USD" if known is None else f"{known:.4f} USD"
    if lost.usage is not None:
        used += f" and {lost.usage.tokens_in}+{lost.usage.tokens_out} tokens"
    spec = lost.spec
    at = "" if str(spec.task) == str(spec.profile) else f" at {spec.task}:"
    role = "" if spec.role == "author" else f" as {spec.role}:"
    return f"{spec.profile}/{spec.id.number} lost for {used}:{at}{role} {lost.reason}"


def read(value: str) -> SaidLost | None:
    """Returns what an Attempt trailer says of a lost attempt; None for one that returned something."""
    found = _SAID.fullmatch(value)
    if found is None:
        return None
    return SaidLost(
        number=int(found["number"]),
        worker=found["worker"],
        cost_usd=None if found["cost"] == "unknown" else float(found["cost"]),
        reason=found["reason"],
        tokens_in=None if found["tokens_in"] is None else int(found["tokens_in"]),
        tokens_out=None if found["tokens_out"] is None else int(found["tokens_out"]),
        task=found["task"] or "",
        role=_ROLES.get(found["role"] or "", "author"),
    )
