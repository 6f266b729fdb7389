"""Days with planners that lie: the invariants hold, and a house that believed them is found out."""

import pytest

from coordinator.domain import planner

from .planned import Planned

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [1, 5])
def test_nothing_is_worked_on_that_the_rules_of_plans_refuse(seed: int, quiet: None) -> None:
    day = Planned(seed, briefs=18)
    outcome = day.run()
    assert not outcome.broken, outcome.told()
    assert day.answers > 6, "days on which hardly anybody plans prove nothing"


def test_a_house_that_believes_its_planners_is_found_out(
    monkeypatch: pytest.MonkeyPatch, quiet: None
) -> None:
    monkeypatch.setattr(planner, "_faults", lambda *_: ())
    broken = Planned(5, briefs=18).run().broken
    assert any("runs, and its plan: " in fault for fault in broken), broken
