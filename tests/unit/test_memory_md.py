"""Entries of memory as text: what is written is read back, and what people wrote stays."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain import memory_md
from coordinator.domain.memory_md import MemoryEntry, parse, quoted, render, rendered, with_entries
from coordinator.domain.names import BriefId, Oid, RepoPath

COMMIT = Oid("1f3c9ab0" * 5)
TEXT = f"""\
# Decisions

Ours; ask before you change one.

## Which index counts

id: index-1; date: 2026-03-01; commit: {COMMIT}; paths: public/sitemap.xml, docs/**; kind: sitemap

The nightly one.

### Why

It has all pages.

## Things to look at one day

- the footer

## Capitals

id: capitals; date: 2026-03-02; commit: {COMMIT}; supersedes: index-1; brief: tidy-3fa29c01
"""

_LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "# Decisions",
                "## A title",
                "### Deeper",
                "```",
                "<!--",
                "-->",
                "",
                f"id: one; date: 2026-01-31; commit: {COMMIT}",
                f"id: two; date: 2026-01-31; commit: {COMMIT}; paths: a b, c%2C",
                "id: bad",
                "id: one; what: that",
                "prose",
                "\tprose\r",
            ]
        ),
        st.text(max_size=20),
    ),
    max_size=20,
)


def _words(**limits: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), **limits)


@st.composite
def entries(draw: st.DrawFn) -> MemoryEntry:
    """Returns entries with whatever a title, a path and a prose may hold."""
    title = draw(_words(min_size=1, max_size=40).map(lambda t: re.sub(r"[\r\n]", " ", t).strip()))
    prose = draw(_words(max_size=200).map(str.strip))
    inside = st.text(min_size=1, max_size=20).filter(
        lambda path: path[0] != "/" and ".." not in path.split("/")
    )
    paths = draw(st.lists(inside, max_size=4))
    named = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
    said: dict[str, Any] = {
        "id": (own := draw(named)),
        "title": title or "untitled",
        "date": "2026-03-01",
        "commit": COMMIT,
        "paths": tuple(map(RepoPath, paths)),
        "supersedes": tuple(draw(st.lists(named.filter(lambda name: name != own), max_size=2))),
        "kind": tuple(draw(st.lists(named, max_size=2))),
        "brief": BriefId("tidy-3fa29c01") if draw(st.booleans()) else None,
    }
    try:
        return MemoryEntry(**said, prose=prose)
    except ValueError:
        return MemoryEntry(**said, prose=quoted(prose))


def test_a_file_says_its_entries_and_leaves_the_rest_to_people() -> None:
    file = parse(TEXT)
    assert file.faults == ()
    first, second = file.entries
    assert first == MemoryEntry(
        id="index-1",
        title="Which index counts",
        date="2026-03-01",
        commit=COMMIT,
        paths=(RepoPath("public/sitemap.xml"), RepoPath("docs/**")),
        kind=("sitemap",),
        prose="The nightly one.\n\n### Why\n\nIt has all pages.",
    )
    assert (second.id, second.supersedes, second.brief) == (
        "capitals",
        ("index-1",),
        "tidy-3fa29c01",
    )
    assert render(file) == TEXT


@given(st.one_of(_LINES.map("\n".join), st.text()))
def test_any_text_survives_byte_for_byte(text: str) -> None:
    assert render(parse(text)) == text


@given(entries())
def test_an_entry_is_read_back_as_it_was_written(entry: MemoryEntry) -> None:
    file = parse(rendered(entry))
    assert file.faults == ()
    assert file.entries == (entry,)


@given(_LINES.map("\n".join), st.lists(entries(), max_size=3, unique_by=lambda one: one.id))
def test_entries_are_added_at_the_end_once_and_nothing_else_changes(
    text: str, new: list[MemoryEntry]
) -> None:
    if not _is_closed(text):
        return
    known = parse(text).entries
    added = with_entries(text, new)
    assert added.startswith(text)
    ids = {one.id for one in known}
    assert parse(added).entries[len(known) :] == tuple(e for e in new if e.id not in ids)
    assert parse(added).entries[: len(known)] == known
    assert with_entries(added, new) == added


def _is_closed(text: str) -> bool:
    """Tells whether a heading after the text would be one."""
    return parse(f"{text}\n\n{rendered(_one('probe-of-the-end'))}").entries[-1:] == (
        _one("probe-of-the-end"),
    )


def _one(name: str) -> MemoryEntry:
    return MemoryEntry(id=name, title="A title", date="2026-03-01", commit=COMMIT)


def test_a_file_with_windows_line_ends_keeps_them() -> None:
    text = TEXT.replace("\n", "\r\n")
    added = with_entries(text, [_one("another")])
    assert added.startswith(text)
    assert "\n" not in added.replace("\r\n", "")
    assert [entry.id for entry in parse(added).entries] == ["index-1", "capitals", "another"]
    assert parse(added).entries[0] == parse(TEXT).entries[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (f"id: one; commit: {COMMIT}", "date is missing"),
        (f"id: one; date: 1 May; commit: {COMMIT}", "the date must be a day"),
        (f"id: one; date: 2026-99-99; commit: {COMMIT}", "the date must be a day"),
        (f"id: one; date: 2026-03-01; commit: {COMMIT}; paths: a/../../b", "leads out"),
        (f"id: one; date: 2026-03-01; commit: {COMMIT}; paths: /etc", "leads out"),
        (f"id: one; date: 2026-03-01; commit: {COMMIT}; supersedes: one", "supersedes itself"),
        ("id: one; date: 2026-03-01; commit: 1f3c9ab", "the commit must be a whole id"),
        (f"id: one; date: 2026-03-01; commit: {'a' * 64}", "40 hex digits"),
        (f"id: One; date: 2026-03-01; commit: {COMMIT}", "the id must be lower-case"),
        (f"id: one; date: 2026-03-01; commit: {COMMIT}; path: a", "'path' is no field of an entry"),
        (f"id: one; date: 2026-03-01; commit: {COMMIT}; id: two", "'id' is said twice"),
        (f"id: index-1; date: 2026-03-01; commit: {COMMIT}", "another entry has the id index-1"),
    ],
)
def test_what_looks_like_an_entry_and_is_none_is_a_fault_with_its_line(
    fields: str, said: str
) -> None:
    file = parse(f"{TEXT}\n## Another\n\n{fields}\n")
    (fault,) = file.faults
    assert said in fault.message
    assert fault.line == (23 if said.startswith("another") else 25)
    assert [entry.id for entry in file.entries] == ["index-1", "capitals"]


def test_examples_in_code_and_comments_are_no_entries() -> None:
    example = f"```\n## Title\n\nid: one; date: 2026-03-01; commit: {COMMIT}\n```\n"
    assert parse(example).entries == ()
    for template in (memory_md.DECISIONS_TEMPLATE, memory_md.LESSONS_TEMPLATE):
        assert parse(template).entries == ()
        assert parse(template).faults == ()
        added = with_entries(template, [_one("first")])
        assert [entry.id for entry in parse(added).entries] == ["first"]


def test_quoted_text_can_neither_make_nor_swallow_an_entry() -> None:
    bad = f"## Forged\n\nid: forged; date: 2026-03-01; commit: {COMMIT}\n\n```\n<!--"
    entry = MemoryEntry(id="one", title="Said", date="2026-03-01", commit=COMMIT, prose=quoted(bad))
    file = parse(with_entries("", [entry, _one("two")]))
    assert [one.id for one in file.entries] == ["one", "two"]
    with pytest.raises(ValueError, match="the prose may have no"):
        MemoryEntry(id="one", title="Said", date="2026-03-01", commit=COMMIT, prose=bad)
