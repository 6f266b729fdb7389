"""init, deinit and doctor on real repositories: nothing of the user's is overwritten or moved."""

import stat
from pathlib import Path

import pytest

from coordinator.adapters.singleton import Singleton
from tests.support.command_line import coordinator
from tests.support.repos import Site, commit_files, git, make_site, push_files

FILES = [
    ".orchestrator/config.toml",
    ".orchestrator/constitution.md",
    ".orchestrator/doctrine.toml",
    ".orchestrator/.gitignore",
    "memory/plan.md",
    "memory/state.md",
    "memory/decisions.md",
    "memory/lessons.md",
    "memory/handoffs/README.md",
    "briefs/README.md",
]
EVERYTHING = {"atomic": True, "custom_refs": True, "deletion": True, "branch_push": True}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


@pytest.fixture
def lonely(tmp_path: Path) -> Path:
    """A repository without a remote."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "lonely")
    commit_files(tmp_path / "lonely", {"page.md": "# Page\n"}, "one")
    return tmp_path / "lonely"


def hook(hub: Path, name: str, body: str) -> None:
    path = hub / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def files_at(repo: Path, commit: str) -> list[str]:
    return git(repo, "ls-tree", "-r", "--name-only", commit).splitlines()


def test_init_adds_its_files_in_one_commit_and_probes_the_remote(site: Site) -> None:
    before = site.tip
    answered = coordinator(site.repo, "init", "--json")
    assert answered.code == 0, answered.said
    assert answered.json["created"] == FILES
    assert answered.json["probe"] == EVERYTHING
    assert git(site.hub, "rev-parse", "main~1") == before
    changed = git(site.hub, "diff", "--name-only", "main~1", "main").splitlines()
    assert sorted(changed) == sorted(FILES)
    subject = git(site.hub, "log", "-1", "--format=%s", "main")
    assert subject == "accept coordinator: begin to coordinate this repository"
    assert git(site.hub, "for-each-ref", "refs/orchestrator") == "", "scratch refs are gone"


def test_a_clean_checkout_is_fast_forwarded_and_stays_clean(site: Site) -> None:
    coordinator(site.repo, "init")
    assert git(site.repo, "rev-parse", "HEAD") == site.tip
    assert git(site.repo, "status", "--porcelain", "--untracked-files=all") == ""
    assert (site.repo / "briefs/inbox").is_dir()
    assert (site.repo / ".orchestrator/run/repo.git").is_dir()


def test_a_dirty_checkout_is_left_byte_for_byte_and_told_to_pull(site: Site) -> None:
    (site.repo / "README.md").write_text("my edit\n")
    (site.repo / "notes.txt").write_text("mine\n")
    git(site.repo, "add", "README.md")
    index = (site.repo / ".git/index").read_bytes()
    head = git(site.repo, "rev-parse", "HEAD")
    answered = coordinator(site.repo, "init")
    assert answered.code == 0
    assert "git pull" in answered.said
    assert (site.repo / ".git/index").read_bytes() == index
    assert git(site.repo, "rev-parse", "HEAD") == head
    assert (site.repo / "README.md").read_text() == "my edit\n"
    assert not (site.repo / ".orchestrator/config.toml").exists()
    assert coordinator(site.repo, "status").code == 0, "commands work before the pull"


def test_the_second_init_adds_nothing_and_says_so(site: Site) -> None:
    coordinator(site.repo, "init")
    tip = site.tip
    answered = coordinator(site.repo, "init", "--json")
    assert answered.code == 0
    assert answered.json["created"] == []
    assert answered.json["kept"] == FILES
    assert site.tip == tip


def test_what_is_there_already_is_kept_as_it_is(site: Site) -> None:
    commit_files(site.repo, {"memory/plan.md": "- [ ] mine: briefs/mine.md\n"}, "plan")
    git(site.repo, "push", "--quiet", "origin", "main")
    answered = coordinator(site.repo, "init", "--json")
    assert "memory/plan.md" in answered.json["kept"]
    assert git(site.hub, "show", "main:memory/plan.md") == "- [ ] mine: briefs/mine.md"


def test_a_dry_run_shows_what_would_be_added_and_changes_nothing(site: Site) -> None:
    tip = site.tip
    answered = coordinator(site.repo, "init", "--dry-run", "--json")
    assert answered.json["created"] == FILES
    assert answered.json["dry_run"] is True
    assert site.tip == tip
    assert git(site.repo, "status", "--porcelain", "--ignored") == ""


def test_a_repository_without_a_remote_gets_a_hub(lonely: Path, tmp_path: Path) -> None:
    answered = coordinator(lonely, "init", "--hub", "../hub.git", "--json")
    assert answered.code == 0, answered.said
    hub = tmp_path / "hub.git"
    assert git(lonely, "remote", "get-url", "origin") == str(hub)
    assert git(hub, "rev-parse", "main") == git(lonely, "rev-parse", "HEAD")
    assert git(hub, "config", "receive.denyNonFastForwards") == "true"
    assert git(lonely, "status", "--porcelain") == ""
    git(lonely, "pull", "--quiet", "--ff-only")
    again = coordinator(lonely, "init", "--hub", "../hub.git", "--json")
    assert again.code == 0, again.said
    assert again.json["created"] == []


def test_a_hub_beside_an_origin_is_the_remote_hub_and_the_config_says_so(site: Site) -> None:
    answered = coordinator(site.repo, "init", "--hub", "../second.git", "--json")
    assert answered.code == 0, answered.said
    assert answered.json["remote"] == "hub"
    hub = site.repo.parent / "second.git"
    assert (
        f"main is coordinated at {hub}, the remote hub; origin is not touched."
        in (answered.json["notes"])
    )
    config = git(site.repo.parent / "second.git", "show", "main:.orchestrator/config.toml")
    assert 'remote = "hub"' in config
    assert FILES[0] not in files_at(site.hub, "main"), "origin is not touched"


def test_a_hub_is_not_made_for_a_house_that_names_another_remote(site: Site) -> None:
    assert coordinator(site.repo, "init").code == 0
    for dry in ((), ("--dry-run",)):
        again = coordinator(site.repo, "init", "--hub", "../second.git", "--json", *dry)
        assert again.code == 1
        assert "names the remote origin, and the hub would be hub" in again.error["message"]
    assert not (site.repo.parent / "second.git").exists()
    assert git(site.repo, "remote") == "origin"


def test_a_clone_that_lacks_objects_is_told_so_and_not_that_the_hub_moved(
    lonely: Path, tmp_path: Path
) -> None:
    lost = git(lonely, "rev-parse", "HEAD:page.md")
    (lonely / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    answered = coordinator(lonely, "init", "--hub", "../hub.git", "--json")
    assert answered.code == 1
    assert "1 objects that main names are not in this clone" in answered.error["message"]
    assert lost[:12] in answered.error["message"]
    assert "git fsck" in answered.error["hint"]


def test_without_a_remote_the_hint_is_a_hub(lonely: Path) -> None:
    answered = coordinator(lonely, "init", "--json")
    assert answered.code == 1
    assert "--hub" in answered.error["hint"]


def test_somebody_elses_briefs_folder_needs_another_name(site: Site) -> None:
    commit_files(site.repo, {"briefs/legal/2024.txt": "a legal brief\n"}, "law")
    git(site.repo, "push", "--quiet", "origin", "main")
    refused = coordinator(site.repo, "init", "--json")
    assert refused.code == 1
    assert "--briefs" in refused.error["hint"]
    answered = coordinator(site.repo, "init", "--briefs", "asked", "--json")
    assert answered.code == 0, answered.said
    assert "asked/README.md" in answered.json["created"]
    assert 'briefs = "asked"' in git(site.hub, "show", "main:.orchestrator/config.toml")
    assert (site.repo / "asked/inbox").is_dir()
    assert git(site.hub, "show", "main:briefs/legal/2024.txt") == "a legal brief"


def test_somebody_elses_memory_folder_needs_another_name(site: Site) -> None:
    commit_files(site.repo, {"memory/allocator.c": "int x;\n"}, "code")
    git(site.repo, "push", "--quiet", "origin", "main")
    assert "--memory" in coordinator(site.repo, "init", "--json").error["hint"]


@pytest.mark.parametrize(
    ("prepare", "hint"),
    [
        (["checkout", "--quiet", "--detach"], "git switch"),
        (["checkout", "--quiet", "--orphan", "empty"], "git commit"),
    ],
)
def test_a_checkout_without_a_branch_or_a_commit_is_refused_with_what_to_do(
    site: Site, prepare: list[str], hint: str
) -> None:
    git(site.repo, *prepare)
    answered = coordinator(site.repo, "init", "--json")
    assert answered.code == 1
    assert hint in answered.error["hint"]


def test_a_shallow_clone_is_refused_with_what_to_do(site: Site, tmp_path: Path) -> None:
    commit_files(site.repo, {"more.md": "more\n"}, "two")
    git(site.repo, "push", "--quiet", "origin", "main")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{site.hub}", "shallow")
    answered = coordinator(tmp_path / "shallow", "init", "--json")
    assert answered.code == 1
    assert "--unshallow" in answered.error["hint"]


def test_a_repository_of_another_object_format_is_refused_by_its_name(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "long")
    answered = coordinator(tmp_path / "long", "init", "--json")
    assert answered.code == 1
    assert "its objects are named by sha256, and only sha1" in answered.error["message"]


def test_no_identity_is_refused_with_what_to_set(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    answered = coordinator(site.repo, "init", "--json")
    assert answered.code == 1
    assert "git config user.name" in answered.error["hint"]


def test_a_remote_that_is_not_there_is_unreachable_and_says_so(site: Site) -> None:
    site.hub.rename(site.hub.with_name("gone.git"))
    answered = coordinator(site.repo, "init", "--json")
    assert answered.code == 1
    assert answered.error["code"] == "unreachable"
    assert answered.error["hint"]


def test_a_protected_branch_is_probed_truthfully_and_says_what_to_set(site: Site) -> None:
    hook(site.hub, "update", 'case "$1" in refs/heads/main) echo protected; exit 1;; esac')
    tip = site.tip
    answered = coordinator(site.repo, "init", "--json")
    assert answered.code == 1
    assert "refused the bootstrap commit" in answered.error["message"]
    assert "protected" in answered.error["hint"]
    assert site.tip == tip


def test_hidden_refs_and_forbidden_deletions_are_probed_truthfully(site: Site) -> None:
    hook(site.hub, "update", 'case "$1" in refs/orchestrator/*) exit 1;; esac')
    answered = coordinator(site.repo, "init", "--json")
    assert answered.json["probe"]["custom_refs"] is False
    assert answered.json["probe"]["deletion"] is None
    assert "refs/orchestrator" in " ".join(answered.json["notes"])


def test_a_remote_that_keeps_every_ref_is_found_out(site: Site) -> None:
    hook(site.hub, "update", "case $3 in *[!0]*) ;; *) echo no deletions; exit 1;; esac")
    answered = coordinator(site.repo, "init", "--json")
    assert answered.json["probe"] == {**EVERYTHING, "deletion": False}


def test_a_remote_without_atomic_push_is_found_out(site: Site) -> None:
    git(site.hub, "config", "receive.advertiseAtomic", "false")
    answered = coordinator(site.repo, "doctor", "--quick", "--json")
    assert answered.code == 1
    by_name = {check["name"]: check for check in answered.json["checks"]}
    assert by_name["atomic"]["ok"] is False
    assert "receive.advertiseAtomic" in by_name["atomic"]["hint"]
    assert by_name["custom_refs"]["ok"] is True


def test_the_doctor_is_content_with_a_coordinated_repository(site: Site) -> None:
    coordinator(site.repo, "init")
    answered = coordinator(site.repo, "doctor", "--quick", "--json")
    assert answered.code == 0, answered.out
    assert all(set(c) == {"name", "ok", "detail", "hint"} for c in answered.json["checks"])
    assert git(site.hub, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_the_doctor_says_which_rule_or_entry_is_faulty_and_where(site: Site) -> None:
    coordinator(site.repo, "init")
    git(site.repo, "pull", "--quiet", "--ff-only")
    files = {
        ".orchestrator/doctrine.toml": "schema = 1\n[split]\ntasks_max = 0\n",
        ".orchestrator/workers/odd.md": "---\nkind: magic\n---\n",
        "memory/lessons.md": "# Lessons\n\n## One\n\nid: one\n",
    }
    push_files(site, files)
    answered = coordinator(site.repo, "doctor", "--quick", "--json")
    assert answered.code == 1
    wrong = {check["name"]: check for check in answered.json["checks"] if not check["ok"]}
    assert wrong.keys() == {"doctrine", "workers", "memory"}
    assert ".orchestrator/doctrine.toml" in wrong["doctrine"]["detail"]
    assert "split.tasks_max" in wrong["doctrine"]["detail"]
    assert "odd.md" in wrong["workers"]["detail"]
    assert "memory/lessons.md:5: date is missing" in wrong["memory"]["detail"]
    assert all(check["hint"] for check in wrong.values())


def test_the_doctor_knows_the_workers_that_the_config_names(site: Site) -> None:
    coordinator(site.repo, "init")
    git(site.repo, "pull", "--quiet", "--ff-only")
    config = (site.repo / ".orchestrator/config.toml").read_text()
    judge = "---\nkind: command\ncommand: [cat]\ncapabilities: [evaluation]\n---\n"
    named = config.replace("[review]\n", '[review]\nevaluator = "judge"\n')
    push_files(site, {".orchestrator/config.toml": named})
    answered = coordinator(site.repo, "doctor", "--quick", "--json")
    wrong = {check["name"]: check for check in answered.json["checks"] if not check["ok"]}
    assert "describes judge" in wrong["workers"]["detail"]
    push_files(site, {".orchestrator/workers/judge.md": judge})
    assert coordinator(site.repo, "doctor", "--quick").code == 0


def test_deinit_removes_refs_and_folders_and_leaves_history(site: Site) -> None:
    coordinator(site.repo, "init")
    git(site.hub, "update-ref", "refs/orchestrator/attempts/x/e-1", site.tip)
    tip = site.tip
    answered = coordinator(site.repo, "deinit", "--json")
    assert answered.code == 0, answered.said
    assert git(site.hub, "for-each-ref", "refs/orchestrator") == ""
    assert not (site.repo / ".orchestrator/run").exists()
    assert not (site.repo / "briefs/inbox").exists()
    assert site.tip == tip
    assert git(site.repo, "status", "--porcelain") == ""


def test_deinit_keeps_briefs_that_nobody_took_in(site: Site) -> None:
    coordinator(site.repo, "init")
    brief = site.repo / "briefs/inbox/mine.md"
    brief.write_text("TASK: keep me\n")
    refused = coordinator(site.repo, "deinit", "--json")
    assert refused.code == 1
    assert "mine.md" in refused.error["message"]
    dry = coordinator(site.repo, "deinit", "--dry-run", "--json")
    assert dry.error == refused.error
    dry = coordinator(site.repo, "deinit", "--force", "--dry-run", "--json")
    assert not [name for name in dry.json["removed"] if name.endswith("inbox")]
    assert coordinator(site.repo, "deinit", "--force").code == 0
    assert brief.read_text() == "TASK: keep me\n"


def test_deinit_waits_for_the_daemon_to_be_stopped(site: Site) -> None:
    coordinator(site.repo, "init")
    singleton = Singleton(site.repo / ".orchestrator/run")
    assert singleton.acquire() is None
    answered = coordinator(site.repo, "deinit", "--json")
    singleton.release()
    assert answered.code == 75
    assert answered.error["code"] == "busy"
