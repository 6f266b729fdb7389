"""Everything a person or a program may say; each is one file in the inbox, on disk or on an inbox/* branch."""

from dataclasses import dataclass
from typing import Literal

from .names import BriefId, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, and how to find it again to remove it."""

    source: Literal["folder", "branch", "plan"]
    name: str  # file name in the inbox, branch name, or name of the plan line
    by: str  # "Name <email>" of who asked, as far as known
    token: str  # digest of what was read: removed only while it still says the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A brief file."""

    name: str
    text: bytes
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to one question of a brief."""

    brief: BriefId
    question: str
    text: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Lets a held changeset land; binds to the digest that was seen."""

    brief: BriefId
    changeset: Digest
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Says no to a waiting brief."""

    brief: BriefId
    reason: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stops a brief that has not landed."""

    brief: BriefId
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Opens a failed, rejected or canceled brief again."""

    brief: BriefId
    origin: Origin


Request = Drop | Answer | Approve | Refuse | Cancel | Retry
