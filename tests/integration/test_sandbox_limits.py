import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.sandbox import CellEnded, CellLimits
from tests.support.cells import WAYS, Cells, cells, mark, running
from tests.support.patience import PATIENCE_S, with_enough

PYTHON = "/usr/bin/python3"


@pytest.fixture(params=list(WAYS))
def any_way(request: pytest.FixtureRequest, tmp_path: Path) -> Cells:
    return cells(tmp_path, request.param)


@pytest.fixture
def strict(tmp_path: Path) -> Cells:
    return cells(tmp_path)


@pytest.fixture
def python(strict: Cells) -> Cells:
    if not Path(PYTHON).exists():
        pytest.skip(f"there is no {PYTHON} here")
    return strict


def at_its_limit(any_way: Cells, line: str, **more: Any) -> tuple[float, CellEnded]:
    """Runs a line that never ends and says `begun` first; returns a limit that lets it, and its end."""

    def run(wall_s: float) -> CellEnded:
        return any_way.run(line, limits=CellLimits(wall_clock_s_max=wall_s), **more)

    return with_enough(run, lambda ended: ended.stdout)


def test_time_is_limited(any_way: Cells) -> None:
    long = mark()
    limit_s, ended = at_its_limit(any_way, f"echo begun; setsid sleep {long} & sleep {long}")
    assert (ended.code, ended.stopped) == (None, f"killed: longer than {limit_s:g} s")
    assert ended.stdout == b"begun\n"
    assert ended.wall_s >= limit_s
    assert running(long) == []


def test_silence_is_limited(any_way: Cells) -> None:
    said = b"1\n2\n3\n4\n5\n"  # for longer than it may be silent

    def run(idle_s: float) -> CellEnded:
        line = f"for i in 1 2 3 4 5; do echo $i; sleep {idle_s / 3:g}; done; sleep 1000"
        return any_way.run(line, limits=CellLimits(wall_clock_s_max=900, idle_s_max=idle_s))

    limits_s = (0.6, 6.0, 45.0)
    limit_s, ended = with_enough(run, lambda ended: ended.stdout == said, limits_s=limits_s)
    assert (ended.code, ended.stopped) == (None, f"killed: silent for longer than {limit_s:g} s")
    assert ended.stdout == said


def test_a_gigabyte_of_output_ends_at_the_limit(any_way: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, output_bytes_max=1_000_000)
    ended = any_way.run("head -c 1000000000 /dev/zero; sleep 100", limits=limits)
    assert (ended.code, ended.stopped) == (None, "killed: more output than 1000000 bytes")
    assert ended.stdout == b"\0" * 1_000_000


def test_errors_are_output_too_and_their_end_is_kept(any_way: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, output_bytes_max=100_000)
    ended = any_way.run("(yes | head -c 20000; echo the end) >&2", limits=limits)
    assert ended.code == 0
    assert len(ended.stderr) == 8_192
    assert ended.stderr.endswith(b"the end\n")
    flood = any_way.run("yes >&2", limits=limits)
    assert flood.stopped == "killed: more output than 100000 bytes"


def test_output_of_exactly_the_limit_is_no_fault(any_way: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, output_bytes_max=100_000)
    ended = any_way.run("head -c 100000 /dev/zero", limits=limits)
    assert (ended.code, len(ended.stdout)) == (0, 100_000)


@pytest.mark.parametrize("ours", [signal.default_int_handler, signal.SIG_IGN])
def test_at_a_limit_it_may_end_well_when_that_is_granted(any_way: Cells, ours: Any) -> None:
    before = signal.signal(signal.SIGINT, ours)  # a shell ignores it for what it starts with &
    try:
        _ends_well(any_way)
    finally:
        signal.signal(signal.SIGINT, before)


def _ends_well(any_way: Cells) -> None:
    line = "trap 'echo interrupted; exit 0' INT; echo begun; while :; do sleep 0.05; done"
    limit_s, ended = at_its_limit(any_way, line, interrupt_grace_s=PATIENCE_S)
    assert (ended.code, ended.stopped) == (None, f"killed: longer than {limit_s:g} s")
    assert ended.stdout == b"begun\ninterrupted\n"
    assert ended.wall_s < PATIENCE_S


def test_grace_ends_too(any_way: Cells) -> None:
    line = "trap '' INT; echo begun; while :; do sleep 0.05; done"
    limit_s, ended = at_its_limit(any_way, line, interrupt_grace_s=0.5)
    assert (ended.code, ended.stdout) == (None, b"begun\n")
    assert ended.wall_s >= limit_s + 0.5


