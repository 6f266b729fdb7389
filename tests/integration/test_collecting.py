"""What a run of the tests does before the first one: a mistake there costs time and tells nobody."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from tests.support import collecting

TESTS = Path(__file__).parents[1]
ONE_TEST = """
from pathlib import Path
Path("seen").write_text(str(Path("tests/__pycache__/collected").exists()))
def test_nothing(): pass
"""


def test_files_go_where_there_is_room_to_write_and_start_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert collecting.has_room(tmp_path, bytes_min=1)
    assert not collecting.has_room(tmp_path, bytes_min=2**60)
    assert not collecting.has_room(tmp_path / "none", bytes_min=0)
    real = os.statvfs(tmp_path)
    unstartable = os.statvfs_result((*real[:8], real.f_flag | os.ST_NOEXEC, *real[9:]))
    monkeypatch.setattr(os, "statvfs", lambda folder: unstartable)
    assert not collecting.has_room(tmp_path, bytes_min=1)


def test_one_comes_first_and_all_others_at_once(tmp_path: Path) -> None:
    mark = tmp_path / "cache" / "collected"
    with pytest.raises(ZeroDivisionError), collecting.one_first(mark):
        1 / 0  # noqa: B018
    assert not mark.exists(), "it has not come through"
    with collecting.one_first(mark):
        assert is_held(mark)
    with collecting.one_first(mark), collecting.one_first(mark):
        assert not is_held(mark)
    assert mark.exists()


def test_where_nothing_can_be_written_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with collecting.one_first(tmp_path / "cache" / "collected"):
        pass


def test_who_hands_the_tests_out_does_not_pass_for_the_first_to_read_them(tmp_path: Path) -> None:
    (tmp_path / "tests/support").mkdir(parents=True)
    for name in ("__init__.py", "conftest.py", "support/__init__.py", "support/collecting.py"):
        shutil.copy(TESTS / name, tmp_path / "tests" / name)
    (tmp_path / "tests/test_one.py").write_text(ONE_TEST)
    outside = {key: said for key, said in os.environ.items() if not key.startswith("PYTEST_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**outside, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert (tmp_path / "seen").read_text() == "False"
    assert (tmp_path / "tests/__pycache__/collected").exists()


def is_held(mark: Path) -> bool:
    try:
        with FileLock(mark.with_suffix(".lock"), timeout=0):
            return False
    except Timeout:
        return True
