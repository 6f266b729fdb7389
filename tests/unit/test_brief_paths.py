"""Paths as people write them: one spelling for each place."""

import pytest

from coordinator.domain.brief_paths import inside, normal
from coordinator.domain.errors import BriefError


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("./docs/", "docs"),
        (".//./docs//guide.md", "docs/guide.md"),
        ("docs/./guide.md", "docs/guide.md"),
        ("docs/.", "docs"),
        ("docs/./.", "docs"),
        (".", "**"),
        ("./", "**"),
        ("./.", "**"),
        ("a..b/.hidden", "a..b/.hidden"),
        ("docs/*.md", "docs/*.md"),
    ],
)
def test_every_spelling_of_a_place_is_one(said: str, plain: str) -> None:
    assert normal(said) == inside(said) == plain


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("/etc", "root of the machine"),
        ("a/../b", "leads out"),
        ("~/x", "git writes"),
        ("a\\b", "git writes"),
        ("sub/.GIT/config", "git's own"),
        (" ", "names nothing"),
    ],
)
def test_what_is_not_in_the_repository_is_refused_with_the_reason(said: str, why: str) -> None:
    with pytest.raises(BriefError, match=why):
        inside(said)
