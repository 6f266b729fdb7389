"""One brief the whole way by the command line alone, and its audit in a plain clone."""

from pathlib import Path

from tests.support.command_line import in_a_process
from tests.support.history import BRIEF
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git, make_site


def test_a_dropped_brief_is_landed_shown_and_audited_in_a_plain_clone(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    assert in_a_process(site.repo, "init", cold=True).code == 0
    file = tmp_path / "starts.md"
    file.write_bytes(BRIEF.replace(b'"start"', b'"Back to"'))
    dropped = in_a_process(site.repo, "brief", "drop", str(file), "--json", cold=True)
    assert dropped.code == 0, dropped.said
    ran = in_a_process(site.repo, "run", *UNTIL_IDLE, "--json", cold=True)
    assert ran.code == 0, ran.out + ran.said
    assert '"event": "ready"' in ran.out.splitlines()[0]
    git(tmp_path, "clone", "--quiet", str(site.hub), "plain")
    plain = tmp_path / "plain"
    (brief,) = in_a_process(plain, "status", "--json", cold=True).json["briefs"]
    assert (brief["id"], brief["state"]) == (dropped.json["id"], "completed")
    audited = in_a_process(plain, "audit", brief["commit"], "--json", cold=True)
    assert audited.code == 0, audited.out
    assert audited.json["complete"] is True
    spent = in_a_process(plain, "cost", "--json", cold=True).json
    assert (spent["total"]["attempts"], spent["total"]["usd"]) == (1, 0.0)
    assert (spent["landed_in_head"], spent["landed_usd_in_head"]) == (1, 0.0)
    result = in_a_process(plain, "show", brief["id"], "--result", cold=True)
    assert "docs/guide.md" in result.out
    assert git(site.hub, "for-each-ref", "refs/orchestrator/claims", "refs/orchestrator/held") == ""
