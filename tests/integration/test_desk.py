"""What the looking commands say of a history made by hand, in a plain clone without a daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.domain.brief import Question
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.reply import Reply
from tests.support.command_line import coordinator
from tests.support.history import BRIEF, REPORT, WHO, Chronicle
from tests.support.repos import Site, git, make_site, push_files


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


@pytest.fixture
def chronicle(site: Site) -> Iterator[Chronicle]:
    written = Chronicle(site.hub)
    yield written
    written.close()


def plain_clone(site: Site, folder: Path) -> Path:
    git(folder, "clone", "--quiet", str(site.hub), "plain")
    return folder / "plain"


def landed(chronicle: Chronicle) -> tuple[BriefId, Oid]:
    brief = chronicle.accept("starts")
    kept = chronicle.attempt(brief)
    return brief, chronicle.land(brief, "starts", attempts=(kept,))


def everything(repo: Path) -> tuple[str, str, bytes]:
    """Returns what a look must leave as it was: refs, status and index."""
    refs = git(repo, "for-each-ref")
    return refs, git(repo, "status", "--porcelain"), (repo / ".git" / "index").read_bytes()


def test_status_shows_an_open_and_a_landed_brief_in_a_plain_clone(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief, commit = landed(chronicle)
    waiting = chronicle.accept("second", BRIEF.replace(b"start", b"other"))
    said = coordinator(plain_clone(site, tmp_path), "status", "--json").json
    assert said["tip"] == chronicle.tip
    assert said["daemon"] is None
    assert said["paused"] is None
    by_id = {b["id"]: b for b in said["briefs"]}
    assert set(by_id) == {brief, waiting}
    assert set(by_id[brief]) == {
        *("id", "name", "state", "phase", "held", "priority", "age_s", "commit", "landed"),
        *("deployed", "reasons", "questions", "attempts", "cost_usd", "asked", "effort"),
        *("waits_s", "overdue", "tasks"),
    }
    assert by_id[brief]["state"] == "completed"
    assert by_id[brief]["commit"] == commit
    assert by_id[brief]["landed"] is True
    assert by_id[brief]["cost_usd"] == 0.25
    assert by_id[brief]["attempts"] == 1
    assert by_id[waiting]["state"] == "working"
    assert by_id[waiting]["commit"] is None


def test_a_question_and_what_holds_a_brief_are_in_the_status(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief = chronicle.accept("starts")
    question = Question(id="which", text="Which pages?", choices=("all", "some"))
    reply = Reply(
        state="input_required", held="question", reasons=("unclear",), questions=(question,)
    )
    chronicle.wait(brief, "starts", reply)
    (said,) = coordinator(plain_clone(site, tmp_path), "status", "--json").json["briefs"]
    assert (said["state"], said["phase"], said["held"]) == ("input_required", "waiting", "question")
    assert said["reasons"] == ["unclear"]
    assert said["questions"] == [
        {"id": "which", "text": "Which pages?", "choices": ["all", "some"]}
    ]


def test_audit_walks_a_landing_back_to_who_asked_in_a_plain_clone_without_writing_a_ref(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    _, commit = landed(chronicle)
    clone = plain_clone(site, tmp_path)
    before = everything(clone)
    answered = coordinator(clone, "audit", commit, "--json")
    assert answered.code == 0, answered.said
    chain = answered.json["chain"]
    kinds = [link["kind"] for link in chain]
    assert kinds == [
        *("landing", "changeset", "attempt", "package", "output", "verdict"),
        *("brief", "requester", "rule", "rule"),
    ]
    assert not any(link["missing"] for link in chain)
    for link in chain[:8]:  # each is an object that this clone has now
        assert git(clone, "cat-file", "-t", link["oid"]) in ("commit", "tree", "blob")
    assert chain[7]["who"] == WHO
    assert everything(clone) == before
    assert not (clone / ".git" / "FETCH_HEAD").exists()


def test_a_clone_audits_through_its_own_remote_whatever_the_committed_config_calls_it(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    push_files(site, {".orchestrator/config.toml": 'schema = 1\n[repository]\nremote = "hub"\n'})
    chronicle = Chronicle(site.hub)
    _, commit = landed(chronicle)
    chronicle.close()
    # Over file:// no object comes along that no branch reaches: the attempt has to be fetched.
    git(tmp_path, "clone", "--quiet", f"file://{site.hub}", "plain")
    clone = tmp_path / "plain"
    answered = coordinator(clone, "audit", commit, "--json")
    assert answered.code == 0, answered.said
    assert not [link for link in answered.json["chain"] if link["missing"]]
    assert coordinator(clone, "claims", "--json").code == 0
    git(clone, "remote", "add", "another", "file:///nowhere")
    refused = coordinator(clone, "claims", "--json")  # two, and none is called hub: nobody can tell
    assert refused.code == 1, refused.said


def test_audit_says_plainly_that_an_attempt_is_missing(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief = chronicle.accept("starts")
    ref, _ = chronicle.attempt(brief)
    commit = chronicle.land(brief, "starts", attempts=((ref, Oid("d" * 40)),))
    answered = coordinator(plain_clone(site, tmp_path), "audit", commit, "--json")
    assert answered.code == 1
    assert answered.json["complete"] is False
    (attempt,) = [link for link in answered.json["chain"] if link["kind"] == "attempt"]
    assert attempt["missing"] is True
    assert "neither here nor there" in attempt["why"]


def test_audit_sees_that_a_commit_is_not_the_tree_that_was_gated(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief = chronicle.accept("starts")
    commit = chronicle.land(brief, "starts", gated="e" * 40)
    answered = coordinator(plain_clone(site, tmp_path), "audit", commit, "--json")
    assert answered.code == 1
    assert "the landing names " + "e" * 40 in answered.json["chain"][1]["why"]


def test_audit_sees_a_brief_that_was_changed_after_it_was_asked(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief = chronicle.accept("starts")
    folder = f"briefs/done/{brief.rpartition('-')[2][:2]}/{brief}"
    other = {f"{folder}/brief.md": BRIEF.replace(b"start", b"anything")}
    commit = chronicle.land(brief, "starts", changes=other)
    answered = coordinator(plain_clone(site, tmp_path), "audit", commit, "--json")
    assert answered.code == 1
    (found,) = [link for link in answered.json["chain"] if link["kind"] == "brief"]
    assert found["missing"] is True


def test_audit_of_a_deploy_goes_on_with_the_landing_that_it_shipped(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief, commit = landed(chronicle)
    deploy = chronicle.deploy("live", commit, brief)
    answered = coordinator(plain_clone(site, tmp_path), "audit", deploy, "--json")
    kinds = [link["kind"] for link in answered.json["chain"]]
    assert kinds[:3] == ["deploy", "landing", "changeset"]
    assert "requester" in kinds


def test_audit_of_somebody_elses_commit_is_refused_with_a_hint(site: Site) -> None:
    answered = coordinator(site.repo, "audit", "HEAD", "--json")
    assert answered.code == 1
    assert "not made by the coordinator" in answered.error["message"]
    assert "coordinator log" in answered.error["hint"]


def test_show_tells_plan_attempts_commits_and_the_checklist(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief, commit = landed(chronicle)
    said = coordinator(plain_clone(site, tmp_path), "show", "starts", "--json").json
    assert said["id"] == brief
    assert said["brief"]["text"] == BRIEF.decode()
    assert said["plan"] is None  # it left with the landing
    (attempt,) = said["attempts"]
    assert (attempt["n"], attempt["worker"], attempt["verdict"]) == (1, "search", "accept")
    assert attempt["cost_usd"] == 0.25
    assert [c["verb"] for c in said["commits"]] == ["accept", "land"]
    assert said["commits"][-1]["oid"] == commit
    ticked = {item["item"]: item["done"] for item in said["checklist"]}
    assert ticked == {
        "scope respected": True,
        "outputs compared": True,
        "claims held": True,
        "sync-checked": True,
        "gated": True,
        "landed": True,
        "live": None,
    }


def test_show_result_prints_the_bytes_of_the_report_and_nothing_else(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief, _ = landed(chronicle)
    answered = coordinator(plain_clone(site, tmp_path), "show", brief, "--result")
    assert answered.out.encode() == REPORT


def test_a_brief_without_a_result_says_so(site: Site, chronicle: Chronicle, tmp_path: Path) -> None:
    brief = chronicle.accept("starts")
    answered = coordinator(plain_clone(site, tmp_path), "show", brief, "--result", "--json")
    assert answered.code == 1
    assert "has no result yet" in answered.error["message"]


def test_a_unique_prefix_or_the_name_is_enough_and_an_ambiguous_one_is_refused(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    one = chronicle.accept("starts")
    two = chronicle.accept("starts", BRIEF.replace(b"start", b"other"))
    clone = plain_clone(site, tmp_path)
    assert coordinator(clone, "show", one[:-2], "--json").json["id"] == one
    assert coordinator(clone, "show", two, "--json").json["id"] == two
    answered = coordinator(clone, "show", "starts", "--json")
    assert answered.code == 1
    assert one in answered.error["message"]
    assert coordinator(clone, "show", "nothing", "--json").error["code"] == "brief"


def test_log_lists_our_commits_only_newest_first(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    brief, commit = landed(chronicle)
    said = coordinator(plain_clone(site, tmp_path), "log", "--json").json
    assert [(c["verb"], c["about"]) for c in said["commits"]] == [
        ("land", brief),
        ("accept", brief),
    ]
    assert said["commits"][0]["oid"] == commit


def test_claims_are_read_from_the_remote_also_in_a_plain_clone(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    chronicle.claim("docs", {"person": WHO, "reason": "rewriting"})
    clone = plain_clone(site, tmp_path)
    before = everything(clone)
    (claim,) = coordinator(clone, "claims", "--json").json["claims"]
    assert claim["path"] == "docs"
    assert claim["brief"] is None
    assert claim["holder"] == f"person:{WHO}"
    assert claim["ref"] == "refs/orchestrator/claims/docs"
    assert everything(clone) == before


def test_status_of_a_repository_that_nobody_coordinates_is_empty_and_no_error(site: Site) -> None:
    answered = coordinator(site.repo, "status", "--json")
    assert answered.code == 0
    assert answered.json["briefs"] == []
    assert answered.json["tip"] == site.tip


def test_an_unborn_branch_has_an_empty_status(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "new")
    answered = coordinator(tmp_path / "new", "status", "--json")
    assert answered.code == 0
    assert answered.json["tip"] is None


def test_finished_briefs_are_listed_up_to_a_bound_and_the_rest_is_counted(
    site: Site, chronicle: Chronicle, tmp_path: Path
) -> None:
    folder = "briefs/done"
    files = {
        f"{folder}/{n % 256:02x}/b{n}-{n:08x}/reply.md": b"---\nstate: completed\n---\n\nDone.\n"
        for n in range(1000)
    }
    for path, content in files.items():
        (site.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (site.repo / path).write_bytes(content)
    git(site.repo, "add", "--all", "--force", "briefs")
    git(site.repo, "commit", "--quiet", "--message=many")
    git(site.repo, "push", "--quiet", "origin", "main")
    said = coordinator(site.repo, "status", "--json").json
    assert len(said["briefs"]) == 200
    assert said["left_off"] == 800
    everything_said = coordinator(site.repo, "status", "--all", "--json").json
    assert len(everything_said["briefs"]) == 1000
    assert everything_said["left_off"] == 0
