"""Texts in which git marked what both sides changed, taken apart and put together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.overlap import Agreed, Clashing, clashing, guarded, is_text, parts, text

LINES = st.sampled_from(
    [b"a\n", b"=======\n", b"<<<<<<< x\n", b">>>>>>> x\r\n", b"\n", b" ~\n", b"~"]
)
TEXTS = st.lists(LINES, max_size=6).map(b"".join)


@given(TEXTS)
def test_a_guarded_text_is_taken_for_no_mark_and_comes_back_whole(content: bytes) -> None:
    found = parts(guarded(content))
    assert clashing(found) == ()
    assert text(found, lambda part: part.ours) == content


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
def test_each_side_of_a_marked_text_comes_back_whole(
    head: bytes, ours: bytes, base: bytes, theirs: bytes, tail: bytes
) -> None:
    head = head if head.endswith(b"\n") or not head else head + b"\n"
    marked = (b"<<<<<<< 1\n", ours, b"||||||| 2\n", base, b"=======\n", theirs, b">>>>>>> 3\n")
    whole = b"".join(one if i % 2 == 0 else guarded(one) for i, one in enumerate(marked))
    found = parts(guarded(head) + whole + guarded(tail))
    clash = Clashing(line=head.count(b"\n") + 1, base=base, ours=ours, theirs=theirs)
    assert clashing(found) == (clash,)
    assert tuple(p for p in found if isinstance(p, Agreed)) == tuple(
        Agreed(one) for one in (head, tail) if one
    )


def test_lines_that_a_side_did_not_end_are_ended_where_others_follow() -> None:
    found = (Clashing(line=1, base=b"", ours=b"a", theirs=b"b\n"), Agreed(b"c\n"))
    assert text(found, lambda part: part.ours) == b"a\nc\n"
    assert text(found, lambda part: part.theirs) == b"b\nc\n"
    assert text(found, lambda part: part.base) == b"c\n"


@pytest.mark.parametrize(("content", "wanted"), [(b"", True), (b"a\xff", True), (b"a\0", False)])
def test_what_holds_a_nul_is_no_text(content: bytes, wanted: bool) -> None:
    assert is_text(content) is wanted
