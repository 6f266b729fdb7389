"""The policy at the tip, or the last good one: a faulty config.toml must not take gates and holds away."""

import logging
from collections.abc import Callable

from coordinator.domain.errors import ConfigError, NewerSchemaError
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.policy import Policy
from coordinator.ports import Objects

logger = logging.getLogger(__name__)

CONFIG = RepoPath(".orchestrator/config.toml")
_BACK_MAX = 2_000  # commits that are searched for the last good one after a start


class HouseRules:
    """Reads config.toml of each tip once; `faults` and `read_only` say why the tip's is not in force."""

    def __init__(self, objects: Objects, read_policy: Callable[[bytes | None], Policy]) -> None:
        self._objects = objects
        self._read_policy = read_policy
        self.policy = read_policy(None)
        self.faults: tuple[str, ...] = ()
        self.read_only: str | None = None
        self._seen: tuple[Oid | None] | None = None  # None until the first look
        self._is_known = False

    def look(self, tip: Oid, tree: Oid) -> Policy:
        """Returns the policy in force at `tip`."""
        oid = self._oid(tree)
        if self._seen == (oid,):
            return self.policy
        try:
            self.policy = self._read(oid)
            self.faults, self.read_only, self._is_known = (), None, True
        except ConfigError as error:
            self.faults = tuple(str(error).splitlines())
            self.read_only = str(error) if isinstance(error, NewerSchemaError) else None
            if not self._is_known and self.read_only is None:
                self._go_back(tip)
            logger.warning("config faulty, the last good one stays: %s", error)
        self._seen = (oid,)
        return self.policy

    def _go_back(self, tip: Oid) -> None:
        """Finds the last good one on the branch; without any there is nothing to go by."""
        before: Oid | None = None
        log = list(self._objects.log(None, tip, count_max=_BACK_MAX))
        for commit, _ in reversed(log):
            oid = self._oid(self._objects.tree_of(commit))
            if oid is None or oid == before:
                continue
            before = oid
            try:
                self.policy = self._read(oid)
            except ConfigError:
                continue
            self._is_known = True
            logger.info("config of %s is in force", commit)
            return
        self.read_only = f"{'; '.join(self.faults)}: no earlier one is good, so nothing is done"

    def _oid(self, tree: Oid) -> Oid | None:
        entry = self._objects.entry(tree, CONFIG)
        return entry.oid if entry else None

    def _read(self, oid: Oid | None) -> Policy:
        return self._read_policy(self._objects.content(oid) if oid else None)
