"""For how long briefs have waited here: since this daemon first saw each in its round."""

from collections.abc import Container

from coordinator.domain.names import BriefId
from coordinator.domain.world import Filed


class Waits:
    """Remembers when each brief was first seen, on our monotonic clock; no date of another machine counts.

    What happens to a brief meanwhile is part of its wait: it gets a plan, and another one, asks and is answered.
    Only a retry, which a person asks for, begins anew.
    """

    def __init__(self) -> None:
        self._since: dict[BriefId, tuple[int, float]] = {}

    def age_s(self, filed: Filed, now_s: float) -> float:
        """Returns for how long a brief has waited."""
        round_ = filed.plan.round if filed.plan else 1
        since = self._since.get(filed.id)
        if since is None or since[0] != round_:
            since = self._since[filed.id] = (round_, now_s)
        return now_s - since[1]

    def keep(self, live: Container[BriefId]) -> None:
        """Forgets the briefs that have ended."""
        for brief in [brief for brief in self._since if brief not in live]:
            del self._since[brief]
