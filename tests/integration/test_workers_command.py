"""`coordinator workers`: what could run here, a try in a scratch repository, and the files that come along."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters import ready_workers
from coordinator.config import worker_files
from coordinator.domain.errors import WorkerError
from tests.support.command_line import coordinator
from tests.support.repos import git, make_site, push_files

UPPER = """\
---
kind: command
description: writes files in capitals
capabilities: [capitals]
command: [sed, -i, "s/.*/\\\\U&/", "{scope:*.md}"]
returns: [changes]
---
"""
DEAR = """\
---
kind: claude
description: thinks
model: claude-sonnet-5-5
capabilities: [writing]
---
Write well.
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    site = make_site(tmp_path)
    files = {"capitals": UPPER, "dear": DEAR, "gone": UPPER.replace("[sed", "[no-such-program")}
    push_files(site, {f".orchestrator/workers/{n}.md": text for n, text in files.items()})
    git(site.repo, "fetch", "--quiet")
    return site.repo


@pytest.fixture
def tools() -> Iterator[Path]:
    """A folder for programs that no cell has its own folder at."""
    folder = Path(tempfile.mkdtemp(prefix="coordinator-tools-"))
    yield folder
    shutil.rmtree(folder)


def test_the_list_says_how_each_is_confined_and_what_it_lacks(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {w["name"]: w for w in coordinator(repo, "workers", "list", "--json").json["workers"]}
    assert (listed["capitals"]["ready"], listed["capitals"]["confinement"]) == (True, "strict")
    assert listed["gone"]["lacks"] == ["there is no program 'no-such-program' here"]
    assert listed["dear"]["lacks"] == ["ANTHROPIC_API_KEY is not set here: the daemon needs it"]
    assert listed["search"]["ready"] is True
    text = coordinator(repo, "workers", "list").out
    assert "capitals (command, strict; ready): writes files in capitals" in text
    assert "dear (claude, no program of its own; cannot run here): thinks" in text
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-not-a-real-one")
    again = coordinator(repo, "workers", "show", "dear", "--json").json["worker"]
    assert again["ready"] is True
    assert "sk-not-a-real-one" not in str(again)


def test_where_nothing_can_be_confined_the_list_says_so_of_programs_alone(
    repo: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("git", "sh", "sed", "unshare"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    listed = {w["name"]: w for w in coordinator(repo, "workers", "list", "--json").json["workers"]}
    (told,) = listed["capitals"]["lacks"]
    assert told.startswith("strict confinement: ")
    assert "bubblewrap" in told
    assert listed["search"]["ready"] is True


def test_a_worker_is_tried_in_a_scratch_repository(repo: Path) -> None:
    before = git(repo, "status", "--porcelain")
    tried = coordinator(repo, "workers", "test", "capitals", "--json")
    assert (tried.code, tried.json["outcome"]) == (0, "changes"), tried.out
    assert (tried.json["changed"], tried.json["confinement"]) == (["README.md"], "strict")
    assert tried.json["usage"]["cost_usd"] == 0.0
    text = coordinator(repo, "workers", "test", "search")
    assert text.code == 0
    assert "search: report in " in text.out
    assert git(repo, "status", "--porcelain") == before


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sitemap", ["https://site.example/about.html"]),
        ("links", ["gone.html"]),
        ("search", ["pages/about.html"]),
        ("copy", ["- about.html\n- gone.html\n\n- gone.html\n"]),
        ("merge", ["- about.html\n- gone.html\n- index.html\n"]),
    ],
)
def test_each_built_in_worker_is_asked_what_it_is_made_for(
    repo: Path, name: str, found: list[str]
) -> None:
    tried = coordinator(repo, "workers", "test", name, "--json")
    wanted = "report" if name == "copy" else "list"
    assert (tried.code, tried.json["outcome"], tried.json["wanted"]) == (0, "report", wanted)
    assert [part for part in found if part not in tried.json["text"]] == []


def test_a_worker_that_cannot_run_here_is_not_tried_and_one_that_fails_says_why(
    repo: Path,
) -> None:
    dry = coordinator(repo, "workers", "test", "dear", "--json")
    assert (dry.code, dry.json["outcome"]) == (1, "not run")
    assert dry.json["lacks"] == ["ANTHROPIC_API_KEY is not set here: the daemon needs it"]
    draft = repo / ".orchestrator/workers/draft.md"
    draft.write_text(UPPER.replace('"s/.*/\\\\U&/"', '"s/.*"'))
    failed = coordinator(repo, "workers", "test", "draft")
    assert failed.code == 1
    assert "the worker failed: exit 1: sed: -e expression" in failed.out
    assert "not at the tip" in failed.said
    unknown = coordinator(repo, "workers", "show", "draft", "--json")
    assert (unknown.code, unknown.error["code"]) == (1, "worker")
    assert "commit and push it" in unknown.error["hint"]


def test_every_ready_worker_is_a_worker_file_that_says_what_it_does(tmp_path: Path) -> None:
    assert len(ready_workers.names()) >= 5
    for name in ready_workers.names():
        added = ready_workers.add(name, tmp_path, search_path="/nowhere")
        assert added.read == ()
        (profile,) = worker_files.read({added.file.name: added.file.read_bytes()})
        assert (profile.name, profile.kind, profile.confinement) == (name, "command", "strict")
        assert profile.description
        assert profile.capabilities


def test_a_ready_worker_is_written_once_and_never_over_what_is_there(repo: Path) -> None:
    added = coordinator(repo, "workers", "add", "trailing-space", "--json")
    assert added.code == 0, added.said
    file = Path(added.json["file"])
    file.write_text("mine\n")
    again = coordinator(repo, "workers", "add", "trailing-space", "--json")
    assert (again.code, again.error["code"]) == (1, "worker")
    assert file.read_text() == "mine\n"
    unknown = coordinator(repo, "workers", "add", "nobody", "--json")
    assert "codespell" in unknown.error["hint"]


def test_a_tool_of_a_virtual_environment_is_filled_in_with_what_it_has_to_see(
    tmp_path: Path, tools: Path
) -> None:
    program = tools / "venv/bin/codespell"
    program.parent.mkdir(parents=True)
    (tools / "venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (tools / "base/bin").mkdir(parents=True)
    (tools / "base/bin/python3").write_bytes(b"\x7fELF")
    (tools / "venv/bin/python3").symlink_to(tools / "base/bin/python3")
    program.write_text(f"#!{tools}/venv/bin/python3\n")
    for file in (program, tools / "base/bin/python3"):
        file.chmod(0o755)
    added = ready_workers.add("codespell", tmp_path, search_path=str(program.parent))
    assert added.read == (str(tools / "venv"), str(tools / "base"))
    (profile,) = worker_files.read({added.file.name: added.file.read_bytes()})
    assert profile.command.argv[0] == str(program)
    assert profile.read == added.read


def test_a_name_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="comes with the coordinator"):
        ready_workers.add("../../etc", tmp_path, search_path="")
