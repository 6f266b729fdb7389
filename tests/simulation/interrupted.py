"""Ports as a process meets them: others run between the calls, and it may die at any of them."""

from collections.abc import Callable
from typing import Any

from coordinator.domain.proof import Planned, PushOutcome
from coordinator.ports import Committer


class Interrupted:
    """A port between whose calls other threads run, and at whose calls the process may die."""

    def __init__(self, port: Any, at_call: Callable[[str], None]) -> None:
        self._port = port
        self._at_call = at_call

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        at_call = self._at_call

        def call(*arguments: Any, **named: Any) -> Any:
            at_call(name)
            answer = found(*arguments, **named)
            at_call(name)
            return answer

        self.__dict__[name] = call
        return call


class Reporting:
    """A committer whose outcomes are told to the watch."""

    def __init__(self, committer: Committer, ended: Callable[[Planned, PushOutcome], None]) -> None:
        self._committer = committer
        self._ended = ended
        self.record = committer.record
        self.land = committer.land
        self.follow = committer.follow

    def push(self, planned: Planned, *, timeout_s_max: float) -> PushOutcome:
        outcome = self._committer.push(planned, timeout_s_max=timeout_s_max)
        self._ended(planned, outcome)
        return outcome
