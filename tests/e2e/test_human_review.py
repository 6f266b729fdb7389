"""A change that a person must look at: held, shown, approved or refused, and said again when nobody comes."""

from pathlib import Path

import pytest

from tests.support.repos import git
from tests.support.walk import GOOD, LIST, Walk, make_walk, until

pytestmark = pytest.mark.slow

ASKS = GOOD.replace("TASK:", "---\nreview: required\n---\nTASK:", 1)


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    return make_walk(tmp_path / "walk")


def message(walk: Walk, verb: str, name: str) -> list[str]:
    return git(walk.hub, "log", "-1", "--format=%B", f"--grep=^{verb} {name}", "main").splitlines()


def test_a_brief_that_wants_a_look_shows_its_change_and_lands_when_it_is_approved(
    walk: Walk,
) -> None:
    walk.drop("tidy.md", ASKS)
    walk.work()
    brief = walk.brief("tidy")
    assert (brief["state"], brief["held"]) == ("input_required", "review")
    assert (brief["waits_s"] >= 0, brief["overdue"]) == (True, False)
    assert "the brief says `review: required`" in brief["reasons"][0]
    shown = walk("show", brief["id"]).out
    assert "  | +See [the other](more/other.md), and [the start](../README.md)." in shown
    assert walk("show", brief["id"], "--diff").out.startswith("diff --git a/docs/guide.md")
    assert "waits for a human" in walk("status").out
    walk("approve", brief["id"])
    walk.work()
    assert walk.state("tidy") == "completed"
    changeset = next(v for v in message(walk, "hold", "tidy") if v.startswith("Changeset: "))
    for verb in ("accept", "land"):
        said = message(walk, verb, "tidy")
        assert changeset in said, verb
        assert any(line.startswith("Decided-By: human ") for line in said), verb
    why = walk("show", brief["id"], "--why", "--json").json["why"]
    assert list(why) == ["unit", "state", "boundary", "verified", "cost"]
    assert "human " in why["verified"]
    assert why["cost"].startswith("1 attempt, ")
    assert len(walk("show", brief["id"], "--why").out.splitlines()) == 5
    walk("show", brief["id"], "--diff", code=1)  # nothing waits any more


def test_a_house_that_looks_at_everything_refuses_a_report_and_is_reminded(walk: Walk) -> None:
    walk.config('[landing]\nreview = "required"\n[daemon]\nremind_s = 0.2\nremote_poll_s = 0.1\n')
    walk.drop("todo.md", LIST)
    with walk.daemon() as daemon:
        reminder = daemon.until("reminder", held="review")
    until(lambda: walk.brief("todo")["overdue"])  # commits are dated in whole seconds
    with walk.daemon() as daemon:  # goes on counting where the commit says that it began
        assert daemon.until("reminder", held="review")["waits_s"] >= 1
    brief = walk.brief("todo")
    assert (reminder["brief"], brief["held"]) == (brief["id"], "review")
    assert "too long" in walk("status").out
    assert f"waits for a human brief={brief['id']}" in walk.log_text()
    assert "notes/one.txt" in walk("show", brief["id"], "--json").json["change"]
    commits = git(walk.hub, "rev-list", "--count", "main")
    walk("reject", brief["id"], "--reason", "not now")
    walk.work()
    said = message(walk, "reject", "todo")
    assert "Reason: refused: not now" in said
    assert any(line.startswith("Changeset: sha256:") for line in said)
    assert int(git(walk.hub, "rev-list", "--count", "main")) == int(commits) + 1
    walk("retry", brief["id"])  # its text is kept


def test_a_brief_that_intake_refused_cannot_be_retried_and_says_what_to_do(walk: Walk) -> None:
    walk.drop("bad.md", GOOD.replace("SCOPE: docs/guide.md;", "SCOPE: briefs/open;"))
    walk.work()
    brief = walk.brief("bad")
    assert brief["state"] == "rejected"
    refused = walk("retry", brief["id"], code=1)
    assert "there is nothing to retry" in refused.err
    assert "coordinator brief drop FILE" in refused.err
    assert not list(walk.inbox.glob("*.request.json"))
