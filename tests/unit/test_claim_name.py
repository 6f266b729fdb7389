"""Paths as ref names: what excludes what, and what a ref may look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.claim_name import (
    claim_ref,
    claimed_paths,
    gate_ref,
    held_ref,
    overlap,
    without_nested,
)
from coordinator.domain.names import RepoPath

ROOT = "refs/orchestrator"


def ref(path: str) -> str:
    return claim_ref(ROOT, RepoPath(path)).removeprefix(f"{ROOT}/")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "claims"),
        ("docs/guide_1-2", "claims/docs/guide_1-2"),
        ("docs//guide/", "claims/docs/guide"),
        ("a b.md", "claims/a%20b%2Emd"),
        ("50%", "claims/50%25"),
        ("@{x}.lock", "claims/%40%7Bx%7D%2Elock"),
        ("\udcff", "claims/%FF"),
    ],
)
def test_c8_every_byte_but_the_plain_ones_is_escaped(path: str, expected: str) -> None:
    assert ref(path) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("README", "readme"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")],
)
def test_c8_paths_that_a_file_system_takes_for_one_have_one_ref(one: str, other: str) -> None:
    assert ref(one) == ref(other)


def test_c8_a_long_component_is_cut_and_told_apart_by_its_hash() -> None:
    one, other = ref("a" * 201), ref("a" * 202)
    assert one.startswith("claims/" + "a" * 100 + "%+")
    assert one != other
    assert len(one.rpartition("/")[2]) == 100 + 2 + 64
    assert ref("a" * 200) == "claims/" + "a" * 200


def test_c8_a_path_over_2000_bytes_is_claimed_at_an_ancestor() -> None:
    long = "/".join(["a" * 99] * 30)
    found = ref(long)
    assert found == "claims/" + "/".join(["a" * 99] * 20)
    assert overlap(found, ref(long[:1000].rpartition("/")[0]))


# Git's bytes that are no UTF-8 come as the surrogates of an escape, and no others.
LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
ESCAPED = st.integers(0xDC80, 0xDCFF).map(chr)


@given(st.text(alphabet=LETTERS | ESCAPED, min_size=1, max_size=300))
def test_c8_whatever_a_file_is_called_its_ref_is_plain(name: str) -> None:
    found = ref(name)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-%+ABCDEF/")
    assert found.count("/") == 1
    assert len(found) <= 207


def test_a_brief_and_a_gate_have_refs_beside_the_claims() -> None:
    assert held_ref(ROOT, "tidy-00000001") == "refs/orchestrator/held/tidy-00000001"
    assert gate_ref(ROOT, "release/1.0") == "refs/orchestrator/gate/release/1%2E0"


@pytest.mark.parametrize(
    ("one", "other", "excludes"),
    [
        ("a", "a", True),
        ("a/b", "a", True),
        ("a", "a/b", True),
        ("", "a", True),
        ("a", "ab", False),
        ("a/b", "a/c", False),
    ],
)
def test_c1_a_folder_and_what_is_in_it_exclude_each_other(
    one: str, other: str, *, excludes: bool
) -> None:
    assert overlap(ref(one), ref(other)) is excludes


def test_c1_nested_paths_are_dropped() -> None:
    given_paths = [RepoPath(p) for p in ("b/c", "a/b", "a", "A/x", "ab", "b/c")]
    assert without_nested(given_paths) == ("a", "ab", "b/c")
    assert without_nested([RepoPath("a"), RepoPath("")]) == ("",)


def test_c7_a_glob_is_claimed_at_its_longest_literal_folder() -> None:
    assert claimed_paths(["docs/**/*.md", "css/*.css", "css/print/a.css"]) == ("css", "docs")
    assert claimed_paths(["*.md"]) == ("",)
