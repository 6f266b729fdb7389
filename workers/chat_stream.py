"""Puts the pieces of a streamed chat completion together."""

import json
from typing import Any

from .conversation import Call, Stop, Trouble, Turn

_STOPS: dict[str, Stop] = {
    "stop": "end",
    "tool_calls": "tools",
    "function_call": "tools",
    "length": "cut",
    "content_filter": "refused",
}
_CALLS_MAX = 100


class Heard:
    """What has come of one answer so far."""

    def __init__(self) -> None:
        self.tokens_in = 0
        self.tokens_out = 0
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._stop: str | None = None

    def take(self, event: dict[str, Any]) -> None:
        """Takes one event. Raises Trouble when it tells of an error, ValueError when it is malformed."""
        if event.get("error"):
            error = event["error"]
            told = error.get("message", error) if isinstance(error, dict) else error
            raise self._trouble(f"the model server answered: {told}")
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.tokens_in = int(usage.get("prompt_tokens") or 0)
            self.tokens_out = int(usage.get("completion_tokens") or 0)
        for choice in event.get("choices") or ():
            try:
                self._take_choice(choice)
            except (AttributeError, TypeError, KeyError) as error:
                raise ValueError(f"a choice cannot be read: {error}") from error

    def turn(self) -> Turn:
        """Returns the whole answer. Raises Trouble when its end is missing."""
        if self._stop is None:
            raise self._trouble("the model server's answer ended before its end")
        stop = _STOPS.get(self._stop)
        if stop is None:
            told = f"the model stopped for a reason that is not known: {self._stop}"
            raise Trouble(told, tokens_in=self.tokens_in, tokens_out=self.tokens_out)
        refusal = "".join(self._refusal)
        calls = tuple(
            Call(id=call["id"], name=call["name"], arguments=_arguments(call["arguments"]))
            for _, call in sorted(self._calls.items())
        )
        if refusal:
            stop = "refused"
        elif stop == "end" and calls:
            stop = "tools"  # some servers say "stop" after a tool call
        return Turn(
            stop=stop,
            text="".join(self._text),
            calls=calls,
            detail=refusal,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
        )

    def message(self) -> dict[str, Any]:
        """Returns the answer as it is said back to the server."""
        said: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        if self._calls:
            said["tool_calls"] = [
                {
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": call["name"], "arguments": _valid(call["arguments"])},
                }
                for _, call in sorted(self._calls.items())
            ]
        return said

    def _take_choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or {}
        self._text.append(delta.get("content") or "")
        self._refusal.append(delta.get("refusal") or "")
        for part in delta.get("tool_calls") or ():
            place = int(part.get("index") or 0)
            if place not in self._calls and len(self._calls) == _CALLS_MAX:
                raise ValueError(f"more than {_CALLS_MAX} tool calls in one answer")
            call = self._calls.setdefault(
                place, {"id": f"call_{place}", "name": "", "arguments": ""}
            )
            function = part.get("function") or {}
            call["id"] = part.get("id") or call["id"]
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""
        self._stop = choice.get("finish_reason") or self._stop

    def _trouble(self, told: str) -> Trouble:
        return Trouble(told, again=True, tokens_in=self.tokens_in, tokens_out=self.tokens_out)


def _valid(said: str) -> str:
    """Returns arguments as a server takes them back: JSON of an object, whatever the model wrote."""
    return said if isinstance(_arguments(said), dict) and said else "{}"


def _arguments(said: str) -> Any:
    """Returns the JSON that a model wrote as arguments; what is none stays the text that it is."""
    try:
        return json.loads(said or "{}")
    except (ValueError, RecursionError):
        return said
