import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coordinator.adapters.sandbox import WAY_OUT, Cell, CellLimits
from tests.support.cells import WAYS, Cells, cells, mark, running
from tests.support.patience import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
DAEMON = """\
import sys
from pathlib import Path
from coordinator.adapters.sandbox import Cell, CellLimits, Sandbox

folder, confinement, isolation, line = sys.argv[1:]
cell = Cell(
    argv=("sh", "-c", line), tree=Path(folder) / "tree", access="write",
    confinement=confinement, limits=CellLimits(wall_clock_s_max=600),
)
Sandbox(Path(folder) / "cells", isolation=isolation).run(
    cell, heard=lambda chunk: print(chunk.decode(), end="", flush=True)
)
"""


@pytest.fixture(params=list(WAYS))
def any_way(request: pytest.FixtureRequest, tmp_path: Path) -> Cells:
    return cells(tmp_path, request.param)


def gone(what: str) -> bool:
    """Waits until no process holds `what`; the kernel kills them, which takes it a moment."""
    return until(lambda: not running(what), f"somebody holds {what}")


def test_what_went_to_the_background_does_not_outlive_its_command(any_way: Cells) -> None:
    long = mark()
    line = (
        f"sleep {long} & setsid sleep {long} & (setsid sh -c '(sleep {long} &) ; sleep {long}' &);"
        f" nohup sleep {long} >/dev/null 2>&1 & echo done"
    )
    ended = any_way.run(line)
    assert (ended.code, ended.stdout) == (0, b"done\n")
    assert running(long) == []


def test_a_daemon_that_holds_the_output_open_is_not_waited_for(any_way: Cells) -> None:
    begun = time.monotonic()
    ended = any_way.run("setsid sleep 1000 & exit 0")
    assert (ended.code, ended.stopped) == (0, None)
    assert time.monotonic() - begun < 500


@contextmanager
def a_daemon(any_way: Cells, line: str) -> "Iterator[subprocess.Popen[str]]":
    script = any_way.folder / "daemon.py"
    script.write_text(DAEMON)
    arguments = [str(any_way.folder), any_way.confinement, any_way.isolation, line]
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_daemon_that_is_killed_leaves_nothing(any_way: Cells, number: signal.Signals) -> None:
    long = mark()
    line = f"setsid sleep {long} & (sleep {long} &); echo begun; trap '' TERM INT HUP; sleep {long}"
    with a_daemon(any_way, line) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert len(running(long)) >= 3
        process.send_signal(number)
        process.wait()
        assert gone(long)
    assert gone(str(any_way.folder))


def test_a_runner_that_is_killed_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    ours = cells(tmp_path)
    long = mark()

    def heard(chunk: bytes) -> None:
        del chunk
        mine = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
        for pid in mine:
            if b"runner.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(int(pid), signal.SIGKILL)

    with pytest.raises(OSError, match="the process that holds the command ended"):
        ours.run(f"sleep {long} & echo begun; sleep {long}", heard=heard)
    assert gone(long)


def test_when_the_listener_fails_the_command_is_ended(any_way: Cells) -> None:
    long = mark()

    def heard(chunk: bytes) -> None:
        raise RuntimeError(chunk.decode())

    with pytest.raises(RuntimeError, match="begun"):
        any_way.run(f"echo begun; sleep {long}", heard=heard)
    assert gone(long)


def test_nothing_is_left_on_the_disk(any_way: Cells) -> None:
    any_way.run("echo x >new; mkdir -p d/e; chmod 000 d/e d; echo y >$HOME/y", access="write")
    left = [path.name for path in (any_way.folder / "cells").rglob("*")]
    assert left == ["cell"]


def test_a_killed_daemon_leaves_a_copy_that_the_next_one_removes(tmp_path: Path) -> None:
    ours = cells(tmp_path, "none-copy")
    with a_daemon(ours, "echo begun; sleep 1000") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
    assert gone(str(tmp_path))
    ours.run("true")
    assert [path.name for path in (tmp_path / "cells").iterdir()] == ["cell"]


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(b"heard " + line)


@contextmanager
def a_desk(folder: Path) -> Iterator[Path]:
    path = folder / "desk"
    descriptor = os.open(
        folder, os.O_RDONLY
    )  # a path too long for a socket is none of our business
    try:
        server = socketserver.ThreadingUnixStreamServer(f"/proc/self/fd/{descriptor}/desk", Echo)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield path
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
    finally:
        os.close(descriptor)


ASK = """\
import socket, sys, urllib.parse
where = urllib.parse.urlsplit(sys.argv[1])
with socket.create_connection((where.hostname, where.port), 250) as s:
    for n in range(3):
        s.sendall(b"%d\\n" % n)
        print(s.makefile("rb").readline().decode(), end="")
"""


@pytest.mark.parametrize("way", ["strict", "none"])
def test_the_only_way_out_is_the_socket(tmp_path: Path, way: str) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3 here")
    ours = cells(tmp_path, way)
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with a_desk(deep) as desk:
        cell = Cell(
            argv=("/usr/bin/python3", "/in/ask.py", WAY_OUT),
            files={"ask.py": ASK.encode()},
            socket=desk,
            confinement=ours.confinement,
            limits=CellLimits(wall_clock_s_max=PATIENCE_S),
        )
        ended = ours.sandbox.run(cell)
    assert (ended.code, ended.stderr) == (0, b"")
    assert ended.stdout == b"heard 0\nheard 1\nheard 2\n"


def test_with_a_way_out_there_is_still_no_other(tmp_path: Path) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3 here")
    ours = cells(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener, a_desk(tmp_path) as desk:
        port = listener.getsockname()[1]
        script = (
            "import socket\n"
            f"for where in (('127.0.0.1', {port}), ('10.0.0.1', 80), ('192.0.2.1', 53)):\n"
            "    try: socket.create_connection(where, 1); print('reached', where)\n"
            "    except OSError: pass\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            f"try: s.connect({str(desk)!r}); print('reached the socket itself')\n"
            "except OSError: pass\n"
        )
        cell = Cell(argv=("/usr/bin/python3", "-c", script), socket=desk)
        ended = ours.sandbox.run(cell)
    assert (ended.code, ended.stdout, ended.stderr) == (0, b"", b"")


def test_many_connections_at_once_are_carried(tmp_path: Path) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3 here")
    script = (
        "import socket\n"
        "all = [socket.create_connection(('127.0.0.1', 8787), 250) for _ in range(30)]\n"
        "for n, s in enumerate(all): s.sendall(b'x' * 100000 + b'%d\\n' % n)\n"
        "for n, s in enumerate(all):\n"
        "    assert s.makefile('rb').readline() == b'heard ' + b'x' * 100000 + b'%d\\n' % n\n"
        "print('all')\n"
    )
    ours = cells(tmp_path)
    with a_desk(tmp_path) as desk:
        ended = ours.sandbox.run(Cell(argv=("/usr/bin/python3", "-c", script), socket=desk))
    assert (ended.stdout, ended.stderr) == (b"all\n", b"")
