"""Trouble in the place where it runs: checkouts, names, disks, settings, signals, second daemons."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git
from tests.support.walk import FILES, LIST, Daemon, Walk, make_walk, until

CONFIG = ".orchestrator/config.toml"


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """Returns a coordinated clone."""
    return make_walk(tmp_path)


def _bytes_of(repo: Path) -> dict[str, str]:
    """Returns what a landing must not touch: HEAD, index, stash, branches and every file of the checkout."""
    own = [repo / ".git" / name for name in ("HEAD", "index", "MERGE_HEAD", "ORIG_HEAD")]
    own += [p for p in (repo / ".git" / "refs").rglob("*") if p.is_file()]
    own += [p for p in (repo / ".git" / "logs").rglob("*") if p.is_file()]
    files = [
        p
        for p in repo.rglob("*")
        if p.is_file() and not {".git", "run", "inbox"} & set(p.relative_to(repo).parts)
    ]
    return {
        str(p.relative_to(repo)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in (*own, *files)
        if p.is_file()
    }


def _make_dirty(repo: Path) -> None:
    (repo / "README.md").write_text("stashed\n")
    git(repo, "stash", "push", "--quiet")
    (repo / "notes" / "one.txt").write_text("staged\n")
    git(repo, "add", "notes/one.txt")
    (repo / "docs" / "guide.md").write_text("changed, not staged\n")
    (repo / "new.txt").write_text("untracked\n")


def _make_mid_merge(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "side")
    (repo / "README.md").write_text("theirs\n")
    git(repo, "commit", "--quiet", "--all", "--message", "theirs")
    git(repo, "checkout", "--quiet", "main")
    (repo / "README.md").write_text("ours\n")
    git(repo, "commit", "--quiet", "--all", "--message", "ours")
    git(repo, "merge", "side", check=False)
    assert (repo / ".git" / "MERGE_HEAD").exists()


def _make_detached(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "--detach")


_FOLLOW = "[daemon]\nfollow_checkout = true\n"


@pytest.mark.parametrize(
    ("make", "follow"), [(_make_dirty, ""), (_make_mid_merge, _FOLLOW), (_make_detached, _FOLLOW)]
)
def test_a_checkout_in_the_middle_of_something_is_left_as_it_is(
    walk: Walk, make: Callable[[Path], None], follow: str
) -> None:
    make(walk.repo)
    if follow:
        walk.config(follow)
    walk.drop("good.md")
    walk("status")
    before = _bytes_of(walk.repo)
    said = walk.work()
    assert walk.state("good") == "completed"
    assert "more/other.md" in walk.at_tip("docs/guide.md")
    assert _bytes_of(walk.repo) == before
    if follow:
        assert "checkout" in {event["event"] for event in said.events}


def test_a_checkout_that_may_follow_says_which_file_keeps_it(walk: Walk) -> None:
    walk.config(_FOLLOW)
    walk.drop("list.md", LIST)
    walk.work()
    assert git(walk.repo, "rev-parse", "HEAD") == walk.site.tip
    (walk.repo / "docs" / "guide.md").write_text("mine\n")
    walk.drop("good.md")
    reason = walk.work().event("checkout")["reason"]
    assert "docs/guide.md" in reason
    assert "git pull --ff-only" in reason
    assert (walk.repo / "docs" / "guide.md").read_text() == "mine\n"


def test_names_with_spaces_newlines_and_other_letters_go_all_the_way(tmp_path: Path) -> None:
    spaced, lined = "sp ace/näme file.md", "new\nline/ä b.md"
    text = "See [it](other.md).\n"
    live = tmp_path / "live"
    walk = make_walk(tmp_path / "walk", {**FILES, spaced: text, lined: text})
    walk.config(f'[environments.site]\nkind = "directory"\npath = "{live}"\npoll_s = 0.1\n')
    odd = (
        "TASK: Correct the broken relative links in the odd files.\n"
        f"INPUTS: `{spaced}`\nSCOPE: `{spaced}`; out of bounds: README.md\n"
        "OUTPUT FORMAT: changes\nDO NOT: change prose\n"
    )
    all_of_it = odd.replace(f"INPUTS: `{spaced}`", "INPUTS: **/*.md").replace(
        f"SCOPE: `{spaced}`; out of bounds: README.md", "SCOPE: **; out of bounds: README.md, docs/"
    )
    walk.drop("ödd brief.md", f"---\ndeploy: site\n---\n{odd}")
    walk.drop("good.md")
    walk.work()
    walk.drop("rest.md", f"---\ndeploy: site\n---\n{all_of_it}")
    walk.work()
    states = {b["name"]: b["state"] for b in walk("status", "--json").json["briefs"]}
    assert states == {"ödd brief": "completed", "good": "completed", "rest": "completed"}
    mended = "See [it](../docs/more/other.md)."
    assert walk.at_tip(spaced) == mended
    assert walk.at_tip(lined) == mended
    message = git(walk.hub, "log", "--format=%B", "--grep=^land odd", "main")
    assert f"Claim: {spaced} " in message
    for path in (spaced, lined):
        [shipped] = [p for p in live.rglob("*") if str(p).endswith(path) and p.is_file()][:1]
        assert shipped.read_text() == mended + "\n"
    rest = walk.brief("rest")
    assert walk("show", rest["id"]).code == 0
    assert walk("audit", rest["commit"]).code == 0
    assert git(walk.hub, "for-each-ref", "refs/orchestrator/claims") == ""


def _fill(file: Path) -> None:
    """Writes until nothing more fits, down to the last byte."""
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for size in (65_536, 4_096, 64, 1):
            try:
                while True:
                    os.write(descriptor, b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017  the end of the loop
    finally:
        os.close(descriptor)


def _told_while_full(daemon: Daemon, disk: Path) -> list[dict[str, Any]]:
    """Returns the troubles so far, with the disk full again: what git took for a moment it gives back."""
    _fill(disk / "filler")
    return daemon.told("trouble")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Returns a folder on a disk of its own, of 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if shutil.which("mount") is None:
        pytest.skip("there is no mount here")
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def _bound(folder: Path, to: Path) -> Iterator[None]:
    """Makes `to` show what is in `folder`: a run folder on another disk."""
    subprocess.run(["mount", "--bind", str(folder), str(to)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(to)], check=True)


def test_a_full_disk_is_said_nothing_is_lost_and_it_goes_on_by_itself(
    walk: Walk, small_disk: Path
) -> None:
    shutil.copytree(walk.run_folder, small_disk / "run", symlinks=True)
    with _bound(small_disk / "run", walk.run_folder), walk.daemon() as daemon:
        daemon.until("ready")
        until(lambda: walk("status", "--json").json["daemon"])
        _fill(small_disk / "filler")
        walk.drop("good.md")
        walk.drop("list.md", LIST)
        reason = until(lambda: _told_while_full(daemon, small_disk))[0]["reason"]
        assert "No space left on device" in reason
        assert "free some disk space" in reason
        assert {b["state"] for b in walk("status", "--json").json["briefs"]} == {"submitted"}
        (small_disk / "filler").unlink()
        until(lambda: git(walk.hub, "log", "--format=%s", "--grep=^land ", "main").count("\n") == 1)
        assert daemon.end(signal.SIGTERM) == 0
        assert "Traceback" not in walk.log_text()
        repository = walk.run_folder / "repo.git"
        assert "missing" not in git(repository, "fsck", "--connectivity-only")


def test_a_disk_that_is_full_at_the_start_is_no_fault_of_ours(walk: Walk, small_disk: Path) -> None:
    shutil.copytree(walk.run_folder, small_disk / "run", symlinks=True)
    with _bound(small_disk / "run", walk.run_folder):
        _fill(small_disk / "filler")
        walk.drop("good.md")
        said = walk("run", *UNTIL_IDLE, code=1)
        assert "No space left on device" in said.out + said.err
        assert walk("status").code == 0
        (small_disk / "filler").unlink()
        walk.work()
        assert walk.state("good") == "completed"


def test_a_second_daemon_is_told_who_is_there(walk: Walk) -> None:
    with walk.daemon() as daemon:
        daemon.until("ready")
        said = walk("run", "--once", "--json", code=75)
        assert f"pid {daemon.process.pid} on " in said.err
        assert walk("status", "--json").json["daemon"]["pid"] == daemon.process.pid
        assert walk("run", code=75).err.startswith("error: a daemon runs here already")


def test_a_daemon_that_was_killed_is_followed_by_the_next_one(walk: Walk) -> None:
    walk.drop("good.md")
    with walk.daemon() as daemon:
        daemon.until("started")
        daemon.process.kill()
        daemon.process.wait()
        assert walk("status", "--json").json["daemon"] is None
    walk.work()
    lands = git(walk.hub, "log", "--format=%s", "--grep=^land ", "main").splitlines()
    assert len(lands) == 1
    assert git(walk.hub, "for-each-ref", "refs/orchestrator/held", "refs/orchestrator/claims") == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_stops_it_cleanly_and_leaves_no_process(
    walk: Walk, number: int, code: int
) -> None:
    slow = LIST.replace("/TODO/", "/(a+)+$/")
    walk.commit({"notes/slow.txt": "a" * 40 + "!\n"})
    walk.drop("slow.md", slow)
    with walk.daemon() as daemon:
        daemon.until("started")
        group = os.getpgid(daemon.process.pid)
        assert daemon.end(number) == code
        assert daemon.events()[-1]["event"] == "stopped"
        until(lambda: not _children(walk.repo, group))


def test_a_signal_before_it_is_idle_is_no_success(walk: Walk) -> None:
    slow = LIST.replace("/TODO/", "/(a+)+$/")
    walk.commit({"notes/slow.txt": "a" * 40 + "!\n"})
    walk.drop("slow.md", slow)
    with walk.daemon("--until-idle") as daemon:
        daemon.until("started")
        assert daemon.end(signal.SIGTERM) == 130


def test_it_gives_up_at_the_timeout_whatever_it_was_to_wait_for(walk: Walk) -> None:
    said = walk("run", "--timeout", "0.1", "--json", code=1)
    assert '"timeout"' in said.out.splitlines()[-1]


def _children(repo: Path, group: int) -> list[str]:
    """Returns the command lines of processes of that group, or that work in the repository."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if line and (str(repo) in line or os.getpgid(int(entry.name)) == group):
                found.append(line)
    return found


