"""What of a model call is granted: by lists of what is known to stay between worker and model.

A call is refused for anything that is not on a list, because the ways out through a model server (a hosted
tool, a server of tools, a URL that it fetches, a file of somebody's account) are many and get more.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]

_MESSAGES = frozenset(
    (
        *("model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream", "betas"),
        *("stop_sequences", "metadata", "service_tier", "thinking", "output_config", "speed"),
        *("output_format", "cache_control", "context_management", "compaction", "diagnostics"),
        *("temperature", "top_p", "top_k"),
    )
)
_CHAT = frozenset(
    (
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "stop"),
        *("response_format", "temperature", "top_p", "top_k", "min_p", "seed", "n", "user"),
        *("presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias", "logprobs"),
        *("top_logprobs", "metadata", "store", "reasoning_effort", "verbosity", "service_tier"),
        *("prompt_cache_key", "prompt_cache_retention", "safety_identifier", "modalities"),
        *("chat_template_kwargs", "cache_prompt", "grammar", "json_schema"),
    )
)
_RESPONSES = frozenset(
    (
        *("model", "input", "instructions", "stream", "stream_options", "tools", "tool_choice"),
        *("parallel_tool_calls", "reasoning", "text", "temperature", "top_p", "max_output_tokens"),
        *("max_tool_calls", "metadata", "store", "include", "prompt_cache_key", "service_tier"),
        *("prompt_cache_retention", "safety_identifier", "truncation", "user", "top_logprobs"),
        *("client_metadata", "context_management"),
    )
)
_CLIENT_TOOL = re.compile(r"(?:bash|text_editor|computer|memory)_\d{8}")
_PLAIN_BLOCKS = frozenset(
    (
        *("text", "tool_use", "thinking", "redacted_thinking", "compaction", "tool_reference"),
        "tool_removal",
    )
)
_PLAIN_PARTS = frozenset(("text", "refusal", "input_text", "output_text", "summary_text"))
_PLAIN_ITEMS = frozenset(
    (
        *("function_call", "custom_tool_call", "local_shell_call", "shell_call", "reasoning"),
        *("apply_patch_call", "compaction", "compaction_summary", "compaction_trigger"),
    )
)
_RESULT_ITEMS = frozenset(
    (
        *("function_call_output", "custom_tool_call_output", "local_shell_call_output"),
        *("shell_call_output", "apply_patch_call_output"),
    )
)
_OPENAI_TOOLS = frozenset(("function", "custom", "local_shell", "apply_patch"))


def messages_fault(body: Json) -> str | None:
    """Returns why a call of `/v1/messages` is not granted; None when it is."""
    return (
        _fields(body, _MESSAGES)
        or _listed(body, "messages")
        or _first(_tool(tool) for tool in _list(body.get("tools")))
        or _blocks(body.get("system"))
        or _first(_blocks(_of(said, "content")) for said in _list(body.get("messages")))
        or _one_of(body, "speed", ("standard",))
    )


def chat_fault(body: Json) -> str | None:
    """Returns why a call of `/v1/chat/completions` is not granted; None when it is."""
    return (
        _fields(body, _CHAT)
        or _listed(body, "messages")
        or _first(_openai_tool(tool) for tool in _list(body.get("tools")))
        or _first(_parts(_of(said, "content")) for said in _list(body.get("messages")))
        or _one_of(body, "n", (1,))
        or _one_of(body, "modalities", (["text"],))
        or _one_of(body, "service_tier", _TIERS)
    )


def responses_fault(body: Json) -> str | None:
    """Returns why a call of `/v1/responses` is not granted; None when it is."""
    given = body.get("input")
    return (
        _fields(body, _RESPONSES)
        or (None if isinstance(given, str) else _listed(body, "input"))
        or _first(_openai_tool(tool) for tool in _list(body.get("tools")))
        or _first(_item(item) for item in _list(given))
        or _one_of(body, "service_tier", _TIERS)
    )


_TIERS = ("auto", "default", "flex")  # the others cost more than the price table says


def _fields(body: Json, known: frozenset[str]) -> str | None:
    for name, value in body.items():
        if name not in known and value is not None:
            return f"the field {name!r} is not granted to workers"
    return None


def _tool(tool: Any) -> str | None:
    """Judges a tool of the Messages API: a plain one, or one that the client itself runs."""
    kind = _of(tool, "type") or "custom"
    if kind == "custom" or (isinstance(kind, str) and _CLIENT_TOOL.fullmatch(kind)):
        return None
    return _hosted(kind)


def _openai_tool(tool: Any) -> str | None:
    kind = _of(tool, "type")
    if kind in _OPENAI_TOOLS:
        return None
    if kind == "namespace":
        return _first(_openai_tool(inner) for inner in _list(_of(tool, "tools")))
    if kind == "tool_search" and _of(tool, "execution") == "client":
        return None
    if kind == "shell" and (_of(_of(tool, "environment"), "type") or "local") == "local":
        return None
    return _hosted(kind)


def _hosted(kind: Any) -> str:
    return f"the tool {str(kind)!r} would be run by the model server: hosted tools are not granted"


def _blocks(content: Any) -> str | None:
    """Judges content of the Messages API: nothing that its server would fetch, look up or run."""
    return _first(_block(block) for block in _list(content))


def _block(block: Any) -> str | None:
    kind = _of(block, "type")
    if kind in _PLAIN_BLOCKS:
        return None
    if kind in ("tool_result", "search_result"):
        return _blocks(_of(block, "content"))
    if kind in ("image", "document"):
        source = _of(block, "source")
        held = _of(source, "type")
        if held == "content":
            return _blocks(_of(source, "content"))
        return None if held in ("base64", "text") else _elsewhere(f"{kind} of source {held!r}")
    if kind == "tool_addition":
        tool = _of(block, "tool")
        if _of(tool, "type") == "tool_definition":
            return _tool(_of(tool, "definition"))
        return None if _of(tool, "type") == "tool_reference" else _hosted(_of(tool, "type"))
    return f"content of type {str(kind)!r} is not granted to workers"


def _item(item: Any) -> str | None:
    """Judges one item of the input of the Responses API."""
    kind = _of(item, "type") or "message"
    if kind in _PLAIN_ITEMS:
        return None
    if kind in _RESULT_ITEMS:
        return _parts(_of(item, "output"))
    if kind == "message":
        return _parts(_of(item, "content"))
    if kind == "additional_tools":
        return _first(_openai_tool(tool) for tool in _list(_of(item, "tools")))
    if kind in ("tool_search_call", "tool_search_output") and _of(item, "execution") == "client":
        return _first(_openai_tool(tool) for tool in _list(_of(item, "tools")))
    return f"input of type {str(kind)!r} is not granted to workers"


def _parts(content: Any) -> str | None:
    return _first(_part(part) for part in _list(content))


def _part(part: Any) -> str | None:
    kind = _of(part, "type")
    if kind in _PLAIN_PARTS:
        return None
    if kind in ("image_url", "input_image"):
        address = _of(part, "image_url")
        address = _of(address, "url") if isinstance(address, Mapping) else address
        is_whole = isinstance(address, str) and address.startswith("data:")
        return None if is_whole and not _of(part, "file_id") else _elsewhere("an image")
    if kind in ("file", "input_file"):
        held = _of(part, "file") if kind == "file" else part
        is_whole = not (_of(held, "file_id") or _of(held, "file_url"))
        return None if is_whole and _of(held, "file_data") else _elsewhere("a file")
    return f"content of type {str(kind)!r} is not granted to workers"


def _elsewhere(what: str) -> str:
    return (
        f"{what} would be fetched by the model server: only what the call itself holds is granted"
    )


def _one_of(body: Json, name: str, granted: tuple[Any, ...]) -> str | None:
    value = body.get(name)
    if value is None or value in granted:
        return None
    return f"{name} may only be {' or '.join(map(str, granted))}"


def _listed(body: Json, name: str) -> str | None:
    return None if isinstance(body.get(name), list) else f"{name} must be a list"


def _first(faults: Iterable[str | None]) -> str | None:
    return next((fault for fault in faults if fault), None)


def _list(value: Any) -> list[Any]:
    """Returns a list's items; for text and for nothing, none."""
    if isinstance(value, list):
        return value
    return [] if value is None or isinstance(value, str) else [value]


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None
