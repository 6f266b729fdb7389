"""What the desk reads besides the ports: history with dates, and objects that a plain clone does not have."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from coordinator.domain.names import Oid
from coordinator.domain.saying import SeenCommit


class History(Protocol):
    """Commits of the repository that is read: the private clone, or the user's own."""

    def commits(self, since: Oid | None, tip: Oid) -> Sequence[SeenCommit]:
        """Returns the first parents from `tip` down to `since` (exclusive), newest first."""
        ...

    def commit(self, revision: str) -> SeenCommit | None:
        """Returns the commit that `revision` names (an abbreviation, a branch), None when nothing."""
        ...

    def parent(self, commit: Oid) -> Oid | None:
        """Returns the first parent."""
        ...

    def patch(self, before: Oid, after: Oid) -> str | None:
        """Returns what leads from one tree to the other as a diff; None where a tree is not here."""
        ...


class Archive(Protocol):
    """Refs under refs/orchestrator/, here or on the remote. Never writes a ref."""

    def here(self, prefix: str) -> Mapping[str, Oid]:
        """Returns the local refs below `prefix`."""
        ...

    def there(self, *prefixes: str) -> Mapping[str, Oid] | None:
        """Returns the remote's refs below the prefixes, None when it cannot be read."""
        ...

    def bring(self, refs: Sequence[str]) -> bool:
        """Fetches the objects of remote refs into the object store; False when it could not."""
        ...


class Memo(Protocol):
    """Remembers what was parsed, between two commands; may forget everything at any time."""

    def load(self, name: str) -> dict[str, Any]:
        """Returns what was saved, or {}."""
        ...

    def save(self, name: str, said: Mapping[str, Any]) -> None:
        """Saves it, whole or not at all."""
        ...


class Dropped(Protocol):
    """The briefs that lie in the inbox; looking changes nothing."""

    def briefs(self) -> Sequence[tuple[str, bytes]]:
        """Returns (name, content) of each."""
        ...
