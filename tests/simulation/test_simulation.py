"""DESIGN 6 as a whole: over a thousand days with faults, the invariants hold; a planted bug is found."""

from collections.abc import Sequence

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


def _of_one_mood() -> list[tuple[str, ...]]:
    """Planted bugs whose days are the same days without them: those are run once."""
    moods = {id(planted.mood): planted.mood for planted in PLANTS.values()}
    return [tuple(n for n, p in PLANTS.items() if p.mood is mood) for mood in moods.values()]


@pytest.mark.slow
@pytest.mark.parametrize("names", _of_one_mood(), ids=" and ".join)
def test_a_planted_bug_is_found(names: Sequence[str]) -> None:
    clean: set[int] = set()
    for name in names:
        found = _first_found(PLANTS[name])
        assert found is not None, f"{name} was not found within {_FOUND_WITHIN} seeds"
        clean.update(range(max(1, found - 20), found + 1))
    for seed in sorted(clean):
        outcome = run(seed, mood=PLANTS[names[0]].mood)
        assert not outcome.broken, f"without the planted bug: {outcome.told()}"


def _first_found(planted: Planted) -> int | None:
    for seed in range(1, _FOUND_WITHIN + 1):
        if run(seed, plant=planted.plant, mood=planted.mood).broken:
            return seed
    return None


def test_a_seed_is_the_same_day_each_time() -> None:
    one, other = run(7, traced=True), run(7, traced=True)
    assert one.trace == other.trace
