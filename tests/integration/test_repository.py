"""The user's repository is found wherever it lies, whatever its folder is called."""

from pathlib import Path

import pytest

from coordinator.adapters import repository
from coordinator.domain.errors import RepositoryError
from tests.support.repos import git


@pytest.mark.parametrize("name", ["plain", "two\u2028lines", "form\x0cfeed", "cr\r", "caf\udce9 "])
def test_a_repository_is_found_whatever_its_folder_is_called(tmp_path: Path, name: str) -> None:
    git(tmp_path, "init", "--quiet", name)
    found = repository.find(tmp_path / name)
    assert (found.top, found.branch, found.head) == (tmp_path / name, "main", None)


def test_a_path_that_git_cannot_say_in_one_line_is_refused_by_name(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "a\nb")
    with pytest.raises(RepositoryError, match="a line break in the path"):
        repository.find(tmp_path / "a\nb")


def test_a_file_called_head_is_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "HEAD").touch()
    assert repository.find(tmp_path).head is None
