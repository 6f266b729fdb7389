"""What becomes of a request."""

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.domain.brief import Brief
from coordinator.domain.names import BriefId
from coordinator.domain.note import Note
from coordinator.domain.plan import Plan
from coordinator.domain.request import Request


@dataclass(frozen=True, slots=True)
class Record:
    """It is written down; the request goes away once the note is on the branch."""

    note: Note
    request: Request


@dataclass(frozen=True, slots=True)
class Ignore:
    """There is nothing to write down: it can be removed, and who asked is told why."""

    request: Request
    why: str
    state: str
    brief: BriefId | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """It stays in the inbox and is judged again."""

    request: Request
    why: str


Decision = Record | Ignore | Later

Isolate = Callable[[Plan, Brief], Plan]  # puts tasks that are coupled in sequence


def as_it_is(plan: Plan, brief: Brief) -> Plan:
    """Returns the plan as the rules made it."""
    del brief
    return plan
