"""What an attempt is given beside its package: a folder to look at, and a way to ask the daemon.

A room is opened before the attempt's process gets its job and closed after that has ended, so nothing
in it outlives the attempt; what the worker used of a model is read from the room, never from the worker.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from coordinator.domain.attempt import Spec
from coordinator.domain.names import Oid
from coordinator.domain.output import Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Confinement, Policy, Profile
from coordinator.domain.tool_names import DAEMON
from coordinator.domain.worker import Connection

WITH_A_FOLDER = frozenset(("command", "claude-code", "codex"))
"""Kinds of workers that are programs, run in the pristine folder of their base."""

WITH_A_MODEL = frozenset(("claude", "claude-code", "codex", "openai-compatible"))
"""Kinds of workers that think with a model, whose use is metered."""


def _nothing_metered() -> Usage | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What one attempt is given; `usage` is what was metered until now, None where nothing is."""

    tree: Path | None = None
    connection: Connection | None = None
    confinement: Confinement = field(default_factory=Confinement)
    usage: Callable[[], Usage | None] = _nothing_metered


class Rooms(Protocol):
    """Opens a room for each attempt."""

    def room(
        self, spec: Spec, package: ContextPackage, profile: Profile
    ) -> AbstractContextManager[Room]:
        """Returns the room of one attempt. Entering it may raise CoordinatorError or OSError."""
        ...


class BareRooms:
    """Rooms with nothing in them, which is all that the built-in workers need."""

    @contextmanager
    def room(self, spec: Spec, package: ContextPackage, profile: Profile) -> Iterator[Room]:
        """Yields an empty room."""
        del spec, package, profile
        yield Room()


class OpenDesk(Protocol):
    """The daemon's end of one attempt's connection."""

    @property
    def connection(self) -> Connection:
        """Returns where it is, and its token."""
        ...

    def usage(self) -> Usage:
        """Returns what was metered until now."""
        ...


class Desks(Protocol):
    """Opens the daemon's end of connections."""

    def open(
        self, spec: Spec, package: ContextPackage, profile: Profile, policy: Policy
    ) -> AbstractContextManager[OpenDesk]:
        """Returns the desk of one attempt."""
        ...


class LocalRooms:
    """Rooms on this machine.

    Args:
        hold: keeps a pristine folder of a product tree for as long as it is entered.
        product: returns the product tree that an attempt begins with.
        desks: opens what an attempt may ask the daemon.
        policy: returns the rules as last read.
    """

    def __init__(
        self,
        *,
        hold: Callable[[Oid], AbstractContextManager[Path]],
        product: Callable[[ContextPackage], Oid],
        desks: Desks,
        policy: Callable[[], Policy],
    ) -> None:
        self._hold = hold
        self._product = product
        self._desks = desks
        self._policy = policy

    @contextmanager
    def room(self, spec: Spec, package: ContextPackage, profile: Profile) -> Iterator[Room]:
        """Yields a folder for programs, and a connection for whoever may use the network `model`."""
        policy = self._policy()
        with ExitStack() as stack:
            tree = None
            if profile.kind in WITH_A_FOLDER:
                tree = stack.enter_context(self._hold(self._product(package)))
            asks = profile.kind == "tool" and not set(DAEMON).isdisjoint(package.tools_available)
            if (profile.kind == "tool" or profile.network == "none") and not asks:
                yield Room(tree=tree, confinement=policy.confinement)
                return
            desk = stack.enter_context(self._desks.open(spec, package, profile, policy))
            yield Room(
                tree=tree,
                connection=desk.connection,
                confinement=policy.confinement,
                usage=desk.usage,
            )
