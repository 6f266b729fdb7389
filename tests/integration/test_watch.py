import subprocess
import sys
import threading
from pathlib import Path

from coordinator.adapters.clock import SystemClock
from coordinator.adapters.inbox import FolderInbox
from coordinator.adapters.watch import watch

PATIENCE_S = 20.0


def test_a_new_file_wakes_at_once_and_again_when_it_can_be_read(tmp_path: Path) -> None:
    inbox = FolderInbox(tmp_path, by="", clock=SystemClock())
    inbox.prepare()
    inbox.waiting()
    read = threading.Event()
    wakes: list[int] = []

    def wake() -> None:
        found = inbox.waiting()
        wakes.append(len(found))
        if found:
            read.set()

    close = watch([tmp_path], wake)
    (tmp_path / "a.md").write_bytes(b"x")
    assert read.wait(PATIENCE_S)
    close()
    assert wakes[0] == 0


def test_looking_and_answering_wake_nobody(tmp_path: Path) -> None:
    inbox = FolderInbox(tmp_path, by="", clock=SystemClock())
    inbox.put("a.md", b"x")
    wakes: list[int] = []
    settled = threading.Event()

    def wake() -> None:
        wakes.append(1)
        if "b.md" in inbox.names() and not inbox.growing():
            settled.set()
        inbox.waiting()

    close = watch([tmp_path], wake)
    for number in range(200):
        inbox.waiting()
        (tmp_path / "a.md").read_bytes()
        inbox.reply("a", fields={"number": number}, text="x")
    (tmp_path / "b.md").write_bytes(b"x")
    inbox.waiting()
    # Events come in order: by the second ring for this file, those of before have been heard.
    assert settled.wait(PATIENCE_S)
    close()
    assert len(wakes) <= 8


def test_after_closing_nobody_is_woken(tmp_path: Path) -> None:
    wakes: list[int] = []
    close = watch([tmp_path], lambda: wakes.append(1))
    close()
    (tmp_path / "a.md").write_bytes(b"x")
    assert wakes == []
    assert not [t for t in threading.enumerate() if "observer" in t.name.lower()]


def test_where_no_watch_is_to_be_had_the_interval_is_all_and_it_says_so(tmp_path: Path) -> None:
    program = (
        "import logging, os, resource, sys\n"
        "from pathlib import Path\n"
        "from coordinator.adapters.watch import watch\n"
        "logging.basicConfig()\n"
        "lowest = os.open(os.devnull, os.O_RDONLY)\n"
        "os.close(lowest)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, lowest))\n"
        "close = watch([Path(sys.argv[1])], lambda: None)\n"
        "close()\n"
        "print('goes on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "goes on\n", done.stderr
    assert done.stderr.count("cannot watch folders, looking at intervals only") == 1
    assert "Traceback" not in done.stderr


def test_a_missing_folder_does_not_keep_others_from_being_watched(tmp_path: Path) -> None:
    woken = threading.Event()
    close = watch([tmp_path / "none", tmp_path], woken.set)
    (tmp_path / "a.md").write_bytes(b"x")
    assert woken.wait(PATIENCE_S)
    close()
