"""The key proxy, driven as a worker drives it: over its socket, in front of a real HTTP server."""

import logging
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.domain.errors import WorkerError
from coordinator.domain.policy import Endpoint, Policy
from tests.support.desk_site import KEY, MODEL, call, client, desk, package, profile, spec
from tests.support.patience import PATIENCE_S, until
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
from tests.support.web_server import nobody


def hello(asked: Asked) -> Answer:
    if asked.method == "POST" and asked.json.get("stream"):
        return stream(message_events(["Hel", "lo."]))
    return whole(message("Hello."), request_id="req_7")


def test_a_call_reaches_the_model_with_the_real_key_and_without_the_token(tmp_path: Path) -> None:
    with serving(hello) as server, desk(tmp_path, server.url) as opened:
        with client(opened, anthropic_beta="new-2026", cookie="mine", x_other="mine") as worker:
            answer = worker.post("/v1/messages?beta=true&x=1", json=call())
        assert (answer.status_code, answer.headers["request-id"]) == (200, "req_7")
        assert answer.json()["content"][0]["text"] == "Hello."
        asked = server.asked[0]
        assert (asked.path, asked.json) == ("/v1/messages?beta=true", call())
        assert asked.headers["x-api-key"] == KEY
        assert asked.headers["anthropic-beta"] == "new-2026"
        assert not {"cookie", "x-other", "authorization"} & set(asked.headers)
        assert opened.connection.token.encode() not in server.seen
        used = opened.usage()
        assert (used.tokens_in, used.tokens_out) == (10, 5)
        assert used.cost_usd == pytest.approx((10 * 2 + 5 * 10) / 1e6)


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_the_token_is_taken_from_either_header(tmp_path: Path, header: str) -> None:
    with serving(hello) as server, desk(tmp_path, server.url) as opened:
        token = opened.connection.token
        shown = {"authorization": "", "x-api-key": ""}
        shown[header] = f"Bearer {token}" if header == "authorization" else token
        with client(opened) as worker:
            assert worker.post("/v1/messages", json=call(), headers=shown).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [
        {"authorization": "Bearer wrong"},
        {"authorization": ""},
        {"authorization": "Basic {token}"},
        {"x-api-key": "wrong"},  # beside the right one
        {"authorization": f"Bearer {KEY}"},
    ],
)
def test_another_token_gets_nothing(tmp_path: Path, shown: dict[str, str]) -> None:
    with serving(hello) as server, desk(tmp_path, server.url) as opened:
        given = {n: v.format(token=opened.connection.token) for n, v in shown.items()}
        with client(opened) as worker:
            answers = [
                worker.post("/v1/messages", json=call(), headers=given),
                worker.get("/v1/models", headers=given),
                worker.post("/tools/check_url", json={}, headers=given),
            ]
        assert [a.status_code for a in answers] == [401, 401, 401]
        assert answers[0].headers["x-should-retry"] == "false"
        assert server.asked == []
        assert [r.status for r in opened.refusals()] == [401, 401, 401]


def test_every_attempt_has_a_token_of_its_own(tmp_path: Path) -> None:
    with (
        serving(hello) as server,
        desk(tmp_path, server.url) as one,
        desk(tmp_path / "b", server.url) as other,
        client(one) as worker,
    ):
        stolen = {"authorization": f"Bearer {other.connection.token}"}
        assert worker.post("/v1/messages", json=call(), headers=stolen).status_code == 401


def test_the_socket_is_for_this_user_alone_and_goes_with_the_attempt(tmp_path: Path) -> None:
    with serving(hello) as server:
        with desk(tmp_path, server.url) as opened:
            path = Path(opened.connection.socket)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert not path.parent.exists()
    assert list((tmp_path / "desks").iterdir()) == []
    until(lambda: not [t for t in threading.enumerate() if t.name == "attempt desk"])


