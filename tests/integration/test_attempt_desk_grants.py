"""What of a model call is granted, and what is refused: each refusal is shown to reach no model server."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.desk_site import MODEL, call, client, desk, profile
from tests.support.upstream_server import Answer, Asked, message, serving, whole

URL = "https://elsewhere.example/?secret"
TOOL = {"name": "read", "description": "Reads.", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
SAID = [{"role": "user", "content": "Hello."}]


def hello(_: Asked) -> Answer:
    usage = {"input_tokens": 1, "output_tokens": 1, "prompt_tokens": 1, "completion_tokens": 1}
    return whole(message("Hello.") | {"usage": usage})


def said(*blocks: Any, role: str = "user") -> dict[str, Any]:
    """Returns a call of the Messages API that says these blocks."""
    return call(messages=[*SAID, {"role": role, "content": list(blocks)}])


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": SAID, "max_tokens": 100, **fields}


def chat_part(part: Any) -> dict[str, Any]:
    return chat(messages=[{"role": "user", "content": [part]}])


def responses(*items: Any, **fields: Any) -> dict[str, Any]:
    first = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    return {"model": MODEL, "input": [first, *items], "max_output_tokens": 100, **fields}


GRANTED: list[tuple[str, Any]] = [
    ("/v1/messages", call(tools=[TOOL, TOOL | {"type": "custom"}])),
    ("/v1/messages", call(tools=[{"type": "bash_20250124", "name": "bash"}])),
    ("/v1/messages", call(tools=[{"type": "text_editor_20250728", "name": "edit"}])),
    (
        "/v1/messages",
        call(
            service_tier="auto",
            metadata={"user_id": "u"},
            betas=["new-2026"],
            thinking={"type": "adaptive"},
            output_config={"effort": "low"},
            system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            speed="standard",
            container=None,
        ),
    ),
    (
        "/v1/messages",
        said({"type": "tool_use", "id": "1", "name": "read", "input": {"file_id": 1}}),
    ),
    (
        "/v1/messages",
        said(
            {
                "type": "tool_result",
                "tool_use_id": "1",
                "content": [
                    {"type": "text", "text": "x"},
                    {"type": "image", "source": {"type": "base64", "data": "AA=="}},
                ],
            }
        ),
    ),
    ("/v1/messages", said({"type": "document", "source": {"type": "text", "data": "x"}})),
    (
        "/v1/messages",
        said({"type": "tool_addition", "tool": {"type": "tool_reference", "name": "read"}}),
    ),
    ("/v1/messages/count_tokens", {"model": MODEL, "messages": SAID, "tools": [TOOL]}),
    ("/v1/chat/completions", chat(tools=[{"type": "function", "function": {"name": "read"}}])),
    ("/v1/chat/completions", chat(max_tokens=None, max_completion_tokens=100, n=1, top_k=3)),
    (
        "/v1/chat/completions",
        chat_part({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}),
    ),
    ("/v1/chat/completions", chat_part({"type": "file", "file": {"file_data": "AA=="}})),
    ("/v1/responses", responses(input="Hello.") | {"input": "Hello."}),
    (
        "/v1/responses",
        responses(
            {"type": "reasoning", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "call_id": "1", "name": "shell", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "done"},
            {
                "type": "custom_tool_call_output",
                "call_id": "2",
                "output": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}],
            },
            tools=[
                {"type": "function", "name": "shell", "parameters": {}},
                {"type": "custom", "name": "apply_patch"},
                {"type": "local_shell"},
                {"type": "shell"},
                {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]},
                {"type": "tool_search", "execution": "client"},
            ],
            store=False,
            include=["reasoning.encrypted_content"],
            prompt_cache_key="k",
            client_metadata={"a": "b"},
        ),
    ),
]


def api_of(path: str) -> str:
    return "anthropic" if path.startswith("/v1/messages") else "openai"


@pytest.mark.parametrize(("path", "body"), GRANTED)
def test_what_stays_between_worker_and_model_is_granted(
    tmp_path: Path, path: str, body: Any
) -> None:
    with serving(hello) as server, desk(tmp_path, server.url, api=api_of(path)) as opened:
        with client(opened) as worker:
            answer = worker.post(path, json=body)
        assert answer.status_code == 200, answer.text
        assert [(a.path, a.json) for a in server.asked] == [(path, body)]
        assert opened.refusals() == ()


HOSTED = "hosted tools are not granted"
FETCHED = "would be fetched by the model server"
FIELD = "is not granted to workers"

REFUSED: list[tuple[str, Any, str]] = [
    ("/v1/messages", call(model="claude-opus-5-5"), "only the model"),
    ("/v1/messages", call(model=None), "only the model"),
    ("/v1/messages", call(max_tokens=1_001), "at most 1000"),
    ("/v1/messages", call(tools=[TOOL, SEARCH]), HOSTED),
    ("/v1/messages", call(tools=[{"type": "web_fetch_20250910", "name": "f"}]), HOSTED),
    ("/v1/messages", call(tools=[{"type": "code_execution_20250825", "name": "c"}]), HOSTED),
    ("/v1/messages", call(tools=[{"type": "mcp_toolset", "mcp_server_name": "s"}]), HOSTED),
    ("/v1/messages", call(tools=[{"type": "advisor_20260301", "name": "a"}]), HOSTED),
    ("/v1/messages", call(tools=SEARCH), HOSTED),  # no list, and yet
    ("/v1/messages", call(mcp_servers=[{"type": "url", "url": URL}]), FIELD),
    ("/v1/messages", call(container="container_1"), FIELD),
    ("/v1/messages", call(fallbacks=[{"model": "claude-opus-5-5"}]), FIELD),
    ("/v1/messages", call(speed="fast"), "speed may only be standard"),
    ("/v1/messages", call(what_comes_next=1), FIELD),
    ("/v1/messages", call(messages="x"), "messages must be a list"),
    ("/v1/messages", said({"type": "image", "source": {"type": "url", "url": URL}}), FETCHED),
    ("/v1/messages", said({"type": "document", "source": {"type": "url", "url": URL}}), FETCHED),
    ("/v1/messages", said({"type": "image", "source": {"type": "file", "file_id": "f"}}), FETCHED),
    (
        "/v1/messages",
        said(
            {
                "type": "tool_result",
                "tool_use_id": "1",
                "content": [{"type": "image", "source": {"type": "url", "url": URL}}],
            }
        ),
        FETCHED,
    ),
    (
        "/v1/messages",
        said(
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "image", "source": {"type": "url", "url": URL}}],
                },
            }
        ),
        FETCHED,
    ),
    ("/v1/messages", said({"type": "container_upload", "file_id": "f"}), FIELD),
    ("/v1/messages", said({"type": "server_tool_use", "id": "1", "name": "web_search"}), FIELD),
    (
        "/v1/messages",
        said(
            {
                "type": "tool_addition",
                "tool": {"type": "tool_definition", "definition": SEARCH},
            },
            role="system",
        ),
        HOSTED,
    ),
    (
        "/v1/messages",
        call(system=[{"type": "image", "source": {"type": "url", "url": URL}}]),
        FETCHED,
    ),
    ("/v1/messages/count_tokens", call(tools=[SEARCH]), HOSTED),
    ("/v1/messages/batches", {"requests": []}, FIELD),
    ("/v1/files", {}, FIELD),
    ("/v1/complete", call(), FIELD),
    ("/v1/messages/../files", call(), FIELD),
    ("/v1/chat/completions", chat(), FIELD),
    ("/", {}, FIELD),
]

REFUSED_OPENAI: list[tuple[str, Any, str]] = [
    ("/v1/chat/completions", chat(model="gpt-5"), "only the model"),
    ("/v1/chat/completions", chat(max_completion_tokens=1_001), "at most 1000"),
    ("/v1/chat/completions", chat(n=3), "n may only be 1"),
    ("/v1/chat/completions", chat(web_search_options={}), FIELD),
    ("/v1/chat/completions", chat(tools=[{"type": "web_search"}]), HOSTED),
    ("/v1/chat/completions", chat(service_tier="priority"), "service_tier may only be"),
    ("/v1/chat/completions", chat(modalities=["text", "audio"]), "modalities may only be"),
    (
        "/v1/chat/completions",
        chat_part({"type": "image_url", "image_url": {"url": URL}}),
        FETCHED,
    ),
    ("/v1/chat/completions", chat_part({"type": "file", "file": {"file_id": "f"}}), FETCHED),
    ("/v1/responses", responses(model="gpt-5"), "only the model"),
    ("/v1/responses", responses(max_output_tokens=1_001), "at most 1000"),
    ("/v1/responses", responses(previous_response_id="resp_1"), FIELD),
    ("/v1/responses", responses(conversation="conv_1"), FIELD),
    ("/v1/responses", responses(prompt={"id": "p"}), FIELD),
    ("/v1/responses", responses(background=True), FIELD),
    ("/v1/responses", responses({"type": "item_reference", "id": "i"}), FIELD),
    ("/v1/responses", responses({"type": "mcp_approval_response"}), FIELD),
    *(
        ("/v1/responses", responses(tools=[tool]), HOSTED)
        for tool in (
            {"type": "web_search", "external_web_access": False},
            {"type": "web_search_preview"},
            {"type": "file_search", "vector_store_ids": ["v"]},
            {"type": "code_interpreter", "container": {"type": "auto"}},
            {"type": "image_generation"},
            {"type": "mcp", "server_url": URL},
            {"type": "shell", "environment": {"type": "container_auto"}},
            {"type": "tool_search"},
            {"type": "namespace", "tools": [{"type": "mcp", "server_url": URL}]},
            "web_search",
        )
    ),
    (
        "/v1/responses",
        responses({"type": "message", "content": [{"type": "input_image", "image_url": URL}]}),
        FETCHED,
    ),
    (
        "/v1/responses",
        responses(
            {
                "type": "function_call_output",
                "call_id": "1",
                "output": [{"type": "input_file", "file_url": URL, "file_data": "AA=="}],
            }
        ),
        FETCHED,
    ),
    ("/v1/responses/compact", responses(), FIELD),
    ("/v1/files", {}, FIELD),
    ("/v1/embeddings", {}, FIELD),
    ("/v1/messages", call(), FIELD),
]


@pytest.mark.parametrize(
    ("api", "path", "body", "why"),
    [("anthropic", *one) for one in REFUSED] + [("openai", *one) for one in REFUSED_OPENAI],
)
def test_what_leads_elsewhere_is_refused_in_words(
    tmp_path: Path, api: str, path: str, body: Any, why: str
) -> None:
    with serving(hello) as server, desk(tmp_path, server.url, api=api) as opened:
        with client(opened) as worker:
            answer = worker.post(f"http://desk{path}", json=body)
        assert (answer.status_code, server.asked) == (403, [])
        assert why in answer.json()["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"
        refused = opened.refusals()
        assert [(r.status, why in r.why) for r in refused] == [(403, True)]
        assert opened.usage().tokens_in == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_no_other_method_goes_on(tmp_path: Path, method: str) -> None:
    with serving(hello) as server, desk(tmp_path, server.url) as opened, client(opened) as worker:
        assert worker.request(method, "/v1/messages").status_code == 403
        assert server.asked == []


def test_the_list_of_models_holds_the_granted_one_and_asks_nobody(tmp_path: Path) -> None:
    with serving(hello) as server, desk(tmp_path, server.url, api="openai") as opened:
        with client(opened) as worker:
            listed = worker.get("/v1/models").json()
        assert [one["id"] for one in listed["data"]] == [MODEL]
        assert server.asked == []


def test_a_worker_without_a_model_reaches_none(tmp_path: Path) -> None:
    alone = profile(network="none")
    with serving(hello) as server, desk(tmp_path, server.url, of=alone) as opened:
        with client(opened) as worker:
            answer = worker.post("/v1/messages", json=call())
        assert (answer.status_code, server.asked) == (403, [])
        assert opened.usage().cost_usd == 0.0


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/messages", call(), "max_tokens"),
        ("/v1/chat/completions", chat(), "max_completion_tokens"),
        ("/v1/responses", responses(), "max_output_tokens"),
    ],
)
def test_an_answer_is_bounded_where_the_call_does_not_say(
    tmp_path: Path, path: str, body: Any, field: str
) -> None:
    names = ("max_tokens", "max_output_tokens")
    unbounded = {name: value for name, value in body.items() if name not in names}
    with serving(hello) as server, desk(tmp_path, server.url, api=api_of(path)) as opened:
        with client(opened) as worker:
            assert worker.post(path, json=unbounded).status_code == 200
        assert server.asked[0].json == unbounded | {field: 1_000}
