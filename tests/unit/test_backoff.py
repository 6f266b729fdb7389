"""The pause after a lost attempt: what is worth it, how long it is, and that it is always the same."""

from dataclasses import replace

import pytest

from coordinator.domain import backoff, trying
from coordinator.domain.attempt import RESTARTED, Attempt
from coordinator.domain.failure_policy import Retrying
from coordinator.domain.steps import Dispatch, Wait
from tests.support.sightings import (
    POLICY,
    TASK,
    lost,
    past,
    returned,
    revised,
    sighting,
    spec,
    world,
)

RULE = Retrying(pause_s=2.0, pause_s_max=20.0)
OVERLOADED = "the worker failed: the model server is overloaded (529)"


@pytest.mark.parametrize(
    "reason",
    [
        OVERLOADED,
        "the worker failed: rate limit reached, retry after 3 s",
        "the worker failed: 503 Service Unavailable",
        "the worker failed: cannot connect to the model server",
        "the worker's process died: SIGKILL",
        "killed: no sign of life for 30 s",
        "the worker failed: 429 Too Many Requests: key abc",
        "the worker failed: rate limit reached for this API key, retry after 3 s",
        "the worker failed: connection reset while it read keys.json",
    ],
)
def test_what_may_pass_is_worth_a_pause(reason: str) -> None:
    assert backoff.passes(reason)


@pytest.mark.parametrize(
    "reason",
    [
        RESTARTED,
        "cancelled: the connection was lost",
        "worker broke its contract: it returned 2 outputs",
        "the worker failed: over the budget: 429",
        "the worker failed: exit status 7",
        "the worker failed: cannot connect: no API key",
        "the worker failed: invalid x-api-key; try again",
        "the model server 'anthropic' wants a key, and NO_IDLE_KEY is not set; no answer",
    ],
)
def test_what_stays_as_it_is_is_not(reason: str) -> None:
    assert not backoff.passes(reason)


def test_the_pause_doubles_up_to_the_most_and_is_half_of_it_at_least() -> None:
    pauses = [backoff.pause_s(lost(7), in_a_row=n, policy=RULE) for n in (1, 2, 3, 4, 5, 99)]
    share = pauses[0] / 2.0
    assert 0.5 <= share < 1.0
    assert pauses == [pytest.approx(s * share) for s in (2, 4, 8, 16, 20, 20)]


def test_the_same_attempt_always_pauses_as_long_and_another_one_otherwise() -> None:
    pauses = {backoff.pause_s(lost(n), in_a_row=1, policy=RULE) for n in (1, 2, 3, 1, 2, 3)}
    assert len(pauses) == 3


def test_a_lost_attempt_is_tried_again_after_its_pause_and_not_before() -> None:
    one = sighting(lost(1, OVERLOADED))
    policy = replace(POLICY, retrying=RULE)
    whole_s = backoff.pause_s(lost(1), in_a_row=1, policy=RULE)
    early = world(one, policy=policy, past=(past(spec(1), OVERLOADED, ended=0.25),))
    wait = trying.task_step(TASK, one, early)
    assert isinstance(wait, Wait)
    assert (wait.phase, wait.rests) == ("dispatch", False)
    assert OVERLOADED in wait.why
    assert wait.due_in_s == pytest.approx(whole_s - 0.25)
    late = world(one, policy=policy, past=(past(spec(1), OVERLOADED, ended=whole_s),))
    assert isinstance(trying.task_step(TASK, one, late), Dispatch)


def test_a_refused_output_is_tried_again_at_once() -> None:
    tried: list[Attempt] = [lost(1, OVERLOADED), returned(2, revised("no"))]
    seen = world(past=(past(spec(1), OVERLOADED, ended=0.0), past(spec(2), "", ended=0.0)))
    assert backoff.left_s(tried, seen) == 0.0


def test_losses_in_a_row_are_counted_since_the_last_output() -> None:
    tried: list[Attempt] = [lost(1, OVERLOADED), returned(2, revised("no")), lost(3, OVERLOADED)]
    now = world(policy=replace(POLICY, retrying=RULE), past=(past(spec(3), OVERLOADED, ended=0.0),))
    first_s = backoff.pause_s(lost(3), in_a_row=1, policy=RULE)
    assert backoff.left_s(tried, now) == pytest.approx(first_s)
    twice = [lost(2, OVERLOADED), lost(3, OVERLOADED)]
    assert backoff.left_s(twice, now) == pytest.approx(2 * first_s)


def test_nobody_waits_for_a_loss_that_the_journal_has_forgotten() -> None:
    assert backoff.left_s([lost(1, OVERLOADED)], world()) == 0.0
