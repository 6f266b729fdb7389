"""Commits that are read and made without a process are those of git, to the byte."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters import git_commits
from coordinator.adapters.git import Signature
from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.domain.names import EMPTY_TREE, Oid
from tests.support.repos import git

WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)


@pytest.fixture
def private(tmp_path: Path) -> Iterator[GitProcess]:
    folder = create_private_clone(tmp_path / "private.git", remote_url="")
    with GitProcess(folder, remote_url="") as opened:
        yield opened


def commit(
    private: GitProcess, *parents: Oid, message: str = "m\n", author: Signature = WHO
) -> Oid:
    return private.commit(
        tree=EMPTY_TREE,
        parents=parents,
        message=message,
        author=author,
        committer=WHO,
        sign=False,
    )


def line(private: GitProcess, number: int) -> list[Oid]:
    found = [commit(private, message="0\n")]
    for one in range(1, number):
        found.append(commit(private, found[-1], message=f"{one}\n"))
    return found


@pytest.mark.parametrize(
    "who",
    [
        WHO,
        Signature(name="É", email="é@example.invalid", timestamp=1_700_000_000),
        Signature(name="A (B) <c> D.", email=" x@y.example;", timestamp=1),
        Signature(name="two\nlines", email="x@y", timestamp=1),
        Signature(name="A, B", email="a", timestamp=99_999_999_999),
        Signature(name="caf\udce9s", email="x@y", timestamp=1),
        Signature(name="a\ufffea", email="x@y", timestamp=1),
    ],
)
@pytest.mark.parametrize(
    "message",
    [
        "m\n",
        "",
        "no end",
        "\n\n a \n\né\r\n\x01\n",
        "\udce9",
        "\ufffd\ufdcf",
        "\ufdd0",
        "\U0001ffff",
    ],
)
def test_a_commit_is_the_one_that_git_makes(
    private: GitProcess, monkeypatch: pytest.MonkeyPatch, who: Signature, message: str
) -> None:
    first = commit(private)
    made = commit(private, first, message=message, author=who)
    for role, one in (("AUTHOR", who), ("COMMITTER", WHO)):
        monkeypatch.setenv(f"GIT_{role}_NAME", one.name)
        monkeypatch.setenv(f"GIT_{role}_EMAIL", one.email)
        monkeypatch.setenv(f"GIT_{role}_DATE", f"@{one.timestamp} +0000")
    said = message.encode("utf-8", "replace")
    assert made == git(private.directory, "commit-tree", EMPTY_TREE, "-p", first, stdin=said)


def test_a_plain_commit_takes_no_process(private: GitProcess) -> None:
    again = git_commits.made(
        private._store, tree=EMPTY_TREE, parents=[], message="m\n", author=WHO, committer=WHO
    )
    assert again == commit(private)


def test_a_log_is_what_git_says_near_and_far(private: GitProcess) -> None:
    commits = line(private, 80)
    for first, last in ((78, 79), (70, 79), (20, 79), (3, 79), (0, 2)):
        wanted = [(oid, f"{n}\n") for n, oid in enumerate(commits)][first + 1 : last + 1]
        assert private.log(commits[first], commits[last]) == wanted
        assert private.log(commits[first], commits[last], count_max=2) == wanted[-2:]
    assert git_commits.log(private._store, commits[70], commits[79]) is not None
    assert git_commits.log(private._store, commits[3], commits[79]) is None


def test_what_is_on_no_straight_line_is_left_to_git(private: GitProcess) -> None:
    first = commit(private, message="first\n")
    side = commit(private, first, message="side\n")
    second = commit(private, first, message="second\n")
    merge = commit(private, second, side, message="merge\n")
    assert git_commits.log(private._store, side, merge) is None
    assert private.log(side, merge) == [(second, "second\n"), (merge, "merge\n")]
    assert private.log(merge, first) == []
    assert private.is_ancestor(side, merge)
    assert not private.is_ancestor(side, second)


def test_a_message_in_another_encoding_is_read_as_git_reads_it(private: GitProcess) -> None:
    first = commit(private)
    content = private.read(commit(private, first, message="x"))[1]
    latin = content.replace(b"\n\nx", b"\nencoding ISO-8859-1\n\ncaf\xe9\n")
    strange = Oid(
        git(private.directory, "hash-object", "-t", "commit", "-w", "--stdin", stdin=latin)
    )
    assert private.log(first, strange) == [(strange, "café\n")]


def test_ancestry_is_told_near_and_far(private: GitProcess) -> None:
    commits = line(private, 30)
    for first, last in ((0, 0), (28, 29), (23, 29), (2, 29), (0, 29)):
        assert private.is_ancestor(commits[first], commits[last])
        assert private.is_ancestor(commits[last], commits[first]) == (first == last)
    assert git_commits.is_near(private._store, commits[23], commits[29])
    assert not git_commits.is_near(private._store, commits[2], commits[29])
    assert not private.is_ancestor(EMPTY_TREE, commits[29])
