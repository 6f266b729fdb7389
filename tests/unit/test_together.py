"""How often files change together: what commits say, and what names say where commits are few."""

from itertools import combinations

import pytest

from coordinator.domain import kinship
from coordinator.domain.kinship import Kin
from coordinator.domain.names import Oid
from coordinator.domain.together import HALF_LIFE, PATHS_MAX, Together, Touched


def history(*commits: str, renamed: dict[int, tuple[str, str]] | None = None) -> list[Touched]:
    """Returns commits, newest first, each as its paths with spaces between."""
    moved = renamed or {}
    return [
        Touched(
            Oid(f"{number:040x}"),
            tuple(paths.split()),
            (moved[number],) if number in moved else (),
        )
        for number, paths in enumerate(commits)
    ]


def chance(learned: Together, one: str, other: str) -> float:
    return learned.between(frozenset(one.split()), frozenset(other.split())).value


def test_files_that_changed_together_are_above_files_that_did_not() -> None:
    learned = Together(history(*["a/x.py b/y.py", "a/z.py", "c/w.py"] * 8))
    assert chance(learned, "a/x.py", "b/y.py") > 0.5 > 5 * chance(learned, "a/z.py", "c/w.py")


def test_a_file_that_changes_with_everything_is_coupled_to_nothing() -> None:
    commits = [f"src/m{n}.py NEWS" for n in range(20)] * 2
    learned = Together(history(*commits, *["x/one.py y/two.py"] * 2))
    assert chance(learned, "src/m3.py", "NEWS") < chance(learned, "x/one.py", "y/two.py") + 0.1
    assert chance(learned, "src/m3.py", "NEWS") < 0.5


def test_a_commit_counts_half_after_the_half_life() -> None:
    young = Together(history(*["a/x b/y"] * 5, *["c/z"] * HALF_LIFE))
    old = Together(history(*["c/z"] * HALF_LIFE, *["a/x b/y"] * 5))
    assert chance(old, "a/x", "b/y") < chance(young, "a/x", "b/y")
    pair = frozenset({"a/x"}), frozenset({"b/y"})
    assert (old.between(*pair).both, young.between(*pair).both) == (5, 5)


def test_a_sweep_says_nothing_of_two_of_its_files() -> None:
    sweep = " ".join(f"d{n}/f" for n in range(PATHS_MAX + 1))
    learned = Together(history(*[sweep] * 10, "d0/f", "d1/f"))
    assert learned.commits == 2
    assert learned.between(frozenset({"d0/f"}), frozenset({"d1/f"})).both == 0
    as_large_as_may_be = " ".join(sweep.split()[:-1])
    assert Together(history(as_large_as_may_be)).commits == 1


def test_a_renamed_file_keeps_its_past_even_when_a_sweep_renamed_it() -> None:
    sweep = " ".join(f"d{n}/f" for n in range(PATHS_MAX + 1))
    commits = history("new/x b/y", sweep, *["old/x b/y"] * 6, renamed={1: ("old/x", "new/x")})
    found = Together(commits).between(frozenset({"new/x"}), frozenset({"b/y"}))
    assert (found.both, found.one, found.other) == (7, 7, 7)


def test_paths_of_our_own_are_left_out_and_commits_of_them_alone_do_not_count() -> None:
    commits = history("briefs/open/1 memory/state.md", "a/x briefs/done/1", "a/x b/y")
    learned = Together(commits, ours=lambda path: path.startswith(("briefs/", "memory/")))
    assert learned.commits == 2
    assert learned.known() == {"a/x", "b/y"}


def test_where_no_commit_tells_the_names_do_as_far_as_this_history_bears_them_out() -> None:
    modules = [f"src/m{n}.py tests/test_m{n}.py" for n in range(12)]
    learned = Together(history(*modules, "docs/a.md", "docs/b.md"))
    twins = chance(learned, "src/fresh.py", "tests/test_fresh.py")
    strangers = chance(learned, "src/fresh.py", "tests/test_other.py")
    assert twins > 3 * strangers
    # Here folders are drawers: what stands in one never changed together.
    drawers = Together(history(*[f"sheets/s{n}.md" for n in range(40)], "x/a y/b"))
    assert chance(drawers, "sheets/s1.md", "sheets/s2.md") < 0.05


def test_a_set_of_files_counts_as_one_side_and_shared_files_are_left_out() -> None:
    learned = Together(history(*["a/1 b/1", "a/2 b/2", "a/1 a/2"] * 4))
    found = learned.between(frozenset({"a/1", "a/2"}), frozenset({"b/1", "b/2"}))
    assert (found.both, found.one, found.other) == (8, 12, 8)
    left = learned.between(frozenset({"a/1", "a/2"}), frozenset({"a/1", "a/2", "b/1"}))
    assert (left.value, left.kin) == (0.0, None)
    assert left.why == "one side has no file of its own"


def test_it_is_the_same_both_ways_and_at_every_run() -> None:
    commits = history(*[f"a/{n % 5} b/{n % 7} c/{n % 3}" for n in range(60)])
    files = sorted(Together(commits).known())
    for one, two in combinations(files, 2):
        first = chance(Together(commits), one, two)
        assert 0.0 <= first <= 1.0
        assert first == chance(Together(commits), two, one)


def test_an_empty_history_gives_a_small_chance_and_no_error() -> None:
    found = Together([]).between(frozenset({"a"}), frozenset({"b"}))
    assert found.value == 0.0
    assert "0 commits with both" in found.why


def test_the_why_names_commits_and_names() -> None:
    learned = Together(history(*["src/m.py tests/test_m.py"] * 3))
    why = learned.between(frozenset({"src/m.py"}), frozenset({"tests/test_m.py"})).why
    assert why.startswith("3 commits with both, 3 and 3 with each; the same stem in neighbouring")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a/x.py", "a/y.py", Kin(stem=False, folder=2)),
        ("a/x.py", "a/test_x.py", Kin(stem=True, folder=2)),
        ("src/x.py", "tests/x_test.py", Kin(stem=True, folder=1)),
        ("src/x.js", "src/spec/x.spec.js", Kin(stem=True, folder=1)),
        ("x.py", "a/x.py", Kin(stem=True, folder=1)),
        ("a/b/x", "a/c/y", Kin(stem=False, folder=1)),
        ("a/b/x", "c/d/y", Kin(stem=False, folder=0)),
        ("a/__init__.py", "c/d/__init__.py", Kin(stem=False, folder=0)),
        (".gitignore", "a/.gitignore", Kin(stem=True, folder=1)),
    ],
)
def test_kin(one: str, other: str, expected: Kin) -> None:
    assert kinship.kin(one, other) == kinship.kin(other, one) == expected


def test_sums_over_folders_are_sums_over_pairs() -> None:
    paths = [f"{f}{n}" for f in ("", "a/", "a/b/", "a/c/", "d/", "d/e/f/") for n in "xyz"]
    paths.append("d/alone")
    weights = [(path, 1.0 + number) for number, path in enumerate(paths)]
    expected: dict[Kin, float] = {}
    for (one, w), (two, v) in combinations(weights, 2):
        kind = kinship.kin(one, two)
        expected[kind] = expected.get(kind, 0.0) + w * v
    found = {kind: x for kind, x in kinship.pairs(weights).items() if x}
    assert found == pytest.approx(expected)


def test_many_paths_are_thinned_out_evenly() -> None:
    thinned = kinship.thinned(f"{n:04}" for n in range(1_000))
    assert len(thinned) == kinship.SIDE_MAX
    assert thinned[:2] == ["0000", "0020"]
