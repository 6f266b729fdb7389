"""The keys of model servers, taken out of the daemon's environment so that nothing it starts inherits them."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping


class Keys(Mapping[str, str]):
    """What the variables held that endpoints name, by their names.

    git asks the user's credential helpers and deploys run the user's tools, so both get the environment of
    whoever started the daemon; the keys are none of theirs.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._environment = environment
        self._taken: dict[str, str] = {}

    def take(self, names: Iterable[str]) -> None:
        """Takes these variables out of the environment ('' is none); what was taken before stays."""
        for name in filter(None, names):
            value = self._environment.pop(name, None)
            if value is not None:
                self._taken[name] = value

    def __getitem__(self, name: str) -> str:
        """Returns a key that was taken. Raises KeyError."""
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        """Yields the names, never the keys."""
        return iter(self._taken)

    def __len__(self) -> int:
        """Returns how many were taken."""
        return len(self._taken)

    def __repr__(self) -> str:
        """Returns the names alone: this may end in a log."""
        return f"Keys({', '.join(sorted(self._taken))})"
