"""The doors of a scene: a model server of our own, and in front of it the proxy that attempts get."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.adapters.escapes.model_host import ANSWER_TOKENS_MAX, MODEL, ModelHost
from coordinator.adapters.escapes.planting import ENVIRONMENT
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.names import BriefId, Epoch, Oid, ProfileName, TaskId
from coordinator.domain.package import Constraints, ContextPackage, Scope, WantedOutput
from coordinator.domain.policy import Endpoint, Policy, Price, Profile
from coordinator.domain.worker import Connection

_NOTHING = Oid("0" * 40)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where models are reached; without desks, by whoever has the key."""

    host: ModelHost
    own: Connection | None
    other: Connection | None

    @property
    def socket(self) -> Path | None:
        """Returns the socket of the attempt's own desk."""
        return Path(self.own.socket) if self.own else None

    @property
    def reached(self) -> set[str]:
        """Returns the escapes that came through."""
        return set(self.host.reached)

    def scene(self) -> Mapping[str, Any]:
        """Returns what an escape is told of the doors."""
        key = os.environ[ENVIRONMENT]
        return {
            "way_out": self.host.url,
            "token": self.own.token if self.own else key,
            "other_token": self.other.token if self.other else key,
            "other_socket": self.other.socket if self.other else self.host.socket,
            "model": MODEL,
        }


@contextmanager
def doors(folder: Path, *, open_desks: bool) -> Iterator[Doors]:
    """Yields the doors, and shuts them."""
    with ExitStack() as stack:
        host = ModelHost(folder, os.environ[ENVIRONMENT])
        stack.callback(host.close)
        if not open_desks:
            yield Doors(host, None, None)
            return
        desks = AttemptDesks(
            folder / "desks", environment=dict(os.environ), tools=lambda *_asked: {}
        )
        policy = Policy(
            endpoints=(
                Endpoint(name="planted", api="anthropic", base_url=host.url, key_env=ENVIRONMENT),
            )
        )
        own, other = (
            stack.enter_context(desks.open(_spec(n), package(n), _profile(), policy)).connection
            for n in (1, 2)
        )
        yield Doors(host, own, other)


def _profile() -> Profile:
    return Profile(
        name=ProfileName("planted"),
        kind="claude-code",
        network="model",
        endpoint="planted",
        model=MODEL,
        output_tokens_max=ANSWER_TOKENS_MAX,
        price=Price(input_usd=1.0, output_usd=1.0),
    )


def _spec(number: int) -> Spec:
    return Spec(
        id=AttemptId(brief=BriefId("planted-00000000"), epoch=Epoch("planted"), number=number),
        round=1,
        task=TaskId("task-1"),
        profile=ProfileName("planted"),
        base=_NOTHING,
        package=_NOTHING,
        wall_clock_s_max=60.0,
        cost_usd_max=1.0,
    )


def package(number: int) -> ContextPackage:
    """Returns a package that asks for nothing much."""
    return ContextPackage(
        brief_id=BriefId("planted-00000000"),
        task_id=TaskId("task-1"),
        attempt=number,
        task_type="report",
        description="Look around.",
        tools_available=(),
        constraints=Constraints(
            deadline_seconds=60.0,
            max_tokens=10_000,
            output_format=WantedOutput(kind="report"),
            max_retries=0,
        ),
        input_data=(),
        acceptance_criteria=(),
        base=_NOTHING,
        scope=Scope(inside=(), outside=()),
        do_not=(),
    )
