"""The policy at the tip, or the last good one: a faulty config.toml must not take gates and holds away."""

import logging
from collections.abc import Mapping
from typing import Protocol

from coordinator.domain.errors import ConfigError, NewerSchemaError
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.policy import Policy
from coordinator.domain.profiles import WORKERS, worker_files
from coordinator.ports import Objects

logger = logging.getLogger(__name__)

CONFIG = RepoPath(".orchestrator/config.toml")
DOCTRINE = RepoPath(".orchestrator/doctrine.toml")
_Blobs = tuple[Oid | None, tuple[tuple[str, Oid], ...], Oid | None]
_BACK_MAX = 2_000  # commits that are searched for the last good one after a start


class ReadPolicy(Protocol):
    """Makes a policy of config.toml, the worker files and doctrine.toml (None: there is none). Raises ConfigError."""

    def __call__(
        self, text: bytes | None, worker_texts: Mapping[str, bytes], doctrine: bytes | None, /
    ) -> Policy:
        """Returns the policy that the texts say."""
        ...


class HouseRules:
    """Reads config.toml of each tip once; `faults` and `read_only` say why the tip's is not in force."""

    def __init__(self, objects: Objects, read_policy: ReadPolicy) -> None:
        self._objects = objects
        self._read_policy = read_policy
        self.policy = read_policy(None, {}, None)
        self.faults: tuple[str, ...] = ()
        self.read_only: str | None = None
        self._seen: _Blobs | None = None  # None until the first look
        self._tree: Oid | None = None  # the last one that was looked into
        self._is_known = False

    def look(self, tip: Oid, tree: Oid) -> Policy:
        """Returns the policy in force at `tip`."""
        if tree != self._tree:
            blobs = self._blobs(tree)
            if blobs != self._seen:
                self._take(blobs, tip)
            self._tree, self._seen = tree, blobs
        return self.policy

    def _take(self, blobs: _Blobs, tip: Oid) -> None:
        """Reads what the files say now."""
        try:
            self.policy = self._read(blobs)
            self.faults, self.read_only, self._is_known = (), None, True
        except ConfigError as error:
            self.faults = tuple(str(error).splitlines())
            self.read_only = str(error) if isinstance(error, NewerSchemaError) else None
            if not self._is_known and self.read_only is None:
                self._go_back(tip)
            logger.warning("config faulty, the last good one stays: %s", error)

    def _go_back(self, tip: Oid) -> None:
        """Finds the last good one on the branch; without any there is nothing to go by."""
        before: _Blobs | None = None
        log = list(self._objects.log(None, tip, count_max=_BACK_MAX))
        for commit, _ in reversed(log):
            blobs = self._blobs(self._objects.tree_of(commit))
            if blobs[0] is None or blobs == before:
                continue
            before = blobs
            try:
                self.policy = self._read(blobs)
            except ConfigError:
                continue
            self._is_known = True
            logger.info("config of %s is in force", commit)
            return
        self.read_only = f"{'; '.join(self.faults)}: no earlier one is good, so nothing is done"

    def _blobs(self, tree: Oid) -> _Blobs:
        """Returns what config.toml, each worker file and doctrine.toml are at a tree."""
        config = self._objects.entry(tree, CONFIG)
        folder = self._objects.entry(tree, WORKERS)
        files = self._objects.listing(folder.oid) if folder is not None and folder.is_tree else {}
        doctrine = self._objects.entry(tree, DOCTRINE)
        return (
            config.oid if config else None,
            worker_files(files),
            doctrine.oid if doctrine and not doctrine.is_tree else None,
        )

    def _read(self, blobs: _Blobs) -> Policy:
        config, workers, doctrine = blobs
        return self._read_policy(
            self._objects.content(config) if config else None,
            {name: self._objects.content(oid) for name, oid in workers},
            self._objects.content(doctrine) if doctrine else None,
        )
