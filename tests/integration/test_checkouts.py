import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.processes import Finished, run
from coordinator.adapters.tree_files import FILE_TIME_S, remove_folder
from coordinator.adapters.views import View
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.tree import Mode
from tests.support.product_trees import Files, bare_repository, expected, plain, seen, store

Isolation = Literal["overlay", "copy"]


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitProcess]:
    with bare_repository(tmp_path) as repository:
        yield repository


@pytest.fixture(params=["overlay", "copy"])
def isolation(request: pytest.FixtureRequest, tmp_path: Path) -> Isolation:
    kind: Isolation = request.param
    if kind == "overlay":
        probe = Checkouts(NO_GIT, tmp_path / "probe")
        if not probe.overlay:
            pytest.skip("this machine lets nobody mount an overlay")
    return kind


NO_GIT: GitProcess = GitProcess.__new__(GitProcess)  # a probe reads no objects


def in_view(view: View, line: str) -> Finished:
    environment = {"PATH": os.environ["PATH"], "HOME": str(view.home)}
    return run(view.argv(line), folder=view.folder, environment=environment, timeout_s_max=20)


def as_seen_by_a_command(view: View) -> dict[str, tuple[str, bytes]]:
    """Copies what the command sees to where the test can look."""
    place = view.scratch / "copy"
    finished = in_view(view, f"cp -a . '{place}'")
    assert finished.code == 0, finished.tail
    return seen(place)


ODD: Files = {
    "plain.txt": ("100644", b"text\r\nwith both\n"),
    "run.sh": ("100755", b"#!/bin/sh\necho hi\n"),
    "link": ("120000", b"plain.txt"),
    "dangling": ("120000", b"../no/where"),
    "folder/deep/er/file": ("100644", b"\0\1\2"),
    "a name with spaces": ("100644", b"1"),
    "a\nnewline": ("100644", b"2"),
    "-n": ("100644", b"3"),
    "quote\"and'tick": ("100644", b"4"),
    "not-utf8-\udcff": ("100644", b"5"),
    "z\u00fcrich/\u00e9": ("100644", b"6"),
    ".gitattributes": ("100644", b"* text eol=crlf export-ignore filter=evil\n"),
    "empty": ("100644", b""),
    "module": ("160000", b"1" * 40),
}


def test_a_checkout_is_exactly_the_tree(
    git: GitProcess, tmp_path: Path, isolation: Isolation
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", isolation=isolation)
    with checkouts.view(store(git, ODD)) as view:
        assert as_seen_by_a_command(view) == expected(ODD)


def test_a_checkout_follows_every_kind_of_change(
    git: GitProcess, tmp_path: Path, isolation: Isolation
) -> None:
    steps: list[Files] = [
        ODD,
        {**ODD, "plain.txt": ("100755", b"changed")},
        {"link": ("100644", b"a file now"), "plain.txt/inside": ("100644", b"a folder now")},
        {"plain.txt": ("120000", b"folder"), "folder": ("160000", b"2" * 40)},
        {"folder/was/module": ("100644", b"x"), "plain.txt": ("100644", b"")},
        {},
        ODD,
    ]
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1, isolation=isolation)
    for files in steps:
        with checkouts.view(store(git, files)) as view:
            assert as_seen_by_a_command(view) == expected(files)


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_over_trees_stay_exact(git: GitProcess, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1, isolation="copy")
    for _ in range(25):
        files: dict[str, tuple[Mode, bytes]] = {}
        for _ in range(dice.randrange(12)):
            path = "/".join(dice.choice("ab") for _ in range(dice.randint(1, 4)))
            if any(
                path == p or path.startswith(p + "/") or p.startswith(path + "/") for p in files
            ):
                continue
            mode: Mode = dice.choice(["100644", "100755", "120000", "160000"])
            files[path] = (mode, b"%040x" % dice.randrange(4))
        with checkouts.view(store(git, files)) as view:
            assert as_seen_by_a_command(view) == expected(files)


def test_what_a_command_does_to_its_view_is_gone_for_the_next(
    git: GitProcess, tmp_path: Path, isolation: Isolation
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1, isolation=isolation)
    tree = store(git, ODD)
    dirty = (
        "set -e; echo x >plain.txt; chmod 600 run.sh; rm -r folder; mkdir folder; echo y >folder/new;"
        " rm link; ln -s / link; mv empty moved; mkdir -p locked/in; echo z >locked/in/f;"
        " chmod 000 locked/in/f; chmod 555 locked/in locked"
    )
    with checkouts.view(tree) as view:
        finished = in_view(view, dirty)
        assert finished.code == 0, finished.tail
        assert (
            in_view(view, "cat folder/new").tail == "y\n"
        )  # a second line sees what the first did
    with checkouts.view(tree) as view:
        assert as_seen_by_a_command(view) == expected(ODD)
    assert list((tmp_path / "checkouts" / "views").iterdir()) == []


def test_two_views_of_one_tree_do_not_see_each_other(
    git: GitProcess, tmp_path: Path, isolation: Isolation
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1, isolation=isolation)
    tree = store(git, plain(a="a"))
    with checkouts.view(tree) as one, checkouts.view(tree) as other:
        assert in_view(one, "echo one >a; echo >only").code == 0
        assert in_view(other, "cat a; ls").tail == "aa\n"


