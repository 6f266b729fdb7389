"""What people ask besides briefs: plan.md, state.md, answers, approvals, cancels, retries, pushed briefs."""

import signal
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.repos import git
from tests.support.walk import GOOD, LIST, Walk, coordinator, make_walk, until

VAGUE = GOOD.replace("SCOPE: docs/guide.md; out of bounds: README.md\n", "")
PLAN = "memory/plan.md"
STATE = "memory/state.md"


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """Returns a coordinated clone."""
    return make_walk(tmp_path)


def _landed(walk: Walk) -> list[str]:
    """Returns the names of what landed, in order."""
    subjects = git(walk.hub, "log", "--reverse", "--format=%s", "--grep=^land ", "main")
    return [line.split()[1].rpartition("-")[0] for line in subjects.splitlines()]


def test_plan_lines_are_worked_in_order_and_ticked_and_bad_ones_are_said(walk: Walk) -> None:
    page = walk.at_tip(PLAN)
    mine = (
        "\nWhat we want this week:\n\n"
        "- [ ] list: drafts/list.md, after: good\n"
        "- [ ] good: drafts/good.md\n"
        "- [ ] gone: drafts/gone.md\n"
        "- [ ] up: ../x.md\n"
        "- [ ] call the dentist\n"
    )
    walk.commit({"drafts/good.md": GOOD, "drafts/list.md": LIST, PLAN: page + mine})
    said = walk.work()
    assert _landed(walk) == ["good", "list"]
    after = walk.at_tip(PLAN)
    good, listed = walk.brief("good")["id"], walk.brief("list")["id"]
    expected = mine.replace(
        "[ ] list: drafts/list.md, after: good", f"[x] list: drafts/list.md, after: good ({listed})"
    )
    expected = expected.replace("[ ] good: drafts/good.md", f"[x] good: drafts/good.md ({good})")
    assert after == (page + expected).rstrip("\n")
    troubles = " ".join(e["reason"] for e in said.events if e["event"] == "trouble")
    assert "drafts/gone.md is not there: add it, or take the line away" in troubles
    assert f"{PLAN}:" in troubles


def test_a_rejected_plan_line_keeps_nobody_busy(walk: Walk) -> None:
    page = (
        walk.at_tip(PLAN) + "\n- [ ] bad: drafts/bad.md\n- [ ] next: drafts/list.md, after: bad\n"
    )
    walk.commit({"drafts/bad.md": "nothing\n", "drafts/list.md": LIST, PLAN: page})
    walk.work()
    assert walk.state("bad") == "rejected"
    walk.commit({"drafts/bad.md": GOOD})
    walk.work()
    assert _landed(walk) == ["bad", "next"]


def test_paused_and_hold_are_obeyed_and_what_people_wrote_is_kept(walk: Walk) -> None:
    page = walk.at_tip(STATE)
    note = "\nWe write in British English.\n"
    walk.commit({STATE: page + note + "paused: the release is out\n"})
    walk.drop("good.md")
    walk.work()
    assert _landed(walk) == []
    said = walk("status").out
    assert "paused: the release is out" in said
    walk.commit({STATE: walk.at_tip(STATE).replace("paused: the release is out", "hold: good")})
    walk.drop("list.md", LIST)
    walk.work()
    assert _landed(walk) == ["list"]
    walk.commit({STATE: walk.at_tip(STATE).replace("hold: good", "")})
    walk.work()
    assert _landed(walk) == ["list", "good"]
    assert "We write in British English." in walk.at_tip(STATE)
    assert "- good-" in walk.at_tip(STATE)


def test_a_question_is_answered_on_the_command_line(walk: Walk) -> None:
    walk.drop("vague.md", VAGUE)
    walk.drop("list.md", LIST)
    walk.work()
    assert _landed(walk) == ["list"]
    asked = walk.brief("vague")
    assert [q["id"] for q in asked["questions"]] == ["scope"]
    assert walk("status").out.count("SCOPE is missing") == 1
    wrong = walk("answer", asked["id"], "nosuch", "x", code=1)
    assert "it asks: scope" in wrong.err
    walk("answer", "vague", "scope", "in: docs/guide.md; out of bounds: README.md")
    walk.work()
    assert _landed(walk) == ["list", "vague"]


def test_a_question_is_answered_by_editing_the_brief(walk: Walk) -> None:
    walk.drop("vague.md", VAGUE)
    walk.work()
    old = walk.brief("vague")["id"]
    walk.drop("vague.md", GOOD)
    walk.work()
    assert _landed(walk) == ["vague"]
    states = {b["id"]: b["state"] for b in walk("status", "--json").json["briefs"]}
    assert states.pop(old) == "canceled"
    assert set(states.values()) == {"completed"}


@pytest.fixture
def held(tmp_path: Path) -> Walk:
    """Returns a clone where a change of a protected path waits for approval."""
    walk = make_walk(tmp_path, config='[landing]\nunverified = "hold"\nprotected = ["docs/**"]\n')
    walk.drop("good.md")
    walk.work()
    assert walk.brief("good")["held"] == "protected"
    return walk


