"""Accept, revise or reject, with evidence for each criterion."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Trust(StrEnum):
    """How much of what was asked has been checked."""

    VERIFIED = "verified"
    PARTLY = "partly verified"
    UNVERIFIED = "unverified"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Frozen):
    """What was looked at and what was seen; `met` is None where nothing here can tell (prose)."""

    code: str  # e.g. scope, do-not, schema, check, matches, only, exists, shape, prose
    criterion: str
    met: bool | None
    evidence: str


class Accept(_Frozen):
    """Good enough to be put together with others."""

    verdict: Literal["accept"] = "accept"
    trust: Trust
    findings: tuple[Finding, ...]


class Revise(_Frozen):
    """Not yet: try again with `feedback`."""

    verdict: Literal["revise"] = "revise"
    findings: tuple[Finding, ...]
    feedback: tuple[str, ...]


class Reject(_Frozen):
    """Never like this; `code` goes into the trailer (`out-of-scope`, ...)."""

    verdict: Literal["reject"] = "reject"
    code: str
    findings: tuple[Finding, ...]
    feedback: tuple[str, ...]


Verdict = Annotated[Accept | Revise | Reject, Field(discriminator="verdict")]


def feedback(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Returns what the next attempt is told: each thing that was not met, with what was seen."""
    return tuple(f"{named(f.code, f.criterion)}: {f.evidence}" for f in findings if f.met is False)


def named(code: str, criterion: str) -> str:
    """Returns a criterion with the kind of rule that it is; `matches: /x/` says so itself."""
    return criterion if criterion.startswith(f"{code}:") else f"{code}: {criterion}"
