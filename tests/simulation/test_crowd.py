"""Orchestration over days of many briefs: the invariants hold on every seed, and a planted bug is found."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coordinator.domain import (
    attempt_notes,
    budget,
    fairness,
    finishing,
    progress,
    speculating,
    spent,
    straggling,
    united,
)
from coordinator.domain.attempt import Lost
from coordinator.domain.brief import Kind
from coordinator.domain.united import Contribution
from coordinator.services.observe import tries

from .crowd import BRIEFS, Crowd

_THOROUGH = os.environ.get("CROWD") == "all"
_BRIEFS, _SEEDS = (200, 20) if _THOROUGH else (BRIEFS, 7)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(1, _SEEDS + 1))
def test_every_invariant_of_orchestration_holds(seed: int, quiet: None) -> None:
    outcome = Crowd(seed, briefs=_BRIEFS).run()
    assert not outcome.broken, outcome.told()
    assert outcome.landings > _BRIEFS // 2, "days on which hardly anything lands prove nothing"


_reports, _spent_of, _judged = united.reports, spent.of, attempt_notes._judged


def _first_counts(sides: Sequence[Contribution], kind: Kind, **how: Any) -> Any:
    return _reports(sides[:1], kind, **how)


def _pays_all(profile: Any, *_: Any, **__: Any) -> float:
    return float(profile.limits.cost_usd_max)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _none(*_: Any) -> tuple[()]:
    return ()


def _many(*_: Any) -> int:
    return 99


def _without_lost(tried: Any) -> Any:
    return _spent_of(one for one in tried if not isinstance(one, Lost))


def _without_restarted(begun: Any, *, journal: Any, **_: Any) -> Any:
    """What a restart ended is as if it had never begun."""
    return tuple(p for p in journal.past() if not p.is_running or p.spec.id in begun.alive)


def _all_rejected(returned: Any, tried: Any) -> str:
    return "rejected" if returned.verdict is None else _judged(returned, tried)


@pytest.mark.parametrize(
    ("module", "name", "planted", "found", "seeds"),
    [
        (united, "reports", _first_counts, "contradict each other", (5, 4, 2)),
        (budget, "left", _pays_all, "USD, over", (1, 8)),
        (finishing, "_held", _nothing, "nobody approved it", (3, 6)),
        (progress, "_dependencies", _nothing, "is not done", (1, 3, 2)),
        (spent, "of", _without_lost, "USD, over", (1, 9, 13)),
        (fairness, "_wait", _nothing, "requests in a minute", (7, 1, 4)),
        (fairness, "_wait_for_tokens", _nothing, "tokens in a minute", (4, 10)),
        (tries, "past", _without_restarted, "requests in a minute", (34, 40)),
        (straggling, "copies_max", _many, "second attempts run at once", (8, 12, 2)),
        (speculating, "superseded", _none, "running", (8, 4)),
        (attempt_notes, "_judged", _all_rejected, "nobody has judged", (6, 4, 2)),
    ],
    ids=[
        "a conflict is dropped",
        "no budget binds",
        "no hold",
        "dependencies do not count",
        "what is lost costs nothing",
        "no limit of requests",
        "no limit of tokens",
        "a restart forgets requests",
        "any number of second attempts",
        "a loser goes on",
        "a loser is rejected",
    ],
)
def test_a_planted_bug_of_orchestration_is_found(
    module: Any,
    name: str,
    planted: Callable[..., Any],
    found: str,
    seeds: Sequence[int],
    monkeypatch: pytest.MonkeyPatch,
    quiet: None,
) -> None:
    monkeypatch.setattr(module, name, planted)
    for seed in seeds:
        broken = Crowd(seed, briefs=40).run().broken
        if any(found in fault for fault in broken):
            return
    pytest.fail(f"not found: {found}")


def test_a_day_of_many_is_the_same_day_each_time(quiet: None) -> None:
    one, other = (Crowd(5, briefs=12, traced=True).run() for _ in range(2))
    assert one.trace == other.trace