def test_a_held_change_lands_when_it_is_approved(held: Walk) -> None:
    said = held("status").out
    assert f"coordinator approve {held.brief('good')['id']}" in said
    assert _landed(held) == []
    held("approve", "good")
    held.work()
    assert _landed(held) == ["good"]
    message = git(held.hub, "log", "--format=%B", "main")
    assert "Decided-By: human A Person" in message


def test_a_held_change_that_is_rejected_does_not_land_and_can_be_retried(held: Walk) -> None:
    assert "--reason" in held("reject", "good", code=2).err
    held("reject", "good", "--reason", "not now; it was\nSigned-off-by: Somebody")
    held.work()
    good = held.brief("good")
    assert (good["state"], _landed(held)) == ("rejected", [])
    assert "not now" in " ".join(good["reasons"])
    trailers = git(held.hub, "log", "-1", "--format=%(trailers:key=Signed-off-by)", "main")
    assert trailers == ""
    held("retry", "good")
    held.work()
    assert held.brief("good")["held"] == "protected"


def test_cancel_stops_what_has_not_landed_and_nothing_else(held: Walk) -> None:
    held("cancel", "good")
    held.drop("list.md", LIST)
    held.work()
    assert held.state("good") == "canceled"
    assert held.state("list") == "completed"
    too_late = held("cancel", "list", code=1)
    assert "there is nothing to cancel" in too_late.err
    assert "git revert" in too_late.err
    assert "no brief is called 'nosuch'" in held("cancel", "nosuch", code=1).err
    refs = git(held.hub, "for-each-ref", "refs/orchestrator/held", "refs/orchestrator/claims")
    assert refs == ""


def test_a_brief_pushed_by_plain_git_is_taken_in_and_its_branch_goes(walk: Walk) -> None:
    other = walk.repo.parent / "colleague"
    git(walk.repo.parent, "clone", "--quiet", str(walk.hub), str(other))
    inbox = other / "briefs" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "list.md").write_text(LIST)
    (inbox / "bad.md").write_bytes(b"\xff")
    git(other, "add", "--force", "briefs/inbox")
    git(other, "-c", "user.name=Col League", "commit", "--quiet", "--message", "two briefs")
    git(other, "push", "--quiet", "origin", "HEAD:refs/heads/inbox/from-web")
    walk.work()
    assert _landed(walk) == ["list"]
    assert walk.state("bad") == "rejected"
    assert git(walk.hub, "for-each-ref", "refs/heads/inbox") == ""
    message = git(walk.hub, "log", "--format=%B", "--grep=^accept list", "main")
    assert "Requested-By: Col League <person@example.invalid>" in message
    assert "briefs/inbox" not in git(walk.hub, "ls-tree", "-r", "--name-only", "main")


def test_drop_remote_waits_for_a_daemon_elsewhere_from_a_plain_clone(walk: Walk) -> None:
    plain = walk.repo.parent / "plain"
    git(walk.repo.parent, "clone", "--quiet", str(walk.hub), str(plain))
    (plain.parent / "list.md").write_text(LIST)
    drop = ("brief", "drop", str(plain.parent / "list.md"), "--remote")
    assert coordinator(*drop, folder=plain).is_calm().code == 0
    late = coordinator(*drop, "--wait", "--timeout", "1", folder=plain).is_calm()
    assert (late.code, "is still submitted after 1 s" in late.err) == (1, True)
    walk.work()
    said = coordinator(
        *drop, "--wait", "--json", "--timeout", f"{PATIENCE_S:g}", folder=plain
    ).is_calm()
    assert said.code == 0
    assert said.json["state"] == "completed"
    assert said.json["duplicate"]
    assert git(walk.hub, "for-each-ref", "refs/heads/inbox") == ""


def test_wait_ends_with_the_code_of_each_ending_also_the_second_time(walk: Walk) -> None:
    drafts = walk.repo.parent
    endings = {"good": (GOOD, 0), "vague": (VAGUE, 4), "empty": ("", 1)}
    (drafts / "early.md").write_text(LIST)
    early = walk("brief", "drop", str(drafts / "early.md"), "--wait", "--timeout", "0.5", code=1)
    assert "is a daemon running?" in early.err
    with walk.daemon() as daemon:
        for name, (text, code) in endings.items():
            (drafts / f"{name}.md").write_text(text)
            for _ in range(2):
                walk("brief", "drop", str(drafts / f"{name}.md"), "--wait", code=code)
        until(lambda: not list(walk.inbox.glob("*.md")))
        assert daemon.end(signal.SIGTERM) == 0


def test_audit_takes_the_names_that_a_checkout_knows(walk: Walk) -> None:
    walk.drop("good.md")
    walk.work()
    git(walk.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    tip = walk.site.tip
    for name in ("HEAD", "main", "origin/main", tip[:10], tip):
        assert walk("audit", name, "--json").json["commit"] == tip
    assert "no commit is called 'nosuch'" in walk("audit", "nosuch", code=1).err
    assert "no commit is called '--all'" in walk("audit", "--", "--all", code=1).err
