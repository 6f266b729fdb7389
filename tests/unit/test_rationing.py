"""Model calls in a minute, of all attempts together: how many, with how many tokens, and how long to wait."""

import pytest

from coordinator.adapters.attempt_desk.rationing import Later, Ration, Rations
from coordinator.domain.failure_policy import Limit

CALLS = Limit(of="some-model", requests_per_minute=2)
TOKENS = Limit(of="some-model", tokens_per_minute=1_000)


class Minutes:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.rations = Rations(lambda: self.now_s)

    def begin(self, limit: Limit, tokens: int = 10) -> Ration | Later:
        return self.rations.begin((limit,), tokens)

    def begun(self, limit: Limit, tokens: int = 10) -> Ration:
        found = self.begin(limit, tokens)
        assert isinstance(found, Ration), found
        return found


@pytest.fixture
def minutes() -> Minutes:
    return Minutes()


def test_so_many_calls_a_minute_and_then_the_oldest_must_be_out_of_it(minutes: Minutes) -> None:
    minutes.rations.end(minutes.begun(CALLS), 10)
    minutes.now_s += 20
    minutes.rations.end(minutes.begun(CALLS), 10)
    minutes.now_s += 1
    wait = Later(why="[limits.some-model] requests_per_minute = 2", in_s=39.0)
    assert minutes.begin(CALLS) == wait
    minutes.now_s += 39
    minutes.begun(CALLS)


def test_tokens_are_counted_with_the_most_and_then_with_what_was_taken(minutes: Minutes) -> None:
    first = minutes.begun(TOKENS, 600)
    said = minutes.begin(TOKENS, 500)
    assert said == Later(why="[limits.some-model] tokens_per_minute = 1000", in_s=60.0)
    minutes.rations.end(first, 400)
    minutes.begun(TOKENS, 600)


def test_a_call_that_has_not_ended_counts_however_long_it_takes(minutes: Minutes) -> None:
    minutes.begun(TOKENS, 600)
    minutes.now_s += 600
    assert minutes.begin(TOKENS, 500) == Later(
        why="[limits.some-model] tokens_per_minute = 1000", in_s=1.0
    )


def test_a_call_that_wants_more_than_a_minute_gives_goes_alone(minutes: Minutes) -> None:
    minutes.begun(TOKENS, 5_000)
    assert isinstance(minutes.begin(TOKENS, 1), Later)


def test_a_call_that_was_not_made_is_not_counted(minutes: Minutes) -> None:
    minutes.rations.drop(minutes.begun(TOKENS, 1_000))
    minutes.begun(TOKENS, 1_000)


def test_limits_do_not_count_for_each_other(minutes: Minutes) -> None:
    minutes.begun(TOKENS, 1_000)
    minutes.begun(Limit(of="other-model", tokens_per_minute=1_000), 1_000)
