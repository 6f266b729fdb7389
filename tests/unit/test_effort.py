"""What a brief took of all that was tried, against what won, and what that lifted."""

from typing import Any

from coordinator.domain.effort import Effort, Lift, Tried, effort, winning
from coordinator.domain.verdict import Accept, Finding, Reject, Revise, Trust


def findings(**met: bool | None) -> tuple[Finding, ...]:
    return tuple(
        Finding(code=code, criterion=code, met=said, evidence="seen") for code, said in met.items()
    )


def accepted(**met: bool | None) -> Accept:
    return Accept(trust=Trust.VERIFIED, findings=findings(**met))


def revised(**met: bool | None) -> Revise:
    return Revise(findings=findings(**met), feedback=("again",))


def tried(number: int, **fields: Any) -> Tried:
    given: dict[str, Any] = {"task": "only", "round": 1, "tokens": 100, "usd": 0.01, **fields}
    return Tried(number=number, **given)


def took(*all_of_them: Tried) -> Effort:
    found = effort(all_of_them)
    assert found is not None
    return found


def test_nothing_tried_is_no_effort() -> None:
    assert effort(()) is None


def test_one_accepted_attempt_is_once_what_won_and_lifts_nothing() -> None:
    assert took(tried(1, verdict=accepted(scope=True, check=True))) == Effort(
        attempts=1,
        won=1,
        tokens=100,
        usd=0.01,
        multiplier_tokens=1.0,
        multiplier_usd=1.0,
        lift=Lift(first=2, landed=2, of=2),
    )


def test_everything_is_over_the_winner_and_the_lift_is_what_it_met_beyond_the_first() -> None:
    found = took(
        tried(1, tokens=300, usd=0.03, verdict=revised(scope=True, check=False)),
        tried(2, verdict=accepted(scope=True, check=True, schema=True, prose=None)),
    )
    assert (found.tokens, found.usd) == (400, 0.04)
    assert (found.multiplier_tokens, found.multiplier_usd) == (4.0, 4.0)
    assert found.lift == Lift(first=1, landed=3, of=4)


def test_planners_evaluators_and_synthesizers_count_and_never_win() -> None:
    found = took(
        tried(1, role="planner", verdict=accepted(plan=True)),
        tried(2, verdict=accepted(scope=True)),
        tried(3, role="evaluator", verdict=accepted(prose=True)),
        tried(4, role="synthesizer", task="whole", verdict=accepted(prose=True)),
    )
    assert (found.attempts, found.won, found.multiplier_tokens) == (4, 1, 4.0)
    assert found.lift == Lift(first=1, landed=1, of=1)


def test_what_nobody_knows_makes_the_sum_unknown_and_never_zero() -> None:
    found = took(
        tried(1, tokens=None, usd=None, task=None, round=0), tried(2, verdict=accepted(scope=True))
    )
    assert (found.tokens, found.usd) == (None, None)
    assert (found.multiplier_tokens, found.multiplier_usd) == (None, None)
    assert found.lift == Lift(first=0, landed=1, of=1)  # the lost one was the first


def test_a_free_brief_has_no_ratio_of_money_and_an_unfinished_one_none_at_all() -> None:
    assert took(tried(1, usd=0.0, verdict=accepted(scope=True))).multiplier_usd is None
    going_on = took(tried(1, verdict=Reject(code="scope", findings=(), feedback=())))
    assert (going_on.won, going_on.multiplier_tokens, going_on.lift) == (0, None, None)


def test_each_task_has_a_winner_and_only_the_newest_round_does() -> None:
    won = winning(
        (
            tried(1, task="a", verdict=accepted()),
            tried(2, task="a", round=2, verdict=accepted()),
            tried(3, task="b", round=2, verdict=accepted()),
            tried(4, task="b", round=2, verdict=accepted()),
        )
    )
    assert [one.number for one in won] == [2, 4]


def test_the_lift_of_several_tasks_is_their_sum_and_a_nameless_loss_belongs_to_none() -> None:
    found = took(
        tried(1, task=None, round=0),
        tried(2, task="a", verdict=revised(scope=False)),
        tried(3, task="a", verdict=accepted(scope=True)),
        tried(4, task="b", verdict=accepted(scope=True, check=True)),
    )
    assert found.lift == Lift(first=2, landed=3, of=3)