def test_a_damaged_private_clone_may_be_deleted_and_every_error_of_it_says_so(walk: Walk) -> None:
    walk.drop("good.md")
    walk.work()
    shutil.rmtree(walk.run_folder / "repo.git" / "objects")
    hint = "a damaged .orchestrator/run may be deleted while no daemon runs"
    assert hint in walk("status", code=1).err
    said = walk("run", "--timeout", "0.5", "--json", code=1)
    assert hint in said.event("offline")["hint"]
    shutil.rmtree(walk.run_folder)
    walk.work()
    assert walk.state("good") == "completed"


@pytest.mark.parametrize(
    ("ref", "blob"),
    [
        ("claims/docs", {"path": "docs", "person": "Ada", "acq": "a", "format": 2}),
        ("held/other-0123abcd", {"brief": "other-0123abcd", "acq": "a", "format": 2}),
    ],
)
def test_a_claim_of_a_newer_format_makes_it_read_only(
    walk: Walk, ref: str, blob: dict[str, Any]
) -> None:
    content = walk.repo.parent / "blob"
    content.write_text(json.dumps(blob))
    oid = git(walk.hub, "hash-object", "-w", str(content))
    git(walk.hub, "update-ref", f"refs/orchestrator/{ref}", oid)
    tip = walk.site.tip
    walk.drop("good.md")
    cannot = json.loads(walk("run", *UNTIL_IDLE, "--json", code=1).out.splitlines()[-1])
    assert (cannot["event"], walk.site.tip) == ("cannot", tip)
    assert f"refs/orchestrator/{ref} has format 2, this program knows 1" in cannot["reason"]
    git(walk.hub, "update-ref", "-d", f"refs/orchestrator/{ref}")
    walk.work()
    assert walk.state("good") == "completed"


