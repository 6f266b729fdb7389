"""The one way in for people and programs."""

from collections.abc import Mapping
from typing import Any, Protocol

from coordinator.domain.request import Request

from .marks import writes


class Inbox(Protocol):
    """The one way in for people and programs: files that have stopped growing."""

    @writes
    def waiting(self) -> tuple[Request, ...]:
        """Returns what can be read now; what cannot be a request at all is answered and set aside."""
        ...

    def growing(self) -> tuple[str, ...]:
        """Returns names that the last look left alone because they may be written still."""
        ...

    @writes
    def put(self, name: str, content: bytes) -> str:
        """Writes a file of its own into the folder, whole or not at all; returns the name it got."""
        ...

    @writes
    def remove(self, request: Request, *, keep: bool) -> None:
        """Removes it if it still is what was read; `keep` sets the text aside in .rejected/ first."""
        ...

    @writes
    def reply(self, name: str, *, fields: Mapping[str, Any], text: str) -> None:
        """Writes .replies/<name>.json and .md; nothing when they already say that."""
        ...

    def replies(self) -> Mapping[str, Mapping[str, Any]]:
        """Returns the JSON of every reply so far, by name."""
        ...
