"""Rule D3: a landing whose deploy is never seen live is taken back, where the environment says so."""

from pathlib import Path

import pytest

from tests.support.cells import house_rule
from tests.support.repos import git
from tests.support.walk import GOOD, Walk, make_walk

_ENVIRONMENT = """
[environments.site]
kind = "command"
command = "{command}"
live = "cat {live}"
poll_s = 0.05
health_polls = 1
timeout_s = 120
revert = {revert}

[[gate]]
run = "test -f docs/guide.md"
""" + house_rule()


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    return make_walk(tmp_path)


def ready(walk: Walk, *, revert: bool, ships: str) -> Path:
    """Sets up an environment whose command is the shell line `ships`; returns the file that shows what is live."""
    live = walk.repo.parent / "live"
    live.write_text(git(walk.hub, "rev-parse", "main"))
    command = walk.repo.parent / "ship.sh"
    command.write_text(f"cd {walk.hub}\n{ships}\n")
    walk.config(
        _ENVIRONMENT.format(
            command=f"sh {command} {{revision}} {live}", live=live, revert=str(revert).lower()
        )
    )
    return live


def subjects(walk: Walk) -> list[str]:
    return git(walk.hub, "log", "--first-parent", "--format=%s", "main").splitlines()


def landed_and_reverted(walk: Walk) -> tuple[int, int]:
    verbs = [line.split(" ")[0] for line in subjects(walk)]
    return verbs.count("land"), verbs.count("revert")


def drop(walk: Walk) -> None:
    walk.drop("good.md", "---\ndeploy: site\n---\n" + GOOD)


def test_d3_a_landing_that_does_not_go_live_is_taken_back_and_what_is_left_is_shipped(
    walk: Walk,
) -> None:
    mended = "git show $1:docs/guide.md | grep -q more/other.md"
    live = ready(walk, revert=True, ships=f"{mended} && exit 7\necho $1 >$2")
    before = git(walk.hub, "rev-parse", "main:docs/guide.md")
    drop(walk)
    walk.work()
    assert landed_and_reverted(walk) == (1, 1)
    assert git(walk.hub, "rev-parse", "main:docs/guide.md") == before
    good = walk.brief("good")
    assert good["state"] == "failed"
    assert "not live in site" in " ".join(good["reasons"])
    reverted = git(walk.hub, "log", "--format=%H", "--grep=^revert good", "main")
    assert live.read_text().strip() == reverted
    message = git(walk.hub, "log", "-1", "--format=%B", reverted)
    assert "Gated-Tree: " in message
    for kind in ("claims", "held", "gate"):
        assert git(walk.hub, "for-each-ref", f"refs/orchestrator/{kind}") == ""


def test_d3_an_environment_that_takes_nothing_at_all_is_not_tried_for_ever(walk: Walk) -> None:
    ready(walk, revert=True, ships="exit 1")
    drop(walk)
    walk.work()
    assert landed_and_reverted(walk) == (1, 1)
    assert walk.state("good") == "failed"


def test_d3_without_that_word_the_landing_stays_and_the_brief_says_what_failed(walk: Walk) -> None:
    ready(walk, revert=False, ships="exit 1")
    drop(walk)
    walk.work()
    assert landed_and_reverted(walk) == (1, 0)
    assert "more/other.md" in walk.at_tip("docs/guide.md")
    assert walk.state("good") == "failed"
