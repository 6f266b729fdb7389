"""A model behind an OpenAI-compatible server (a local one, for example) as a worker: chat completions, streamed."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Profile

from .chat_stream import Heard
from .conversation import Call, Trouble, Turn
from .daemon_tools import BASE_URL
from .lively import retry_after_s
from .model_tools import Result
from .model_worker import ModelWorker
from .prompt import answer_schema, prompt
from .tool_list import Tool

_ERROR_CHARS_MAX = 500
_AGAIN_STATUS = (408, 409, 429)
_OVERFLOW = ("context_length_exceeded", "exceed_context_size")


class OpenAICompatible(ModelWorker):
    """Asks a model through chat completions."""

    @contextmanager
    def open(self, package: ContextPackage, offered: Sequence[Tool]) -> Iterator["_Chat"]:
        """Yields a conversation with the profile's model."""
        with httpx2.Client(
            base_url=BASE_URL,
            headers={"authorization": f"Bearer {self.connection.token}"},
            timeout=self.timeout(),
            transport=self.transport(),
        ) as client:
            yield _Chat(client, self.profile, package, offered)


class _Chat:
    """A Model of the chat completions API. What a server says it does not know is left out from then on."""

    def __init__(
        self,
        client: httpx2.Client,
        profile: Profile,
        package: ContextPackage,
        tools: Sequence[Tool],
    ) -> None:
        self._client = client
        schema = answer_schema(package, changes="tools")
        self._fixed: dict[str, Any] = {
            "model": profile.model,
            "max_tokens": profile.output_tokens_max,
            "stream": True,
            "stream_options": {"include_usage": True},
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.text,
                        "parameters": tool.schema,
                    },
                }
                for tool in tools
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            },
        }
        if profile.effort:
            self._fixed["reasoning_effort"] = profile.effort
        system = [{"role": "system", "content": profile.system}] if profile.system else []
        told = {"role": "user", "content": prompt(package, changes="tools")}
        self._messages: list[dict[str, Any]] = [*system, told]

    def answer(self) -> Turn:
        heard = Heard()
        try:
            with self._client.stream(
                "POST", "/v1/chat/completions", json={**self._fixed, "messages": self._messages}
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    response.read()
                    raise self._refused(response)
                for event in _events(response):
                    heard.take(event)
        except (httpx2.HTTPError, ValueError) as error:
            told = f"the model server's answer broke off: {error or type(error).__name__}"
            raise Trouble(
                told, again=True, tokens_in=heard.tokens_in, tokens_out=heard.tokens_out
            ) from error
        turn = heard.turn()
        self._messages.append(heard.message())
        return turn

    def tell(self, results: Sequence[tuple[Call, Result]], note: str) -> None:
        self._messages += [
            {
                "role": "tool",
                "tool_call_id": call.id,
                "content": f"error: {result.text}" if result.failed else result.text,
            }
            for call, result in results
        ]
        if note:
            self.say(note)

    def say(self, text: str) -> None:
        self._messages.append({"role": "user", "content": text})

    def _refused(self, response: httpx2.Response) -> Trouble:
        """Returns what to do about an error: an unknown parameter is left out, and asked again."""
        status, told = response.status_code, _message(response)
        if any(sign in response.text for sign in _OVERFLOW):
            return Trouble("the task does not fit into the model's context window")
        reason = f"the model server answered {status}: {told}"
        if status in (400, 422) and self._adapted(response.text):
            return Trouble(reason, again=True, wait_s=0.0)
        again = status in _AGAIN_STATUS or status >= 500
        if response.headers.get("x-should-retry") == "false":
            again = False
        return Trouble(reason, again=again, wait_s=retry_after_s(response.headers))

    def _adapted(self, told: str) -> bool:
        """Leaves out, or says otherwise, the parameter that an error names; False when it names none."""
        if "max_completion_tokens" in told and "max_tokens" in self._fixed:
            self._fixed["max_completion_tokens"] = self._fixed.pop("max_tokens")
            return True
        names = {
            "stream_options": ("stream_options",),
            "reasoning_effort": ("reasoning_effort",),
            "response_format": ("response_format", "json_schema", "grammar"),
        }
        for name, signs in names.items():
            if name in self._fixed and any(sign in told for sign in signs):
                del self._fixed[name]
                return True
        return False


def _events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """Yields the JSON of each server-sent event. Raises ValueError for one that is no JSON object."""
    for line in response.iter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if not data or data == "[DONE]":
            continue
        event = json.loads(data)
        if not isinstance(event, dict):
            raise ValueError(f"an event is no JSON object: {data[:80]}")  # noqa: TRY004 - of JSON
        yield event


def _message(response: httpx2.Response) -> str:
    try:
        said = json.loads(response.text)
    except ValueError:
        return response.text.strip()[:_ERROR_CHARS_MAX]
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message", error) if isinstance(error, dict) else error
    return str(message)[:_ERROR_CHARS_MAX]
