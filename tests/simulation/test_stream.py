"""Nobody starves: the real loop, under a stream of urgent briefs that is more than its workers can do."""

from typing import Any

import pytest

from coordinator.domain import fairness, progress
from coordinator.domain.policy import Policy
from coordinator.domain.world import Sighting

from .stream import Stream

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet")]

APART, OVERLAPPING = False, True


@pytest.mark.parametrize("overlapping", [APART, OVERLAPPING], ids=["apart", "overlapping"])
def test_an_old_brief_begins_before_whatever_came_when_it_had_waited_long_enough(
    overlapping: bool,
) -> None:
    for seed in (1, 2, 3):
        day = Stream(seed, overlapping=overlapping)
        outcome = day.run()
        assert not outcome.broken, outcome.told()
        assert day.overtaken > 2, "a stream that overtakes nobody proves nothing"


def _never_older(sighting: Sighting, policy: Policy) -> int:
    del policy
    return sighting.filed.brief.priority


def _nobody(*_: Any) -> bool:
    return False


@pytest.mark.parametrize(
    ("module", "name", "planted", "overlapping"),
    [
        (fairness, "effective", _never_older, APART),
        (progress, "_goes_first", _nobody, OVERLAPPING),
    ],
    ids=["waiting counts for nothing", "who has waited longest may be overtaken"],
)
def test_a_planted_bug_that_lets_it_starve_is_found(
    module: Any, name: str, planted: Any, overlapping: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, planted)
    assert any("old-" in fault for fault in Stream(1, overlapping=overlapping).run().broken)
