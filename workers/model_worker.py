"""What every worker that asks a model shares: one attempt is one conversation over its own connection."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import httpx2

from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Profile
from coordinator.domain.worker import Connection, Tools

from .conversation import Model, converse
from .daemon_tools import DaemonTools
from .lively import LivelyTransport
from .tool_list import Tool

_CONNECT_S_MAX = 10.0


class ModelWorker(ABC):
    """Does an attempt with the model of a profile, over the attempt's own connection.

    Args:
        profile: its model, effort, system text and limits.
        connection: where the daemon answers for this attempt.
        alive: called while it waits for the model, as a sign of life.
        pause: sleeps between two tries.
    """

    def __init__(
        self,
        profile: Profile,
        connection: Connection,
        *,
        alive: Callable[[], None] = lambda: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.profile = profile
        self.connection = connection
        self._alive = alive
        self._pause = pause

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns what came of it. Raises WorkerFailure with the reason and what it used."""
        return converse(
            package,
            self.profile,
            tools=tools,
            remote=DaemonTools(self.connection),
            open_model=lambda offered: self.open(package, offered),
            pause=self._pause,
            alive=self._alive,
        )

    @abstractmethod
    def open(
        self, package: ContextPackage, offered: Sequence[Tool]
    ) -> AbstractContextManager[Model]:
        """Yields the model, with the package before it and the tools that it is offered."""

    def timeout(self) -> httpx2.Timeout:
        """Returns how long a silence may last: a connection of seconds, a model of its own limit."""
        return httpx2.Timeout(self.profile.limits.idle_s_max, connect=_CONNECT_S_MAX)

    def transport(self) -> LivelyTransport:
        """Returns the way to the daemon, which gives a sign of life while it waits."""
        return LivelyTransport(self.connection, self._alive)
