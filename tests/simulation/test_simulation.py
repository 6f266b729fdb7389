"""DESIGN 6 as a whole: over a thousand days with faults, the invariants hold; a planted bug is found."""

import pytest

from tests.simulation.planted import PLANTS, Planted
from tests.simulation.scenario import run, run_rewound

_SEEDS = 1_000
_CHUNK = 50
_FOUND_WITHIN = 150  # seeds; each planted bug shows in 5 % of its days, or more


pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, _SEEDS + 1, _CHUNK))
def test_the_invariants_of_claims_records_landings_and_recovery_hold(first: int) -> None:
    landings = 0
    for seed in range(first, first + _CHUNK):
        outcome = run(seed)
        assert not outcome.broken, outcome.told()
        landings += outcome.landings
    assert landings >= _CHUNK, "days on which hardly anything lands prove nothing"


@pytest.mark.slow
def test_a_rewritten_remote_stops_everybody_with_everything_kept() -> None:
    for seed in range(1, 31):
        outcome = run_rewound(seed)
        assert not outcome.broken, outcome.told()


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    planted = PLANTS[name]
    found = _first_found(planted)
    assert found is not None, f"{name} was not found within {_FOUND_WITHIN} seeds"
    for seed in range(max(1, found - 20), found + 1):
        outcome = run(seed, mood=planted.mood)
        assert not outcome.broken, f"without the planted bug: {outcome.told()}"


def _first_found(planted: Planted) -> int | None:
    for seed in range(1, _FOUND_WITHIN + 1):
        if run(seed, plant=planted.plant, mood=planted.mood).broken:
            return seed
    return None


def test_a_seed_is_the_same_day_each_time() -> None:
    one, other = run(7, traced=True), run(7, traced=True)
    assert one.trace == other.trace