def test_a_folder_too_deep_for_a_socket_is_no_hindrance_and_is_swept(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with serving(hello) as server, desk(deep, server.url) as opened, client(opened) as worker:
        assert len(os.fsencode(opened.connection.socket)) <= 100
        assert worker.post("/v1/messages", json=call()).status_code == 200
        elsewhere = Path(opened.connection.socket).parent
        left = next((deep / "desks").iterdir())
        # What a start finds after a kill: the links and folders of desks that nobody closed.
        AttemptDesks(deep / "desks", environment={}, tools=lambda *_: {})
        assert not elsewhere.exists()
        assert not left.is_symlink()


def test_a_stream_goes_on_piece_by_piece(tmp_path: Path) -> None:
    pieces = list(message_events(["Hel", "lo."]))
    received = threading.Event()

    def held_back() -> Iterator[bytes]:
        yield pieces[0]
        assert received.wait(
            PATIENCE_S
        )  # the rest is not even written before the first has arrived
        yield b"".join(pieces[1:])

    with serving(lambda _: stream(held_back())) as server, desk(tmp_path, server.url) as opened:
        with (
            client(opened) as worker,
            worker.stream("POST", "/v1/messages", json=call(stream=True)) as answer,
        ):
            chunks = answer.iter_bytes()
            first = next(chunks)
            assert first == pieces[0]
            assert opened.usage().tokens_in == 10  # counted while it is under way
            received.set()
            assert first + b"".join(chunks) == b"".join(pieces)
        assert (opened.usage().tokens_in, opened.usage().tokens_out) == (10, 5)


def test_the_real_sdk_streams_over_the_socket(tmp_path: Path) -> None:
    import anthropic  # noqa: PLC0415 - collecting the other tests need not wait for it

    with serving(hello) as server, desk(tmp_path, server.url) as opened:
        transport = httpx2.HTTPTransport(uds=opened.connection.socket)
        with anthropic.Anthropic(
            base_url="http://127.0.0.1:8787",
            api_key=opened.connection.token,
            http_client=anthropic.DefaultHttpxClient(transport=transport),
            max_retries=0,
        ) as sdk:
            asked: Any = {"model": MODEL, "max_tokens": 100, "messages": call()["messages"]}
            with sdk.messages.stream(**asked) as answer:
                assert answer.get_final_text() == "Hello."
            assert sdk.messages.create(**asked).usage.output_tokens == 5
            with pytest.raises(anthropic.PermissionDeniedError, match="only the model"):
                sdk.messages.create(**{**asked, "model": "claude-opus-5-5"})
            search: Any = {"type": "web_search_20250305", "name": "web_search"}
            with pytest.raises(anthropic.PermissionDeniedError, match="hosted tools"):
                sdk.messages.create(**asked, tools=[search])
            assert sdk.models.list().data[0].id == MODEL
        assert len(server.asked) == 2
        assert (opened.usage().tokens_in, opened.usage().tokens_out) == (20, 10)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}),
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
    ],
)
def test_errors_of_the_model_server_come_through_and_cost_nothing(
    tmp_path: Path, status: int, said: Any
) -> None:
    def fault(_: Asked) -> Answer:
        return whole(said, status=status, retry_after="7", x_should_retry="true", set_cookie="a=b")

    with serving(fault) as server, desk(tmp_path, server.url) as opened, client(opened) as worker:
        answer = worker.post("/v1/messages", json=call())
        assert (answer.status_code, answer.json()) == (status, said)
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["x-should-retry"] == "true"
        assert "set-cookie" not in answer.headers
        assert opened.usage().tokens_in == 0
        assert opened.usage().cost_usd == 0


def test_a_redirect_is_not_followed_and_not_shown(tmp_path: Path) -> None:
    with serving(hello) as other:

        def away(_: Asked) -> Answer:
            return Answer(status=307, headers={"location": f"{other.url}/v1/messages"})

        with serving(away) as server, desk(tmp_path, server.url) as opened:
            with client(opened) as worker:
                answer = worker.post("/v1/messages", json=call(), follow_redirects=True)
            assert (answer.status_code, "location" in answer.headers) == (502, False)
            assert other.asked == []


def test_a_model_server_that_is_not_there_is_a_502_that_can_be_tried_again(tmp_path: Path) -> None:
    with nobody() as host, desk(tmp_path, f"http://{host}") as opened, client(opened) as worker:
        answer = worker.post("/v1/messages", json=call())
        assert answer.status_code == 502
        assert "did not answer: ConnectError" in answer.json()["error"]["message"]
        assert "x-should-retry" not in answer.headers
        assert opened.usage().tokens_in == 0


def test_the_key_is_in_no_answer_error_log_or_refusal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def telling(asked: Asked) -> Answer:
        match len(server.asked):
            case 1:
                return whole({"error": f"Incorrect API key {KEY}"}, status=401)
            case 2:
                return whole({"error": f"no {KEY} here"}, status=403, request_id=KEY)
            case 3:
                return whole(message(f"your key is {KEY}"))
            case 4:
                half = len(KEY) // 2
                said = event({"type": "ping", "text": f"it is {KEY}!"})
                where = said.index(KEY.encode()) + half
                return stream([said[:where], said[where:], b": " + KEY[:5].encode()])
            case _:
                return Answer(status=200, body=b"short", headers={"content-length": "99"})

    caplog.set_level(logging.DEBUG)
    with serving(telling) as server, desk(tmp_path, server.url) as opened:
        with client(opened) as worker:
            answers = [
                worker.post("/v1/messages", json=call(stream=number == 3)) for number in range(5)
            ]
        texts = [answer.text for answer in answers]
        assert [answer.status_code for answer in answers] == [401, 403, 200, 200, 502]
        assert "does not take the coordinator's key" in texts[0]
        assert texts[1] == '{"error": "no [key] here"}'
        assert "your key is [key]" in texts[2]
        assert "it is [key]!" in texts[3]
        assert texts[3].endswith(": " + KEY[:5])  # a beginning that stays one goes on at the end
        shown = texts + [str(a.headers) for a in answers] + [caplog.text, str(opened.refusals())]
        assert all(KEY not in text for text in shown)
    assert all(request.headers["x-api-key"] == KEY for request in server.asked)


