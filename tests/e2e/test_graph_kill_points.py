"""SIGKILL while a brief of several tasks runs: what was accepted stays, and the rest is done once."""

import signal
from pathlib import Path

import pytest

from tests.support.graphs import TEXT, Opened, changing, opened
from tests.support.orphans import adopting
from tests.support.patience import PATIENCE_S, UNTIL_IDLE
from tests.support.repos import git, push_files
from tests.support.worked import Worked, worked

LISTS = """\
---
kind: command
description: writes into its file which files there are
capabilities: [{name}]
command: ["sh", "-c", "ls docs > docs/{name}.md"]
returns: [changes]
---
"""
SHORT = "lease_s = 1.5\nremote_poll_s = 0.3\nrecord_interval_s = 0.05\n"
POINTS = (
    ("pool.submit:after:2", "both tasks run"),
    ("attempts.keep_verdict:after:1", "one is accepted, the other is not"),
    ("attempts.publish:after:2", "an output is on the hub"),
    ("pool.submit:before:3", "the last one is about to start"),
    ("committer.push:before:1", "all is done and nothing has landed"),
)


@pytest.mark.slow
@pytest.mark.parametrize("run_folder", ["kept", "deleted"])
@pytest.mark.parametrize("fault", [fault for fault, _ in POINTS], ids=[said for _, said in POINTS])
def test_a_graph_goes_on_wherever_its_daemon_dies(
    tmp_path: Path, fault: str, run_folder: str
) -> None:
    made = worked(tmp_path, {name: LISTS.format(name=name) for name in ("a", "b", "c")})
    _leases_are_short(made)
    graph = [
        changing("a", "docs/a.md", profile="a", says="a.md"),
        changing("b", "docs/b.md", profile="b", says="b.md"),
        changing("c", "docs/c.md", "a", "b", profile="c", says="a.md[^$]*b.md"),
    ]
    brief = opened(made, TEXT, graph)
    _dies(made, fault)
    if run_folder == "deleted":
        brief = _elsewhere(made, brief, tmp_path)
    shown = brief.ran()
    assert shown["state"] == "completed", shown
    assert brief.made.at_tip("docs/c.md").split() == ["a.md", "b.md", "c.md", "guide.md"]
    hub = made.site.hub
    landings = git(hub, "log", "--format=%s", "--grep=^land ", "main").splitlines()
    assert len(landings) == 1, landings
    refs = ("refs/orchestrator/claims", "refs/orchestrator/held", "refs/orchestrator/gate")
    assert git(hub, "for-each-ref", "--format=%(refname)", *refs) == ""
    accepted = [one["worker"] for one in shown["attempts"] if one["verdict"] == "accept"]
    assert sorted(accepted) == ["a", "b", "c"], "each task was done once"


def _leases_are_short(made: Worked) -> None:
    """Has what a dead daemon held be free soon, as nobody waits two minutes here."""
    git(made.site.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    path = ".orchestrator/config.toml"
    said = (made.site.repo / path).read_text()
    shorter = said.replace("[daemon]\n", f"[daemon]\n{SHORT}", 1)
    push_files(made.site, {path: shorter}, "short leases")


def _dies(made: Worked, fault: str) -> None:
    dying = Worked(made.site, {**made.environment, "COORDINATOR_FAULT": fault})
    with adopting() as orphans:
        ran = dying.run("run", *UNTIL_IDLE, "--json")
        assert ran.code == -signal.SIGKILL, (fault, ran.code, ran.out, ran.said)
        assert orphans.left(PATIENCE_S) == {}  # its last push may still have been on its way


def _elsewhere(made: Worked, brief: Opened, folder: Path) -> Opened:
    """Returns the brief as a fresh clone sees it, on what might be another machine."""
    clone = folder / "elsewhere"
    git(folder, "clone", "--quiet", str(made.site.hub), str(clone))
    site = type(made.site)(repo=clone, hub=made.site.hub)
    return Opened(Worked(site, made.environment), brief.id)
