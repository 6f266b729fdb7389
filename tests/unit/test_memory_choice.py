"""What of memory a package gets."""

from typing import Any

import pytest

from coordinator.domain.memory_choice import About, Aged, chosen, overlaps
from coordinator.domain.memory_md import KeptEntry, MemoryEntry
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.token_estimate import of_text

COMMIT = Oid("1f3c9ab0" * 5)
FRESH = Aged("fresh")


def kept(name: str, *paths: str, file: str = "memory/decisions.md", **fields: Any) -> KeptEntry:
    said = {"title": name.capitalize(), "date": "2026-03-01", "prose": "What to know.", **fields}
    entry = MemoryEntry(id=name, commit=COMMIT, paths=tuple(map(RepoPath, paths)), **said)
    return KeptEntry(file=RepoPath(file), entry=entry)


def about(*paths: str, **fields: Any) -> About:
    return About(**{"paths": paths, "linked": (), "text": "", "kinds": frozenset(), **fields})


def names(*entries: KeptEntry, of: About, tokens_max: int = 1_500) -> list[str]:
    said = chosen(entries, of, age=lambda one: FRESH, tokens_max=tokens_max)
    return [text.split("(")[1].split(",")[0] for text in said]


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ("docs/guide.md", "docs/guide.md", True),
        ("docs", "docs/guide.md", True),
        ("docs/", "docs/guide.md", True),
        ("docs/**/*.md", "docs/guide.md", True),
        ("docs/**/*.md", "docs/guide.txt", False),
        ("docs/**/*.md", "docs/a", True),
        ("docs/**/*.md", "docs/a/*.txt", True),
        ("docs/**", "src/**", False),
        ("**", "src/app.py", True),
        ("src/app.py", "src/app.py.bak", False),
        ("doc", "docs/guide.md", False),
    ],
)
def test_paths_folders_and_globs_meet_where_they_may_mean_one_file(
    one: str, other: str, met: bool
) -> None:
    assert overlaps(one, other) is met
    assert overlaps(other, one) is met


def test_the_most_specific_comes_first_and_then_the_newest() -> None:
    entries = (
        kept("old", "docs", date="2026-01-01"),
        kept("new", "docs", date="2026-02-01"),
        kept("guide", "docs/guide.md", date="2025-01-01"),
        kept("elsewhere", "src"),
        kept("lesson", kind=("links",), file="memory/lessons.md"),
        kept("linked", "public/a.html"),
    )
    of = about("docs/**", "docs/guide.md", linked=("public/a.html",), kinds=frozenset({"links"}))
    assert names(*entries, of=of) == ["guide", "new", "old", "lesson", "linked"]


def test_rare_words_in_common_are_enough_and_one_is_not() -> None:
    entries = (
        kept("a", prose="The nightly index counts drafts."),
        kept("b", prose="Tables are sorted by name."),
    )
    assert names(*entries, of=about(text="List what the nightly index says.")) == ["a"]
    assert names(*entries, of=about(text="List what is nightly.")) == []
    same = (*entries, kept("c", prose="The nightly index is slow."))
    assert names(*same, of=about(text="List what the nightly index says.")) == []


def test_what_another_entry_stands_in_for_stays_out() -> None:
    entries = (kept("old", "docs"), kept("new", "docs", supersedes=("old",)))
    assert names(*entries, of=about("docs")) == ["new"]


def test_an_excerpt_says_its_file_why_it_is_there_and_what_is_stale() -> None:
    (said,) = chosen(
        [kept("guide", "docs/guide.md")],
        about("docs"),
        age=lambda one: Aged("stale", "docs/guide.md changed since 1f3c9ab01f3c"),
        tokens_max=1_500,
    )
    assert said == (
        "decisions.md:\nGuide (guide, 2026-03-01; on docs/guide.md)\n"
        "(stale: docs/guide.md changed since 1f3c9ab01f3c)\nWhat to know."
    )


def test_the_budget_is_kept_and_a_smaller_one_still_fits_behind_one_that_does_not() -> None:
    entries = (
        kept("long", "docs/guide.md", prose="word " * 200 + "end"),
        kept("short", "docs"),
    )
    assert names(*entries, of=about("docs/guide.md")) == ["long", "short"]
    assert names(*entries, of=about("docs/guide.md"), tokens_max=100) == ["short"]
    assert names(*entries, of=about("docs/guide.md"), tokens_max=0) == []


def test_the_budget_is_counted_as_packages_are_counted_in_any_language() -> None:
    entries = [kept(f"e{number}", "docs/guide.md", prose="说明" * 200) for number in range(9)]
    said = chosen(entries, about("docs/guide.md"), age=lambda one: FRESH, tokens_max=1_500)
    assert len(said) == 3
    assert sum(map(of_text, said)) <= 1_500
