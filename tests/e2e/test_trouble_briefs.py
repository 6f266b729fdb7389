"""Bad briefs: each gets an answer that says what to do, and the good one beside it lands."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.adapters.inbox import SETTLE_S
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git, make_site
from tests.support.walk import GOOD, LIST, Walk, coordinator, make_walk, until

_TRIES_MAX = 20


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """Returns a coordinated clone."""
    return make_walk(tmp_path)


JUDGED: dict[str, tuple[bytes, str]] = {
    "not-utf8.md": (b"TASK: Correct \xff\xfe the links.\n", "save the file as UTF-8"),
    "utf16.md": (GOOD.encode("utf-16"), "save the file as UTF-8"),
    "empty.md": (b"", "write at least TASK"),
    "blank.md": (b"\n \n\n", "write at least TASK"),
    "nul.md": (b"TASK: x\0y\n", "save it as plain UTF-8 text"),
    "long-line.md": (b"TASK: " + b"verylong " * 20_000, "name paths, globs or URLs"),
    "yaml.md": (b"---\nworker: [\n---\n" + GOOD.encode(), "write one `key: value` a line"),
    "bomb.md": (
        b"---\n" + b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d,*a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 30))
        + b"---\n" + GOOD.encode(),
        "",
    ),
    "wizard.md": (b"---\nworker: wizard\n---\n" + GOOD.encode(), "the workers are"),
    "records.md": (GOOD.replace("docs/guide.md;", "memory/;").encode(), "memory"),
}  # fmt: skip
"""Files that intake judges: their content, and what their answer has to say."""

UNREAD: dict[str, tuple[bytes, str]] = {
    "huge.md": (GOOD.encode() + b"x" * 1_000_001, "too_large"),
    ".git": (GOOD.encode(), "bad_name"),
    "git~1.md": (GOOD.encode(), "bad_name"),
    "..md": (GOOD.encode(), "bad_name"),
    "two\nlines.md": (GOOD.encode(), "bad_name"),
    "picture.png": (b"\x89PNG\r\n", "not_a_request"),
}
"""Files that are not read at all: their content, and the code of the answer."""


def test_each_bad_brief_is_answered_and_the_good_one_lands(walk: Walk) -> None:
    for name, (content, _) in (JUDGED | UNREAD).items():
        walk.drop(name, content)
    (walk.inbox / "link.md").symlink_to(walk.repo / "README.md")
    (walk.inbox / "dangling.md").symlink_to("/nowhere")
    (walk.inbox / "folder.md").mkdir()
    os.mkfifo(walk.inbox / "pipe.md")
    walk.drop("good.md")
    walk.work()

    briefs = {b["name"]: b for b in walk("status", "--json").json["briefs"]}
    assert briefs["good"]["state"] == "completed"
    assert briefs["good"]["landed"]
    for name, (_, hint) in JUDGED.items():
        bare = name.removesuffix(".md")
        assert briefs[bare]["state"] == "rejected"
        assert briefs[bare]["reasons"]
        assert walk.reply(bare)["faults"]
        assert hint in (walk.inbox / ".replies" / f"{bare}.md").read_text()
    replies = [
        (path.name, walk.reply(path.stem)) for path in (walk.inbox / ".replies").glob("*.json")
    ]
    unread = {said["name"]: said["faults"][0] for _, said in replies if "name" in said}
    kinds = {
        "link.md": "symlink",
        "dangling.md": "symlink",
        "folder.md": "directory",
        "pipe.md": "not_a_file",
    }
    wanted = {name: code for name, (_, code) in UNREAD.items()} | kinds
    assert {name: fault["code"] for name, fault in unread.items()} == wanted
    assert all(fault["hint"] for fault in unread.values())


def test_nothing_of_a_bad_brief_is_lost(walk: Walk) -> None:
    contents = {name: content for name, (content, _) in (JUDGED | UNREAD).items()}
    for name, content in contents.items():
        walk.drop(name, content)
    walk.work()
    assert not [p.name for p in walk.inbox.iterdir() if p.name in contents]
    aside = [p.read_bytes() for p in (walk.inbox / ".rejected").iterdir()]
    assert sorted(aside) == sorted(contents.values())
    assert git(walk.repo, "status", "--porcelain") == ""


def _written(inbox: Path) -> Iterator[bool]:
    """Writes a brief a few letters at a time."""
    half = len(GOOD) // 2
    with (inbox / "slow.md").open("w") as file:
        file.write(GOOD[:half])
        for start in range(half, len(GOOD), 3):
            file.write(GOOD[start : start + 3])
            file.flush()
            yield True
            time.sleep(0.02)


def _renamed(inbox: Path) -> Iterator[bool]:
    """Renames a brief again and again."""
    file = inbox / "name-0.md"
    file.write_text(GOOD)
    for number in range(1, 20):
        file = file.rename(inbox / f"name-{number}.md")
        yield True
        time.sleep(0.02)


def _landed_while(changes: Callable[[Path], Iterator[bool]], folder: Path) -> Walk:
    """Returns a clone whose daemon landed a brief that was changed while it looked.

    What stands still for a while is taken for whole. A busy machine may have us stand still: such a try
    says nothing, and the next one begins from nothing.
    """
    for number in range(_TRIES_MAX):
        walk = make_walk(folder / str(number))
        with walk.daemon() as daemon:
            daemon.until("ready")
            if _longest_pause_s(changes(walk.inbox)) >= SETTLE_S:
                continue
            daemon.until("land")
            assert daemon.end(signal.SIGTERM) == 0
        return walk
    pytest.skip("this machine is too busy to write a file without a pause")


def _longest_pause_s(changes: Iterator[bool]) -> float:
    """Makes the changes; returns for how long, at most, nobody could see one."""
    longest_s, before_s = 0.0, time.monotonic()
    while True:
        now_s = time.monotonic()
        if not next(changes, False):
            return longest_s
        longest_s = max(longest_s, time.monotonic() - before_s)
        before_s = now_s


def test_a_brief_still_being_written_is_taken_in_when_it_is_whole(tmp_path: Path) -> None:
    walk = _landed_while(_written, tmp_path)
    assert [b["name"] for b in walk("status", "--json").json["briefs"]] == ["slow"]
    assert walk.at_tip("docs/guide.md").count("more/other.md") == 1


def test_a_brief_renamed_while_it_is_read_lands_once_under_its_last_name(tmp_path: Path) -> None:
    walk = _landed_while(_renamed, tmp_path)
    landed = [b["name"] for b in walk("status", "--json").json["briefs"] if b["landed"]]
    assert landed == ["name-19"]
    lands = git(walk.hub, "log", "--format=%s", "--grep=^land ", "main").splitlines()
    assert len(lands) == 1


def test_an_inbox_that_is_a_link_out_of_the_repository_is_refused(walk: Walk) -> None:
    elsewhere = walk.repo.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private.md").write_text(GOOD)
    for path in walk.inbox.iterdir():
        path.unlink()
    walk.inbox.rmdir()
    walk.inbox.symlink_to(elsewhere)
    said = walk("run", *UNTIL_IDLE, code=1)
    assert "it is a symbolic link" in said.err
    assert "make it a folder" in said.err
    assert [p.name for p in elsewhere.iterdir()] == ["private.md"]


@pytest.mark.parametrize("name", ["../x.md", ".git.md", "a/../../x.md"])
def test_drop_keeps_to_the_inbox_whatever_the_file_is_called(
    walk: Walk, tmp_path: Path, name: str
) -> None:
    file = walk.repo.parent / "drafts" / "deep" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.resolve().parent.mkdir(parents=True, exist_ok=True)
    (walk.repo.parent / "drafts" / "deep" / "a").mkdir(exist_ok=True)
    file.write_text(GOOD)
    before = _files(tmp_path)
    said = walk("brief", "drop", str(file), code=None)
    new = _files(tmp_path) - before
    assert all(p.parent == walk.inbox for p in new)
    assert bool(new) == (said.code == 0)
    if said.code:
        assert "hint: " in said.err


def _files(folder: Path) -> set[Path]:
    """Returns every file below, but those of the daemon's own folder."""
    return {p for p in folder.rglob("*") if "run" not in p.parts}


