"""Tokens and money of one attempt: reserved before a call, counted as it streams, cut off past the budget."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coordinator.domain.errors import WorkerError
from coordinator.domain.failure_policy import Limit
from coordinator.domain.policy import Limits, Profile
from tests.support.desk_site import call, client, desk, priced, profile
from tests.support.patience import PATIENCE_S
from tests.support.upstream_server import (
    Answer,
    Asked,
    event,
    message,
    message_events,
    serving,
    stream,
    whole,
)


def unknown(api: str = "anthropic") -> Profile:
    """Returns a worker whose model no table knows."""
    return profile(api, model="home-made-1")


def test_a_call_that_may_take_more_tokens_than_are_left_is_not_made(tmp_path: Path) -> None:
    with (
        serving(lambda _: whole(message("x", tokens_in=700, tokens_out=100))) as server,
        desk(tmp_path, server.url, budget={"tokens_max": 1_000}) as opened,
        client(opened) as worker,
    ):
        assert worker.post("/v1/messages", json=call()).status_code == 200
        refused = worker.post("/v1/messages", json=call(max_tokens=190))
        assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert "has 200 of 1000 tokens left" in refused.json()["error"]["message"]
        assert worker.post("/v1/messages", json=call()).status_code == 200
        assert len(server.asked) == 2
        assert [r.status for r in opened.refusals()] == [429]


def test_a_call_that_may_cost_more_than_is_left_is_not_made(tmp_path: Path) -> None:
    of = replace(profile(), price=priced(input_usd=0.0, output_usd=1_000.0))  # 100 tokens: 0.1 USD
    with (
        serving(lambda _: whole(message("x", tokens_out=60))) as server,
        desk(tmp_path, server.url, of=of, budget={"cost_usd_max": 0.15}) as opened,
        client(opened) as worker,
    ):
        assert worker.post("/v1/messages", json=call()).status_code == 200
        refused = worker.post("/v1/messages", json=call())
        assert refused.status_code == 429
        assert "0.0900 of 0.1500 USD left" in refused.json()["error"]["message"]
        assert len(server.asked) == 1
        assert opened.usage().cost_usd == pytest.approx(0.06)


def test_without_money_a_model_with_a_price_is_not_asked(tmp_path: Path) -> None:
    with (
        serving(lambda _: whole(message("x"))) as server,
        desk(tmp_path, server.url, budget={"cost_usd_max": 0.0}) as opened,
        client(opened) as worker,
    ):
        assert worker.post("/v1/messages", json=call()).status_code == 429
        assert server.asked == []


def test_where_nobody_knows_the_price_only_tokens_bind_and_the_cost_is_unknown(
    tmp_path: Path,
) -> None:
    budget = {"cost_usd_max": 0.0, "tokens_max": 1_000}
    with (
        serving(lambda _: whole(message("x", tokens_in=900, tokens_out=90))) as server,
        desk(tmp_path, server.url, of=unknown(), budget=budget) as opened,
        client(opened) as worker,
    ):
        assert opened.usage().cost_usd == 0.0
        asked = call(model="home-made-1")
        assert worker.post("/v1/messages", json=asked).status_code == 200
        assert opened.usage().cost_usd is None
        assert worker.post("/v1/messages", json=asked).status_code == 429


def test_calls_at_once_cannot_together_pass_the_budget(tmp_path: Path) -> None:
    both, let_go = threading.Barrier(2), threading.Event()
    outcomes: list[int] = []

    def slow(_: Asked) -> Answer:
        both.wait(PATIENCE_S)
        assert let_go.wait(PATIENCE_S)
        return whole(message("x"))

    with (
        serving(slow) as server,
        desk(tmp_path, server.url, budget={"tokens_max": 1_200}) as opened,
        client(opened) as worker,
    ):

        def work() -> None:
            outcomes.append(worker.post("/v1/messages", json=call(max_tokens=900)).status_code)

        thread = threading.Thread(target=work)
        thread.start()
        both.wait(PATIENCE_S)  # the first call is with the model, and has used nothing yet
        assert worker.post("/v1/messages", json=call(max_tokens=900)).status_code == 429
        let_go.set()
        thread.join()
        assert (outcomes, len(server.asked)) == ([200], 1)


def test_an_attempt_makes_no_more_calls_than_its_turns_allow(tmp_path: Path) -> None:
    of = profile(limits=Limits(turns_max=2, tokens_max=100_000, cost_usd_max=1.0))
    with (
        serving(lambda _: whole({"error": {}}, status=500)) as server,
        desk(tmp_path, server.url, of=of) as opened,
        client(opened) as worker,
    ):
        statuses = [worker.post("/v1/messages", json=call()).status_code for _ in range(6)]
        assert statuses == [500] * 4 + [429] * 2
        assert len(server.asked) == 4


def endless(piece: bytes, first: bytes = b"") -> Iterator[bytes]:
    yield first
    for _ in range(100_000):
        yield piece


def delta(text: str) -> bytes:
    return event({"type": "content_block_delta", "index": 0, "delta": {"text": text}})


@pytest.mark.parametrize(
    ("budget", "of", "why"),
    [
        ({"tokens_max": 1_000}, unknown(), "used all of its 1000 tokens"),
        ({"cost_usd_max": 0.15}, replace(profile(), price=priced(0, 1_000)), "spent all of its"),
    ],
)
def test_a_stream_that_passes_the_budget_is_cut_off(
    tmp_path: Path, budget: Any, of: Profile, why: str
) -> None:
    first = next(message_events([], tokens_in=10))
    with (
        serving(lambda _: stream(endless(delta("x" * 30), first))) as server,
        desk(tmp_path, server.url, of=of, budget=budget) as opened,
        client(opened) as worker,
    ):
        answer = worker.post("/v1/messages", json=call(model=of.model, stream=True))
        assert answer.status_code == 200
        last = answer.text.strip().splitlines()[-2:]
        assert last[0] == "event: error"
        assert why in last[1]
        assert server.broken_off.wait(PATIENCE_S)
        used = opened.usage()
        assert 0 < used.tokens_out <= 1_010
        assert [r.status for r in opened.refusals()] == [429]
        again = worker.post("/v1/messages", json=call(model=of.model, stream=True))
        assert (again.status_code, len(server.asked)) == (429, 1)


def test_an_input_larger_than_it_looked_is_cut_off_at_the_first_word(tmp_path: Path) -> None:
    first = next(message_events([], tokens_in=5_000))
    with (
        serving(lambda _: stream(endless(delta("x"), first))) as server,
        desk(tmp_path, server.url, budget={"tokens_max": 1_000}) as opened,
        client(opened) as worker,
    ):
        answer = worker.post("/v1/messages", json=call(stream=True))
        assert answer.text.count("event: error") == 1
        assert server.broken_off.wait(PATIENCE_S)
        assert opened.usage().tokens_in == 5_000


CACHED: dict[str, Any] = {
    "cache_read_input_tokens": 1_000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
}
CACHED_USD = (10 * 2 + 1_000 * 0.1 * 2 * 0.5 + 100 * 2.5 + 200 * 4 + 5 * 10) / 1e6


@pytest.mark.parametrize("streams", [True, False])
def test_what_is_read_from_a_cache_counts_at_its_own_price(tmp_path: Path, streams: bool) -> None:
    def answer(_: Asked) -> Answer:
        if streams:
            return stream(message_events(["x"], **CACHED))
        return whole(message("x", **CACHED))

    with serving(answer) as server, desk(tmp_path, server.url) as opened:
        with client(opened) as worker:
            worker.post("/v1/messages", json=call(stream=streams))
        assert (opened.usage().tokens_in, opened.usage().tokens_out) == (1_310, 5)
        assert opened.usage().cost_usd == pytest.approx(CACHED_USD)


def test_the_making_of_a_summary_counts_too(tmp_path: Path) -> None:
    turns = [
        {"type": "message", "input_tokens": 10, "output_tokens": 5},
        {"type": "compaction", "input_tokens": 900, "output_tokens": 40},
    ]
    with serving(lambda _: whole(message("x", iterations=turns))) as server:
        with desk(tmp_path, server.url) as opened, client(opened) as worker:
            worker.post("/v1/messages", json=call())
        assert (opened.usage().tokens_in, opened.usage().tokens_out) == (910, 45)


def chat_call(**fields: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": "Hello."}]
    return {"model": "gpt-5", "messages": said, "max_completion_tokens": 100, **fields}


def chat_events(*, with_usage: bool) -> Iterator[bytes]:
    for text in ("Hel", "lo."):
        yield event({"choices": [{"index": 0, "delta": {"content": text}}], "usage": None})
    usage = {
        "prompt_tokens": 1_000,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 400},
    }
    if with_usage:
        yield event({"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def test_a_chat_stream_is_asked_for_its_usage_and_counted(tmp_path: Path) -> None:
    of = profile("openai", model="gpt-5")
    with (
        serving(lambda _: stream(chat_events(with_usage=True))) as server,
        desk(tmp_path, server.url, api="openai", of=of) as opened,
        client(opened) as worker,
    ):
        answer = worker.post("/v1/chat/completions", json=chat_call(stream=True))
        assert answer.content == b"".join(chat_events(with_usage=True))
        asked = server.asked[0]
        assert asked.json["stream_options"] == {"include_usage": True}
        assert asked.headers["authorization"].startswith("Bearer sk-real-")
        assert "x-api-key" not in asked.headers
        assert (opened.usage().tokens_in, opened.usage().tokens_out) == (1_000, 20)
        assert opened.usage().cost_usd == pytest.approx((600 * 1.25 + 400 * 0.125 + 20 * 10) / 1e6)


def test_a_server_that_reports_nothing_is_counted_by_what_went_by(tmp_path: Path) -> None:
    of = profile("openai", model="home-made-1")
    with (
        serving(lambda _: stream(chat_events(with_usage=False))) as server,
        desk(tmp_path, server.url, api="openai", of=of) as opened,
        client(opened) as worker,
    ):
        asked = chat_call(model="home-made-1", stream=True)
        worker.post("/v1/chat/completions", json=asked)
        used = opened.usage()
        assert used.tokens_in > 10  # the bytes of the question, by three
        assert (used.tokens_out, used.cost_usd) == (2, None)


def test_a_stream_of_responses_is_counted_at_its_end(tmp_path: Path) -> None:
    def events() -> Iterator[bytes]:
        yield event({"type": "response.created", "response": {"usage": None}})
        yield event({"type": "response.output_text.delta", "delta": "Hello."})
        usage = {
            "input_tokens": 300,
            "output_tokens": 7,
            "input_tokens_details": {"cached_tokens": 100},
        }
        yield event({"type": "response.completed", "response": {"usage": usage}})

    of = profile("openai", model="gpt-5")
    asked = {"model": "gpt-5", "input": "Hello.", "stream": True}
    with (
        serving(lambda _: stream(events())) as server,
        desk(tmp_path, server.url, api="openai", of=of) as opened,
        client(opened) as worker,
    ):
        answer = worker.post("/v1/responses", json=asked)
        assert answer.content == b"".join(events())
        assert (opened.usage().tokens_in, opened.usage().tokens_out) == (300, 7)
        assert server.asked[0].json["max_output_tokens"] == 1_000


def test_over_the_budget_clients_of_openai_hear_what_they_do_not_retry(tmp_path: Path) -> None:
    of = profile("openai", model="gpt-5")
    with (
        serving(lambda _: whole({})) as server,
        desk(tmp_path, server.url, api="openai", of=of, budget={"tokens_max": 50}) as opened,
        client(opened) as worker,
    ):
        refused = worker.post("/v1/chat/completions", json=chat_call())
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "insufficient_quota"


def test_a_client_that_stops_listening_is_charged_for_what_was_streamed(tmp_path: Path) -> None:
    first = next(message_events([], tokens_in=10))
    with (
        serving(lambda _: stream(endless(delta("x" * 3_000), first))) as server,
        desk(tmp_path, server.url, budget={"cost_usd_max": 1_000.0, "tokens_max": 10**9}) as opened,
    ):
        with (
            client(opened) as worker,
            worker.stream("POST", "/v1/messages", json=call(stream=True)) as answer,
        ):
            next(answer.iter_bytes())
        assert server.broken_off.wait(PATIENCE_S)
        used = opened.usage()
        assert used.tokens_in == 10
        assert used.tokens_out >= 1_000
        assert used.cost_usd is not None


def test_counting_tokens_is_free(tmp_path: Path) -> None:
    with (
        serving(lambda _: whole({"input_tokens": 12})) as server,
        desk(tmp_path, server.url, budget={"tokens_max": 1, "cost_usd_max": 0.0}) as opened,
        client(opened) as worker,
    ):
        asked = {name: value for name, value in call().items() if name != "max_tokens"}
        answer = worker.post("/v1/messages/count_tokens?beta=true", json=asked)
        assert answer.json() == {"input_tokens": 12}
        assert server.asked[0].path == "/v1/messages/count_tokens?beta=true"
        assert opened.usage().tokens_in == 0


def test_an_image_counts_as_an_image_and_not_by_its_bytes(tmp_path: Path) -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 3_000_000}}
    with (
        serving(lambda _: whole(message("x"))) as server,
        desk(tmp_path, server.url) as opened,
        client(opened) as worker,
    ):
        said = [{"role": "user", "content": [image]}]
        assert worker.post("/v1/messages", json=call(messages=said)).status_code == 200
        assert len(server.asked) == 1
        text = [{"role": "user", "content": "A" * 3_000_000}]
        assert worker.post("/v1/messages", json=call(messages=text)).status_code == 429


def test_the_answer_that_is_not_said_to_be_bounded_gets_what_the_money_allows(
    tmp_path: Path,
) -> None:
    of = replace(profile(), price=priced(input_usd=0.0, output_usd=1_000.0))
    with (
        serving(lambda _: whole(message("x"))) as server,
        desk(tmp_path, server.url, of=of, budget={"cost_usd_max": 0.25}) as opened,
        client(opened) as worker,
    ):
        asked = {name: value for name, value in call().items() if name != "max_tokens"}
        assert worker.post("/v1/messages", json=asked).status_code == 200
        assert server.asked[0].json["max_tokens"] == 250


@pytest.mark.parametrize(
    ("api", "path", "kind"),
    [
        ("anthropic", "/v1/messages", "rate_limit_error"),
        ("openai", "/v1/chat/completions", "rate_limit_exceeded"),
    ],
)
def test_a_call_past_a_limit_of_the_house_is_put_off_and_not_made(
    tmp_path: Path, api: str, path: str, kind: str
) -> None:
    limit = Limit(of="here", requests_per_minute=1)
    with (
        serving(lambda _: whole(message("x", tokens_in=70, tokens_out=10))) as server,
        desk(tmp_path, server.url, api=api, limits=(limit,)) as opened,
        client(opened) as worker,
    ):
        assert worker.post(path, json=call()).status_code == 200
        later = worker.post(path, json=call())
        assert later.status_code == 429
        assert 1 <= int(later.headers["retry-after"]) <= 60
        assert "x-should-retry" not in later.headers
        assert later.json()["error"]["type"] == kind
        assert "[limits.here] requests_per_minute = 1" in later.json()["error"]["message"]
        assert len(server.asked) == 1
        assert opened.refusals() == ()


def test_a_limit_counts_what_a_call_took_and_not_one_that_was_not_made(tmp_path: Path) -> None:
    limit = Limit(of="here", tokens_per_minute=1_500)
    with (
        serving(lambda _: whole(message("x", tokens_in=70, tokens_out=10))) as server,
        desk(tmp_path, server.url, limits=(limit,), budget={"tokens_max": 1_150}) as opened,
        client(opened) as worker,
    ):
        # Each may take 900 and takes 80; the third is past the budget of the attempt, and is not made.
        asked = [call(max_tokens=n) for n in (900, 900, 1_000, 900)]
        statuses = [worker.post("/v1/messages", json=one).status_code for one in asked]
        assert (statuses, len(server.asked)) == ([200, 200, 429, 200], 3)


def test_a_model_whose_price_nobody_knows_is_refused_unless_the_house_allows_it(
    tmp_path: Path,
) -> None:
    with serving(lambda _: whole(message("x"))) as server:
        asked = desk(tmp_path, server.url, of=unknown(), unknown_price="refuse")
        with pytest.raises(WorkerError, match="nobody knows what the model 'home-made-1' costs"):
            asked.__enter__()
        free = replace(unknown(), price=priced(0.0, 0.0))
        with (
            desk(tmp_path, server.url, of=free, unknown_price="refuse") as opened,
            client(opened) as worker,
        ):
            assert worker.post("/v1/messages", json=call(model="home-made-1")).status_code == 200
