import subprocess
import sys
import threading
import time
from pathlib import Path

from coordinator.adapters.clock import SystemClock
from coordinator.adapters.inbox import SETTLE_S, FolderInbox
from coordinator.adapters.watch import SETTLED_S, watch
from tests.support.patience import PATIENCE_S, until


def test_a_new_file_wakes_at_once_and_again_when_it_can_be_read(tmp_path: Path) -> None:
    rung: list[float] = []
    close = watch([tmp_path], lambda: rung.append(time.monotonic()))
    begun_s = time.monotonic()
    (tmp_path / "a.md").write_bytes(b"x")
    until(lambda: len(rung) >= 2 and rung[-1] - begun_s >= SETTLED_S)
    close()
    assert SETTLED_S > SETTLE_S, "at the second ring it is read"


def test_looking_and_answering_wake_nobody(tmp_path: Path) -> None:
    inbox = FolderInbox(tmp_path, by="", clock=SystemClock())
    inbox.put("a.md", b"x")
    wakes: list[float] = []

    def wake() -> None:
        wakes.append(time.monotonic())
        inbox.waiting()

    close = watch([tmp_path], wake)
    for number in range(200):
        inbox.waiting()
        (tmp_path / "a.md").read_bytes()
        inbox.reply("a", fields={"number": number}, text="x")
    begun_s = time.monotonic()
    (tmp_path / "b.md").write_bytes(b"x")
    # Events come in order: by the second ring for this file, those of before have been heard.
    until(lambda: len(wakes) >= 2 and wakes[-1] - begun_s >= SETTLED_S)
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
        timeout=PATIENCE_S,
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