def test_dropping_what_is_no_brief_file_says_what_to_do(walk: Walk) -> None:
    (walk.repo.parent / "link.md").symlink_to(walk.repo / "README.md")
    (walk.repo.parent / "huge.md").write_bytes(b"x" * 1_000_001)
    for name, message in (
        ("missing.md", "no such file"),
        ("link.md", "a symbolic link"),
        ("huge.md", "larger than 1000000 bytes"),
        ("", "a folder"),
    ):
        said = walk("brief", "drop", str(walk.repo.parent / name), code=1)
        assert message in said.err
        assert "hint: " in said.err


def test_a_secret_in_a_brief_reaches_no_object(walk: Walk) -> None:
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    walk.drop("leaky.md", GOOD.replace("in the guide", f"with token {secret} in the guide"))
    walk.drop("good.md")
    walk.work()
    assert walk.state("good") == "completed"
    leaky = walk.brief("leaky")
    assert leaky["state"] == "rejected"
    assert "secret" in " ".join(leaky["reasons"])
    for repository in (walk.hub, walk.run_folder / "repo.git", walk.repo):
        assert secret.encode() not in _all_objects(repository)
    told = [p for p in (walk.inbox / ".replies").iterdir() if secret in p.read_text()]
    assert not told
    assert secret not in walk.log_text()
    assert secret.encode() not in (walk.run_folder / "journal.sqlite3").read_bytes()


