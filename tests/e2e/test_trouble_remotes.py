"""A remote in trouble: named, waited for, nothing lost, and the work goes on when it is back."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repos import git
from tests.support.walk import FILES, GOOD, LIST, Walk, coordinator, make_walk, until


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """Returns a coordinated clone with one brief dropped."""
    made = make_walk(tmp_path)
    made.drop("good.md")
    return made


def _hook(walk: Walk, name: str, text: str) -> Path:
    file = walk.hub / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def _landings(walk: Walk) -> list[str]:
    return git(walk.hub, "log", "--format=%s", "--grep=^land ", "main").splitlines()


@contextlib.contextmanager
def _silent_server() -> Iterator[tuple[int, list[socket.socket]]]:
    """Accepts connections and never says a word; yields its port, and the connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], kept
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for one in kept:
                one.close()
            thread.join()


def _waits(one: socket.socket) -> bool:
    """Tells whether somebody still waits at the other end of a connection."""
    try:
        while one.recv(4096, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def test_an_absent_remote_is_a_state_and_the_work_goes_on_when_it_is_back(walk: Walk) -> None:
    away = walk.hub.rename(walk.hub.parent / "away.git")
    with walk.daemon() as daemon:
        offline = daemon.until("offline")
        assert offline["reason"].startswith("repository not found")
        assert offline["hint"]
        until(lambda: "offline: repository not found" in walk("status").out)
        assert walk.state("good") == "submitted"
        away.rename(walk.hub)
        daemon.until("online")
        daemon.until("land")
        until(lambda: not walk("status", "--json").json["daemon"]["troubles"])
        assert daemon.end(signal.SIGTERM) == 0
    assert len(_landings(walk)) == 1


def test_a_remote_that_goes_away_in_the_middle_loses_nothing(walk: Walk) -> None:
    with walk.daemon() as daemon:
        daemon.until("started")
        away = walk.hub.rename(walk.hub.parent / "away.git")
        daemon.until("offline")
        walk.drop("list.md", LIST)
        away.rename(walk.hub)
        until(lambda: len(_landings(walk)) == 2)
        assert daemon.end(signal.SIGTERM) == 0
    assert git(walk.hub, "for-each-ref", "refs/orchestrator/held", "refs/orchestrator/claims") == ""


@pytest.mark.parametrize(
    ("hook", "text", "said"),
    [
        ("pre-receive", 'echo "policy: ask the owners" >&2; exit 1', "policy: ask the owners"),
        (
            "update",
            'case $1 in refs/heads/main) echo "GH006: Protected branch" >&2; exit 1;; esac',
            "GH006: Protected branch",
        ),
    ],
)
def test_a_remote_that_refuses_is_said_with_what_to_do(
    walk: Walk, hook: str, text: str, said: str
) -> None:
    before = walk.site.tip
    file = _hook(walk, hook, text)
    with walk.daemon() as daemon:
        trouble = daemon.until("trouble")["reason"]
        assert said in trouble
        assert "must be allowed to push to main" in trouble
        assert "trouble: the remote refuses records" in walk("status").out
        assert walk.state("good") == "submitted"
        assert walk.site.tip == before
        assert (walk.inbox / "good.md").exists()
        file.unlink()
        daemon.until("land")
        assert daemon.end(signal.SIGTERM) == 0
    assert len(_landings(walk)) == 1


def test_a_hook_that_refuses_one_landing_holds_it_and_the_others_go_on(walk: Walk) -> None:
    _hook(
        walk,
        "update",
        'case $1 in refs/heads/main) git diff --quiet "$2" "$3" -- docs'
        ' || { echo "docs are frozen" >&2; exit 1; };; esac',
    )
    walk.drop("list.md", LIST)
    walk.work()
    good = walk.brief("good")
    assert walk.state("list") == "completed"
    assert good["state"] == "input_required"
    assert "docs are frozen" in " ".join(good["reasons"])
    assert git(walk.hub, "for-each-ref", "refs/orchestrator/held", "refs/orchestrator/claims") == ""


def test_a_remote_that_hangs_neither_stops_commands_nor_the_end(walk: Walk) -> None:
    with _silent_server() as (port, connections):
        git(walk.repo, "remote", "set-url", "origin", f"git://127.0.0.1:{port}/x.git")
        with walk.daemon() as daemon:
            until(lambda: connections)
            assert walk("status", "--json").json["briefs"][0]["state"] == "submitted"
            until(lambda: any(map(_waits, connections)))
            assert daemon.end(signal.SIGTERM) == 0
    # Not because its own time was up, which is long.
    assert "interrupted: the coordinator ends" in walk.log_text()
    git(walk.repo, "remote", "set-url", "origin", str(walk.hub))
    walk.work()
    assert walk.state("good") == "completed"


def test_a_missing_key_is_named_at_the_first_try(walk: Walk, tmp_path: Path) -> None:
    ssh, tried, go = (tmp_path / name for name in ("ssh", "tried", "go"))
    ssh.write_text(
        f"#!/bin/sh\nif test -e {tried}; then until test -e {go}; do sleep 0.05; done; fi\n"
        f'touch {tried}\necho "git@host.invalid: Permission denied (publickey)." >&2\nexit 255\n'
    )
    ssh.chmod(0o755)
    git(walk.repo, "remote", "set-url", "origin", "git@host.invalid:team/site.git")
    walk.environment["GIT_SSH_COMMAND"] = str(ssh)
    with walk.daemon() as daemon:
        try:
            offline = daemon.until("offline")
        finally:
            go.touch()
        assert offline["reason"].startswith("permission denied")
        assert "ssh-add" in offline["hint"]
    said = walk("doctor", "--quick", code=1)
    assert "permission denied" in said.out
    assert (walk.inbox / "good.md").exists()


def test_ssh_is_never_asked_to_prompt(walk: Walk, tmp_path: Path) -> None:
    ssh, heard = tmp_path / "ssh", tmp_path / "heard"
    ssh.write_text(f'#!/bin/sh\necho "$*" >> {heard}\nexit 255\n')
    ssh.chmod(0o755)
    git(walk.repo, "remote", "set-url", "origin", "git@host.invalid:team/site.git")
    walk.environment["GIT_SSH_COMMAND"] = str(ssh)
    with walk.daemon() as daemon:
        daemon.until("offline")
    assert "BatchMode=yes" in heard.read_text()


def test_a_rewritten_remote_stops_everything_and_says_the_two_ways_out(walk: Walk) -> None:
    walk.work()
    landed = walk.site.tip
    landed_before = git(walk.hub, "rev-parse", f"{landed}~1")
    git(walk.hub, "update-ref", "refs/heads/main", landed_before)
    walk.drop("list.md", LIST)
    said = walk.work(code=1)
    assert said.event("rewritten")["known"] == landed
    reason = said.event("cannot")["reason"]
    assert f"Push {landed[:12]} back" in reason
    assert "coordinator run --accept-rewritten " in reason
    assert (walk.inbox / "list.md").exists()
    assert git(walk.run_folder / "repo.git", "cat-file", "-t", landed) == "commit"

    git(walk.repo, "push", "--quiet", str(walk.hub), "+HEAD:refs/heads/other")
    git(walk.run_folder / "repo.git", "push", "--quiet", str(walk.hub), f"{landed}:refs/heads/main")
    walk.work()
    assert len(_landings(walk)) == 2


def test_a_rewrite_that_was_meant_is_also_taken_without_the_run_folder(walk: Walk) -> None:
    walk.work()
    git(walk.hub, "update-ref", "refs/heads/main", f"{walk.site.tip}~1")
    walk.drop("list.md", LIST)
    walk.work(code=1)
    walk.run_folder.rename(walk.repo.parent / "old-run")
    walk.work()
    assert walk.state("list") == "completed"
    assert walk.state("good") == "completed"


def test_a_remote_that_moves_at_every_try_is_waited_out(walk: Walk) -> None:
    hook = _hook(
        walk,
        "pre-receive",
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        "while read old new ref; do [ $ref = refs/heads/main ] && "
        "git update-ref $ref $(git commit-tree -p $ref -m $(date +%N) $ref^{tree}); done; exit 0",
    )
    with walk.daemon() as daemon:
        daemon.until("ready")
        moved = until(lambda: walk.log_text().count("outcome=Moved") >= 3)
        assert moved
        hook.unlink()
        daemon.until("land")
        assert daemon.end(signal.SIGTERM) == 0
    assert len(_landings(walk)) == 1


def test_l7_a_branch_that_moves_under_every_landing_ends_as_a_question(tmp_path: Path) -> None:
    walk = make_walk(tmp_path)
    walk.drop("good.md")
    mover = tmp_path / "mover.sh"
    walk.config(f'[confinement]\nchecks = "none"\n[[gate]]\nrun = "sh {mover}"\n')
    mover.write_text(
        f"cd {walk.hub}\n"
        "export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x\n"
        "blob=$(date +%N | git hash-object -w --stdin)\n"
        "export GIT_INDEX_FILE=$(mktemp -u)\n"
        "git read-tree main && git update-index --add --cacheinfo 100644,$blob,moved.txt\n"
        "git update-ref refs/heads/main $(git commit-tree -p main -m moved $(git write-tree))\n"
    )
    walk.work()
    good = walk.brief("good")
    assert good["state"] == "input_required"
    assert "starved" in " ".join(good["reasons"])


def test_an_empty_remote_says_what_to_push(tmp_path: Path) -> None:
    repo, hub = tmp_path / "repo", tmp_path / "hub.git"
    git(tmp_path, "init", "--quiet", "--bare", str(hub))
    git(tmp_path, "init", "--quiet", str(repo))
    git(repo, "remote", "add", "origin", str(hub))
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "start")
    said = coordinator("init", folder=repo).is_calm()
    assert said.code == 1
    assert "the remote origin has no branch main" in said.err
    assert "git push -u origin main" in said.err


