"""What a worker left in its folder, read by the walker: in a whole copy, and in the upper folder of a real overlay."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.sandbox import returned
from coordinator.domain.clean_path import is_git
from coordinator.domain.output import Edit, RefusedEntry
from tests.support.patience import PATIENCE_S

FILES_MAX = 1_000
BYTES_MAX = 100_000

_IN_AN_OVERLAY = """
mount -t tmpfs -o size=64m,nr_inodes=20000 room "$ROOM"
mkdir "$ROOM/upper" "$ROOM/work" "$ROOM/tree"
mount -t overlay -o "userxattr,lowerdir=$LOWER,upperdir=$ROOM/upper,workdir=$ROOM/work" o "$ROOM/tree"
(cd "$ROOM/tree"; eval "$SCRIPT") >&2
umount "$ROOM/tree"
exec "$PYTHON" -I -S -B -c '
import json, sys
sys.path.insert(0, sys.argv[1])
import returned
limits = {"files_max": int(sys.argv[4]), "bytes_max": int(sys.argv[5])}
print(json.dumps(returned.overlay_changes(sys.argv[2], sys.argv[3], **limits)))
' "$MODULES" "$ROOM/upper" "$LOWER" "$FILES_MAX" "$BYTES_MAX"
"""


def _has_overlays() -> bool:
    if shutil.which("unshare") is None:
        return False
    lines = (
        "mount -t tmpfs r /mnt; mkdir /mnt/l /mnt/u /mnt/w;"
        "mount -t overlay -o userxattr,lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w o /mnt/l"
    )
    ended = subprocess.run(
        ["unshare", "-Urm", "sh", "-ec", lines], capture_output=True, check=False
    )
    return ended.returncode == 0


overlays = pytest.mark.skipif(not _has_overlays(), reason="no overlay can be mounted here")


class Found:
    """What came back: the content by path (None: deleted), modes, and the code by refused path."""

    def __init__(self, edits: list[dict[str, Any]], refused: list[dict[str, str]]) -> None:
        told = [Edit.model_validate(edit) for edit in edits]
        self.contents = {
            str(edit.path): edit.content_b64 and base64.b64decode(edit.content_b64).decode()
            for edit in told
        }
        self.modes = {str(edit.path): edit.mode for edit in told if edit.content_b64 is not None}
        self.refused = {one.path: one.code for one in map(RefusedEntry.model_validate, refused)}


class Room:
    """A base tree, and a worker's shell line in a private place over it."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        self.lower = folder / "lower"
        self.folder = folder
        for path, text in BASE.items():
            file = self.lower / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (self.lower / "run.sh").chmod(0o755)
        (self.lower / "link").symlink_to("docs/a.md")

    def after(self, script: str, **limits: int) -> Found:
        """Returns what the walker finds after the shell line."""
        limits = {"files_max": FILES_MAX, "bytes_max": BYTES_MAX} | limits
        if self.kind == "copy":
            tree = self.folder / "copy"
            shutil.copytree(self.lower, tree, symlinks=True)
            subprocess.run(["bash", "-ec", script], cwd=tree, check=True, timeout=PATIENCE_S)
            return Found(*returned.copy_changes(str(tree), str(self.lower), **limits))
        room = self.folder / "room"
        room.mkdir()
        said = {name.upper(): str(value) for name, value in limits.items()}
        ended = subprocess.run(
            ["unshare", "-Urm", "bash", "-ec", _IN_AN_OVERLAY],
            env={
                **os.environ,
                "ROOM": str(room),
                "LOWER": str(self.lower),
                "SCRIPT": script,
                "PYTHON": sys.executable,
                "MODULES": str(Path(returned.__file__).parent),
                **said,
            },
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return Found(*json.loads(ended.stdout))


BASE = {
    "README.md": "# Site\n",
    "run.sh": "true\n",
    "docs/a.md": "a\n",
    "docs/deep/b.md": "b\n",
    "docs/deep/c.md": "c\n",
    "old/x.md": "x\n",
    "old/y/z.md": "z\n",
}


@pytest.fixture(params=["copy", pytest.param("overlay", marks=overlays)])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Room:
    return Room(tmp_path, request.param)


@pytest.mark.parametrize(
    ("script", "contents"),
    [
        ("true", {}),
        ("touch README.md docs/a.md; touch -h link; chmod g-w README.md", {}),
        ("cat README.md > t; cat t > README.md; rm t", {}),
        ("chmod 700 docs; chmod 755 docs", {}),
        ("mkdir -p empty/folder", {}),
        ("echo new > docs/a.md", {"docs/a.md": "new\n"}),
        ("printf '# Sitf\\n' > README.md", {"README.md": "# Sitf\n"}),
        ("mkdir -p n/m; echo 1 > n/m/o", {"n/m/o": "1\n"}),
        ("rm docs/a.md", {"docs/a.md": None}),
        ("rm link", {"link": None}),
        ("rm -r docs/deep", {"docs/deep/b.md": None, "docs/deep/c.md": None}),
        (
            "rm -r docs/deep; mkdir docs/deep; echo 1 > docs/deep/n",
            {"docs/deep/b.md": None, "docs/deep/c.md": None, "docs/deep/n": "1\n"},
        ),
        (
            "rm -r old; mkdir -p old/y; echo z > old/y/z.md",
            {"old/x.md": None},
        ),
        ("rm -r old; mkdir -p old/y", {"old/x.md": None, "old/y/z.md": None}),
        (
            "mv old new",
            {"old/x.md": None, "old/y/z.md": None, "new/x.md": "x\n", "new/y/z.md": "z\n"},
        ),
        ("mv old new; mv new old", {}),
        (
            "mkdir n; echo 1 > n/1; rm -r old; mv n old",
            {"old/x.md": None, "old/y/z.md": None, "old/1": "1\n"},
        ),
        ("rm -r old; echo file > old", {"old": "file\n"}),
        ("rm README.md; mkdir README.md", {"README.md": None}),
        (
            "rm README.md; mkdir README.md; echo 1 > README.md/x",
            {"README.md": None, "README.md/x": "1\n"},
        ),
        ("rm link; echo plain > link", {"link": "plain\n"}),
        ("echo 1 > 'ü *'", {"ü *": "1\n"}),
        ("echo 1 > .gitattributes", {".gitattributes": "1\n"}),
        ("mkdir docs/.github; echo 1 > docs/.github/x", {"docs/.github/x": "1\n"}),
    ],
)
def test_changes_come_back_as_edits_and_nothing_else_does(
    room: Room, script: str, contents: dict[str, str | None]
) -> None:
    found = room.after(script)
    assert found.refused == {}
    assert found.contents == contents


def test_a_file_gone_for_a_folder_leaves_no_trace_of_either(room: Room) -> None:
    found = room.after("rm -r old; echo 1 > old; rm old; mkdir -p old/y; echo x > old/x.md")
    assert (found.contents, found.refused) == ({"old/y/z.md": None}, {})


def test_the_executable_bit_is_the_only_mode_that_a_tree_has(room: Room) -> None:
    found = room.after("echo 1 > n; chmod 700 n; chmod -x run.sh; chmod 600 docs/a.md; echo 1 > m")
    assert found.modes == {"n": "100755", "run.sh": "100644", "m": "100644"}
    assert found.contents["run.sh"] == "true\n"


@pytest.mark.parametrize(
    ("script", "refused"),
    [
        ("mkfifo docs/pipe", {"docs/pipe": "fifo"}),
        ("rm README.md; mkfifo README.md", {"README.md": "fifo"}),
        ("ln -s /etc/passwd docs/s", {"docs/s": "symlink"}),
        ("ln -sfn /etc/passwd link", {"link": "symlink"}),
        ("rm -r docs; ln -s /etc docs", {"docs": "symlink"}),
        ("rm README.md; ln -s docs/a.md README.md", {"README.md": "symlink"}),
        ("echo 1 > n; ln n m", {"m": "hard-link", "n": "hard-link"}),
        ("ln docs/a.md docs/m.md", {"docs/m.md": "hard-link"}),
        ("mkdir .git; echo 1 > .git/config", {".git": "protected"}),
        ("echo 'gitdir: ../x' > docs/.git", {"docs/.git": "protected"}),
        ("mkdir -p sub/.git/hooks; echo 1 > sub/.git/hooks/h", {"sub/.git": "protected"}),
        ("mkdir docs/.GIT", {"docs/.GIT": "protected"}),
        ("mkdir GIT~1", {"GIT~1": "protected"}),
        ("mkdir $'.g\\u200cit'", {".g\\u200cit": "protected"}),
        ("mkdir '.git '", {".git ": "protected"}),
        ("mkdir .git.", {".git.": "protected"}),
        ("mkdir .git::\\$INDEX_ALLOCATION", {".git::$INDEX_ALLOCATION": "protected"}),
        ("echo 1 > 'docs\\.git\\config'", {"docs\\.git\\config": "protected"}),
        ("echo 1 > $'a\\nb'", {"a\\u000ab": "unclean-name"}),
        ("echo 1 > $'a\\eb'", {"a\\u001bb": "unclean-name"}),
        ("echo 1 > $'\\xff'", {"\\xff": "unclean-name"}),
        ("mkdir $'\\xff'; echo 1 > $'\\xff/x'", {"\\xff": "unclean-name"}),
        ("echo 1 > n; chmod u+s n", {"n": "mode"}),
        ("chmod g+s run.sh", {"run.sh": "mode"}),
    ],
)
def test_what_no_tree_can_hold_is_refused_by_name(
    room: Room, script: str, refused: dict[str, str]
) -> None:
    found = room.after(f"export LC_ALL=C.UTF-8; {script}")
    assert {path: found.refused.get(path) for path in refused} == refused


def test_a_socket_is_refused_and_nobody_connects_to_it(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(copy / "sock"))
        _, refused = returned.copy_changes(
            str(copy), str(tmp_path / "lower"), files_max=9, bytes_max=99
        )
    assert [(one["path"], one["code"]) for one in refused] == [("sock", "socket")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_in_a_copy_is_refused_and_a_whiteout_there_is_one_too(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    os.mknod(copy / "mem", 0o020666, os.makedev(1, 1))
    os.mknod(copy / "white", 0o020666, os.makedev(0, 0))
    os.mknod(copy / "disk", 0o060666, os.makedev(7, 0))
    _, refused = returned.copy_changes(
        str(copy), str(tmp_path / "lower"), files_max=9, bytes_max=99
    )
    assert {one["path"]: one["code"] for one in refused} == dict.fromkeys(
        ("disk", "mem", "white"), "device"
    )


@pytest.mark.parametrize(
    ("script", "limits", "code"),
    [
        ("for i in $(seq 30); do echo > $i; done", {"files_max": 20}, "too-many"),
        ("for i in $(seq 30); do mkdir $i; done", {"files_max": 20}, "too-many"),
        ("rm -r docs old README.md", {"files_max": 3}, "too-many"),
        ("head -c 2000 /dev/zero > n", {"bytes_max": 1999}, "too-large"),
        ("head -c 900 /dev/zero > n; cp n m; cp n o", {"bytes_max": 2000}, "too-large"),
        ("truncate -s 900G n", {}, "too-large"),
    ],
)
def test_more_than_may_come_back_gives_one_reason_and_no_edits(
    room: Room, script: str, limits: dict[str, int], code: str
) -> None:
    found = room.after(script, **limits)
    assert list(found.refused.values()) == [code]
    assert found.contents == {}


def test_exactly_as_much_as_may_come_back_does(room: Room) -> None:
    found = room.after("printf 12345 > n; printf 678 > m", bytes_max=8, files_max=2)
    assert (found.contents, found.refused) == ({"n": "12345", "m": "678"}, {})


def test_a_folder_too_deep_is_not_entered(room: Room) -> None:
    found = room.after("for i in $(seq 200); do mkdir d; cd d; done; echo 1 > x")
    assert set(found.refused.values()) == {"too-deep"}
    assert found.contents == {}


def test_a_path_too_long_for_any_system_is_refused(room: Room) -> None:
    found = room.after("n=$(printf 'n%.0s' {1..200}); for i in $(seq 12); do mkdir $n; cd $n; done")
    assert set(found.refused.values()) == {"unclean-name"}


def test_hundreds_of_refusals_are_a_hundred(room: Room) -> None:
    found = room.after("for i in $(seq 300); do ln -s x $i; done")
    assert len(found.refused) == returned.REFUSED_MAX


@overlays
def test_an_opaque_folder_below_another_one_hides_all_that_the_base_has(tmp_path: Path) -> None:
    room = Room(tmp_path, "overlay")
    found = room.after("rm -r docs; mkdir docs; mkdir docs/deep; echo c > docs/deep/c.md")
    assert found.contents == {"docs/a.md": None, "docs/deep/b.md": None}


@overlays
def test_a_worker_cannot_make_a_whiteout_or_a_mark_of_the_overlay(tmp_path: Path) -> None:
    room = Room(tmp_path, "overlay")
    found = room.after(
        "! mknod white c 0 0; mkdir n; ! setfattr -n user.overlay.opaque -v y docs 2>/dev/null || true"
    )
    assert (found.contents, found.refused) == ({}, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_keeps_everything_out(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    (copy / "n").write_text("1")
    (copy / "n").chmod(0)
    _, refused = returned.copy_changes(
        str(copy), str(tmp_path / "lower"), files_max=9, bytes_max=99
    )
    assert [one["code"] for one in refused] == ["unreadable"]


def test_a_file_swapped_for_a_link_while_it_is_looked_at_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = _copy(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    swap_before_open(monkeypatch, copy / "n", lambda victim: victim.symlink_to(secret))
    edits, refused = returned.copy_changes(
        str(copy), str(tmp_path / "lower"), files_max=9, bytes_max=99
    )
    assert (edits, [one["code"] for one in refused]) == ([], ["unreadable"])


def test_a_file_swapped_for_a_pipe_does_not_hang_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = _copy(tmp_path)
    swap_before_open(monkeypatch, copy / "n", os.mkfifo)
    edits, refused = returned.copy_changes(
        str(copy), str(tmp_path / "lower"), files_max=9, bytes_max=99
    )
    assert (edits, [one["code"] for one in refused]) == ([], ["unreadable"])


def test_a_folder_swapped_for_a_link_is_not_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = _copy(tmp_path)
    victim = copy / "n"
    victim.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("hunter2")

    def swap(path: Path) -> None:
        path.symlink_to(elsewhere)

    swap_before_open(monkeypatch, victim, swap)
    edits, refused = returned.copy_changes(
        str(copy), str(tmp_path / "lower"), files_max=9, bytes_max=99
    )
    assert (edits, [one["code"] for one in refused]) == ([], ["unreadable"])


@pytest.mark.parametrize(
    "name",
    [
        ".git", ".GIT", ".Git", "git~1", "GIT~1", ".git.", ".git ", ".git. .", ".g\u200cit",
        "\ufeff.git", ".git\u200d", ".git:x", ".git::$INDEX_ALLOCATION", "a\\.git", ".git\\config",
        ".github", ".gitignore", "git", "git~2", "x.git", "..git", ".gi t",
    ],
)  # fmt: skip
def test_the_walker_and_the_screen_agree_on_what_is_git(name: str) -> None:
    assert returned.is_git(name) == is_git(name)


def swap_before_open(
    monkeypatch: pytest.MonkeyPatch, victim: Path, swap: Callable[[Path], object]
) -> None:
    """Swaps `victim` at the last moment: after it was looked at, before it is opened."""
    if not victim.exists():
        victim.write_text("harmless")
    real = os.open

    def late(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if path == victim.name:
            if victim.is_dir():
                victim.rmdir()
            else:
                victim.unlink()
            swap(victim)
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", late)


def _copy(folder: Path) -> Path:
    (folder / "lower").mkdir()
    (folder / "copy").mkdir()
    return folder / "copy"
