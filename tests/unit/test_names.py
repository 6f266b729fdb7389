"""What a brief is known by: the slug of its name and the beginning of its digest."""

import pytest

from coordinator.domain.brief_text import identify, parse
from coordinator.domain.names import BriefId, Place, RecordPaths, RepoPath, brief_id, digest, slug
from coordinator.domain.reply import Reply
from coordinator.domain.reply import render as render_reply
from coordinator.services.intake import Ignore
from tests.support.inbox_world import House, drop, dropped_id

GOOD = """TASK: List every HTML page that public/sitemap.xml does not name.
INPUTS: public/sitemap.xml, public/**/*.html
SCOPE: public/; everything else
OUTPUT FORMAT: a table
DO NOT: add new files
"""

RENAMED = {"Sitemap Audit!": "sitemap-audit", "Über": "uber", "../x": "x", "報告": "brief"}


@pytest.mark.parametrize(("name", "expected"), RENAMED.items())
def test_i1_a_name_becomes_words_of_plain_letters(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_i1_a_long_name_is_cut() -> None:
    assert slug("a" * 39 + " b") == "a" * 39
    assert len(slug("word " * 20)) <= 40


def test_i1_an_id_is_the_slug_and_eight_characters_of_the_digest_or_more() -> None:
    said = digest(b"x")
    assert said == "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert brief_id("My Brief", said) == "my-brief-2d711642"
    assert brief_id("My Brief", said, hash_chars=16) == "my-brief-2d711642b726b044"


def test_i1_the_same_text_has_the_same_id_however_it_is_laid_out() -> None:
    one, other = parse(GOOD.encode(), name="x"), parse((GOOD + "\n\n").encode(), name="x")
    assert not isinstance(one, tuple)
    assert not isinstance(other, tuple)
    assert identify(one) == identify(other)
    assert identify(one).id == brief_id("x", identify(one).digest)


def test_i1_the_same_id_is_a_duplicate_open_or_ended() -> None:
    house = House()
    request = drop("x", GOOD)
    house.take_in(request)
    for place in (Place.OPEN, Place.DONE):
        house.move(dropped_id(request), place, {})
        (decision,) = house.judge(drop("x", GOOD + "\n"))
        assert isinstance(decision, Ignore)
        assert decision.duplicate


def test_i1_again_in_the_front_matter_makes_a_brief_of_its_own() -> None:
    house = House()
    house.take_in(drop("x", GOOD))
    wanted = drop("x", "---\nagain: 1\n---\n" + GOOD)
    house.take_in(wanted)
    assert house.place(dropped_id(wanted)) is Place.OPEN
    assert len(house.folders(Place.OPEN)) == 2


def test_i1_an_id_that_another_digest_has_gets_a_longer_hash() -> None:
    house = House()
    mine = house.check("x", GOOD).identity
    short = mine.id.rpartition("-")[2]
    reply = Reply(state="rejected", digest=f"sha256:{short}" + "0" * 56)
    folder = house.policy.paths.folder(Place.REJECTED, mine.id)
    house.commit({f"{folder}/reply.md": render_reply(reply)})
    longer = house.check("x", GOOD).identity
    assert longer.digest == mine.digest
    assert longer.id == brief_id("x", mine.digest, hash_chars=12)
    house.take_in(drop("x", GOOD))
    assert house.place(longer.id) is Place.OPEN
    assert house.place(mine.id) is Place.REJECTED


def test_the_folder_of_a_brief_is_its_state() -> None:
    paths, brief = RecordPaths(), BriefId("tidy-3fa29c01")
    assert paths.folder(Place.WAITING, brief) == "briefs/waiting/tidy-3fa29c01"
    assert paths.folder(Place.DONE, brief) == "briefs/done/3f/tidy-3fa29c01"
    assert [p.value for p in Place if p.terminal] == ["done", "rejected"]


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("briefs", True),
        ("briefs/open/3f/x/brief.md", True),
        ("briefs-old/x", False),
        ("memory/plan.md", True),
        ("memory/state.md", True),
        ("memory/lessons.md", False),
    ],
)
def test_r1_record_paths_are_the_briefs_the_plan_and_the_state(path: str, *, owned: bool) -> None:
    assert RecordPaths().owns(RepoPath(path)) is owned
