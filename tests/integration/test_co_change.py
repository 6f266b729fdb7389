"""What commits touched, read from a real repository: step by step as from scratch, bounded, with a cache to delete."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from coordinator.adapters.co_change import GitCoChange
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.reading import FileMemo
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.together import PATHS_MAX, Together, Touched
from tests.support.patience import PATIENCE_S
from tests.support.repos import commit_files, git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number in range(4):
        commit_files(folder, {"src/a.py": f"a{number}", "tests/test_a.py": f"t{number}"})
        commit_files(folder, {"docs/b.md": f"b{number}"})
    return folder


@pytest.fixture
def door(repo: Path) -> Iterator[GitProcess]:
    with GitProcess(repo / ".git", remote_url="") as process:
        yield process


def read(
    door: GitProcess, folder: Path | None = None, *, commits_max: int = 5_000
) -> Sequence[Touched]:
    tip = Oid(git(door.directory, "rev-parse", "HEAD"))
    return GitCoChange(
        door, FileMemo(folder), commits_max=commits_max, seconds_max=PATIENCE_S
    ).touched(tip)


def test_it_names_every_commit_newest_first_with_what_it_touched(
    door: GitProcess, repo: Path
) -> None:
    found = read(door)
    assert [one.commit for one in found] == git(repo, "rev-list", "HEAD").split()
    assert found[0].paths == ("docs/b.md",)
    assert found[-1].paths == ("src/a.py", "tests/test_a.py")


def test_what_is_learned_step_by_step_is_what_is_learned_from_scratch(
    door: GitProcess, repo: Path, tmp_path: Path
) -> None:
    memo = tmp_path / "memo"
    for number in range(3):
        read(door, memo)
        commit_files(repo, {"src/a.py": f"again{number}", "docs/b.md": f"again{number}"})
    git(repo, "mv", "src/a.py", "src/renamed.py")
    git(repo, "commit", "--quiet", "--message", "rename")
    assert read(door, memo) == read(door)
    shutil.rmtree(memo)
    assert read(door, memo) == read(door)


def test_only_new_commits_are_asked_of_git(door: GitProcess, repo: Path, tmp_path: Path) -> None:
    memo = tmp_path / "memo"
    read(door, memo)
    kept = memo / "co-change.json"
    said = json.loads(kept.read_text())
    said["commits"] = {oid: [["from/the/cache"], []] for oid in said["commits"]}
    kept.write_text(json.dumps(said))
    commit_files(repo, {"src/new.py": "new"})
    found = read(door, memo)
    assert found[0].paths == ("src/new.py",)
    assert {one.paths for one in found[1:]} == {("from/the/cache",)}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 0, "commits": {}}', '{"format": 1, "commits": {"x": 3}}']
)
def test_a_cache_that_cannot_be_read_is_made_again(
    door: GitProcess, tmp_path: Path, text: str
) -> None:
    memo = tmp_path / "memo"
    memo.mkdir()
    (memo / "co-change.json").write_text(text)
    assert read(door, memo) == read(door)
    assert json.loads((memo / "co-change.json").read_text())["format"] == 1


def test_a_cache_that_cannot_be_written_costs_time_only(door: GitProcess, tmp_path: Path) -> None:
    (tmp_path / "memo").write_text("a file where the folder should be")
    assert read(door, tmp_path / "memo") == read(door)


def test_a_long_history_is_read_from_its_newest_end_and_the_cache_holds_no_more(
    door: GitProcess, tmp_path: Path
) -> None:
    memo = tmp_path / "memo"
    assert read(door, memo, commits_max=3) == read(door)[:3]
    assert len(json.loads((memo / "co-change.json").read_text())["commits"]) == 3


def test_a_renamed_file_brings_its_past_and_a_sweep_is_cut(door: GitProcess, repo: Path) -> None:
    git(repo, "mv", "tests/test_a.py", "tests/test_b.py")
    commit_files(repo, {f"many/{n:03}.txt": str(n) for n in range(PATHS_MAX + 20)})
    swept = read(door)[0]
    assert len(swept.paths) == PATHS_MAX + 1
    assert swept.renamed == (("tests/test_a.py", "tests/test_b.py"),)
    found = Together(read(door)).between(frozenset({"src/a.py"}), frozenset({"tests/test_b.py"}))
    assert found.both == 4


def test_merges_and_empty_commits_touch_nothing(door: GitProcess, repo: Path) -> None:
    git(repo, "switch", "--quiet", "--create", "side", "HEAD~1")
    commit_files(repo, {"side.txt": "side"})
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--message", "merge", "side")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "empty")
    found = read(door)
    assert found[0].paths == ()
    assert "side.txt" in {path for one in found for path in one.paths}
    assert len(found) == int(git(repo, "rev-list", "--count", "--no-merges", "HEAD"))


def test_names_that_are_no_text_come_through_the_cache(
    door: GitProcess, repo: Path, tmp_path: Path
) -> None:
    odd = ["tab\tand\nline.txt", "b" * 40, "R100", "caf\udce9.txt"]
    commit_files(repo, dict.fromkeys(odd, "x"))
    memo = tmp_path / "memo"
    assert set(read(door, memo)[0].paths) == set(odd)
    assert read(door, memo) == read(door)


def test_a_tip_that_is_not_here_is_an_error_that_says_so(door: GitProcess) -> None:
    with pytest.raises(RepositoryError, match="could not be read"):
        GitCoChange(door, FileMemo(None)).touched(Oid("1" * 40))


def test_when_time_is_up_what_is_known_by_then_is_what_there_is(
    door: GitProcess, repo: Path, tmp_path: Path
) -> None:
    memo = FileMemo(tmp_path / "memo")
    tip = Oid(git(repo, "rev-parse", "HEAD"))
    assert GitCoChange(door, memo, seconds_max=0.0).touched(tip) == []
    known = GitCoChange(door, memo, seconds_max=PATIENCE_S).touched(tip)
    commit_files(repo, {"src/later.py": "later"})
    tip = Oid(git(repo, "rev-parse", "HEAD"))
    assert GitCoChange(door, memo, seconds_max=0.0).touched(tip) == known
