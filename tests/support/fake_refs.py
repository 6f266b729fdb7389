"""A table of refs with git's own rules: a name cannot be a file and a folder, and some cannot be at all."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping

from coordinator.adapters.git import RefUpdate
from coordinator.domain.names import Oid

_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^[^/]*$")
_COMPONENT_BYTES_MAX = 250


class RefTable:
    """Refs by name; `version` changes whenever one of them does."""

    def __init__(self) -> None:
        self.version = 0
        self._refs: dict[str, Oid] = {}
        self._folders: dict[str, dict[str, Oid]] = {}  # what is below each, at any depth
        self._sorted: dict[str, dict[str, Oid]] = {}  # the same, for as long as none of it changes

    def __iter__(self) -> Iterator[str]:
        return iter(self._refs)

    def get(self, ref: str) -> Oid | None:
        return self._refs.get(ref)

    def items(self) -> Iterable[tuple[str, Oid]]:
        return self._refs.items()

    def below(self, prefix: str) -> dict[str, Oid]:
        if not prefix.endswith("/"):
            oid = self._refs.get(prefix)
            return {prefix: oid} if oid else {}
        folder = prefix[:-1]
        if folder not in self._sorted:
            self._sorted[folder] = dict(sorted(self._folders.get(folder, {}).items()))
        return dict(self._sorted[folder])

    def matching(self, pattern: str) -> dict[str, Oid]:
        """Returns the refs that a pattern with one '*' names."""
        head, _, tail = pattern.partition("*")
        folder = head.rpartition("/")[0]
        below = self._folders.get(folder, {}) if folder else self._refs
        chars_min = len(head) + len(tail)
        return {
            ref: oid
            for ref, oid in below.items()
            if len(ref) >= chars_min and ref.startswith(head) and ref.endswith(tail)
        }

    def set(self, ref: str, oid: Oid | None) -> None:
        """Moves one ref; the caller has asked `refusal` before."""
        there = self._refs.get(ref)
        if there == oid:
            return
        self.version += 1
        for folder in _above(ref):
            self._sorted.pop(folder, None)
        if oid is None:
            del self._refs[ref]
            for folder in _above(ref):
                del self._folders[folder][ref]
                if not self._folders[folder]:
                    del self._folders[folder]
            return
        self._refs[ref] = oid
        for folder in _above(ref):
            self._folders.setdefault(folder, {})[ref] = oid

    def refusal(self, updates: Iterable[RefUpdate]) -> dict[str, str]:
        """Returns why a transaction of these cannot be, by ref: nothing when it can."""
        wanted = tuple(updates)
        faults = {}
        for update in wanted:
            if self._refs.get(update.ref) != update.expected:
                faults[update.ref] = f"cannot lock ref '{update.ref}': is elsewhere"
            elif update.new is not None and (fault := self._unnameable(update.ref)):
                faults[update.ref] = fault
        faults.update(_file_and_folder({update.ref for update in wanted}))
        return faults

    def _unnameable(self, ref: str) -> str | None:
        if ref in self._refs:
            return None
        if not is_ref_name(ref) or not _is_short(ref):
            return f"cannot lock ref '{ref}': not a name"
        if ref in self._folders:
            return f"cannot lock ref '{ref}': '{ref}/...' exists; cannot create '{ref}'"
        above = next((folder for folder in _above(ref) if folder in self._refs), None)
        return above and f"cannot lock ref '{ref}': '{above}' exists; cannot create '{ref}'"


@functools.lru_cache(maxsize=65536)
def is_ref_name(ref: str) -> bool:
    return not _BAD.search(ref)


@functools.lru_cache(maxsize=65536)
def _is_short(ref: str) -> bool:
    return all(len(part.encode()) <= _COMPONENT_BYTES_MAX for part in ref.split("/"))


@functools.lru_cache(maxsize=65536)
def _above(ref: str) -> tuple[str, ...]:
    parts = ref.split("/")
    return tuple("/".join(parts[:i]) for i in range(1, len(parts)))


def _file_and_folder(refs: set[str]) -> Mapping[str, str]:
    """Even deleting one of them in the same transaction does not make room for the other."""
    if len(refs) < 2:
        return {}
    return {
        ref: f"cannot process '{folder}' and '{ref}' at the same time"
        for ref in refs
        for folder in _above(ref)
        if folder in refs
    }
