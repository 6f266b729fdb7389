"""Tools that the daemon runs for an attempt: only the granted ones, and only for its token."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.domain.errors import WorkerError
from coordinator.domain.policy import Policy
from coordinator.domain.worker import UngrantedTool
from tests.support.desk_site import client, desk, package, profile, spec
from tests.support.patience import PATIENCE_S

NOWHERE = "http://127.0.0.1:9"


def tools() -> dict[str, Any]:
    def double(arguments: Mapping[str, Any]) -> Any:
        return {"twice": arguments["number"] * 2}

    def fetch(arguments: Mapping[str, Any]) -> Any:
        raise UngrantedTool(f"{arguments['url']} is on no host that is granted")

    def pick(arguments: Mapping[str, Any]) -> Any:
        raise ValueError("url: must be text")

    def stop(arguments: Mapping[str, Any]) -> Any:
        raise WorkerError("nothing answers there")

    def broken(arguments: Mapping[str, Any]) -> Any:
        raise RuntimeError("with words that are nobody's business")

    return {"double": double, "fetch": fetch, "pick": pick, "stop": stop, "broken": broken}


def test_a_granted_tool_answers_in_json(tmp_path: Path) -> None:
    with desk(tmp_path, NOWHERE, tools=tools()) as opened, client(opened) as worker:
        answer = worker.post("/tools/double", json={"number": 21})
        assert (answer.status_code, answer.json()) == (200, {"twice": 42})
        assert opened.refusals() == ()


@pytest.mark.parametrize(
    ("name", "body", "status", "why"),
    [
        ("unheard_of", b"{}", 403, "'unheard_of' is not granted"),
        ("fetch", b'{"url": "http://x"}', 403, "http://x is on no host"),
        ("pick", b"{}", 400, "url: must be text"),
        ("stop", b"{}", 400, "nothing answers there"),
        ("broken", b"{}", 500, "the tool 'broken' broke: RuntimeError"),
        ("double", b"[]", 400, "JSON object"),
        ("double", b"{", 400, "JSON object"),
        ("double", b" " * 4_000_001, 400, "not a long one"),
    ],
)
def test_a_tool_that_cannot_says_why_and_the_desk_goes_on(
    tmp_path: Path, name: str, body: bytes, status: int, why: str
) -> None:
    with desk(tmp_path, NOWHERE, tools=tools()) as opened, client(opened) as worker:
        answer = worker.post(f"/tools/{name}", content=body)
        assert answer.status_code == status
        assert why in answer.json()["error"]["message"]
        assert "nobody's business" not in answer.text
        assert [(r.status, r.path) for r in opened.refusals()] == [(status, f"/tools/{name}")]
        assert worker.post("/tools/double", json={"number": 1}).status_code == 200


def test_tools_are_asked_for_with_what_the_attempt_is_about(tmp_path: Path) -> None:
    asked: list[Any] = []

    def given(*about: Any) -> Any:
        asked.append(about)
        return {}

    about = (spec(), package(), profile(network="none"), Policy())
    desks = AttemptDesks(tmp_path, environment={}, tools=given)
    with desks.open(*about) as opened, client(opened) as worker:
        assert worker.get("/tools/double").status_code == 403
    assert asked == [about]


def test_a_worker_cannot_take_more_connections_than_a_few(tmp_path: Path) -> None:
    with desk(tmp_path, NOWHERE, tools=tools()) as opened:
        held = [
            httpx2.Client(
                transport=httpx2.HTTPTransport(uds=opened.connection.socket),
                base_url="http://desk",
                headers={"x-api-key": opened.connection.token},
                timeout=PATIENCE_S,
            )
            for _ in range(33)
        ]
        try:
            answers = [one.post("/tools/double", json={"number": 1}) for one in held[:32]]
            assert [answer.status_code for answer in answers] == [200] * 32
            with pytest.raises(httpx2.HTTPError):
                held[32].post("/tools/double", json={"number": 1})
        finally:
            for one in held:
                one.close()
