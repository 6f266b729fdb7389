"""Rules Y1 and Y2: a kill before or after any writing call costs time only, with the run folder or without."""

import pytest

from tests.simulation.alone import Alone
from tests.simulation.moods import POLICY
from tests.simulation.scenario import Outcome

_STEP = 4  # before and after every call that writes is a place to die; each test tries every fourth
_LEASE_S = POLICY.lease_s


def calls() -> int:
    """Returns how many times a quiet day begins or ends a call that writes."""
    day = Alone()
    assert landed_once(day.run()), day.outcome.told()
    return day.machine.calls


def landed_once(outcome: Outcome) -> bool:
    return not outcome.broken and outcome.landings == 1


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, _STEP + 1))
@pytest.mark.parametrize("zombie", [False, True])
def test_y1_a_kill_at_any_port_call_lands_the_brief_once_and_leaves_no_claim(
    first: int, *, zombie: bool
) -> None:
    for kill_at in range(first, calls(), _STEP):
        outcome = Alone(kill_at=kill_at, zombie=zombie).run()
        assert landed_once(outcome), f"killed at port call {kill_at}: {outcome.told()}"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, _STEP + 1))
@pytest.mark.parametrize("zombie", [False, True])
def test_y2_the_same_without_the_run_folder(first: int, *, zombie: bool) -> None:
    for kill_at in range(first, calls(), _STEP):
        outcome = Alone(kill_at=kill_at, zombie=zombie, wipe=True).run()
        assert landed_once(outcome), f"killed at port call {kill_at}: {outcome.told()}"


def test_y1_a_restart_takes_its_own_claims_back_at_once() -> None:
    for kill_at in range(1, calls(), 9):
        outcome = Alone(kill_at=kill_at).run()
        assert outcome.virtual_s < _LEASE_S, f"killed at port call {kill_at}"


def test_y2_without_the_run_folder_claims_are_taken_over_after_a_lease() -> None:
    waits = [Alone(kill_at=n, wipe=True).run().virtual_s for n in range(1, calls(), 9)]
    assert any(_LEASE_S <= wait_s < 2 * _LEASE_S for wait_s in waits), waits
    assert max(waits) < 2 * _LEASE_S, waits
