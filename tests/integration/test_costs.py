"""What everything cost and what attempts were told, in a plain clone of a history made by hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.domain.names import BriefId, Oid
from coordinator.domain.record import Record, Verb
from tests.support.command_line import coordinator
from tests.support.history import BRIEF, Chronicle
from tests.support.repos import Site, git, make_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


@pytest.fixture
def chronicle(site: Site) -> Iterator[Chronicle]:
    written = Chronicle(site.hub)
    yield written
    written.close()


def plain_clone(site: Site) -> Path:
    folder = site.hub.parent / "plain"
    # Over file:// no object comes along that no branch reaches: attempts have to be fetched.
    git(site.hub.parent, "clone", "--quiet", f"file://{site.hub}", str(folder))
    return folder


def text(number: int) -> bytes:
    return BRIEF.replace(b"start", f"word-{number}".encode())


def fail(chronicle: Chronicle, brief: BriefId, *attempts: str) -> None:
    trailers = (("Brief-Id", brief), *(("Attempt", said) for said in attempts), ("Format", "1"))
    chronicle.commit(Record(verb=Verb.FAIL, about=brief, subject="attempts", trailers=trailers), {})


def land(chronicle: Chronicle, number: int, changes: dict[str, bytes]) -> tuple[BriefId, Oid]:
    brief = chronicle.accept(f"b{number}", text(number))
    kept = chronicle.attempt(brief)
    return brief, chronicle.land(
        brief, f"b{number}", text(number), attempts=(kept,), changes=changes
    )


def test_cost_sums_what_returned_and_what_was_lost_and_counts_what_nobody_knows(
    site: Site, chronicle: Chronicle
) -> None:
    brief, _ = land(chronicle, 1, {"page.md": b"one\n"})
    failed = chronicle.accept("b2", text(2))
    gone = f"refs/orchestrator/attempts/{failed}/e9-3"
    fail(
        chronicle,
        failed,
        "thinker/1 lost for 0.5000 USD and 100+20 tokens: killed",
        "thinker/2 lost for unknown USD: crashed",
        f"search/3 rejected scope {gone} {'d' * 40}",
    )
    clone = plain_clone(site)
    before = git(clone, "for-each-ref")
    said = coordinator(clone, "cost", "--json").json
    assert said["by"] == "brief"
    assert said["rows"] == [
        {
            "key": failed,
            "briefs": 1,
            "attempts": 3,
            "tokens_in": 100,
            "tokens_out": 20,
            "usd": 0.5,
            "unknown": 2,
            "unmetered": 2,
            "questions": 0,
        },
        {
            "key": brief,
            "briefs": 1,
            "attempts": 1,
            "tokens_in": 0,
            "tokens_out": 0,
            "usd": 0.25,
            "unknown": 0,
            "unmetered": 0,
            "questions": 0,
        },
    ]
    assert (said["total"]["usd"], said["total"]["unknown"]) == (0.75, 2)
    assert (said["landed"], said["landed_in_head"], said["landed_usd_in_head"]) == (1, 1, 0.25)
    assert said["usd_per_landed_in_head"] == 0.75
    workers = coordinator(clone, "cost", "--by", "worker", "--json").json["rows"]
    assert [(row["key"], row["attempts"]) for row in workers] == [("thinker", 2), ("search", 2)]
    (day,) = coordinator(clone, "cost", "--by", "day", "--json").json["rows"]
    assert (day["key"], day["attempts"]) == ("2023-11-14", 4)
    assert git(clone, "for-each-ref") == before
    assert "0.7500 +2" in coordinator(clone, "cost").out


@pytest.mark.parametrize(
    ("then", "stays"),
    [
        ({"page.md": b"something else\n"}, 0),
        ({"page.md": b"top\none\nanother\n"}, 1),  # one line of it is still there
        ({"page.md": None}, 0),
        ({"other.md": b"x\n"}, 1),
    ],
)
def test_a_landing_is_in_head_as_long_as_a_path_or_a_line_is_as_it_left_it(
    site: Site, chronicle: Chronicle, then: dict[str, bytes | None], stays: int
) -> None:
    land(chronicle, 1, {"page.md": b"one\ntwo\n"})
    chronicle.commit(Record(verb=Verb.FAIL, about="x", subject="somebody's"), then)
    said = coordinator(plain_clone(site), "cost", "--json").json
    assert (said["landed"], said["landed_in_head"]) == (1, stays)


def test_an_attempt_that_is_gone_cost_what_the_only_commit_that_names_it_says(
    site: Site, chronicle: Chronicle
) -> None:
    brief = chronicle.accept("gone")
    gone = f"refs/orchestrator/attempts/{brief}/e9-1"
    chronicle.land(brief, "gone", attempts=((gone, Oid("d" * 40)),))
    (row,) = coordinator(plain_clone(site), "cost", "--json").json["rows"]
    assert (row["attempts"], row["usd"], row["unknown"], row["unmetered"]) == (1, 0.25, 0, 1)


def test_of_several_that_are_gone_nobody_knows_which_cost_what(
    site: Site, chronicle: Chronicle
) -> None:
    brief = chronicle.accept("gone")
    gone = [(f"refs/orchestrator/attempts/{brief}/e9-{n}", Oid(str(n) * 40)) for n in (1, 2)]
    chronicle.land(brief, "gone", attempts=tuple(gone))
    (row,) = coordinator(plain_clone(site), "cost", "--json").json["rows"]
    assert (row["attempts"], row["usd"], row["unknown"]) == (2, None, 2)


def test_a_landing_that_was_taken_back_is_not_in_head(site: Site, chronicle: Chronicle) -> None:
    brief, landing = land(chronicle, 1, {"page.md": b"one\n"})
    trailers = (("Brief-Id", brief), ("Reverts", landing), ("Format", "1"))
    record = Record(verb=Verb.REVERT, about=brief, subject="not live", trailers=trailers)
    chronicle.commit(record, {"unrelated.md": b"x\n"})
    assert coordinator(plain_clone(site), "cost", "--json").json["landed_in_head"] == 0


def test_a_report_beside_its_brief_is_in_head(site: Site, chronicle: Chronicle) -> None:
    land(chronicle, 1, {})
    assert coordinator(plain_clone(site), "cost", "--json").json["landed_in_head"] == 1


def test_cost_of_a_repository_where_nothing_was_tried(site: Site) -> None:
    said = coordinator(site.repo, "cost", "--json").json
    assert (said["rows"], said["total"]["attempts"]) == ([], 0)
    assert coordinator(site.repo, "cost").out.startswith("nothing has been tried yet")
    assert coordinator(site.repo, "cost", "--by", "moon").code == 2


def test_the_questions_of_workers_are_counted_and_others_are_not(
    site: Site, chronicle: Chronicle
) -> None:
    brief, _ = land(chronicle, 1, {"page.md": b"one\n"})
    for decided, question in (
        ("rule progress.question@default", "search-1: Which one?"),
        ("rule progress.question@default", "gate: the branch itself is red"),
        ("rule progress.conflict@default", "conflict-2: it moved"),
        ("rule intake.ask@default", "task-1: Which?"),
    ):
        trailers = (("Brief-Id", brief), ("Question", question), ("Decided-By", decided))
        record = Record(verb=Verb.ASK, about=brief, subject="a question", trailers=trailers)
        chronicle.commit(record, {})
    clone = plain_clone(site)
    said = coordinator(clone, "cost", "--json").json
    assert (said["rows"][0]["questions"], said["questioned"]) == (1, 1)
    (found,) = coordinator(clone, "status", "--json").json["briefs"]
    assert found["asked"] == 1


def test_show_tells_the_effort_and_what_an_attempt_was_told(
    site: Site, chronicle: Chronicle
) -> None:
    brief, _ = land(chronicle, 1, {"page.md": b"one\n"})
    clone = plain_clone(site)
    told = coordinator(clone, "show", brief, "--json").json
    assert told["effort"] == {
        "attempts": 1,
        "won": 1,
        "tokens": 0,
        "usd": 0.25,
        "multiplier_tokens": None,
        "multiplier_usd": 1.0,
        "lift": {"first": 1, "landed": 1, "of": 1},
    }
    stored = git(site.hub, "cat-file", "blob", told["attempts"][0]["package_oid"])
    answered = coordinator(clone, "show", brief, "--package", "1")
    assert answered.out.startswith(stored)
    assert "tokens, about:" in answered.out
    said = coordinator(clone, "show", brief, "--package", "1", "--json").json
    assert said["package"] == json.loads(stored)
    assert {one["source"] for one in said["tokens"]} >= {"task", "tools", "envelope"}
    assert said["total"] == sum(one["tokens"] for one in said["tokens"])
    refused = coordinator(clone, "show", brief, "--package", "7", "--json")
    assert (refused.code, refused.error["code"]) == (1, "brief")
