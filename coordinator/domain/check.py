"""A command on a tree, keyed by content: the same check never runs twice, and a restart remembers it."""

import json
from dataclasses import dataclass, field

from .names import Digest, Oid, digest
from .policy import Command, Confinement


@dataclass(frozen=True, slots=True)
class Check:
    """One command over one product tree (the tree without record paths: all that a check can see)."""

    product: Oid
    command: Command
    confinement: Confinement = field(default_factory=Confinement)

    @property
    def key(self) -> Digest:
        """Returns what the result is remembered by."""
        command, confined = self.command, self.confinement
        said = [
            self.product,
            command.run,
            command.setup,
            command.setup_inputs,
            command.timeout_s_max,
        ]
        said += [confined.checks, confined.read, confined.path]
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
