"""Tokens of one call: as the model server reports them, and estimated from bytes before and without that."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from coordinator.domain.token_estimate import BYTES_PER_TOKEN, at_most

Api = Literal["messages", "chat", "responses"]

_IMAGE_TOKENS = 5_000
_EVENT_BYTES_MAX = 8_000_000  # of one event; a longer one is counted by its length


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one call took; `input` holds all that was read, cached or not."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0  # of cache_write

    @property
    def total(self) -> int:
        """Returns all of them."""
        return self.input + self.output


def input_estimate(body: bytes, said: Any) -> int:
    """Returns about how many tokens a request is, rather too many; an image counts by itself."""
    images = _images(said)
    return (len(body) - sum(images)) // BYTES_PER_TOKEN + 1 + _IMAGE_TOKENS * len(images)


def _images(value: Any) -> list[int]:
    """Returns the length of the data of each image below `value`."""
    if isinstance(value, list):
        return [size for item in value for size in _images(item)]
    if not isinstance(value, Mapping):
        return []
    if value.get("type") == "image" and isinstance(value.get("source"), Mapping):
        data = value["source"].get("data")
        return [len(data)] if isinstance(data, str) else []
    if value.get("type") in ("image_url", "input_image"):
        address = value.get("image_url")
        address = address.get("url") if isinstance(address, Mapping) else address
        return [len(address)] if isinstance(address, str) else []
    return [size for item in value.values() for size in _images(item)]


class Meter:
    """Reads the answer to one call as it goes by, in whole or as server-sent events."""

    def __init__(self, api: Api, *, input_tokens: int) -> None:
        self._api = api
        self._estimated = input_tokens
        self._reported = Tokens()
        self._is_final = False
        self._streamed_bytes = 0
        self._rest = b""
        self._event: list[bytes] = []

    def hear_whole(self, body: bytes) -> None:
        """Reads an answer that came in one piece."""
        said = _json(body)
        usage = said.get("usage") if said else None
        if isinstance(usage, Mapping):
            self._take(usage)
            self._is_final = True
        else:
            self._streamed_bytes = len(body)

    def hear(self, chunk: bytes) -> None:
        """Reads the next piece of a stream, wherever it was cut."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))
        if len(self._rest) > _EVENT_BYTES_MAX:
            self._streamed_bytes += len(self._rest)
            self._rest = b""

    def tokens(self) -> Tokens:
        """Returns what the call has taken until now: what was reported, or what went by."""
        reported = self._reported
        streamed = 0 if self._is_final else at_most(self._streamed_bytes)
        return Tokens(
            input=reported.input or self._estimated,
            output=max(reported.output, streamed),
            cache_read=reported.cache_read,
            cache_write=reported.cache_write,
            cache_write_1h=reported.cache_write_1h,
        )

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._event.append(line[5:].lstrip())
        elif not line and self._event:
            self._hear_event(b"\n".join(self._event))
            self._event = []

    def _hear_event(self, data: bytes) -> None:
        said = _json(data)
        if said is None:
            return
        match self._api:
            case "messages":
                message = said.get("message")
                usage = said.get("usage") or (message or {}).get("usage")
                self._streamed_bytes += _text_bytes(said.get("delta"))
                self._streamed_bytes += _text_bytes(said.get("content_block"))
                self._is_final = self._is_final or bool(
                    said.get("type") == "message_delta" and usage
                )
            case "chat":
                usage = said.get("usage")
                for choice in said.get("choices") or ():
                    self._streamed_bytes += _text_bytes(choice.get("delta"))
                self._is_final = self._is_final or bool(usage)
            case "responses":
                response = said.get("response")
                usage = (response or {}).get("usage")
                if str(said.get("type", "")).endswith(".delta"):
                    self._streamed_bytes += _text_bytes(said.get("delta"))
                self._is_final = self._is_final or bool(usage)
        if isinstance(usage, Mapping):
            self._take(usage)

    def _take(self, usage: Mapping[str, Any]) -> None:
        """Takes a report over what was reported before: reports of a stream add up by themselves."""
        found = _reported(self._api, usage)
        before = self._reported
        self._reported = Tokens(
            input=max(before.input, found.input),
            output=max(before.output, found.output),
            cache_read=max(before.cache_read, found.cache_read),
            cache_write=max(before.cache_write, found.cache_write),
            cache_write_1h=max(before.cache_write_1h, found.cache_write_1h),
        )


def _reported(api: Api, usage: Mapping[str, Any]) -> Tokens:
    if api != "messages":
        outer, inner = ("prompt", "completion") if api == "chat" else ("input", "output")
        details = usage.get(f"{outer}_tokens_details")
        cached = _count(details, "cached_tokens") if isinstance(details, Mapping) else 0
        return Tokens(
            input=_count(usage, f"{outer}_tokens"),
            output=_count(usage, f"{inner}_tokens"),
            cache_read=min(cached, _count(usage, f"{outer}_tokens")),
        )
    parts: list[Mapping[str, Any]] = [usage]
    turns = usage.get("iterations")
    if isinstance(turns, list):  # the making of a summary is not in the sum above it
        parts += [t for t in turns if isinstance(t, Mapping) and t.get("type") == "compaction"]
    return _sum([_message_tokens(part) for part in parts])


def _message_tokens(usage: Mapping[str, Any]) -> Tokens:
    read = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    kinds = usage.get("cache_creation")
    long = _count(kinds, "ephemeral_1h_input_tokens") if isinstance(kinds, Mapping) else 0
    return Tokens(
        input=_count(usage, "input_tokens") + read + written,
        output=_count(usage, "output_tokens"),
        cache_read=read,
        cache_write=written,
        cache_write_1h=min(long, written),
    )


def _sum(parts: list[Tokens]) -> Tokens:
    return Tokens(
        input=sum(part.input for part in parts),
        output=sum(part.output for part in parts),
        cache_read=sum(part.cache_read for part in parts),
        cache_write=sum(part.cache_write for part in parts),
        cache_write_1h=sum(part.cache_write_1h for part in parts),
    )


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _text_bytes(value: Any) -> int:
    """Returns how many bytes of text are below `value`; names of kinds and signatures are none."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    if isinstance(value, list):
        return sum(_text_bytes(item) for item in value)
    if isinstance(value, Mapping):
        names = ("type", "role", "signature", "id", "name")
        return sum(_text_bytes(item) for name, item in value.items() if name not in names)
    return 0


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(data)
    except ValueError:  # "[DONE]", for one
        return None
    return said if isinstance(said, dict) else None
