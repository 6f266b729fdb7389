import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.tree_files import FILE_TIME_S, remove_folder
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.tree import Mode
from tests.support.patience import PATIENCE_S
from tests.support.product_trees import Files, bare_repository, expected, plain, seen, store


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitProcess]:
    with bare_repository(tmp_path) as repository:
        yield repository


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


def test_a_checkout_is_exactly_the_tree(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts")
    with checkouts.hold(store(git, ODD)) as folder:
        assert seen(folder) == expected(ODD)


def test_a_checkout_follows_every_kind_of_change(git: GitProcess, tmp_path: Path) -> None:
    steps: list[Files] = [
        ODD,
        {**ODD, "plain.txt": ("100755", b"changed")},
        {"link": ("100644", b"a file now"), "plain.txt/inside": ("100644", b"a folder now")},
        {"plain.txt": ("120000", b"folder"), "folder": ("160000", b"2" * 40)},
        {"folder/was/module": ("100644", b"x"), "plain.txt": ("100644", b"")},
        {},
        ODD,
    ]
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    for files in steps:
        with checkouts.hold(store(git, files)) as folder:
            assert seen(folder) == expected(files)


@pytest.mark.parametrize("seed", range(3))
def test_random_walks_over_trees_stay_exact(git: GitProcess, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
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
        with checkouts.hold(store(git, files)) as folder:
            assert seen(folder) == expected(files)


def test_a_folder_may_be_held_many_times_at_once(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    tree = store(git, plain(a="a"))
    with checkouts.hold(tree) as one, checkouts.hold(tree) as other:
        assert one == other
        assert (one / "a").read_text() == "a"


def test_a_folder_that_is_held_is_not_changed(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    first, second = store(git, plain(a="first")), store(git, plain(a="second"))
    saw: list[str] = []

    def other() -> None:
        with checkouts.hold(second) as folder:
            saw.append((folder / "a").read_text())

    thread = threading.Thread(target=other)
    with checkouts.hold(first) as folder:
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        saw.append((folder / "a").read_text())
    thread.join(PATIENCE_S)
    assert saw == ["first", "second"]


def test_the_folder_that_was_of_use_longest_ago_makes_room(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=2)
    first, second, third = (store(git, plain(a=name)) for name in ("first", "second", "third"))
    with checkouts.hold(first) as old, checkouts.hold(second) as new:
        assert old != new
    with checkouts.hold(third) as folder:
        assert folder == old
    with checkouts.hold(second) as folder:
        assert folder == new


def test_many_threads_get_the_trees_they_asked_for(git: GitProcess, tmp_path: Path) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=2)
    trees = [store(git, plain(a=str(n), b=str(n))) for n in range(4)]
    wrong: list[str] = []

    def work(start: int) -> None:
        for step in range(6):
            number = (start + step) % 4
            with checkouts.hold(trees[number]) as folder:
                said = (folder / "a").read_text() + (folder / "b").read_text()
            if said != f"{number}{number}":
                wrong.append(said)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_the_next_process_goes_on_from_what_the_last_one_left(
    git: GitProcess, tmp_path: Path
) -> None:
    tree = store(git, plain(a="a", b="b"))
    with Checkouts(git, tmp_path / "checkouts").hold(tree):
        pass
    before = (tmp_path / "checkouts/slot-0/tree/a").stat().st_ino
    checkouts = Checkouts(git, tmp_path / "checkouts")
    with checkouts.hold(store(git, plain(a="a", b="other"))) as folder:
        assert (folder / "b").read_text() == "other"
    assert (tmp_path / "checkouts/slot-0/tree/a").stat().st_ino == before


def test_an_update_cut_short_by_a_crash_is_built_anew(git: GitProcess, tmp_path: Path) -> None:
    files = plain(a="a", folder__b="b")
    with Checkouts(git, tmp_path / "checkouts").hold(store(git, files)):
        pass
    place = tmp_path / "checkouts/slot-0"
    (place / "state.json").unlink()  # as it is in the middle of an update
    (place / "tree/a").write_text("half")
    (place / "tree/stray").write_text("half")
    with Checkouts(git, tmp_path / "checkouts").hold(store(git, files)) as folder:
        assert seen(folder) == expected(files)


def test_a_slot_that_does_not_match_its_state_is_built_anew(
    git: GitProcess, tmp_path: Path
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts", slots=1)
    with checkouts.hold(store(git, plain(a="a", b="b"))):
        pass
    (tmp_path / "checkouts/slot-0/tree/c").mkdir()  # in the way of a file that comes next
    (tmp_path / "checkouts/slot-0/tree/c/x").write_text("x")
    after = plain(a="a", c="c")
    with checkouts.hold(store(git, after)) as folder:
        assert seen(folder) == expected(after)


@pytest.mark.parametrize("name", [".git", "sub/.GIT", "..", "a/../b"])
def test_a_tree_that_would_leave_its_folder_is_refused(
    git: GitProcess, tmp_path: Path, name: str
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts")
    tree = store(git, {name: ("100644", b"x")})
    with pytest.raises(RepositoryError, match="cannot be checked out"), checkouts.hold(tree):
        pass
    with checkouts.hold(store(git, plain(a="still works"))) as folder:
        assert (folder / "a").read_text() == "still works"


def test_all_files_have_one_time_so_that_make_rebuilds_nothing_committed(
    git: GitProcess, tmp_path: Path
) -> None:
    checkouts = Checkouts(git, tmp_path / "checkouts")
    with checkouts.hold(store(git, ODD)) as folder:
        files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
        assert {path.lstat().st_mtime_ns for path in files} == {FILE_TIME_S * 1_000_000_000}


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
    with pytest.raises(RepositoryError), checkouts.hold(Oid("f" * 40)):
        pass
    with checkouts.hold(store(git, plain(a="a"))) as folder:
        assert (folder / "a").read_text() == "a"
