"""A command on a tree, keyed by content: the same check never runs twice, and a restart remembers it."""

import json
from dataclasses import dataclass

from .names import Digest, Oid, digest
from .policy import Command


@dataclass(frozen=True, slots=True)
class Check:
    """One command over one product tree (the tree without record paths: all that a check can see)."""

    product: Oid
    command: Command

    @property
    def key(self) -> Digest:
        """Returns what the result is remembered by."""
        said = [self.product, self.command.run, self.command.setup, self.command.timeout_s_max]
        return digest(json.dumps(said).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How it ended; `tail` is the end of what it printed, `log` the digest of all of it."""

    key: Digest
    name: str
    passed: bool
    tail: str
    log: Digest
    wall_s: float
    confinement: str = "none"
    ran: bool = True  # False: it could not even start, which says nothing about the tree
