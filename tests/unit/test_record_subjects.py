"""Subjects that are too long end after a word, and the body says all of it."""

import pytest

from coordinator.domain.record import SUBJECT_CHARS_MAX, Record, Verb, parse, render

LONG = "Add the pages that are missing from the sitemap and remove dead ones."


def test_a_long_subject_ends_after_a_whole_word_and_the_body_has_all_of_it() -> None:
    record = Record(verb=Verb.ACCEPT, about="sitemap-a0964105", subject=LONG, prose="It is clear.")
    head, _, body = render(record).partition("\n\n")
    assert head == "accept sitemap-a0964105: Add the pages that are missing from the sitemap"
    assert body == f"{LONG}\n\nIt is clear.\n"


def test_prose_that_begins_with_the_subject_is_not_said_twice() -> None:
    record = Record(verb=Verb.LAND, about="sitemap-a0964105", subject=LONG, prose=f"{LONG}\nMore.")
    assert render(record).count("Add the pages") == 2


@pytest.mark.parametrize(
    "subject", ["x" * 200, "the " * 40, "a, " * 60, "é" * 90, "and of the x" * 9]
)
def test_any_subject_gives_one_line_of_the_grammar(subject: str) -> None:
    text = render(Record(verb=Verb.LAND, about="brief-00000000", subject=subject))
    head = text.splitlines()[0]
    assert len(head) <= SUBJECT_CHARS_MAX
    found = parse(text)
    assert found is not None
    assert found.subject