def test_a_slot_in_use_is_not_changed_under_a_view(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    if not checkouts.overlay:
        pytest.skip("without overlays no slot is in use while a command runs")
    first, second = store(git, plain(a="first")), store(git, plain(a="second"))
    saw: list[str] = []

    def other() -> None:
        with checkouts.view(second) as view:
            saw.append(in_view(view, "cat a").tail)

    thread = threading.Thread(target=other)
    with checkouts.view(first) as view:
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        saw.append(in_view(view, "cat a").tail)
    thread.join(20)
    assert saw == ["first", "second"]


def test_many_threads_get_the_trees_they_asked_for(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=2)
    trees = [store(git, plain(a=str(n), b=str(n))) for n in range(4)]
    wrong: list[str] = []

    def work(start: int) -> None:
        for step in range(6):
            number = (start + step) % 4
            with checkouts.view(trees[number]) as view:
                said = in_view(view, "cat a b; echo dirt >a; rm b").tail
            if said != f"{number}{number}":
                wrong.append(said)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_the_next_process_goes_on_from_what_the_last_one_left(
    git: GitProcess, tmp_path: Path
) -> None:
    tree = store(git, plain(a="a", b="b"))
    with Checkouts(git, tmp_path / "checkouts").view(tree):
        pass
    before = (tmp_path / "checkouts/slot-0/tree/a").stat().st_ino
    checkouts = Checkouts(git, tmp_path / "checkouts")
    with checkouts.view(store(git, plain(a="a", b="other"))) as view:
        assert in_view(view, "cat a b").tail == "aother"
    assert (tmp_path / "checkouts/slot-0/tree/a").stat().st_ino == before


def test_an_update_cut_short_by_a_crash_is_built_anew(git: GitProcess, tmp_path: Path) -> None:
    files = plain(a="a", folder__b="b")
    with Checkouts(git, tmp_path / "checkouts").view(store(git, files)):
        pass
    place = tmp_path / "checkouts/slot-0"
    (place / "state.json").unlink()  # as it is in the middle of an update
    (place / "tree/a").write_text("half")
    (place / "tree/stray").write_text("half")
    with Checkouts(git, tmp_path / "checkouts").view(store(git, files)) as view:
        assert as_seen_by_a_command(view) == expected(files)


def test_a_slot_that_does_not_match_its_state_is_built_anew(
    git: GitProcess, tmp_path: Path
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    with checkouts.view(store(git, plain(a="a", b="b"))):
        pass
    (tmp_path / "checkouts/slot-0/tree/c").mkdir()  # in the way of a file that comes next
    (tmp_path / "checkouts/slot-0/tree/c/x").write_text("x")
    after = plain(a="a", c="c")
    with checkouts.view(store(git, after)) as view:
        assert as_seen_by_a_command(view) == expected(after)


@pytest.mark.parametrize("name", [".git", "sub/.GIT", "..", "a/../b"])
def test_a_tree_that_would_leave_its_folder_is_refused(
    git: GitProcess, tmp_path: Path, name: str
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts")
    tree = store(git, {name: ("100644", b"x")})
    with pytest.raises(RepositoryError, match="cannot be checked out"), checkouts.view(tree):
        pass
    with checkouts.view(store(git, plain(a="still works"))) as view:
        assert in_view(view, "cat a").tail == "still works"


def test_all_files_have_one_time_so_that_make_rebuilds_nothing_committed(
    git: GitProcess, tmp_path: Path
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts")
    with checkouts.view(store(git, ODD)) as view:
        finished = in_view(view, "find . ! -type d -printf '%T@\\n' | sort -u")
    assert finished.tail == f"{FILE_TIME_S}.0000000000\n"


def test_a_killed_daemon_leaves_no_command_running(git: GitProcess, tmp_path: Path) -> None:
    overlay = Checkouts(NO_GIT, tmp_path / "probe")._prepared().overlay
    if overlay is None or "--kill-child" not in overlay.launch or "setpriv" not in overlay.launch:
        pytest.skip("this machine cannot tie the life of a command to ours")
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    daemon = tmp_path / "daemon.py"
    daemon.write_text(
        "import sys; from pathlib import Path\n"
        "from coordinator.adapters.views import Views; from coordinator.adapters.processes import run\n"
        "views = Views(Path(sys.argv[1])); low = Path(sys.argv[1]) / 'low'; low.mkdir()\n"
        "with views.of(low, 1) as view:\n"
        "    run(view.argv(f'exec 7>{sys.argv[2]}; setsid sleep 300 & sleep 300'), folder=view.folder,"
        " environment={'PATH': '/usr/bin:/bin'}, timeout_s_max=300)\n"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(daemon), str(tmp_path / "views"), str(fifo)], cwd=root
    )
    with fifo.open("rb") as alive:  # opens once the command has opened its end
        process.kill()
        process.wait()
        assert alive.read() == b""  # ends when the last process that holds the other end is dead


def test_a_folder_that_a_command_locked_is_removed_all_the_same(tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / "a/b").mkdir(parents=True)
    (place / "a/b/f").write_text("x")
    (place / "link").symlink_to(tmp_path)
    (place / "a/b").chmod(0o000)
    (place / "a").chmod(0o500)
    remove_folder(place)
    remove_folder(place)
    assert [p.name for p in tmp_path.iterdir()] == []


def test_a_missing_tree_is_said_and_leaves_the_slots_usable(
    git: GitProcess, tmp_path: Path
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    with pytest.raises(RepositoryError), checkouts.view(Oid("f" * 40)):
        pass
    with checkouts.view(store(git, plain(a="a"))) as view:
        assert in_view(view, "cat a").tail == "a"
