"""A model call as it may go on: checked against what the profile grants, with its worst case worked out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.domain.policy import Profile

from . import granting
from .tokens import Api, Tokens, input_estimate

COUNTING = "/v1/messages/count_tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that goes no further, in words for the worker."""

    status: int
    why: str
    code: (
        str  # permission_error, invalid_request_error, rate_limit_error, authentication_error, ...
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call that is granted, as it is sent."""

    api: Api
    path: str
    query: str
    body: bytes
    is_stream: bool
    is_free: bool  # it counts tokens, and takes none
    worst: Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    api: Api
    fault: Callable[[Mapping[str, Any]], str | None]
    output: tuple[str, ...]  # the fields that say how long an answer may be; the last is put in


_ROUTES: dict[str, dict[str, _Route]] = {
    "anthropic": {
        "/v1/messages": _Route(
            api="messages", fault=granting.messages_fault, output=("max_tokens",)
        ),
        COUNTING: _Route(api="messages", fault=granting.messages_fault, output=()),
    },
    "openai": {
        "/v1/chat/completions": _Route(
            api="chat",
            fault=granting.chat_fault,
            output=("max_tokens", "max_completion_tokens"),
        ),
        "/v1/responses": _Route(
            api="responses", fault=granting.responses_fault, output=("max_output_tokens",)
        ),
    },
}


def is_path(api: str, path: str) -> bool:
    """Tells whether calls of `path` can be granted at a server that speaks `api`."""
    return path in _ROUTES[api]


def ask(
    path: str,
    query: str,
    content: bytes,
    *,
    api: str,
    profile: Profile,
    room: Callable[[int], int],
) -> Ask | Refused:
    """Returns the call as it may go on, written anew: what was checked is what is sent.

    `room` tells how long an answer to so many tokens may be, where the call itself does not say.
    """
    route = _ROUTES[api][path]
    try:
        body = json.loads(content)
        fault = route.fault(body) if isinstance(body, dict) else "the body is no JSON object"
        estimate = input_estimate(content, body)
    except (ValueError, RecursionError):
        return _malformed("the body is no JSON that can be read")
    if fault is not None:
        return Refused(status=403, code="permission_error", why=fault)
    if body.get("model") != profile.model:
        why = f"only the model {profile.model!r} is granted, not {str(body.get('model'))[:100]!r}"
        return Refused(status=403, code="permission_error", why=why)
    answer_max = _output_max(body, route, profile, room(estimate))
    if isinstance(answer_max, Refused):
        return answer_max
    if route.api == "chat" and body.get("stream"):
        options = body.get("stream_options")
        body["stream_options"] = {
            **(options if isinstance(options, dict) else {}),
            "include_usage": True,
        }
    try:
        written = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return _malformed("the body holds a number that JSON does not have")
    cached = estimate if b"cache_control" in content else 0
    return Ask(
        api=route.api,
        path=path,
        query="?beta=true" if api == "anthropic" and "beta=true" in query.split("&") else "",
        body=written,
        is_stream=body.get("stream") is True,
        is_free=path == COUNTING,
        worst=Tokens(
            input=estimate,
            output=answer_max,
            cache_write=cached,  # writing a cache costs more than reading anew
            cache_write_1h=cached if b'"1h"' in content else 0,
        ),
    )


def _output_max(body: dict[str, Any], route: _Route, profile: Profile, room: int) -> int | Refused:
    """Returns how long the answer may be, which it puts into a call that does not say."""
    said: list[int] = []
    for name in route.output:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            return _malformed(f"{name} must be a whole number")
        if value > profile.output_tokens_max:
            most = profile.output_tokens_max
            why = f"{name} may be at most {most}; {value} was asked for"
            return Refused(status=403, code="permission_error", why=why)
        said.append(value)
    if not route.output:
        return 0
    if not said:
        body[route.output[-1]] = room
        return room
    return max(said)


def _malformed(why: str) -> Refused:
    return Refused(status=400, code="invalid_request_error", why=why)
