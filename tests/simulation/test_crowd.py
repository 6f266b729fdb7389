"""Orchestration over days of many briefs: the invariants hold on every seed, and a planted bug is found."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coordinator.domain import budget, finishing, progress, united
from coordinator.domain.brief import Kind
from coordinator.domain.united import Contribution

from .crowd import Crowd

_THOROUGH = os.environ.get("CROWD") == "all"
_BRIEFS, _SEEDS = (200, 20) if _THOROUGH else (60, 6)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(1, _SEEDS + 1))
def test_every_invariant_of_orchestration_holds(seed: int, quiet: None) -> None:
    outcome = Crowd(seed, briefs=_BRIEFS).run()
    assert not outcome.broken, outcome.told()
    assert outcome.landings > _BRIEFS // 2, "days on which hardly anything lands prove nothing"


_reports = united.reports


def _first_counts(sides: Sequence[Contribution], kind: Kind, **how: Any) -> Any:
    return _reports(sides[:1], kind, **how)


def _pays_all(profile: Any, *_: Any, **__: Any) -> float:
    return float(profile.limits.cost_usd_max)


def _nothing(*_: Any, **__: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("module", "name", "planted", "found"),
    [
        (united, "reports", _first_counts, "contradict each other"),
        (budget, "left", _pays_all, "USD, over"),
        (finishing, "_held", _nothing, "nobody approved it"),
        (progress, "_dependencies", _nothing, "is not done"),
    ],
    ids=["a conflict is dropped", "no budget binds", "no hold", "dependencies do not count"],
)
def test_a_planted_bug_of_orchestration_is_found(
    module: Any,
    name: str,
    planted: Callable[..., Any],
    found: str,
    monkeypatch: pytest.MonkeyPatch,
    quiet: None,
) -> None:
    monkeypatch.setattr(module, name, planted)
    for seed in (3, 1, 2, 6):
        broken = Crowd(seed, briefs=40).run().broken
        if any(found in fault for fault in broken):
            return
    pytest.fail(f"not found: {found}")


def test_a_day_of_many_is_the_same_day_each_time(quiet: None) -> None:
    one, other = (Crowd(5, briefs=12, traced=True).run() for _ in range(2))
    assert one.trace == other.trace
