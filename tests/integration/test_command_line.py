"""The manners of the command line: exit codes, JSON errors, -C, requests, and what a bug leaves behind."""

import json
import os
import resource
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from coordinator.cli import main
from coordinator.domain.brief import Question
from coordinator.domain.reply import Reply
from tests.support.command_line import coordinator, in_a_process
from tests.support.history import BRIEF, Chronicle
from tests.support.repos import Site, git, make_site

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = make_site(tmp_path / "site")
    assert coordinator(made.repo, "init").code == 0
    return made


@pytest.fixture
def chronicle(site: Site) -> Iterator[Chronicle]:
    written = Chronicle(site.hub)
    yield written
    written.close()


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    path = tmp_path / "starts.md"
    path.write_bytes(BRIEF)
    return path


def pull(site: Site) -> None:
    git(site.repo, "pull", "--quiet", "--ff-only", "origin", "main")


def requests(site: Site) -> list[dict[str, object]]:
    """Returns the requests that lie in the inbox."""
    found = sorted((site.repo / "briefs/inbox").glob("*.request.json"))
    return [json.loads(path.read_text()) for path in found]


def test_an_unknown_command_is_a_usage_error(site: Site) -> None:
    answered = coordinator(site.repo, "frobnicate")
    assert answered.code == 2
    assert answered.said.startswith("error: ")
    assert "hint: " in answered.said


def test_under_json_a_usage_error_is_json_too(site: Site) -> None:
    answered = coordinator(site.repo, "show", "--json")
    assert answered.code == 2
    assert answered.out == ""
    assert answered.error["code"] == "usage"


def test_the_folder_can_be_named_before_and_after_the_command(site: Site, tmp_path: Path) -> None:
    before = coordinator(site.repo, "status", "--json").json
    after = coordinator(tmp_path, "status", "-C", str(site.repo), "--json").json
    assert before["tip"] == after["tip"] == site.tip
    below = coordinator(site.repo / "docs", "status", "--json").json
    assert below["tip"] == site.tip


def test_every_group_hands_its_options_down(site: Site, tmp_path: Path, brief: Path) -> None:
    called = {
        "brief": ["check", str(brief)],
        "memory": ["check"],
        "claims": ["list"],
        "workers": ["show", "links"],
    }
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    assert {name for name, one in found.items() if isinstance(one, click.Group)} == set(called)
    for group, command in called.items():
        said = coordinator(site.repo, group, *command, "--json")
        assert said.code == 0
        assert coordinator(site.repo, group, "--json", *command).json == said.json
        above = coordinator(tmp_path, group, "-C", "site/repo", *command, "--json")
        assert above.json == said.json
    below = coordinator(tmp_path, "claims", "-C", "site", "list", "-C", "repo", "--json")
    assert below.json == {"schema": 1, "claims": []}


@pytest.mark.parametrize(
    "options", [("-C", "gone"), ("-C", "gone", "brief"), ("brief", "-C", "gone")]
)
def test_a_folder_that_is_not_there_is_no_fault_of_ours(options: tuple[str, ...]) -> None:
    words = options if "brief" in options else (*options, "brief")
    ended = CliRunner().invoke(main, [*words, "new", "x", "--json"])
    assert ended.exit_code == 1
    error = json.loads(ended.stderr)["error"]
    assert error["code"] == "repository"
    assert error["message"].endswith("gone: no such folder")


def test_the_current_folder_may_have_been_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    ended = CliRunner().invoke(main, ["status", "--json"])
    assert ended.exit_code == 1
    assert json.loads(ended.stderr)["error"]["message"] == "the current folder has been removed"


