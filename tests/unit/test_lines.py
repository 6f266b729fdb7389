import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.lines import delta

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=12).map("".join)


def longest_common(old: list[str], new: list[str]) -> int:
    row = [0] * (len(new) + 1)
    for line in old:
        above = row[:]
        for i, other in enumerate(new):
            row[i + 1] = above[i] + 1 if line == other else max(above[i + 1], row[i])
    return row[-1]


@given(TEXTS, TEXTS)
def test_the_size_is_that_of_the_shortest_diff(before: str, after: str) -> None:
    old, new = before.splitlines(), after.splitlines()
    common = longest_common(old, new)
    assert delta(before.encode(), after.encode()).size == len(old) + len(new) - 2 * common


@pytest.mark.parametrize(
    ("before", "after", "added", "size"),
    [
        (None, b"a\nb", ("a\n", "b"), 2),
        (b"a\nb\n", None, (), 2),
        (b"a\nb\n", b"a\nb", ("b",), 2),
        (b"a\nb\nc\n", b"c\na\nb\n", (), 2),
        (b"a\n\0", b"b\n\0", ("b\n\0",), 2),
        (b"a\x0cb\n", b"a\x0cc\n", ("a\x0cc\n",), 2),
        (b"\xff\n", b"\xfe\n", ("\udcfe\n",), 2),
    ],
)
def test_lines_are_those_of_git(
    before: bytes | None, after: bytes | None, added: tuple[str, ...], size: int
) -> None:
    found = delta(before, after)
    assert (found.added, found.size) == (added, size)


def test_a_small_edit_of_a_large_file_is_counted_exactly() -> None:
    old = [f"{n}\n" for n in range(100_000)]
    new = ["first\n", *old[1:50_000], *old[50_001:], "last\n"]
    found = delta("".join(old).encode(), "".join(new).encode())
    assert (found.added, found.size) == (("first\n", "last\n"), 4)


def test_no_content_makes_it_slow() -> None:
    before = time.thread_time()  # not what others on the machine took
    delta(b"a\nb\n" * 50_000, b"b\nc\n" * 50_000)
    delta(b"a\nb\n" * 50_000, b"b\nb\na\na\n" * 25_000)
    assert time.thread_time() - before < 30
