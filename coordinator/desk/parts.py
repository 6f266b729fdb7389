"""What a desk is built over; bootstrap's light half fills it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coordinator.desk.sources import Archive, Dropped, History, Memo
    from coordinator.ports import Claims, Clock, CoChange, Inbox, Journal, Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a desk is built over.

    `objects`, `history` and `archive` read one repository: the private clone, or in a plain clone the
    user's own. `mirror` is where refs/orchestrator/ of the remote is mirrored in it, '' where it is not.
    The functions make what only some commands need; they are None where there is nothing to make:
    `claims` and `journal` in a plain clone, `inbox` and `dropped` where no request may be put.
    """

    objects: Objects
    history: History
    archive: Archive
    memo: Memo
    past: CoChange
    clock: Clock
    mirror: str = ""
    dropped: Dropped | None = None
    inbox: Callable[[], Inbox] | None = None
    claims: Callable[[], Claims] | None = None
    journal: Callable[[], Journal] | None = None
