"""What the history says of the files: for rules that learn from it."""

from collections.abc import Sequence
from typing import Protocol

from coordinator.domain.names import Oid
from coordinator.domain.together import Touched


class CoChange(Protocol):
    """The commits of a history with what each touched; a cache beside it may be deleted at any time."""

    def touched(self, tip: Oid) -> Sequence[Touched]:
        """Returns the newest commits that lead to `tip`, newest first, without merges; bounded."""
        ...
