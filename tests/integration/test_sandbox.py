import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from coordinator.adapters.sandbox import Cell, CellLimits, Sandbox, Unavailable
from coordinator.domain.output import Edit
from coordinator.domain.policy import Limits
from tests.support.cells import WAYS, Cells, cells, mark, sleepers
from tests.support.patience import until


@pytest.fixture(params=list(WAYS))
def any_way(request: pytest.FixtureRequest, tmp_path: Path) -> Cells:
    return cells(tmp_path, request.param)


@pytest.fixture(params=["strict", "strict-copy"])
def confined(request: pytest.FixtureRequest, tmp_path: Path) -> Cells:
    return cells(tmp_path, request.param)


def changed(edits: tuple[Edit, ...]) -> dict[str, str | None]:
    return {edit.path: edit.content_b64 for edit in edits}


def test_a_command_sees_its_tree_its_input_and_its_arguments(any_way: Cells) -> None:
    ended = any_way.run("cat a folder/b -; ./run; echo error >&2; exit 3", stdin=b"said\n")
    assert (ended.code, ended.stopped) == (3, None)
    assert ended.stdout == b"text\nb\nsaid\nran\n"
    assert ended.stderr == b"error\n"
    assert ended.confinement == any_way.confinement
    assert (ended.edits, ended.refused, ended.out) == ((), (), {})


def test_what_it_prints_is_heard_while_it_runs(any_way: Cells) -> None:
    long = mark()
    chunks: list[bytes] = []

    def heard(chunk: bytes) -> None:
        chunks.append(chunk)
        if chunk == b"one\n":  # it goes on when somebody has heard it
            (sleeper,) = until(lambda: sleepers(long))
            os.kill(sleeper, signal.SIGTERM)

    ended = any_way.run(f"echo one; sleep {long}; echo two", heard=heard)
    assert chunks == [b"one\n", b"two\n"]
    assert ended.stdout == b"one\ntwo\n"


def test_what_it_changes_comes_back_and_the_tree_stays(any_way: Cells) -> None:
    line = "echo new >new; echo more >>a; rm -r folder; chmod +x a; mkfifo pipe; touch -d @0 run"
    ended = any_way.run(line, access="write")
    assert ended.code == 0
    assert changed(ended.edits) == {
        "a": "dGV4dAptb3JlCg==",
        "folder/b": None,
        "new": "bmV3Cg==",
    }
    assert [(entry.path, entry.code) for entry in ended.refused] == [("pipe", "fifo")]
    assert (any_way.tree / "a").read_text() == "text\n"
    assert (any_way.tree / "folder/b").read_text() == "b\n"


def test_what_is_scratch_does_not_come_back(any_way: Cells) -> None:
    ended = any_way.run("echo new >new; rm a; cat new", access="scratch")
    assert (ended.stdout, ended.edits) == (b"new\n", ())
    assert any_way.run("cat a; ls").stdout == b"text\na\nfolder\nrun\n"


def test_a_folder_made_anew_has_nothing_of_the_old_one(any_way: Cells) -> None:
    line = "rm -r folder && mkdir folder && echo x >folder/c && ls folder"
    ended = any_way.run(line, access="write")
    assert ended.stdout == b"c\n"
    assert changed(ended.edits) == {"folder/b": None, "folder/c": "eAo="}


def test_without_a_tree_the_folder_is_empty(any_way: Cells) -> None:
    cell = Cell(
        argv=("sh", "-c", "ls -A; echo x >f"),
        access="write",
        confinement=any_way.confinement,
    )
    ended = any_way.sandbox.run(cell)
    assert ended.stdout == b""
    assert changed(ended.edits) == {"f": "eAo="}


def test_files_and_the_place_for_answers_are_where_an_argument_says(any_way: Cells) -> None:
    script = 'cat "$1" "$2"; cp "$1" "$3/answer"; ln -s answer "$3/link"; mkdir "$3/folder"'
    cell = Cell(
        argv=("sh", "-c", script, "sh", "/in/brief", "/in/more/text", "/out"),
        files={"brief": b"brief\n", "more/text": b"more\n"},
        confinement=any_way.confinement,
    )
    ended = any_way.sandbox.run(cell)
    assert (ended.stdout, ended.stderr) == (b"brief\nmore\n", b"")
    assert ended.out == {"answer": b"brief\n"}


