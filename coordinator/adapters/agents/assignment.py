"""One attempt as a program gets it, and the cell that the program runs in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from coordinator.adapters.sandbox import IN, OUT, WORK, Cell, CellEnded, CellLimits
from coordinator.domain.attempt import Spec
from coordinator.domain.errors import WorkerError
from coordinator.domain.output import Changes, CouldNot, NoOutput, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Confinement, Profile
from coordinator.domain.record import clean
from coordinator.domain.worker import Connection

Delivery = Literal["answer", "folder"]

PACKAGE_FILE = "package.json"

INTERRUPT_GRACE_S = 8.0
"""How long an agent may take after an interrupt, to say what it has used."""

_LAST_CHARS_MAX = 1_500


class Words(Protocol):
    """How a package becomes a text, and an answer an output body: the same for every model and agent."""

    def prompt(self, package: ContextPackage, *, changes: Delivery) -> str:
        """Returns all that an agent is told."""
        ...

    def answer_schema(self, package: ContextPackage, *, changes: Delivery) -> dict[str, Any]:
        """Returns the JSON Schema of its answer."""
        ...

    def parse_answer(
        self, package: ContextPackage, data: Any, text: str, *, changes: Delivery
    ) -> Report | Changes | CouldNot:
        """Returns what an answer says. Raises UnusableAnswer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One attempt, where it may look, and whom it may ask."""

    spec: Spec
    package: ContextPackage
    profile: Profile
    tree: Path | None
    connection: Connection | None
    confinement: Confinement
    words: Words

    @property
    def wants_changes(self) -> bool:
        """Tells whether changes are asked for; everything else is a report."""
        return self.package.constraints.output_format.kind == "changes"

    def cell(
        self,
        argv: tuple[str, ...],
        *,
        stdin: bytes,
        environment: Mapping[str, str] = {},
        files: Mapping[str, bytes] = {},
        read: tuple[Path, ...] = (),
        interrupt_grace_s: float = 0.0,
    ) -> Cell:
        """Returns the cell of a program: the tree of the base, writable only where changes are asked for."""
        seen = (*self.confinement.read, *self.confinement.path, *self.profile.read)
        binds = (*(Path(path) for path in seen), *read)
        for bind in binds:
            place = hidden_by(bind)
            if place is not None:
                raise WorkerError(
                    f"{bind} cannot be shown: confined programs have their own {place}",
                    hint=f"put it somewhere that is not below {place}",
                )
        return Cell(
            argv=argv,
            tree=self.tree,
            access="write" if self.wants_changes else "read",
            environment=environment,
            stdin=stdin,
            files=files,
            socket=None if self.connection is None else Path(self.connection.socket),
            read=tuple(dict.fromkeys(binds)),
            path=tuple(self.confinement.path),
            interrupt_grace_s=interrupt_grace_s,
            limits=replace(
                CellLimits.of(self.profile.limits),
                wall_clock_s_max=self.spec.wall_clock_s_max,
            ),
            confinement=self.profile.confinement,
        )


def hidden_by(path: Path) -> str | None:
    """Returns the folder of a cell that stands where `path` is, so that it cannot be shown there."""
    return next((place for place in (WORK, IN, OUT) if path.is_relative_to(place)), None)


Run = Callable[..., CellEnded]
"""Runs a cell: Sandbox.run."""


def exited(ended: CellEnded) -> NoOutput:
    """Returns the outcome of a program that ended with a status it should not have."""
    code = ended.code
    told = f"it was killed by signal {-code}" if code is not None and code < 0 else f"exit {code}"
    said = last_words(ended.stderr) or last_words(ended.stdout)
    return NoOutput(reason=f"the worker failed: {told}" + (f": {said}" if said else ""))


def last_words(said: bytes) -> str:
    """Returns the end of what a program said, cleaned of what could fool a terminal or a reader."""
    lines = clean(said[-4 * _LAST_CHARS_MAX :].decode("utf-8", "replace")).splitlines()
    return " / ".join(line.strip() for line in lines if line.strip())[-_LAST_CHARS_MAX:]
