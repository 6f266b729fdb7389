"""What a report that was written from others must still have."""

import pytest

from coordinator.domain.faithful import left_out

ONE = (
    "# Links\n\n1. `docs/a.md`: broken\n2. b.md\n\n| page | hits |\n|---|---|\n| start | 1,204 |\n"
)
TWO = "## Links\n\n- docs/a.md: fine\n\nIt took 7 days.\n"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (ONE + TWO, []),
        (
            "# LINKS\ndocs/a.md is broken, or fine. `b.md`. The start has 1,204 hits in 7 days.",
            [],
        ),
        (ONE, ["the number 7 of two", "what two says is missing: 'fine'"]),
        (
            ONE.replace("# Links", "") + TWO.replace("## Links", ""),
            ["the heading 'Links' of one", "the heading 'Links' of two"],
        ),
        ((ONE + TWO).replace("b.md", "c.md"), ["the item 'b.md' of one"]),
        ((ONE + TWO).replace("start", "end"), ["the row 'start' of one"]),
        ((ONE + TWO).replace("1,204", "1204"), ["the number 1,204 of one"]),
    ],
)
def test_headings_items_rows_numbers_and_both_sides_are_asked_for(
    text: str, missing: list[str]
) -> None:
    found = left_out({"one": ONE, "two": TWO}, text)
    assert len(found) == len(missing), found
    assert all(any(one in said for said in found) for one in missing)


def test_numbers_that_only_count_items_are_none() -> None:
    assert left_out({"one": "1. a\n2) b\n"}, "- a\n- b\n") == ()


def test_reasons_are_bounded() -> None:
    items = "".join(f"- item{n}x\n" for n in range(100))
    assert len(left_out({"one": items}, "")) == 20