def test_its_environment_is_what_it_was_given(
    any_way: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_KEY", "secret")
    ended = any_way.run(
        'env | sort; touch "$HOME/x" "$TMPDIR/y"', environment={"MORE": "m"}, path=("/some/where",)
    )
    lines = dict(line.split("=", 1) for line in ended.stdout.decode().splitlines())
    assert ended.stderr == b""
    assert lines["PATH"].startswith("/some/where:/usr/local/bin:")
    assert lines["MORE"] == "m"
    names = {"PATH", "HOME", "TMPDIR", "LANG", "MORE"}
    assert lines.keys() - {"_", "PWD", "OLDPWD", "SHLVL"} == names


def test_a_program_that_is_not_there_is_127(any_way: Cells) -> None:
    cell = Cell(argv=("no-such-program",), confinement=any_way.confinement)
    ended = any_way.sandbox.run(cell)
    assert ended.code == 127
    assert b"no-such-program" in ended.stderr or b"No such file" in ended.stderr


def test_a_broken_pipe_ends_a_program_as_everywhere(any_way: Cells) -> None:
    ended = any_way.run("(yes; echo $? >&2) | head -1")
    assert (ended.stdout, ended.stderr) == (b"y\n", b"141\n")


def test_odd_places_are_no_trouble(tmp_path: Path) -> None:
    place = tmp_path / "a:b,c\\d e=f"
    place.mkdir()
    ended = cells(place).run("echo x >>a", access="write")
    assert changed(ended.edits) == {"a": "dGV4dAp4Cg=="}


def test_two_cells_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    ours = cells(tmp_path)
    said: list[bytes] = []

    def work(name: str) -> None:
        line = f"echo {name} >a; echo {name} >/tmp/{name}; sleep 0.3; cat a; ls /tmp"
        said.append(ours.run(line, access="scratch").stdout)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [b"one\none\n", b"two\ntwo\n"]


def test_a_report_worker_cannot_write_to_its_tree(confined: Cells) -> None:
    ended = confined.run("echo x >a; echo x >new; rm run; mkdir d; ls")
    assert ended.stdout == b"a\nfolder\nrun\n"
    assert (confined.tree / "a").read_text() == "text\n"


def test_the_disk_of_the_machine_is_out_of_sight(confined: Cells, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret")
    home = Path.home()
    ended = confined.run(
        f"ls -d '{tmp_path}' '{home}' /root /srv /opt /mnt /sys; cat '{tmp_path}/secret'"
    )
    assert ended.stdout == b""
    roots = confined.run("ls -A /").stdout.decode().split()
    assert set(roots) <= {
        *("bin", "dev", "etc", "home", "in", "lib", "lib32", "lib64", "libx32", "out", "proc"),
        *("run", "sbin", "tmp", "usr", "var", "work"),
    }


def test_nothing_of_the_system_can_be_changed(confined: Cells) -> None:
    places = "/ /usr /usr/bin /etc /in /dev /proc /proc/sys /run /var /home"
    line = f'for place in {places}; do touch "$place/here" 2>/dev/null && echo "$place"; done; true'
    assert confined.run(line, files={"f": b""}).stdout == b""
    settings = confined.run("find /proc -writable ! -type l ! -type d 2>/dev/null | head -3")
    assert settings.stdout == b""
    line = "for place in /tmp /dev/shm /out /var/tmp $HOME; do touch $place/here || exit 1; done"
    assert confined.run(line).code == 0


def test_what_may_be_read_is_shown_where_it_is(confined: Cells, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "tool").write_text("#!/bin/sh\necho tool\n")
    (tools / "tool").chmod(0o755)
    ended = confined.run("tool; echo x >>$0/tool", read=(tools,), path=(str(tools),))
    assert ended.stdout == b"tool\n"
    assert (tools / "tool").read_text() == "#!/bin/sh\necho tool\n"
    with pytest.raises(FileNotFoundError, match="is not there"):
        confined.run("true", read=(tmp_path / "missing",))


def test_no_descriptor_and_no_environment_of_the_daemon_is_inherited(
    confined: Cells, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("A_SECRET_KEY", "in-the-environment")
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        ended = confined.run(
            "ls /proc/self/fd; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline",
            environment={"T": "token"},
        )
    finally:
        os.close(leak)
    said = ended.stdout
    assert said.split(b"\n")[:5] == [b"0", b"1", b"2", b"3", said.split(b"\n")[4]]
    assert b"in-the-environment" not in said
    first = confined.run("cat /proc/1/environ | wc -c; tr '\\0' ' ' </proc/1/cmdline").stdout
    assert first.startswith(b"0\n")
    assert str(tmp_path).encode() not in first


def test_no_right_is_left_and_none_can_be_gained(confined: Cells) -> None:
    said = confined.run("cat /proc/self/status; id -u; unshare -U true; unshare -r true; true")
    status = dict(line.split(":", 1) for line in said.stdout.decode().splitlines() if ":" in line)
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert {status[f"Cap{kind}"].strip() for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {
        "0" * 16
    }
    assert said.stdout.endswith(b"\n1000\n")
    assert said.stderr.count(b"Operation not permitted") == 2


def test_there_is_no_network(confined: Cells) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        ended = confined.run(f'/usr/bin/python3 -c "{script}"')
    if ended.code == 127:
        pytest.skip("there is no /usr/bin/python3 here")
    assert ended.code == 1
    assert b"ConnectionRefusedError" in ended.stderr


def test_layers_lie_below_the_tree(any_way: Cells, tmp_path: Path) -> None:
    for name, files in {"one": {"a": "1", "x": "1"}, "two": {"x": "2", "y": "2"}}.items():
        (tmp_path / name).mkdir()
        for path, text in files.items():
            (tmp_path / name / path).write_text(text + "\n")
    both = (tmp_path / "one", tmp_path / "two")
    assert any_way.run("cat a x y", layers=both).stdout == b"text\n1\n2\n"
    assert any_way.run("rm x; echo 3 >y; cat y", layers=both, access="scratch").stdout == b"3\n"
    assert (tmp_path / "two/y").read_text() == "2\n"


def test_what_was_added_is_kept_as_a_layer(any_way: Cells, tmp_path: Path) -> None:
    line = "mkdir -p made folder/more; echo x >made/f; ln -s f made/l; echo y >folder/more/g; chmod 700 made/f"
    ended = any_way.run(line, access="scratch", keep=tmp_path / "kept")
    assert ended.kept == "added"
    found = sorted(
        str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*")
    )
    assert found == ["folder", "folder/more", "folder/more/g", "made", "made/f", "made/l"]
    seen = any_way.run(
        "cat made/l folder/more/g folder/b; test -x made/f", layers=(tmp_path / "kept",)
    )
    assert (seen.code, seen.stdout) == (0, b"x\ny\nb\n")


@pytest.mark.parametrize("line", ["echo x >>a", "rm a", "rm -r folder; mkdir folder", "chmod +x a"])
def test_when_the_tree_was_changed_all_is_kept(any_way: Cells, tmp_path: Path, line: str) -> None:
    ended = any_way.run(line, access="scratch", keep=tmp_path / "kept")
    assert ended.kept == "whole"
    assert (tmp_path / "kept/run").read_text() == "#!/bin/sh\necho ran\n"


def test_what_failed_is_not_kept(any_way: Cells, tmp_path: Path) -> None:
    ended = any_way.run("echo x >new; exit 1", access="scratch", keep=tmp_path / "kept")
    assert ended.kept is None
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../b", ".", "a//b"])
def test_a_file_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a file"):
        cells(tmp_path, "none").run("true", files={name: b""})


def test_without_bubblewrap_strict_is_refused(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, bwrap="no-such-program")
    with pytest.raises(Unavailable, match="there is no no-such-program here") as raised:
        sandbox.run(Cell(argv=("true",)))
    assert raised.value.hint is not None
    assert "install bubblewrap" in raised.value.hint
    (layer,) = sandbox.layers()
    assert (layer.name, layer.in_force) == ("bubblewrap", False)
    assert sandbox.run(Cell(argv=("true",), confinement="none")).code == 0


def test_a_bubblewrap_that_cannot_confine_is_no_way_to_run_unconfined(tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(
        f"#!{sys.executable} -S\nimport sys\n"
        "if sys.argv[1:] == ['--version']:\n    print('bubblewrap 0.8.0')\n    sys.exit(0)\n"
        "sys.stderr.write('no permissions to create a new namespace\\n')\nsys.exit(1)\n"
    )
    fake.chmod(0o755)
    with pytest.raises(Unavailable, match="no permissions to create a new namespace"):
        Sandbox(tmp_path / "cells", bwrap=str(fake)).run(Cell(argv=("true",)))


def test_every_layer_is_in_force_here(tmp_path: Path) -> None:
    layers = cells(tmp_path).sandbox.layers()
    assert [layer for layer in layers if not layer.in_force] == []
    assert {"seccomp", "no capabilities", "namespace net", "limits"} <= {la.name for la in layers}


@pytest.mark.parametrize(
    ("left_out", "layer"),
    [
        ("seccomp", "seccomp"),
        ("network", "namespace net"),
        ("processes", "namespace pid"),
        ("limits", "limits"),
    ],
)
def test_a_layer_that_is_left_out_is_seen_to_be_missing(
    tmp_path: Path, left_out: str, layer: str
) -> None:
    cells(tmp_path)
    sandbox = Sandbox(tmp_path / "cells", without=frozenset((left_out,)))
    assert layer in [found.name for found in sandbox.layers() if not found.in_force]


def test_limits_of_a_profile_are_limits_of_its_cell() -> None:
    limits = CellLimits.of(Limits(wall_clock_s_max=7, idle_s_max=5, processes_max=9))
    assert (limits.wall_clock_s_max, limits.idle_s_max, limits.processes_max) == (7, 5, 9)
