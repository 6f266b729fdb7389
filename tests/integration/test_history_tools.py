"""The tools of a worker that search and look back, over a real repository and its real history."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters.git import Signature
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.history import PATCH_BYTES_MAX, GitHistory
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.tools import GitTools
from coordinator.domain import grep
from coordinator.domain.names import Oid, RecordPaths, RepoPath
from coordinator.domain.worker import UngrantedTool, UnusableArgument
from tests.support.product_trees import Files, bare_repository, store

FIRST: Files = {
    "a.md": ("100644", b"one\ntwo\n"),
    "docs/b.md": ("100644", b"# B\n"),
    "*.md": ("100644", b"a star in its name\n"),
}
SECOND: Files = {
    **FIRST,
    "a.md": ("100644", b"one\ntwo words\nthree\n"),
    "bin": ("100644", b"two\0"),
    "link": ("120000", b"a.md"),
    "crlf.txt": ("100644", b"two\r\nTwo\r\n"),
    "caf\udce9.md": ("100644", b"two\n"),
}
ELSEWHERE: Files = {"secret.md": ("100644", b"not in this history\n")}
GRANTED = ("list", "read", "grep", "log", "blame", "show")


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitProcess]:
    with bare_repository(tmp_path) as git:
        yield git


def commit(git: GitProcess, files: Files, message: str, at: int, *parents: Oid) -> Oid:
    who = Signature(name="A Person", email="person@example.invalid", timestamp=at)
    return git.commit(
        tree=store(git, files),
        parents=parents,
        message=message,
        author=who,
        committer=who,
        sign=False,
    )


class Past:
    """Two commits, and one beside them that leads nowhere."""

    def __init__(self, git: GitProcess) -> None:
        self.git = git
        self.first = commit(git, FIRST, "Begin\n\nWith a body.", 1_000)
        self.second = commit(git, SECOND, "Go on", 2_000, self.first)
        self.elsewhere = commit(git, ELSEWHERE, "Elsewhere", 3_000)

    def tools(self, *granted: str, base: Oid | None = None, bytes_max: int = 10_000) -> GitTools:
        at = base or self.second
        objects = GitObjects(self.git, paths=RecordPaths)
        return GitTools(
            objects,
            objects.tree_of(at),
            granted or GRANTED,
            history=GitHistory(self.git, at),
            content_bytes_max=bytes_max,
        )


@pytest.fixture
def past(git: GitProcess) -> Past:
    return Past(git)


def test_grep_finds_lines_of_text_files_in_order(past: Past) -> None:
    found = past.tools().grep("^(?i:two)")
    assert [(line.path, line.number, line.text) for line in found.lines] == [
        ("a.md", 2, "two words"),
        ("caf\udce9.md", 1, "two"),
        ("crlf.txt", 1, "two"),
        ("crlf.txt", 2, "Two"),
    ]
    assert not found.more


def test_grep_keeps_to_its_glob_and_to_files_that_it_may_hold(past: Past) -> None:
    assert [line.path for line in past.tools().grep("B", "docs").lines] == ["docs/b.md"]
    assert past.tools(bytes_max=3).grep("two").lines == ()


def test_grep_stops_at_its_limit_and_says_so(git: GitProcess) -> None:
    many: Files = {f"{n}.txt": ("100644", b"x\n" * (grep.LINES_MAX // 2)) for n in ("a", "b", "c")}
    base = commit(git, many, "Many", 1_000)
    objects = GitObjects(git, paths=RecordPaths)
    tools = GitTools(objects, objects.tree_of(base), ("grep",))
    found = tools.grep("x")
    assert len(found.lines) == grep.LINES_MAX
    assert found.more
    assert not tools.grep("x", "[ab].txt").more


@pytest.mark.parametrize("pattern", ["(", "a" * 1_001, "x{2,1}"])
def test_grep_says_what_is_wrong_with_a_pattern(past: Past, pattern: str) -> None:
    with pytest.raises(UnusableArgument):
        past.tools().grep(pattern)


def test_log_tells_the_newest_commits_first(past: Past) -> None:
    commits = past.tools().log()
    assert [(one.oid, one.author, one.timestamp, one.subject) for one in commits] == [
        (past.second, "A Person", 2_000, "Go on"),
        (past.first, "A Person", 1_000, "Begin"),
    ]
    assert [one.oid for one in past.tools().log(count=1)] == [past.second]


def test_log_keeps_to_a_path_that_is_taken_literally(past: Past) -> None:
    tools = past.tools()
    assert [one.oid for one in tools.log(RepoPath("docs"))] == [past.first]
    assert [one.oid for one in tools.log(RepoPath("*.md"))] == [past.first]
    assert [one.oid for one in tools.log(RepoPath("caf\udce9.md"))] == [past.second]
    assert tools.log(RepoPath("nothing")) == ()
    assert tools.log(RepoPath(":/a.md")) == ()


@pytest.mark.parametrize("count", [0, -1, 201])
def test_log_has_a_bound(past: Past, count: int) -> None:
    with pytest.raises(UnusableArgument, match="count must be"):
        past.tools().log(count=count)


def test_history_begins_at_the_base_and_not_at_the_newest_commit(past: Past) -> None:
    assert [one.oid for one in past.tools(base=past.first).log()] == [past.first]
    assert past.tools(base=past.first).show(past.second) is None


def test_blame_tells_the_commit_of_each_line(past: Past) -> None:
    lines = past.tools().blame(RepoPath("a.md"))
    assert lines is not None
    assert [(one.number, one.text, one.commit.oid, one.commit.subject) for one in lines] == [
        (1, "one", past.first, "Begin"),
        (2, "two words", past.second, "Go on"),
        (3, "three", past.second, "Go on"),
    ]


def test_blame_of_what_is_no_file_is_none_and_of_a_binary_is_refused(past: Past) -> None:
    for path in ("docs", "nothing", "link"):
        assert past.tools().blame(RepoPath(path)) is None
    with pytest.raises(UnusableArgument, match="bin is no text"):
        past.tools().blame(RepoPath("bin"))


def test_show_gives_a_file_as_it_was(past: Past) -> None:
    tools = past.tools()
    assert tools.show(past.first, RepoPath("a.md")) == b"one\ntwo\n"
    assert tools.show(past.first[:7], RepoPath("a.md")) == b"one\ntwo\n"
    assert tools.show(past.first, RepoPath("crlf.txt")) is None
    assert tools.show(past.second, RepoPath("link")) is None
    assert tools.show(past.second, RepoPath("docs")) is None


def test_show_tells_what_a_commit_changed(past: Past) -> None:
    told = past.tools().show(past.second)
    assert told is not None
    assert told.startswith(f"commit {past.second}\nauthor A Person\n".encode())
    assert b"\nGo on\n" in told
    assert b"-two\n+two words\n+three\n" in told
    began = past.tools().show(past.first)
    assert began is not None
    assert b"With a body." in began
    assert b"+# B" in began


def test_a_long_patch_is_cut(git: GitProcess) -> None:
    long: Files = {
        f"{n}.txt": ("100644", f"{n} {'x' * 70}\n".encode() * 3_000) for n in range(4)
    } | {"big.txt": ("100644", b"y\n" * 200_000)}
    base = commit(git, long, "Long", 1_000)
    told = GitHistory(git, base).patch(base)
    assert len(told) < PATCH_BYTES_MAX + 100
    assert told.endswith(b"[the rest is left out]\n")
    assert b"+y\n" not in told


def test_a_commit_outside_the_history_of_the_base_is_not_shown(past: Past) -> None:
    tools = past.tools()
    assert tools.show(past.elsewhere) is None
    assert tools.show(past.elsewhere, RepoPath("secret.md")) is None
    assert tools.show("0" * 40) is None


@pytest.mark.parametrize("commit", ["HEAD", "--all", "refs/heads/main", "abc", "", "g" * 40])
def test_show_takes_hashes_only(past: Past, commit: str) -> None:
    with pytest.raises(UnusableArgument, match="is no commit"):
        past.tools().show(commit)


def test_looking_back_needs_its_grant(past: Past) -> None:
    tools = past.tools("list")
    with pytest.raises(UngrantedTool, match="grep"):
        tools.grep("x")
    with pytest.raises(UngrantedTool, match="log"):
        tools.log()
    with pytest.raises(UngrantedTool, match="blame"):
        tools.blame(RepoPath("a.md"))
    with pytest.raises(UngrantedTool, match="show"):
        tools.show(past.first)


def test_a_search_over_many_files_gives_signs_of_life(git: GitProcess) -> None:
    base = commit(git, {f"{n}.txt": ("100644", b"x\n") for n in range(600)}, "Many", 1_000)
    objects = GitObjects(git, paths=RecordPaths)
    heard: list[float] = []
    tools = GitTools(
        objects, objects.tree_of(base), ("grep",), used=lambda: heard.append(time.monotonic())
    )
    tools.grep("nothing")
    assert len(heard) >= 3