def test_a_secret_in_an_answer_reaches_no_object(walk: Walk) -> None:
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    walk.drop("vague.md", GOOD.replace("SCOPE: docs/guide.md; out of bounds: README.md\n", ""))
    walk.work()
    asked = walk.brief("vague")
    walk("answer", asked["id"], asked["questions"][0]["id"], f"docs/guide.md {secret}", code=None)
    walk.work()
    assert walk.state("vague") == "input_required"
    for repository in (walk.hub, walk.run_folder / "repo.git"):
        assert secret.encode() not in _all_objects(repository)


def _all_objects(repository: Path) -> bytes:
    """Returns the content of every object, reachable or not."""
    found = subprocess.run(
        ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch", "--buffer"],
        capture_output=True,
        check=True,
    )
    assert found.stdout
    return found.stdout


def test_a_full_queue_keeps_the_rest_submitted_and_says_so(tmp_path: Path) -> None:
    walk = make_walk(tmp_path, config="[intake]\nqueue_max = 1\n")
    vague = GOOD.replace("SCOPE: docs/guide.md; out of bounds: README.md\n", "")
    walk.drop("one.md", vague)
    walk.work()
    assert walk.state("one") == "input_required"
    walk.drop("two.md", GOOD)
    walk.work()
    two = walk.brief("two")
    assert two["state"] == "submitted"
    assert (walk.inbox / "two.md").read_text() == GOOD
    assert "the queue is full" in " ".join(two["reasons"])
    walk("cancel", walk.brief("one")["id"])
    walk.work()
    assert walk.state("two") == "completed"


def test_the_same_brief_dropped_again_is_a_duplicate_and_lands_once(walk: Walk) -> None:
    walk.drop("list.md", LIST)
    walk.work()
    file = walk.repo.parent / "list.md"
    file.write_text(LIST)
    said = walk("brief", "drop", str(file), "--json").json
    assert said["duplicate"]
    assert said["state"] == "completed"
    walk.drop("list.md", LIST)
    walk.work()
    assert git(walk.hub, "log", "--format=%s", "--grep=^land ", "main").count("\n") == 0
    file.write_text(LIST.replace("worker: search", "worker: search\nagain: 2"))
    assert not walk("brief", "drop", str(file), "--json").json["duplicate"]


def test_outside_a_repository_every_command_says_where_to_go(tmp_path: Path) -> None:
    for command in (["status"], ["run", "--once"], ["log"], ["init"], ["doctor", "--quick"]):
        said = coordinator(*command, folder=tmp_path).is_calm()
        assert said.code == 1
        assert "not inside a git repository" in said.err
        assert "hint: " in said.err


def test_inside_a_git_directory_a_command_says_where_to_go(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    for folder, said in ((".git", "this is a bare repository"), (".git/refs", "not inside a git")):
        answered = coordinator("status", folder=site.repo / folder).is_calm()
        assert answered.code == 1
        assert said in answered.err


def test_an_answer_that_cannot_be_written_is_said_and_the_work_goes_on(walk: Walk) -> None:
    (walk.inbox / ".replies").write_text("in the way")
    walk.drop("good.md")
    with walk.daemon() as daemon:
        said = daemon.until("trouble")["reason"]
        assert ".replies: cannot write" in said
        daemon.until("land")
        until(lambda: ".replies" in walk("status").out)
        (walk.inbox / ".replies").unlink()
        until(lambda: not (walk.inbox / "good.md").exists())
        until(lambda: walk.reply("good")["state"] == "completed")
        assert daemon.end(signal.SIGTERM) == 0
