"""A Claude model as a worker, through the anthropic SDK; the one door to that package."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2

from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Profile

from .conversation import Call, Stop, Trouble, Turn
from .daemon_tools import BASE_URL
from .lively import retry_after_s
from .model_tools import Result
from .model_worker import ModelWorker
from .prompt import answer_schema, prompt
from .tool_list import Tool

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import Message, Usage

_CACHED = {"type": "ephemeral"}
_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tools",
    "max_tokens": "cut",
    "pause_turn": "paused",
    "refusal": "refused",
    "model_context_window_exceeded": "overflow",
}
_AGAIN_STATUS = (408, 409, 429)
# An error that comes inside a stream has the status of the stream, which is 200.
_AGAIN_TYPES = ("overloaded_error", "rate_limit_error", "api_error", "timeout_error")


class Claude(ModelWorker):
    """Asks a Claude model through the Messages API."""

    @contextmanager
    def open(self, package: ContextPackage, offered: Sequence[Tool]) -> Iterator["_Messages"]:
        """Yields a conversation with the profile's model."""
        import anthropic  # noqa: PLC0415 - it takes most of a second, and few attempts need it

        with anthropic.Anthropic(
            base_url=BASE_URL,
            api_key=self.connection.token,
            max_retries=0,  # they are counted here
            timeout=self.timeout(),
            http_client=anthropic.DefaultHttpxClient(transport=self.transport()),
        ) as client:
            yield _Messages(client, self.profile, package, offered)


class _Messages:
    """A Model of the Messages API; the package, and all that was said up to here, are cached there."""

    def __init__(
        self,
        client: "anthropic.Anthropic",
        profile: Profile,
        package: ContextPackage,
        tools: Sequence[Tool],
    ) -> None:
        self._client = client
        config: dict[str, Any] = {
            "format": {"type": "json_schema", "schema": answer_schema(package, changes="tools")}
        }
        if profile.effort:
            config["effort"] = profile.effort
        self._fixed: dict[str, Any] = {
            "model": profile.model,
            "max_tokens": profile.output_tokens_max,
            "output_config": config,
            "tools": [
                {"name": tool.name, "description": tool.text, "input_schema": tool.schema}
                for tool in tools
            ],
        }
        if profile.system:
            self._fixed["system"] = [{"type": "text", "text": profile.system}]
        told = {"type": "text", "text": prompt(package, changes="tools"), "cache_control": _CACHED}
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": [told]}]

    def answer(self) -> Turn:
        import anthropic  # noqa: PLC0415 - see Claude

        began: Usage | None = None
        message: Message | None = None
        try:
            with self._client.messages.stream(**self._request()) as stream:
                for event in stream:
                    if event.type == "message_start":
                        began = event.message.usage
                if began is not None:
                    message = stream.get_final_message()
        except anthropic.APIStatusError as error:
            raise _refused(error, began) from error
        except (anthropic.APIError, httpx2.HTTPError, ValueError) as error:
            # ValueError: an event that is no JSON, as of a stream that was cut in its middle.
            told = f"the model server's answer broke off: {error or type(error).__name__}"
            raise _broken(told, began) from error
        if message is None or message.stop_reason is None:
            told = "the model server's answer ended before its end"
            raise _broken(told, began)
        self._messages.append({"role": "assistant", "content": message.content})
        return _turn(message)

    def tell(self, results: Sequence[tuple[Call, Result]], note: str) -> None:
        content: list[dict[str, Any]] = [
            {
                "type": "tool_result",
                "tool_use_id": call.id,
                "content": result.text,
                "is_error": result.failed,
            }
            for call, result in results
        ]
        if note:
            content.append({"type": "text", "text": note})
        self._messages.append({"role": "user", "content": content})

    def say(self, text: str) -> None:
        self._messages.append({"role": "user", "content": [{"type": "text", "text": text}]})

    def _request(self) -> dict[str, Any]:
        return {**self._fixed, "messages": self._said()}

    def _said(self) -> list[dict[str, Any]]:
        """Returns all messages, the last one of ours marked: the next turn reads up to it from the cache."""
        *before, last = self._messages
        if not before or last["role"] != "user":
            return self._messages
        *blocks, end = last["content"]
        return [*before, {"role": "user", "content": [*blocks, {**end, "cache_control": _CACHED}]}]


def _turn(message: "Message") -> Turn:
    calls = tuple(
        Call(id=block.id, name=block.name, arguments=block.input)
        for block in message.content
        if block.type == "tool_use"
    )
    text = "".join(block.text for block in message.content if block.type == "text")
    tokens_in, tokens_out = _tokens_in(message.usage), _tokens_out(message.usage)
    stop = _STOPS.get(str(message.stop_reason))
    if stop is None:
        told = f"the model stopped for a reason that is not known: {message.stop_reason}"
        raise Trouble(told, tokens_in=tokens_in, tokens_out=tokens_out)
    details = message.stop_details
    return Turn(
        stop=stop,
        text=text,
        calls=calls,
        detail=(details.explanation or details.category or "") if details else "",
        tokens_in=tokens_in,
        tokens_out=tokens_out,
    )


def _tokens_in(usage: "Usage | None") -> int:
    """Returns all that was read; what came from a cache or was put there counts too."""
    if usage is None:
        return 0
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return (usage.input_tokens or 0) + cached


def _tokens_out(usage: "Usage | None") -> int:
    return (usage.output_tokens or 0) if usage is not None else 0


def _refused(error: "anthropic.APIStatusError", began: "Usage | None") -> Trouble:
    status, told = error.status_code, error.api_message or error.message
    is_streamed = status < 400
    again = status in _AGAIN_STATUS or status >= 500
    again = again or (is_streamed and error.type in _AGAIN_TYPES)
    if error.response.headers.get("x-should-retry") == "false":
        again = False
    return Trouble(
        f"the model server answered {error.type or status}: {told}",
        again=again,
        wait_s=retry_after_s(error.response.headers),
        tokens_in=_tokens_in(began),
        tokens_out=_tokens_out(began),
    )


def _broken(told: str, began: "Usage | None") -> Trouble:
    return Trouble(told, again=True, tokens_in=_tokens_in(began), tokens_out=_tokens_out(began))