def test_a_key_that_is_missing_or_broken_is_said_without_being_shown(tmp_path: Path) -> None:
    endpoint = Endpoint(name="here", api="anthropic", base_url="http://x", key_env="TEST_KEY")
    policy = Policy(endpoints=(endpoint,))
    for value in ("", "sk-se cret", "sk-sécret"):
        desks = AttemptDesks(tmp_path, environment={"TEST_KEY": value}, tools=lambda *_: {})
        with (
            pytest.raises(WorkerError, match="TEST_KEY") as error,
            desks.open(spec(), package(), profile(), policy),
        ):
            pass
        assert error.value.hint is not None
        assert not value or value not in f"{error.value} {error.value.hint}"


def test_a_server_that_wants_no_key_gets_none(tmp_path: Path) -> None:
    with (
        serving(hello) as server,
        desk(tmp_path, server.url, key_env="") as opened,
        client(opened) as worker,
    ):
        assert worker.post("/v1/messages", json=call()).status_code == 200
        assert not {"x-api-key", "authorization"} & set(server.asked[0].headers)


def test_a_body_too_long_compressed_or_broken_is_refused(tmp_path: Path) -> None:
    with serving(hello) as server, desk(tmp_path, server.url) as opened:
        with client(opened) as worker:
            zipped = worker.post("/v1/messages", json=call(), headers={"content-encoding": "zstd"})
            broken = [
                worker.post("/v1/messages", content=content)
                for content in (b"{", b"[]", b"[" * 100_000, b'{"max_tokens": 1e999}')
            ]
            chunked = worker.post("/v1/messages", content=iter([b"{}"]))
            long = worker.post("/v1/messages", content=b"x" * 32_000_001)
            assert (zipped.status_code, long.status_code) == (415, 413)
            assert [answer.status_code for answer in broken] == [400, 403, 400, 403]
            assert chunked.json()["error"]["message"] == "messages must be a list"
            assert worker.post("/v1/messages", json=call()).status_code == 200
        assert len(server.asked) == 1


def test_what_the_worker_wrote_twice_is_sent_once_as_it_was_judged(tmp_path: Path) -> None:
    said = b'{"model": "claude-opus-5-5", "max_tokens": 9, "messages": [], "model": "%s"}'
    with serving(hello) as server, desk(tmp_path, server.url) as opened, client(opened) as worker:
        assert worker.post("/v1/messages", content=said % MODEL.encode()).status_code == 200
        assert b"opus" not in server.asked[0].body


def test_the_end_of_an_attempt_ends_its_calls_and_counts_what_was_streamed(tmp_path: Path) -> None:
    never = threading.Event()

    def endless() -> Iterator[bytes]:
        pieces = list(message_events(["x" * 300], tokens_in=50))
        yield b"".join(pieces[:3])
        while not never.wait(0.01):
            yield event({"type": "ping"})

    with serving(lambda _: stream(endless())) as server:
        with desk(tmp_path, server.url) as opened, client(opened) as worker:
            with worker.stream("POST", "/v1/messages", json=call(stream=True)) as answer:
                next(answer.iter_bytes())
            open_ended = opened
        assert server.broken_off.wait(PATIENCE_S)
        used = open_ended.usage()
        assert (used.tokens_in, used.tokens_out) == (50, 100)
        assert used.cost_usd == pytest.approx((50 * 2 + 100 * 10) / 1e6)
        never.set()


def test_a_model_that_says_nothing_does_not_hold_up_the_end_of_an_attempt(tmp_path: Path) -> None:
    asked, let_go = threading.Event(), threading.Event()

    def silent(_: Asked) -> Answer:
        asked.set()
        assert let_go.wait(PATIENCE_S)
        return whole(message("too late"))

    outcome: list[Any] = []

    def work(worker: httpx2.Client) -> None:
        try:
            outcome.append(worker.post("/v1/messages", json=call()))
        except httpx2.HTTPError as error:
            outcome.append(error)

    with serving(silent) as server:
        with desk(tmp_path, server.url) as opened, client(opened) as worker:
            thread = threading.Thread(target=work, args=(worker,))
            thread.start()
            assert asked.wait(PATIENCE_S)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        until(lambda: opened.usage().tokens_in > 0)  # nobody knows what it took: it counts as read
        assert opened.usage().tokens_out == 0
        let_go.set()
    assert len(outcome) == 1