def test_it_stops_when_asked_to(any_way: Cells) -> None:
    stop = threading.Event()
    long = mark()

    def heard(chunk: bytes) -> None:
        assert chunk == b"begun\n"
        stop.set()

    ended = any_way.run(f"echo begun; sleep {long}", heard=heard, stop=stop)
    assert (ended.code, ended.stopped) == (None, "stopped: asked to")
    assert running(long) == []


def test_a_fork_bomb_ends_within_its_limits(strict: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=20, processes_max=100)
    # What is left to wait needs no process of its own, which there may be none to be had of.
    ended = strict.run("bomb() { bomb | bomb & }; bomb; exec sleep 1000", limits=limits)
    assert ended.code is None
    # On a machine that has no time left to look, the kernel's own bound holds it until the clock ends it.
    assert ended.stopped in ("killed: more than 100 processes", "killed: longer than 20 s")


def test_many_sleepers_are_too_many(strict: Cells) -> None:
    long = mark()
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, processes_max=50)
    ended = strict.run(f"while :; do sleep {long} & done", limits=limits)
    # Whoever comes first: the supervisor that counts, or the kernel that gives no more.
    refused = ended.code == 2 and b"Cannot fork" in ended.stderr
    assert ended.stopped == "killed: more than 50 processes" or refused, ended
    assert running(long) == []


def test_a_command_may_have_as_many_processes_as_it_was_granted(strict: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, processes_max=40)
    line = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0.5 & done; wait"
    assert strict.run(line, limits=limits).code == 0


def test_one_process_cannot_have_all_the_memory(python: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, memory_bytes_max=300_000_000)
    ended = python.run(f"{PYTHON} -c 'x = bytearray(1 << 30)'", limits=limits)
    assert ended.code == 1
    assert b"MemoryError" in ended.stderr


@pytest.mark.parametrize(
    "take",
    [
        "x = bytearray(80 << 20); time.sleep(1000)",
        "m = mmap.mmap(-1, 80 << 20); m.write(b'x' * (80 << 20)); time.sleep(1000)",  # shared
    ],
)
def test_many_processes_together_cannot_have_it_either(python: Cells, take: str) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, memory_bytes_max=300_000_000)
    script = f"import mmap, os, time\nfor _ in range(8):\n    if not os.fork():\n        {take}\ntime.sleep(1000)"
    ended = python.run(f'{PYTHON} -c "{script}"', limits=limits)
    assert ended.stopped == "killed: more memory than 300000000 bytes"


def test_shared_memory_is_counted_once(python: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, memory_bytes_max=300_000_000)
    script = (
        "import mmap, os, time\nm = mmap.mmap(-1, 100 << 20)\nm.write(b'x' * (100 << 20))\n"
        "for _ in range(4):\n    if not os.fork():\n        sum(m[::4096]); time.sleep(1); os._exit(0)\n"
        "for _ in range(4): os.wait()"
    )
    ended = python.run(f'{PYTHON} -c "{script}"', limits=limits)
    assert (ended.code, ended.stopped) == (0, None), ended.stderr


def _filled(ended: CellEnded) -> bool:
    return b"No space left on device" in ended.stderr


@pytest.mark.parametrize("place", [".", "/tmp", "/out", "/dev/shm", "$HOME", "/var/tmp"])
def test_the_disk_cannot_be_filled(strict: Cells, place: str) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, disk_bytes_max=20_000_000)
    line = f"for i in 1 2 3; do head -c 10000000 /dev/zero >{place}/f$i || exit 1; done"
    ended = strict.run(line, limits=limits, access="scratch")
    assert ended.code == 1
    assert _filled(ended)


def test_one_file_cannot_be_larger_than_the_disk(any_way: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, disk_bytes_max=5_000_000)
    ended = any_way.run("head -c 20000000 /dev/zero >f", limits=limits, access="scratch")
    assert ended.code != 0


def test_there_is_a_limit_to_the_number_of_files(strict: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, files_max=200)
    line = "i=0; while [ $i -lt 1000 ]; do : >/tmp/f$i || exit 1; i=$((i+1)); done"
    ended = strict.run(line, limits=limits)
    assert ended.code == 2 or ended.code == 1
    assert _filled(ended)


def test_too_many_changes_do_not_come_back(strict: Cells) -> None:
    limits = CellLimits(wall_clock_s_max=PATIENCE_S, output_bytes_max=10_000)
    ended = strict.run("head -c 20000 /dev/zero >large", limits=limits, access="write")
    assert ended.edits == ()
    assert [entry.path for entry in ended.refused] == ["large"]


def test_no_core_is_dumped(strict: Cells) -> None:
    ended = strict.run("sh -c 'kill -SEGV $$'; ls", access="write")
    assert ended.stdout == b"a\nfolder\nrun\n"