def test_an_unborn_branch_says_what_to_do_for_every_command(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    for command in (["init", "--hub", "../hub.git"], ["run", "--once"]):
        said = coordinator(*command, folder=tmp_path / "repo").is_calm()
        assert said.code == 1
        assert "has no commit yet" in said.err
        assert "git commit --allow-empty" in said.err
    assert not (tmp_path / "hub.git").exists()
    assert coordinator("status", folder=tmp_path / "repo").is_calm().code == 0


def test_without_any_remote_init_says_how_to_get_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    git(tmp_path / "repo", "commit", "--quiet", "--allow-empty", "--message", "start")
    said = coordinator("init", folder=tmp_path / "repo").is_calm()
    assert said.code == 1
    assert "coordinator init --hub PATH" in said.err


def test_a_shallow_clone_is_refused_by_init_and_reads_well(walk: Walk, tmp_path: Path) -> None:
    walk.work()
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{walk.hub}", str(shallow))
    said = coordinator("init", folder=shallow).is_calm()
    assert said.code == 1
    assert "git fetch --unshallow" in said.err
    status = coordinator("status", "--json", folder=shallow).is_calm().json
    assert [b["state"] for b in status["briefs"]] == ["completed"]
    assert coordinator("log", folder=shallow).is_calm().code == 0
    audit = coordinator("audit", walk.site.tip, folder=shallow).is_calm()
    assert (audit.code, "missing" in audit.out) == (1, True)


def test_no_git_identity_is_said_and_nothing_is_lost(walk: Walk) -> None:
    walk.environment["GIT_CONFIG_GLOBAL"] = os.devnull
    with walk.daemon() as daemon:
        trouble = daemon.until("trouble")["reason"]
        assert "git does not know who commits" in trouble
        assert "[commit] name" in trouble
        assert daemon.end(signal.SIGTERM) == 0
    said = walk("init", code=1)
    assert "git config user.name" in said.err
    assert (walk.inbox / "good.md").read_text() == GOOD
    walk.config('[commit]\nname = "The House"\nemail = "house@example.invalid"\n')
    walk.work()
    assert git(walk.hub, "log", "-1", "--format=%an <%ae>", "main") == (
        "The House <house@example.invalid>"
    )


def test_lfs_and_submodule_paths_are_refused_and_the_good_brief_lands(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n"
    walk = make_walk(tmp_path, {**FILES, "big.bin": pointer, "media/a.bin": pointer})
    with_link = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(walk.hub), str(with_link))
    commit = git(with_link, "rev-parse", "HEAD")
    git(with_link, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    git(with_link, "commit", "--quiet", "--message", "a submodule")
    git(with_link, "push", "--quiet", "origin", "HEAD:main")
    scoped = {"lfs": "big.bin", "inside": "sub/page.md", "itself": "sub"}
    for name, scope in scoped.items():
        text = GOOD.replace("docs/guide.md;", f"{scope};").replace(" to docs/guide.md", "")
        walk.drop(f"{name}.md", text)
    walk.drop("good.md")
    walk.work()
    assert walk.state("good") == "completed"
    reasons = {name: " ".join(walk.brief(name)["reasons"]) for name in scoped}
    assert "big.bin is stored with git-lfs" in reasons["lfs"]
    assert "sub/page.md is in a submodule" in reasons["inside"]
    assert "sub is in a submodule" in reasons["itself"]
    assert all(walk.state(name) == "rejected" for name in scoped)