def test_what_a_disk_does_not_take_has_the_hint_that_fits(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        answered = coordinator(tmp_path, "brief", "new", "x", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (answered.code, answered.error["code"]) == (1, "disk")
    assert answered.error["message"] == "cannot write: File too large"
    assert "ulimit -f" in answered.error["hint"]
    assert list(tmp_path.iterdir()) == [], "half a file would stand in the way of the next try"


@pytest.mark.skipif(sys.platform != "linux", reason="a folder where nobody may make a file: /sys")
def test_a_file_that_one_may_not_write_is_no_fault_of_the_coordinator() -> None:
    answered = coordinator(Path("/sys"), "brief", "new", "x", "--json")
    assert (answered.code, answered.error["code"]) == (1, "disk")
    assert answered.error["message"] in (
        "/sys/x.md: cannot be used: Permission denied",
        "/sys/x.md: cannot be used: Operation not permitted",
        "/sys/x.md: cannot be used: Read-only file system",
    )
    assert answered.error["hint"]


def test_a_file_where_a_folder_of_ours_should_be_is_named(site: Site) -> None:
    file = site.repo / ".orchestrator" / "run"
    shutil.rmtree(file, ignore_errors=True)
    file.write_text("")
    answered = coordinator(site.repo, "run", "--once", "--json")
    assert (answered.code, answered.error["code"]) == (1, "disk")
    assert answered.error["message"] == f"{file}: cannot be used: File exists"
    assert "move it away" in answered.error["hint"]


def test_a_time_that_is_no_number_is_refused(site: Site) -> None:
    answered = coordinator(site.repo, "run", "--timeout", "nan", "--json")
    assert (answered.code, answered.error["code"]) == (2, "usage")
    assert "'nan' is not a number" in answered.error["message"]


@pytest.mark.parametrize("command", ["init", "status", "log", "doctor", "run"])
def test_outside_a_repository_every_command_says_where_and_what_to_do(
    tmp_path: Path, command: str
) -> None:
    answered = coordinator(tmp_path, command, "--json")
    assert answered.code == 1
    assert answered.error["code"] == "repository"
    assert str(tmp_path) in answered.error["message"]
    assert answered.error["hint"]


def test_in_a_bare_repository_the_hint_is_a_clone(site: Site) -> None:
    answered = coordinator(site.hub, "status", "--json")
    assert answered.code == 1
    assert "git clone" in answered.error["hint"]


def test_check_answers_with_its_verdict_and_exit_code(site: Site, brief: Path) -> None:
    good = coordinator(site.repo, "brief", "check", str(brief), "--json")
    assert good.code == 0, good.said
    assert set(good.json) >= {"id", "verdict", "faults", "questions", "estimate"}
    assert set(good.json["estimate"]) == {"seconds", "tokens", "cost_usd"}
    assert good.json["verdict"] == "accepted"
    brief.write_bytes(BRIEF.partition(b"## OUTPUT FORMAT")[0])
    asked = coordinator(site.repo, "brief", "check", str(brief), "--json")
    assert (asked.code, asked.json["verdict"]) == (4, "needs_clarification")
    assert all(set(q) == {"id", "text", "choices"} for q in asked.json["questions"])
    brief.write_text("TASK: no\n")
    bad = coordinator(site.repo, "brief", "check", str(brief), "--json")
    assert (bad.code, bad.json["verdict"]) == (1, "rejected")
    assert all(set(f) == {"code", "line", "section", "message", "hint"} for f in bad.json["faults"])


def test_a_drop_puts_the_file_into_the_inbox_and_the_same_again_is_a_duplicate(
    site: Site, brief: Path
) -> None:
    first = coordinator(site.repo, "brief", "drop", str(brief), "--json")
    assert first.code == 0, first.said
    assert first.json["state"] == "submitted"
    assert first.json["duplicate"] is False
    assert (site.repo / "briefs/inbox/starts.md").read_bytes() == BRIEF
    again = coordinator(site.repo, "brief", "drop", str(brief), "--json")
    assert again.json == {**first.json, "duplicate": True}
    (listed,) = coordinator(site.repo, "status", "--json").json["briefs"]
    assert (listed["id"], listed["state"]) == (first.json["id"], "submitted")
    assert git(site.repo, "status", "--porcelain") == ""


def test_a_dry_drop_writes_nothing(site: Site, brief: Path) -> None:
    answered = coordinator(site.repo, "brief", "drop", str(brief), "--dry-run", "--json")
    assert answered.json["state"] == "submitted"
    assert not (site.repo / "briefs/inbox/starts.md").exists()


def test_a_drop_over_the_remote_is_a_branch_and_moves_nothing_here(site: Site, brief: Path) -> None:
    before = git(site.repo, "for-each-ref")
    answered = coordinator(site.repo, "brief", "drop", str(brief), "--remote", "--json")
    assert answered.code == 0, answered.said
    branch = f"refs/heads/inbox/{answered.json['id']}"
    assert git(site.hub, "show", f"{branch}:briefs/inbox/starts.md").encode() + b"\n" == BRIEF
    assert git(site.hub, "rev-parse", f"{branch}~1") == site.tip
    again = coordinator(site.repo, "brief", "drop", str(brief), "--remote", "--json")
    assert (answered.json["duplicate"], again.json["duplicate"]) == (False, True)
    assert git(site.repo, "for-each-ref") == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.symlink_to("/etc/hostname"), "symbolic link"),
        (lambda p: p.mkdir(), "a folder"),
        (os.mkfifo, "no regular file"),
        (lambda p: p.write_bytes(b"x" * 1_000_001), "larger than"),
    ],
)
def test_what_is_no_brief_file_is_refused_before_it_is_dropped(
    site: Site, tmp_path: Path, make: object, message: str
) -> None:
    path = tmp_path / "odd.md"
    assert callable(make)
    make(path)
    answered = coordinator(site.repo, "brief", "drop", str(path), "--json")
    assert answered.code == 1
    assert message in answered.error["message"]


