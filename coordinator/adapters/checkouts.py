"""Checkouts of product trees without `.git`: kept current by what changed, and never dirtied by a command.

A few pristine folders ("slots") hold one tree each. To see another tree a slot is given the difference
between the two, so the second gate of a large repository costs what the change costs. A slot is not touched
while anybody holds it; who wants to write gets a view of it in a cell (see `sandbox`).
"""

import itertools
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coordinator.adapters.git import Git
from coordinator.adapters.tree_files import apply, remove_folder
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.names import EMPTY_TREE, Oid

_LOG = logging.getLogger(__name__)
_FORMAT = 1


@dataclass(slots=True)
class _Slot:
    """One pristine folder. `tree` is None when nothing is known of it; then it is built from nothing."""

    place: Path
    tree: Oid | None
    users: int = 0
    becoming: Oid | None = None
    last_use: int = 0

    @property
    def idle(self) -> bool:
        return self.users == 0 and self.becoming is None


class Checkouts:
    """Checkouts below `folder`, which belongs to one process at a time and may be deleted while none runs."""

    def __init__(
        self,
        git: Git,
        folder: Path,
        *,
        slots: int = 2,
    ) -> None:
        self._git = git
        self._folder = folder
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._slots = [
            _Slot(place, _holds(place)) for place in (folder / f"slot-{n}" for n in range(slots))
        ]

    @contextmanager
    def hold(self, tree: Oid) -> Iterator[Path]:
        """Yields a pristine folder with exactly `tree`, to be looked at and never written to.

        It stays as it is for as long as it is held, and may be held many times. Raises MissingObject,
        RepositoryError and OSError when the tree cannot be checked out.
        """
        slot = self._acquire(tree)
        try:
            yield slot.place / "tree"
        finally:
            self._release(slot)

    def _acquire(self, tree: Oid) -> _Slot:
        """Returns a slot that holds `tree`, counted as used; waits while all are in use for other trees."""
        with self._changed:
            while True:
                slot = self._choose(tree)
                if slot is not None and slot.becoming is None:
                    break
                self._changed.wait()  # somebody builds what we want, or all are in use
            slot.last_use = next(self._numbers)
            if slot.tree == tree:
                slot.users += 1
                return slot
            slot.becoming = tree
        try:
            self._bring(slot, tree)
        finally:
            with self._changed:
                slot.users += slot.tree == tree
                slot.becoming = None
                self._changed.notify_all()
        return slot

    def _choose(self, tree: Oid) -> _Slot | None:
        """Returns the slot for `tree`: one that has it, else the idle one that was of use longest ago.

        An idle slot with some tree comes before an empty one: a difference is cheaper than everything.
        """
        for slot in self._slots:
            if slot.becoming == tree or (slot.becoming is None and slot.tree == tree):
                return slot
        idle = [slot for slot in self._slots if slot.idle]
        return min(idle, key=lambda s: (s.tree is None, s.last_use), default=None)

    def _release(self, slot: _Slot) -> None:
        with self._changed:
            slot.users -= 1
            self._changed.notify_all()

    def _bring(self, slot: _Slot, tree: Oid) -> None:
        """Makes the slot hold `tree`. Its state file is away meanwhile: a crash means a new start."""
        folder, state = slot.place / "tree", slot.place / "state.json"
        before, slot.tree = slot.tree, None
        state.unlink(missing_ok=True)
        if before is not None:
            try:
                apply(self._git, folder, self._git.diff(before, tree))
            except (CoordinatorError, OSError) as error:
                _LOG.warning("checkout rebuilt slot=%s reason=%s", slot.place.name, error)
                before = None
        if before is None:
            remove_folder(slot.place)
            folder.mkdir(parents=True, mode=0o755)
            apply(self._git, folder, self._git.diff(EMPTY_TREE, tree))
        _say(state, tree)
        slot.tree = tree


def _say(state: Path, tree: Oid) -> None:
    temporary = state.with_suffix(".new")
    temporary.write_text(json.dumps({"format": _FORMAT, "tree": tree, "boot": _boot()}))
    temporary.replace(state)


def _holds(place: Path) -> Oid | None:
    """Returns the tree that a slot of an earlier process holds whole, or None."""
    try:
        said = json.loads((place / "state.json").read_text())
    except (OSError, ValueError):
        return None
    known = isinstance(said, dict) and said.get("format") == _FORMAT and said.get("boot") == _boot()
    return Oid(str(said["tree"])) if known else None


def _boot() -> str:
    """Returns what changes when the machine starts anew: files are not synced, so a crash may empty them."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return os.uname().nodename