def test_a_commit_of_a_newer_format_makes_it_read_only(walk: Walk) -> None:
    walk.commit({"x.txt": "x\n"}, "accept other-0123abcd: do it\n\nFormat: 2\n")
    tip = walk.site.tip
    walk.drop("good.md")
    cannot = json.loads(walk("run", *UNTIL_IDLE, "--json", code=1).out.splitlines()[-1])
    assert (cannot["event"], walk.site.tip) == ("cannot", tip)
    assert f"commit {tip[:12]} has format 2, this program knows 1" in cannot["reason"]


def test_a_brief_that_a_persons_claim_keeps_out_says_whose_it_is_and_why(walk: Walk) -> None:
    taken = walk("claims", "take", "docs", "--reason", "rewriting", "--json").json
    walk.drop("good.md")
    with walk.daemon() as daemon:
        daemon.until("accept")
        until(lambda: walk.brief("good")["reasons"])
        (why,) = walk.brief("good")["reasons"]
        assert re.fullmatch(r"docs is claimed by person:.*: rewriting", why)
        assert why in walk("show", "good").out
        walk("claims", "release", taken["token"])
        daemon.until("land")
    assert walk.brief("good")["reasons"] == []


def test_a_config_that_breaks_while_it_runs_keeps_the_last_good_one(tmp_path: Path) -> None:
    walk = make_walk(tmp_path, config='[landing]\nprotected = ["docs/**"]\n')
    with walk.daemon() as daemon:
        daemon.until("ready")
        walk.config('[landing]\nunverifed = "hold"\n')
        walk.drop("good.md")
        trouble = daemon.until("trouble")["reason"]
        assert "landing.unverifed: there is no such setting; did you mean unverified?" in trouble
        assert "the last good settings stay in force" in trouble
        daemon.until("hold")
        assert "did you mean unverified?" in walk("status").out
        assert daemon.end(signal.SIGTERM) == 0
    assert "config faulty" in walk.log_text()