def test_a_wait_that_is_over_says_what_the_state_is(site: Site, brief: Path) -> None:
    arguments = ("brief", "drop", str(brief), "--wait", "--timeout", "0", "--json")
    answered = coordinator(site.repo, *arguments)
    assert answered.code == 1
    assert "still submitted" in answered.error["message"]


def test_without_init_a_drop_says_what_to_do(tmp_path: Path, brief: Path) -> None:
    bare = make_site(tmp_path / "other")
    answered = coordinator(bare.repo, "brief", "drop", str(brief), "--json")
    assert answered.code == 1
    assert "coordinator init" in answered.error["hint"]


def test_a_new_brief_is_a_template_that_overwrites_nothing(site: Site) -> None:
    answered = coordinator(site.repo, "brief", "new", "Fix the links", "--json")
    path = Path(answered.json["path"])
    assert path.name == "fix-the-links.md"
    assert "## OUTPUT FORMAT" in path.read_text()
    assert coordinator(site.repo, "brief", "new", "Fix the links").code == 1
    assert coordinator(site.repo, "brief", "new", "fix-the-links.md").code == 1


def test_what_a_new_brief_says_to_type_next_works_from_where_one_is(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = coordinator(Path("site/repo"), "brief", "new", "zed").out
    line = told.split("`")[1]
    assert line == "coordinator -C site/repo brief drop site/repo/zed.md"
    dropped = CliRunner().invoke(main, [*shlex.split(line)[1:], "--dry-run", "--json"])
    assert dropped.exit_code == 0, dropped.stderr
    monkeypatch.chdir(site.repo)
    told = CliRunner().invoke(main, ["brief", "new", "zod"]).stdout
    assert told.split("`")[1] == "coordinator brief drop zod.md"


def test_answer_and_approve_and_reject_are_files_that_bind_to_what_waits(
    site: Site, chronicle: Chronicle
) -> None:
    one = chronicle.accept("starts")
    question = Question(id="which", text="Which?")
    waiting = Reply(state="input_required", held="question", questions=(question,))
    chronicle.wait(one, "starts", waiting)
    two = chronicle.accept("second")
    held = Reply(state="input_required", held="unverified", changeset=DIGEST)
    chronicle.wait(two, "second", held)
    pull(site)
    said = coordinator(site.repo, "answer", "starts", "which", "all of them", "--json")
    assert said.json == {"schema": 1, "id": one, "state": "input_required"}
    assert coordinator(site.repo, "approve", two, "--json").json["id"] == two
    assert coordinator(site.repo, "reject", one, "--reason", "not now").code == 0
    by_verb = {str(r["request"]): r for r in requests(site)}
    assert by_verb["answer"]["question"] == "which"
    assert by_verb["answer"]["text"] == "all of them"
    assert by_verb["approve"]["changeset"] == DIGEST
    assert by_verb["reject"]["reason"] == "not now"
    assert {r["by"] for r in by_verb.values()} == {"A Person <person@example.invalid>"}


def test_requests_that_make_no_sense_now_are_refused_with_the_state(
    site: Site, chronicle: Chronicle
) -> None:
    brief = chronicle.accept("starts")
    pull(site)
    for arguments in (
        ("answer", brief, "which", "x"),
        ("approve", brief),
        ("reject", brief, "--reason", "x"),
        ("retry", brief),
    ):
        answered = coordinator(site.repo, *arguments, "--json")
        assert answered.code == 1
        assert "working" in answered.error["message"]
    assert coordinator(site.repo, "cancel", brief).code == 0
    assert [r["request"] for r in requests(site)] == ["cancel"]


def test_a_question_that_is_not_asked_is_refused_naming_those_that_are(
    site: Site, chronicle: Chronicle
) -> None:
    brief = chronicle.accept("starts")
    reply = Reply(state="input_required", questions=(Question(id="which", text="Which?"),))
    chronicle.wait(brief, "starts", reply)
    pull(site)
    answered = coordinator(site.repo, "answer", brief, "who", "me", "--json")
    assert "which" in answered.error["hint"]
    assert coordinator(site.repo, "answer", brief, "which", " ", "--json").code == 2


def test_a_person_claims_paths_others_are_told_and_it_is_given_back(site: Site) -> None:
    taken = coordinator(site.repo, "claims", "take", "docs", "--reason", "rewriting", "--json")
    assert taken.code == 0, taken.said
    assert taken.json["claim"][0]["path"] == "docs"
    busy = coordinator(site.repo, "claims", "take", "docs/guide.md", "--reason", "me too", "--json")
    assert busy.code == 75
    assert "A Person" in busy.error["message"]
    assert busy.error["message"].endswith(": rewriting")
    for same in ("./docs", "docs/", ".//docs/./guide.md", "docs/*.md", "."):
        again = coordinator(site.repo, "claims", "take", same, "--reason", "me too", "--json")
        assert again.code == 75, same
    (shown,) = coordinator(site.repo, "status", "--json").json["claims"]
    assert (shown["brief"], shown["reason"]) == (None, "rewriting")
    assert ">: rewriting" in coordinator(site.repo, "claims").out
    assert ">: rewriting" in coordinator(site.repo, "status").out
    token = taken.json["token"]
    assert coordinator(site.repo, "claims", "release", token, "--json").code == 0
    assert coordinator(site.repo, "claims", "--json").json["claims"] == []
    assert coordinator(site.repo, "claims", "release", token, "--json").code == 1


@pytest.mark.parametrize("command", [("reject", "starts"), ("claims", "take", "docs")])
def test_a_reason_that_others_shall_read_says_something(
    site: Site, command: tuple[str, ...]
) -> None:
    said = coordinator(site.repo, *command, "--reason", " ", "--json")
    assert (said.code, said.error["message"].partition(";")[0]) == (2, "--reason is empty")


@pytest.mark.parametrize("path", ["../x", "docs/../a", "/etc/passwd", "", " ", "a/.git/config"])
def test_what_is_no_path_of_the_repository_is_not_claimed(site: Site, path: str) -> None:
    said = coordinator(site.repo, "claims", "take", path, "--reason", "mine", "--json")
    assert (said.code, said.error["code"]) == (1, "brief"), said.said
    assert "from the top of the repository" in said.error["hint"]


def test_config_says_what_is_in_force_and_where_it_came_from(site: Site) -> None:
    said = coordinator(site.repo, "config", "--json").json
    assert said["source"].startswith(".orchestrator/config.toml at ")
    assert said["settings"]["daemon.lease_s"] == {"value": 120.0, "source": "default"}


def test_a_faulty_config_is_named_with_every_fault(site: Site) -> None:
    path = site.repo / ".orchestrator/config.toml"
    path.write_text("schema = 1\n[daemon]\nlease_s = 'long'\n[landing]\nunverified = 'perhaps'\n")
    git(site.repo, "commit", "--quiet", "--all", "--message=oops")
    git(site.repo, "push", "--quiet", "origin", "main")
    answered = coordinator(site.repo, "config", "--json")
    assert answered.code == 1
    assert answered.error["code"] == "config"
    assert "lease_s" in answered.error["message"]
    assert "unverified" in answered.error["message"]
    looked = coordinator(site.repo, "status", "--json")
    assert looked.code == 0, "looking goes on with the defaults"
    assert "lease_s" in looked.json["config_faults"][0]


def test_faults_lists_every_call_that_writes(site: Site) -> None:
    said = coordinator(site.repo, "faults", "--json").json
    writing = {f["point"] for f in said["faults"] if f["writes"]}
    assert {"committer.push", "claims.acquire", "journal.intend", "deploys.swap"} <= writing


def test_workers_lists_and_shows_the_built_in_ones(site: Site) -> None:
    listed = coordinator(site.repo, "workers", "list", "--json").json["workers"]
    assert {"sitemap", "links", "search"} <= {w["name"] for w in listed}
    shown = coordinator(site.repo, "workers", "show", "search", "--json").json["worker"]
    assert "read" in shown["tools"]
    answered = coordinator(site.repo, "workers", "show", "nobody", "--json")
    assert answered.error["code"] == "worker"


def test_it_runs_in_a_repository_that_has_packages_of_our_names(site: Site) -> None:
    for name in ("workers", "coordinator", "yaml", "click"):
        (site.repo / name).mkdir()
        (site.repo / name / "__init__.py").write_text("raise SystemExit('the wrong one')\n")
    answered = in_a_process(site.repo, "workers", "list", "--json", cold=True)
    assert answered.code != 0, "python itself finds the folder `coordinator` first"
    shutil.rmtree(site.repo / "coordinator")
    answered = in_a_process(site.repo, "workers", "list", "--json", cold=True)
    assert answered.code == 0, answered.said
    assert answered.json["workers"]


def test_colour_is_for_terminals_only(site: Site) -> None:
    answered = coordinator(site.repo, "doctor", "--quick")
    assert "\x1b[" not in answered.out + answered.said


def test_variables_that_a_hook_leaves_behind_do_not_redirect_us(site: Site, tmp_path: Path) -> None:
    other = make_site(tmp_path / "other")
    environment = {"GIT_DIR": str(other.repo / ".git"), "GIT_WORK_TREE": str(other.repo)}
    answered = in_a_process(site.repo, "status", "--json", environment=environment, cold=True)
    assert answered.json["tip"] == site.tip


def test_a_fault_of_ours_leaves_a_report_and_no_traceback(site: Site) -> None:
    memo = site.repo / ".orchestrator/run/memo/history.json"
    coordinator(site.repo, "status")
    said = json.loads(memo.read_text())
    said["sayings"] = [{"nonsense": 1}]
    memo.write_text(json.dumps(said))
    answered = coordinator(site.repo, "log", "--json")
    assert answered.code == 3
    assert answered.error["code"] == "bug"
    (report,) = (site.repo / ".orchestrator/run").glob("report-*.txt")
    assert str(report) in answered.error["hint"]
    assert "Traceback" in report.read_text()
    assert "Traceback" not in answered.said


def test_the_version_is_that_of_the_distribution(site: Site) -> None:
    assert coordinator(site.repo, "--version").out.startswith("coordinator, version ")
