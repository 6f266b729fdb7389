"""The three numbers between two pieces of work, and the one that is made of them."""

import pytest

from coordinator.domain.coupling import (
    SHARED_WRITING,
    WEIGHTS,
    Coupling,
    Links,
    Number,
    Reach,
    coupling,
)
from coordinator.domain.names import Oid
from coordinator.domain.together import Together, Touched

NOTHING = Together([])


def changes(*files: str, reads: tuple[str, ...] = ()) -> Reach:
    return Reach(changes=frozenset(files), reads=frozenset(reads))


def reads(*files: str) -> Reach:
    return Reach(reads=frozenset(files))


def found(a: Reach, b: Reach, links: Links | None = None, history: Together = NOTHING) -> Coupling:
    both = coupling(a, b, links=links or {}, history=history)
    back = coupling(b, a, links=links or {}, history=history)
    assert both.score == back.score, "it is the same both ways"
    return both


def test_two_that_only_read_are_not_coupled_whatever_they_read() -> None:
    pair = found(reads("a", "b"), reads("a", "b"), {"a": frozenset({"b"})})
    assert pair.score == 0.0
    assert pair.overlap.why == "neither changes anything"
    assert pair.why == "neither changes anything"


def test_the_same_file_to_change_is_an_overlap_of_one() -> None:
    pair = found(changes("a"), changes("a"))
    assert (pair.overlap.value, pair.score) == (1.0, 1.0)
    assert pair.overlap.why == "both may change a"


def test_one_file_of_many_that_both_may_change_is_enough_to_couple() -> None:
    many, other = [f"m{n}" for n in range(20)], [f"o{n}" for n in range(20)]
    pair = found(changes("shared", *many), changes("shared", *other))
    assert pair.overlap.value == SHARED_WRITING


def test_what_one_changes_and_the_other_reads_is_a_share_of_the_smaller_side() -> None:
    pair = found(changes("a", "b", "c", "d"), reads("a", "x"))
    assert pair.overlap.value == 0.5
    assert pair.overlap.why == "one may change what the other reads: a"


def test_a_folder_that_is_not_there_yet_has_what_is_below_it() -> None:
    assert found(changes("new"), changes("new/page.md")).overlap.value == 1.0
    assert found(changes("new"), changes("newer/page.md")).overlap.value == 0.0


def test_a_relation_is_the_larger_share_of_a_side_that_has_one() -> None:
    links = {"a1": frozenset({"b1"}), "b2": frozenset({"a1", "elsewhere"})}
    pair = found(changes("a1", "a2", "a3", "a4"), changes("b1", "b2", "b3"), links)
    assert pair.relation.value == pytest.approx(2 / 3, abs=0.001)
    assert pair.relation.why == "import or link between a1 and b1, a1 and b2"


def test_a_link_to_a_file_that_is_only_read_by_both_is_none() -> None:
    links = {"a": frozenset({"b"})}
    pair = found(changes("mine", reads=("a",)), changes("yours", reads=("b",)), links)
    assert pair.relation.value == 0.0
    assert found(changes("mine", reads=("a",)), changes("b"), links).relation.value == 1.0


def test_files_that_changed_together_couple_those_who_change_one_and_read_the_other() -> None:
    commits = [Touched(Oid(f"{n:040x}"), ("a/x", "b/y")) for n in range(20)]
    history = Together(commits)
    both = found(changes("a/x"), changes("b/y"), history=history)
    read = found(changes("a/x"), reads("b/y"), history=history)
    assert both.together.value > 0.8
    assert both.together == read.together
    assert both.score == round(both.together.value, 3)


def test_the_score_is_that_at_least_one_gets_in_the_way() -> None:
    three = Coupling(
        overlap=Number(0.25, "o"), relation=Number(0.5, "r"), together=Number(0.2, "t")
    )
    expected = 1 - (1 - 0.25) * (1 - WEIGHTS["relation"] * 0.5) * (1 - 0.2)
    assert three.score == round(expected, 3)
    assert three.why == "relation 0.50 (r); overlap 0.25 (o); together 0.20 (t)"


def test_an_import_alone_couples_two_files_and_no_weight_is_more_than_all() -> None:
    assert WEIGHTS["relation"] > 0.5
    assert all(0.0 < weight <= 1.0 for weight in WEIGHTS.values())


def test_long_lists_of_files_are_cut_in_the_reasons() -> None:
    files = [f"f{n}" for n in range(9)]
    assert found(changes(*files), changes(*files)).overlap.why == (
        "both may change f0, f1, f2 and 6 more"
    )
