"""`coordinator coupling`, in a plain clone without a daemon: what is coupled to what, and by which numbers."""

from pathlib import Path

import pytest

from tests.support.command_line import coordinator
from tests.support.repos import commit_files, git


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coupling") / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit_files(folder, {"docs/x.md": "[y](y.md)", "docs/y.md": "", "briefs/open/b.md": ""})
    for number in range(12):
        commit_files(folder, {"src/a.py": f"a{number}", "lib/z.txt": f"z{number}"})
        commit_files(folder, {"news.md": f"n{number}"})
    return folder


def test_of_one_path_it_names_what_is_coupled_most(repo: Path) -> None:
    said = coordinator(repo, "coupling", "src/a.py", "-n", "1", "--json").json
    assert said["tip"] == git(repo, "rev-parse", "HEAD")
    (pair,) = said["pairs"]
    assert set(pair) == {"a", "b", "score", "overlap", "relation", "together", "why"}
    assert (pair["a"], pair["b"]) == ("src/a.py", "lib/z.txt")
    assert 0.6 < pair["score"] == pair["together"] <= 1
    assert "12 commits with both, 12 and 12 with each" in pair["why"]


def test_of_several_it_weighs_each_pair_folders_too(repo: Path) -> None:
    said = coordinator(repo, "coupling", "src/", "lib", "docs/x.md", "docs", "--json").json
    found = {(pair["a"], pair["b"]): pair for pair in said["pairs"]}
    assert len(found) == 6
    assert found["docs/x.md", "docs"]["overlap"] == 1.0
    assert found["src", "lib"]["score"] > 0.6 > found["src", "docs"]["score"]
    assert said["pairs"] == sorted(said["pairs"], key=lambda pair: -pair["score"])


def test_people_get_a_table_with_reasons(repo: Path) -> None:
    said = coordinator(repo, "coupling", "docs/x.md", "docs/y.md").out.splitlines()
    assert said[0].split() == ["score", "overlap", "relation", "together"]
    assert said[1].split()[:2] == ["docs/x.md", "docs/y.md"]
    assert said[1].split()[4] == "1.00"
    assert "relation 1.00 (import or link between docs/x.md and docs/y.md)" in said[2]


def test_a_look_writes_nothing(repo: Path) -> None:
    before = git(repo, "for-each-ref"), sorted(path.name for path in (repo / ".git").iterdir())
    coordinator(repo, "coupling", "src")
    assert before == (
        git(repo, "for-each-ref"),
        sorted(path.name for path in (repo / ".git").iterdir()),
    )
    assert not (repo / ".orchestrator").exists()


@pytest.mark.parametrize("path", ["nowhere", "briefs"])
def test_a_path_that_names_no_file_is_said(repo: Path, path: str) -> None:
    answered = coordinator(repo, "coupling", path, "src", "--json")
    assert answered.code == 1
    assert answered.error["message"].startswith(f"no file is named by {path} at ")


def test_a_repository_without_a_commit_is_said(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    answered = coordinator(tmp_path, "coupling", "src", "--json")
    assert (answered.code, answered.error["message"]) == (1, "there is no commit yet")


def test_too_many_paths_are_refused(repo: Path) -> None:
    answered = coordinator(repo, "coupling", *["src"] * 51, "--json")
    assert (answered.code, answered.error["message"]) == (1, "51 paths are too many pairs")
