"""A desk that is open for one attempt, in front of a model server of the test."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2

from coordinator.adapters.attempt_desk import AttemptDesks, OpenDesk
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.failure_policy import Limit
from coordinator.domain.names import BriefId, Epoch, Oid, ProfileName, TaskId
from coordinator.domain.package import Constraints, ContextPackage, Scope, WantedOutput
from coordinator.domain.policy import Endpoint, Limits, Policy, Price, Profile
from tests.support.patience import PATIENCE_S

KEY = "sk-real-4f2d9c61aa70-key"
MODEL = "claude-sonnet-5-5"

_API: dict[str, Literal["anthropic", "openai"]] = {"anthropic": "anthropic", "openai": "openai"}

Tools = Mapping[str, Callable[[Mapping[str, Any]], Any]]


def spec(**fields: Any) -> Spec:
    """Returns one attempt with some budget."""
    given: dict[str, Any] = {"tokens_max": 100_000, "cost_usd_max": 1.0, **fields}
    return Spec(
        id=AttemptId(brief=BriefId("tidy-3fa29c01"), epoch=Epoch("e1"), number=1),
        round=1,
        task=TaskId("only"),
        profile=ProfileName("scout"),
        base=Oid("a" * 40),
        package=Oid("b" * 40),
        wall_clock_s_max=60,
        **given,
    )


def package() -> ContextPackage:
    """Returns a package that says little: the desk only hands it to its tools."""
    wanted = WantedOutput(kind="report")
    return ContextPackage(
        brief_id=BriefId("tidy-3fa29c01"),
        task_id=TaskId("only"),
        attempt=1,
        task_type="tidy",
        description="Tidy up.",
        tools_available=(),
        constraints=Constraints(
            deadline_seconds=60, max_tokens=1000, output_format=wanted, max_retries=1
        ),
        input_data=(),
        acceptance_criteria=(),
        base=Oid("a" * 40),
        scope=Scope(inside=(), outside=()),
        do_not=(),
    )


def profile(api: str = "anthropic", **fields: Any) -> Profile:
    """Returns a model worker whose endpoint is the test's own."""
    given: dict[str, Any] = {
        "kind": "claude" if api == "anthropic" else "openai-compatible",
        "network": "model",
        "endpoint": "here",
        "model": MODEL,
        "output_tokens_max": 1_000,
        "limits": Limits(tokens_max=100_000, cost_usd_max=1.0, turns_max=40),
        **fields,
    }
    return Profile(name=ProfileName("scout"), **given)


def priced(input_usd: float = 10.0, output_usd: float = 100.0) -> Price:
    """Returns a price that is easy to reckon with."""
    return Price(input_usd=input_usd, output_usd=output_usd)


@contextmanager
def desk(
    folder: Path,
    url: str,
    *,
    api: str = "anthropic",
    of: Profile | None = None,
    budget: Mapping[str, Any] | None = None,
    tools: Tools | None = None,
    key_env: str = "TEST_KEY",
    limits: tuple[Limit, ...] = (),
    unknown_price: Literal["refuse", "allow"] = "allow",
) -> Iterator[OpenDesk]:
    """Opens a desk in front of the model server at `url`."""
    base = f"{url}/v1" if api == "openai" else url
    endpoint = Endpoint(name="here", api=_API[api], base_url=base, key_env=key_env)
    policy = Policy(endpoints=(endpoint,), limits=limits, unknown_price=unknown_price)
    desks = AttemptDesks(
        folder / "desks",
        environment={"TEST_KEY": KEY, "PATH": "/usr/bin"},
        tools=lambda *_: tools or {},
    )
    with desks.open(spec(**(budget or {})), package(), of or profile(api), policy) as opened:
        yield opened


@contextmanager
def client(opened: OpenDesk, **headers: str) -> Iterator[httpx2.Client]:
    """Yields what a worker has: the socket and the token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    token = {"authorization": f"Bearer {opened.connection.token}"}
    transport = httpx2.HTTPTransport(uds=opened.connection.socket)
    with httpx2.Client(
        transport=transport, base_url="http://desk", headers=token | named, timeout=PATIENCE_S
    ) as made:
        yield made


def call(**fields: Any) -> dict[str, Any]:
    """Returns a small call of the Messages API."""
    said = [{"role": "user", "content": "Hello."}]
    return {"model": MODEL, "max_tokens": 100, "messages": said, **fields}
