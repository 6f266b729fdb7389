"""Attempts as the journal remembers them, of whatever brief: when each began, and how it ended.

Times are given as how long ago, so that no clock but the one that looked is compared with anything.
"""

from dataclasses import dataclass

from .attempt import RESTARTED, Spec

_NOBODYS_FAULT = (RESTARTED, "cancelled: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One attempt; it runs while `reason` is None, and has returned something when that is empty."""

    spec: Spec
    began_ago_s: float
    ended_ago_s: float | None = None
    reason: str | None = None
    tokens: int = 0  # that it used, as far as it has ended

    @property
    def is_running(self) -> bool:
        """Tells whether it has not ended."""
        return self.reason is None

    @property
    def has_returned(self) -> bool:
        """Tells whether an output came of it."""
        return self.reason == ""

    @property
    def has_failed(self) -> bool:
        """Tells whether it was lost, and neither we nor a person had stopped it."""
        return bool(self.reason) and not str(self.reason).startswith(_NOBODYS_FAULT)

    @property
    def wall_s(self) -> float:
        """Returns how long it has taken until now, or took."""
        return max(0.0, self.began_ago_s - (self.ended_ago_s or 0.0))
