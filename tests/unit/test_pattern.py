import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.domain.pattern import pattern, safe_pattern

ATOMS = st.sampled_from(
    ["a", "b", "[ab]", "[^a]", r"\w", r"\s", r"\d", ".", "^", "$", r"\b", r"\B", "-", r"\A", r"\Z"]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{0,2}", "{2}", "*?", "{1,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"(?i:{one})"),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.text(alphabet="abAB1 -\n_é", min_size=1, max_size=12))
def test_it_finds_what_the_engine_of_python_finds(source: str, text: str) -> None:
    ours = pattern(source)
    assert ours is not None
    # \Z of Python is the very end too; ^ and $ are those of lines on both sides.
    assert ours.search(text) == bool(re.search(source, text, re.MULTILINE)), source


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("(a+)+$", "a" * 50_000 + "!"),
        ("(a|a)*b", "a" * 50_000),
        (".*.*.*.*=", "x" * 100_000),
        (r"(\w+\s?)*;", "word " * 20_000),
        ("(?:a?){40}a{40}b", "a" * 10_000),
    ],
)
def test_a_pattern_that_hangs_other_engines_answers_at_once(source: str, text: str) -> None:
    before = time.thread_time()  # not what others on the machine took
    ours = pattern(source)
    assert ours is not None
    assert ours.search(text) is False
    assert time.thread_time() - before < 30


def test_a_search_that_would_take_too_long_is_not_answered() -> None:
    ours = pattern("a.{300}b.{300}c")
    assert ours is not None
    letters = random.Random(1)
    assert ours.search("".join(letters.choices("ab", k=200_000))) is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (r"(a)\1", "back-reference"),
        ("a(?=b)", "look-around"),
        ("a(?<!b)", "look-around"),
        ("(?>a)b", "atomic"),
        ("a*+b", "possessive"),
        ("(", "not a regular expression"),
        ("(?:a{50}){50}", "write it shorter"),
        ("a" * 2_000, "longer than"),
    ],
)
def test_what_cannot_be_bounded_is_refused_with_the_reason(source: str, why: str) -> None:
    assert why in (safe_pattern(source) or "")
    assert pattern(source) is None


def test_slashes_and_flags_are_read_as_people_write_them() -> None:
    for written, text, found in [
        ("/todo/i", "TODO", True),
        ("/todo/", "TODO", False),
        ("`/a.b/s`", "a\nb", True),
        ("/usr/bin/", "usr/bin", True),
        ("plain", "a plain word", True),
        ("/[^A]/i", "a", False),
    ]:
        ours = pattern(written)
        assert ours is not None
        assert ours.search(text) is found, written
