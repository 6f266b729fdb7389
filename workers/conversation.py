"""The loop of a model with tools, whatever its wire format: turns, retries, one repair, and every way to stop."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, assert_never

from coordinator.domain.output import Changes, CouldNot, Output, Report, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Profile
from coordinator.domain.worker import Tools, UngrantedTool, UnusableAnswer, WorkerFailure

from .daemon_tools import RemoteTools
from .model_tools import Result, Toolbox
from .reply import parse_answer
from .tool_list import Tool

RETRIES_MAX = 6  # of one attempt, over all its turns
REPAIRS_MAX = 1
BACKOFF_S_MAX = 30.0
RETRY_AFTER_S_MAX = 120.0
_BACKOFF_S = 1.0
_LAST = "You have one answer left: give the final one now, without another tool call."

Stop = Literal["end", "tools", "cut", "paused", "refused", "overflow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call; `arguments` is what the model wrote, JSON or not."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer of a model: why it stopped, and what it cost."""

    stop: Stop
    text: str = ""
    calls: tuple[Call, ...] = ()
    detail: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


class Trouble(Exception):
    """A request that came to nothing; it may be sent again if `again`, after `wait_s` if that is said."""

    def __init__(
        self,
        reason: str,
        *,
        again: bool = False,
        wait_s: float | None = None,
        tokens_in: int = 0,
        tokens_out: int = 0,
    ) -> None:
        super().__init__(reason)
        self.again = again
        self.wait_s = wait_s
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out


class Model(Protocol):
    """A model that remembers what was said; only `answer` asks it anything."""

    def answer(self) -> Turn:
        """Returns its next turn, which is remembered. Raises Trouble, and then nothing is."""
        ...

    def tell(self, results: Sequence[tuple[Call, Result]], note: str) -> None:
        """Remembers what its tool calls gave, and a note where there is one."""
        ...

    def say(self, text: str) -> None:
        """Remembers a message to it."""
        ...


def converse(
    package: ContextPackage,
    profile: Profile,
    *,
    tools: Tools,
    remote: RemoteTools,
    open_model: Callable[[Sequence[Tool]], AbstractContextManager[Model]],
    pause: Callable[[float], None],
    alive: Callable[[], None],
) -> Output:
    """Returns what one attempt at `package` came to. Raises WorkerFailure, which has what it used.

    Args:
        package: what is asked.
        profile: whose limits count.
        tools: the base.
        remote: the tools that the daemon runs.
        open_model: a model that has been told the package and that it has these tools.
        pause: sleeps that many seconds.
        alive: called while it waits, as a sign of life.
    """
    toolbox = Toolbox(package, tools, remote)
    if package.constraints.output_format.kind == "changes" and not toolbox.can_edit:
        told = "It may not change a file: the tool file_write is not granted."
        return Output(body=CouldNot(why="missing_tool", text=told))
    conversation = _Conversation(
        package, profile, toolbox=toolbox, tools=tools, pause=pause, alive=alive
    )
    with open_model(toolbox.offered) as model:
        return conversation.run(model)


