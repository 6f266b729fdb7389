"""The benchmark of coupling counts right: what a later part changed together, and how well ranks tell it apart."""

import math
import random

import pytest

from benchmarks.coupling import auc, changed_together, drawn
from coordinator.domain.names import Oid
from coordinator.domain.together import PATHS_MAX, Touched


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [([3, 4], [1, 2], 1.0), ([1], [2, 3], 0.0), ([1, 1], [1, 1], 0.5), ([2, 0], [1], 0.5)],
)
def test_the_auc_is_the_chance_to_rank_right(
    good: list[float], bad: list[float], expected: float
) -> None:
    assert auc(good, bad) == expected


def test_without_a_pair_there_is_no_auc() -> None:
    assert math.isnan(auc([], [1.0]))


def test_a_later_change_counts_by_the_names_at_the_cut_and_a_sweep_does_not() -> None:
    oid = Oid("0" * 40)
    sweep = tuple(f"f{n}" for n in range(PATHS_MAX + 1))
    later = [  # newest first
        Touched(oid, ("new", "b", "born")),
        Touched(oid, sweep, (("a", "new"),)),
    ]
    assert changed_together(later, frozenset({"a", "b", "f0", "f1"})) == {("a", "b")}


def test_drawn_pairs_are_of_two_files_and_never_one_that_changed_together() -> None:
    found = drawn(random.Random(7), ["a", "b", "c"], {("a", "b")}, count=50)
    assert set(found) == {("a", "c"), ("b", "c")}
    assert len(found) == 50
