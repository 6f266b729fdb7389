import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.adapters import inbox as inbox_module
from coordinator.adapters.inbox import FolderInbox
from coordinator.domain.errors import BriefError, RepositoryError
from coordinator.domain.names import BriefId, digest
from coordinator.domain.request import Cancel, Drop, Origin
from coordinator.domain.request_text import requests_file
from tests.support.patience import PATIENCE_S

BY = "A Person <a@example.invalid>"


class HandClock:
    """Stands still until it is moved; its wall clock is long before any file, so age settles nothing."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def timestamp(self) -> int:
        return int(self.now_s)

    def nonce(self) -> str:
        return "0" * 16

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "briefs" / "inbox"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def inbox(folder: Path, clock: HandClock) -> FolderInbox:
    made = FolderInbox(folder, by=BY, clock=clock, size_max=1_000)
    made.prepare()
    assert made.waiting() == (), "the first look is behind us"
    return made


def settled(inbox: FolderInbox, clock: HandClock) -> tuple[object, ...]:
    """Looks twice, far enough apart."""
    inbox.waiting()
    clock.now_s += 0.25
    return inbox.waiting()


def drop(name: str, text: bytes) -> Drop:
    origin = Origin(source="folder", name=name, by=BY, token=digest(text))
    return Drop(name=name.rpartition(".")[0], text=text, origin=origin)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def rejected(inbox: FolderInbox, name: str) -> str:
    """Returns the one reason code of the reply called `name`."""
    (code,) = inbox.replies()[name]["reasons"]
    assert inbox.replies()[name]["state"] == "rejected"
    return str(code)


def test_briefs_and_requests_are_read_when_they_have_settled(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    (folder / "links.md").write_bytes(b"TASK: x")
    asked = Cancel(
        brief=BriefId("a-00000001"),
        origin=Origin(source="folder", name="c.request.json", by="B", token=""),
    )
    name, content = requests_file(asked)
    (folder / name).write_bytes(content)
    assert inbox.waiting() == ()
    assert set(inbox.growing()) == {"links.md", name}
    clock.now_s += 0.25
    found = inbox.waiting()
    assert inbox.growing() == ()
    assert found[0] == drop("links.md", b"TASK: x")
    assert isinstance(found[1], Cancel)
    assert found[1].origin == Origin(source="folder", name=name, by="B", token=digest(content))


def test_a_file_still_being_written_is_left_until_it_rests(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    with (folder / "long.md").open("wb", buffering=0) as file:
        for part in (b"TASK: ", b"one ", b"two"):
            file.write(part)
            assert inbox.waiting() == ()
            clock.now_s += 0.25
    assert inbox.waiting() == (drop("long.md", b"TASK: one two"),)


def test_a_file_of_some_age_is_read_at_the_first_look(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "old.md").write_bytes(b"x")
    os.utime(folder / "old.md", (50, 50))
    inbox = FolderInbox(folder, by=BY, clock=HandClock())
    assert inbox.waiting() == (drop("old.md", b"x"),)


def test_the_first_look_of_a_program_waits_for_a_file_of_this_very_second(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "new.md").write_bytes(b"x")
    clock = HandClock()
    inbox = FolderInbox(folder, by=BY, clock=clock)
    assert inbox.waiting() == (drop("new.md", b"x"),)
    assert clock.now_s == pytest.approx(100.2)


def test_a_file_that_was_put_is_whole_and_needs_no_second_look(folder: Path) -> None:
    clock = HandClock()
    clock.now_s = 4e9  # any clock that is right; the file says it is older than it is
    inbox = FolderInbox(folder, by=BY, clock=clock)
    inbox.put("links.md", b"TASK: x")
    assert inbox.waiting() == (drop("links.md", b"TASK: x"),)
    assert clock.now_s == 4e9


def test_a_file_that_changes_is_read_again(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    (folder / "a.md").write_bytes(b"one")
    assert settled(inbox, clock) == (drop("a.md", b"one"),)
    (folder / "a.md").write_bytes(b"three")
    assert inbox.waiting() == ()
    clock.now_s += 0.25
    assert inbox.waiting() == (drop("a.md", b"three"),)


def test_text_of_any_kind_is_a_drop_for_intake_to_judge(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    (folder / "empty.md").write_bytes(b"")
    (folder / "latin.txt").write_bytes(b"caf\xe9\0")
    assert set(settled(inbox, clock)) == {drop("empty.md", b""), drop("latin.txt", b"caf\xe9\0")}


def test_helper_files_are_ignored_and_stay(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    names = [".hidden.md", "a.md~", "a.md.swp", "a.tmp", "a.md.part", "#a.md#", "4913"]
    for name in names:
        (folder / name).write_bytes(b"x")
    assert settled(inbox, clock) == ()
    assert inbox.growing() == ()
    assert all((folder / name).exists() for name in names)
    assert inbox.replies() == {}


def test_a_symbolic_link_is_never_followed_and_only_the_link_is_moved(
    inbox: FolderInbox, folder: Path, clock: HandClock, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.md"
    secret.write_bytes(b"TASK: a secret")
    (folder / "link.md").symlink_to(secret)
    (folder / "dangling.md").symlink_to(tmp_path / "nowhere")
    assert settled(inbox, clock) == ()
    assert visible(folder) == []
    assert (rejected(inbox, "link"), rejected(inbox, "dangling")) == ("symlink", "symlink")
    assert secret.read_bytes() == b"TASK: a secret"
    moved = sorted((folder / ".rejected").iterdir())
    assert [path.is_symlink() for path in moved] == [True, True]


def test_a_fifo_is_answered_and_does_not_block(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    os.mkfifo(folder / "pipe.md")
    signal.alarm(int(PATIENCE_S))  # who opens it waits for ever
    try:
        assert settled(inbox, clock) == ()
    finally:
        signal.alarm(0)
    assert rejected(inbox, "pipe") == "not_a_file"
    assert visible(folder) == []


def test_a_folder_is_reported_once_and_left_alone(
    inbox: FolderInbox, folder: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "many.md").mkdir()
    with caplog.at_level(logging.INFO):
        assert settled(inbox, clock) == ()
        (folder / "many.md" / "a.md").write_bytes(b"x")
        assert settled(inbox, clock) == ()
    assert rejected(inbox, "many") == "directory"
    assert caplog.text.count("inbox file refused") == 1
    assert (folder / "many.md" / "a.md").exists()
    assert inbox.growing() == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (b"..x.md", "bad_name"),
        (b"..\\x.md", "bad_name"),
        (b".git", "bad_name"),
        (b".GIT.md", "bad_name"),
        (b"line\nbreak.md", "bad_name"),
        (b"\x1b[31mred.md", "bad_name"),
        (b"turned\xe2\x80\xaemd.exe.md", "bad_name"),
        (b"caf\xe9.md", "bad_name"),
        (b"picture.png", "not_a_request"),
        (b"bad.request.json", "bad_request"),
        (b"huge.md", "too_large"),
    ],
)
def test_what_cannot_be_a_request_is_answered_and_set_aside(
    inbox: FolderInbox, folder: Path, clock: HandClock, name: bytes, code: str
) -> None:
    text = b"x" * 1_001 if name == b"huge.md" else b"x"
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(text)
    (folder / "good.md").write_bytes(b"TASK: x")
    assert settled(inbox, clock) == (drop("good.md", b"TASK: x"),)
    ((reply, said),) = inbox.replies().items()
    assert said["reasons"] == [code]
    assert said["faults"][0]["hint"]
    assert os.sep not in reply
    assert (folder / ".replies" / f"{reply}.md").read_text().startswith("Rejected: ")
    (kept,) = (folder / ".rejected").iterdir()
    assert kept.read_bytes() == text
    assert visible(folder) == ["good.md"]


def test_names_with_spaces_and_letters_of_any_script_are_clean(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    for name in ("two words.md", "日本語.md", "don't (1).md"):
        (folder / name).write_bytes(b"x")
    found = settled(inbox, clock)
    assert {one.name for one in found if isinstance(one, Drop)} == {
        "two words",
        "日本語",
        "don't (1)",
    }


def test_removing_takes_away_what_was_read(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    (folder / "a.md").write_bytes(b"one")
    (request,) = settled(inbox, clock)
    assert isinstance(request, Drop)
    inbox.remove(request, keep=False)
    assert visible(folder) == []
    assert not (folder / ".rejected").exists()
    inbox.remove(request, keep=False)
    assert inbox.waiting() == ()


def test_removing_leaves_a_file_that_says_something_else_by_now(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    (folder / "a.md").write_bytes(b"one")
    (request,) = settled(inbox, clock)
    assert isinstance(request, Drop)
    (folder / "a.md").write_bytes(b"two")
    inbox.remove(request, keep=False)
    inbox.remove(request, keep=True)
    assert (folder / "a.md").read_bytes() == b"two"


def test_removing_with_keep_sets_the_text_aside(
    inbox: FolderInbox, folder: Path, clock: HandClock
) -> None:
    (folder / "a b.md").write_bytes(b"one")
    (request,) = settled(inbox, clock)
    assert isinstance(request, Drop)
    inbox.remove(request, keep=True)
    mark = digest(b"one").removeprefix("sha256:")[:8]
    assert (folder / ".rejected" / f"a b-{mark}.md").read_bytes() == b"one"
    assert visible(folder) == []


@pytest.mark.parametrize(("source", "name"), [("branch", "a.md"), ("folder", "../outside.md")])
def test_removing_touches_nothing_else(
    inbox: FolderInbox, folder: Path, source: str, name: str
) -> None:
    (folder / name).write_bytes(b"one")
    origin = Origin(source=source, name=name, by=BY, token=digest(b"one"))  # type: ignore[arg-type]
    inbox.remove(Drop(name="a", text=b"one", origin=origin), keep=False)
    assert (folder / name).read_bytes() == b"one"


def test_putting_never_overwrites_and_repeats_nothing(inbox: FolderInbox, folder: Path) -> None:
    assert inbox.put("a.md", b"one") == "a.md"
    assert inbox.put("a.md", b"one") == "a.md"
    assert inbox.put("a.md", b"two") == "a-2.md"
    assert inbox.put("a.md", b"three") == "a-3.md"
    assert inbox.put("c.request.json", b"1") == "c.request.json"
    assert inbox.put("c.request.json", b"2") == "c-2.request.json"
    assert visible(folder) == ["a-2.md", "a-3.md", "a.md", "c-2.request.json", "c.request.json"]
    assert (folder / "a.md").read_bytes() == b"one"
    assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.parametrize("name", ["../a.md", "a/b.md", ".git", ".hidden.md", "a\n.md", "a.md~"])
def test_putting_under_a_name_that_is_not_clean_is_refused(inbox: FolderInbox, name: str) -> None:
    with pytest.raises(BriefError, match="cannot be a file of the inbox") as error:
        inbox.put(name, b"x")
    assert error.value.hint == "rename the file"


def test_a_reply_is_written_once_and_found_by_its_name(inbox: FolderInbox, folder: Path) -> None:
    inbox.reply("a.md", fields={"state": "working", "id": "a-1"}, text="Accepted.\n\n")
    assert (folder / ".replies" / "a.md").read_text() == "Accepted.\n"
    assert inbox.replies() == {"a": {"schema": 1, "state": "working", "id": "a-1"}}
    before = (folder / ".replies" / "a.json").stat()
    inbox.reply("a", fields={"id": "a-1", "state": "working"}, text="Accepted.")
    after = (folder / ".replies" / "a.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    inbox.reply("a", fields={"state": "completed"}, text="Done.")
    assert inbox.replies() == {"a": {"schema": 1, "state": "completed"}}


def test_replies_that_are_not_ours_are_left_out(inbox: FolderInbox, folder: Path) -> None:
    inbox.reply("a", fields={"state": "working"}, text="x")
    (folder / ".replies" / "b.json").write_bytes(b"not json")
    (folder / ".replies" / "c.json").write_bytes(b"[1]")
    (folder / ".replies" / "d.json").symlink_to(folder / ".replies" / "a.json")
    assert set(inbox.replies()) == {"a"}


def test_no_folder_means_nothing_waits_and_looking_makes_none(folder: Path) -> None:
    inbox = FolderInbox(folder, by=BY, clock=HandClock())
    assert (inbox.waiting(), inbox.replies(), inbox.names()) == ((), {}, ())
    assert not folder.exists()


@pytest.mark.parametrize("link", ["inbox", "inbox/.replies"])
def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").write_bytes(b"x")
    (tmp_path / "briefs").mkdir()
    path = tmp_path / "briefs" / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside)
    inbox = FolderInbox(tmp_path / "briefs" / "inbox", by=BY, clock=HandClock())
    assert inbox.waiting() == ()
    with pytest.raises(RepositoryError, match="it is a symbolic link"):
        inbox.reply("b", fields={}, text="x")
    assert [path.name for path in outside.iterdir()] == ["a.md"]


def test_the_users_git_status_stays_clean(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    inbox = FolderInbox(tmp_path / "briefs" / "inbox", by=BY, clock=HandClock())
    inbox.put("a.md", b"x")
    inbox.reply("a", fields={}, text="x")
    status = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain"], check=True, capture_output=True
    )
    assert status.stdout == b""


def test_ten_thousand_files_are_read_once(folder: Path, clock: HandClock) -> None:
    folder.mkdir(parents=True)
    for number in range(10_000):
        (folder / f"b{number}.md").write_bytes(b"TASK: %d" % number)
    inbox = FolderInbox(folder, by=BY, clock=clock)
    found = inbox.waiting()
    assert len(found) == 10_000
    again = inbox.waiting()
    assert all(one is other for one, other in zip(found, again, strict=True)), (
        "nothing is read twice"
    )


def test_what_waits_is_bounded_in_bytes_and_the_rest_comes_later(
    folder: Path, clock: HandClock
) -> None:
    folder.mkdir(parents=True)
    count = inbox_module.READ_BYTES_MAX // 1_000_000 + 2
    for number in range(count):
        with (folder / f"b{number:03}.md").open("wb") as file:
            file.truncate(1_000_000)
        os.utime(folder / f"b{number:03}.md", (number, number))
    inbox = FolderInbox(folder, by=BY, clock=clock)
    found = inbox.waiting()
    assert len(found) == count - 2
    assert len(inbox.growing()) == 2
    inbox.remove(found[0], keep=False)
    assert len(inbox.waiting()) == count - 2
    assert len(inbox.growing()) == 1


def test_a_full_disk_is_an_error_with_a_hint_and_leaves_no_half_file(folder: Path) -> None:
    """The limit on file size stands in for a full disk; it holds for the child process only."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from coordinator.adapters.clock import SystemClock\n"
        "from coordinator.adapters.inbox import FolderInbox\n"
        "from coordinator.domain.errors import RepositoryError\n"
        "inbox = FolderInbox(Path(sys.argv[1]), by='', clock=SystemClock())\n"
        "inbox.prepare()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    inbox.put('a.md', b'x' * 100)\n"
        "except RepositoryError as error:\n"
        "    print(error.hint)\n"
        "(Path(sys.argv[1]) / 'pic.png').write_bytes(b'x')\n"
        "print(inbox.waiting())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "free some disk space\n()\n", done.stderr
    assert "inbox file not answered name='pic.png'" in done.stderr
    assert visible(folder) == ["pic.png"]