class _Conversation:
    """One attempt: the package is said already, `run` goes on to an output."""

    def __init__(
        self,
        package: ContextPackage,
        profile: Profile,
        *,
        toolbox: Toolbox,
        tools: Tools,
        pause: Callable[[float], None],
        alive: Callable[[], None],
    ) -> None:
        self._package = package
        self._limits = profile.limits
        self._output_tokens_max = profile.output_tokens_max
        self._toolbox = toolbox
        self._tools = tools
        self._pause = pause
        self._alive = alive
        self._tokens_in = 0
        self._tokens_out = 0
        self._retries = 0
        self._repairs = 0

    def run(self, model: Model) -> Output:
        """Returns what the attempt came to. Raises WorkerFailure, which has what it used."""
        for number in range(1, self._limits.turns_max + 1):
            turn = self._next(model)
            body = self._heard(turn, model, is_last=number >= self._limits.turns_max - 1)
            if body is not None:
                return Output(body=body, usage=self._usage())
            self._keep_to_budget()
        raise self._failure(f"it went over its limit of {self._limits.turns_max} turns")

    def _heard(
        self, turn: Turn, model: Model, *, is_last: bool
    ) -> Report | Changes | CouldNot | None:
        match turn.stop:
            case "end":
                return self._concluded(turn, model)
            case "tools":
                return self._called(turn, model, note=_LAST if is_last else "")
            case "paused":
                return None  # what it said so far is remembered: asking again lets it go on
            case "cut":
                raise self._failure(
                    f"its answer was cut at {self._output_tokens_max} tokens: "
                    "ask for less at once, or raise output_tokens of the worker"
                )
            case "refused":
                detail = f": {turn.detail}" if turn.detail else ""
                raise self._failure(f"the model refused{detail}")
            case "overflow":
                raise self._failure(
                    "the task and what its tools gave do not fit into the model's context window"
                )
            case _:
                assert_never(turn.stop)

    def _called(self, turn: Turn, model: Model, *, note: str) -> CouldNot | None:
        results = []
        for call in turn.calls:
            self._alive()
            try:
                result = self._toolbox.call(call.name, call.arguments)
            except UngrantedTool as tool:
                told = f"it used the tool '{tool}', which was not granted"
                raise self._failure(told) from tool
            if self._toolbox.given_up is not None:
                return self._toolbox.given_up
            results.append((call, result))
        model.tell(results, note)
        return None

    def _concluded(self, turn: Turn, model: Model) -> Report | Changes | CouldNot | None:
        """Returns what the answer says; None when it was asked to mend it."""
        try:
            return self._read(turn.text)
        except UnusableAnswer as fault:
            if self._repairs == REPAIRS_MAX:
                told = f"its answer cannot be used, also after it was told why: {fault}"
                raise self._failure(told) from fault
            self._repairs += 1
            model.say(f"This answer cannot be used: {fault}. Answer again, in the wanted format.")
            return None

    def _read(self, text: str) -> Report | Changes | CouldNot:
        try:
            body = parse_answer(self._package, None, text, changes="tools", tools=self._tools)
        except UnusableAnswer as fault:
            # Where the tools hold the changes, the answer is only the words beside them.
            changes = self._toolbox.changes(_first_line(text) or "Changed as asked.")
            if fault.fault != "not-json" or changes is None:
                raise
            return changes
        if not isinstance(body, Changes):
            return body
        changes = self._toolbox.changes(body.summary)
        if changes is None:
            raise UnusableAnswer(
                "no file differs from the base: make the changes with the tools, "
                "or answer could_not with noop",
                fault="kind",
            )
        return changes

    def _next(self, model: Model) -> Turn:
        while True:
            self._alive()
            try:
                turn = model.answer()
            except Trouble as trouble:
                self._tokens_in += trouble.tokens_in
                self._tokens_out += trouble.tokens_out
                self._wait(trouble)
            else:
                self._tokens_in += turn.tokens_in
                self._tokens_out += turn.tokens_out
                return turn

    def _wait(self, trouble: Trouble) -> None:
        """Waits before the next try. Raises WorkerFailure when there is none."""
        wait_s = trouble.wait_s
        is_too_long = wait_s is not None and wait_s > RETRY_AFTER_S_MAX
        if not trouble.again or is_too_long or self._retries == RETRIES_MAX:
            tried = f" (after {self._retries} retries)" if self._retries else ""
            later = f"; it asks to wait {wait_s:g} s" if is_too_long else ""
            raise self._failure(f"{trouble}{later}{tried}") from trouble
        if wait_s is None:
            wait_s = min(_BACKOFF_S * 2**self._retries, BACKOFF_S_MAX)
        self._retries += 1
        while wait_s > 0:
            # In small pieces: a wait that was asked for is no silence.
            self._pause(min(wait_s, BACKOFF_S_MAX))
            self._alive()
            wait_s -= BACKOFF_S_MAX

    def _keep_to_budget(self) -> None:
        allowed = min(self._limits.tokens_max, self._package.constraints.max_tokens)
        used = self._tokens_in + self._tokens_out
        if used >= allowed:
            raise self._failure(f"it has used {used} tokens of {allowed}")

    def _usage(self) -> Usage:
        """Returns what was used; what it cost is known to who holds the key."""
        return Usage(tokens_in=self._tokens_in, tokens_out=self._tokens_out)

    def _failure(self, reason: str) -> WorkerFailure:
        return WorkerFailure(reason, self._usage())


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