def test_a_config_that_broke_while_nothing_ran_does_not_take_the_holds_away(tmp_path: Path) -> None:
    walk = make_walk(tmp_path, config='[landing]\nprotected = ["docs/**"]\n')
    walk.config('[landing]\nunverifed = "hold"\n')
    walk.drop("good.md")
    said = walk.work()
    assert "did you mean unverified?" in said.event("trouble")["reason"]
    assert walk.brief("good")["held"] == "protected"
    git(walk.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    refused = walk("run", "--once", code=1)
    assert "did you mean unverified?" in refused.err
    assert "hint: " in refused.err


def test_a_newer_house_is_read_and_never_written(walk: Walk) -> None:
    walk.drop("good.md")
    tip = walk.commit({CONFIG: "schema = 2\n[landing]\nfoo = 1\n"})
    said = walk.work(code=1)
    assert "schema 2 is newer than this program knows (1)" in said.event("cannot")["reason"]
    assert walk.site.tip == tip
    assert (walk.inbox / "good.md").exists()
    assert "schema 2 is newer" in walk("status").out
    git(walk.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    refused = walk("run", "--once", code=1)
    assert "install the newer coordinator" in refused.err
    assert walk("status", "--json").json["briefs"][0]["state"] == "submitted"


def test_a_repository_with_packages_of_the_same_names_gets_our_workers(tmp_path: Path) -> None:
    wrong = 'raise SystemExit("this is not ours")\n'
    names = ("workers/__init__.py", "workers/links.py", "yaml.py", "click.py", "git/__init__.py")
    walk = make_walk(tmp_path, {**FILES, **dict.fromkeys(names, wrong)})
    walk.drop("good.md")
    walk.work()
    assert walk.state("good") == "completed"
    scripts = Path(sys.executable).parent
    finished = subprocess.run(
        ["git", "coordinator", "status", "--json"],
        cwd=walk.repo,
        env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert b'"completed"' in finished.stdout


def test_help_is_whole_and_usage_errors_name_it(walk: Walk) -> None:
    assert "..." not in walk("--help").out.split("Commands:")[1]
    wrong = walk("run", "--once", "--until-idle", code=2)
    assert "exclude each other" in wrong.err
    assert "run --help" in wrong.err
    assert "No such command" in walk("nosuch", code=2).err
