"""One daemon for each repository, as the flock says and nothing else."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from coordinator.adapters.singleton import Singleton, daemon_holder

_HOLDS = """
import sys
from pathlib import Path
from coordinator.adapters.singleton import Singleton
one = Singleton(Path(sys.argv[1]))
assert one.acquire() is None
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    first, second = Singleton(tmp_path), Singleton(tmp_path)
    assert first.acquire() is None
    holder = second.acquire()
    assert holder is not None
    assert holder.pid == os.getpid()
    assert daemon_holder(tmp_path) == holder
    first.release()
    assert second.acquire() is None
    second.release()


def test_the_file_beside_it_says_who_since_when(tmp_path: Path) -> None:
    one = Singleton(tmp_path)
    one.acquire()
    said = json.loads((tmp_path / "daemon.lock").read_text())
    one.release()
    assert set(said) >= {"pid", "host", "started"}


def test_a_holder_that_was_killed_holds_nothing_although_its_file_stays(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        holder = daemon_holder(tmp_path)
        assert holder is not None
        assert holder.pid == process.pid
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "daemon.lock").exists()
    assert daemon_holder(tmp_path) is None
    assert Singleton(tmp_path).acquire() is None


def test_a_run_folder_without_a_lock_has_no_holder(tmp_path: Path) -> None:
    assert daemon_holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == [], "looking makes no file"
