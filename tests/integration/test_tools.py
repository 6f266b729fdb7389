"""The tools of a worker, over a real repository: links, submodules, modes and limits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.tools import GitTools
from coordinator.domain.names import Oid, RecordPaths, RepoPath
from coordinator.domain.worker import UngrantedTool
from tests.support.product_trees import bare_repository, store

FILES = {
    "a.md": ("100644", b"# A\n"),
    "run.sh": ("100755", b"#!/bin/sh\n"),
    "docs/b.md": ("100644", b"# B\n"),
    "docs/long.md": ("100644", b"x" * 100),
    "manual": ("120000", b"docs"),
    "docs/up": ("120000", b"../a.md"),
    "round": ("120000", b"round"),
    "out": ("120000", b"/etc"),
    "gone": ("120000", b"nothing"),
    "lib": ("160000", b"1" * 40),
    "caf\udce9.md": ("100644", b"# Caf\n"),
}


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitProcess]:
    with bare_repository(tmp_path) as git:
        yield git


def _tools(git: GitProcess, *granted: str, content_bytes_max: int = 99) -> GitTools:
    tree = store(git, FILES)  # type: ignore[arg-type]
    objects = GitObjects(git, paths=RecordPaths)
    return GitTools(objects, Oid(tree), granted, content_bytes_max=content_bytes_max)


def test_paths_are_files_in_order_without_links_and_submodules(git: GitProcess) -> None:
    tools = _tools(git, "list")
    assert tools.paths() == ("a.md", "caf\udce9.md", "docs/b.md", "docs/long.md", "run.sh")
    assert tools.paths("docs/*.md") == ("docs/b.md", "docs/long.md")


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("a.md", True),
        ("docs", True),
        ("docs/", True),
        ("", True),
        ("manual/b.md", True),
        ("docs/up", True),
        ("lib", True),
        ("lib/anything", True),
        ("a.md/x", False),
        ("nothing", False),
        ("manual/nothing", False),
        ("round", False),
        ("out", False),
        ("gone", False),
        ("../a.md", False),
    ],
)
def test_exists_follows_links_and_trusts_submodules(
    git: GitProcess, path: str, there: bool
) -> None:
    assert _tools(git, "list").exists(RepoPath(path)) is there


def test_read_gives_files_and_nothing_else(git: GitProcess) -> None:
    tools = _tools(git, "read")
    assert tools.read(RepoPath("docs/b.md")) == b"# B\n"
    assert tools.read(RepoPath("caf\udce9.md")) == b"# Caf\n"
    for path in ("docs", "manual", "lib", "nothing", "docs/long.md"):
        assert tools.read(RepoPath(path)) is None


def test_modes_are_seen(git: GitProcess) -> None:
    tools = _tools(git, "list")
    assert tools.executable(RepoPath("run.sh"))
    assert not tools.executable(RepoPath("a.md"))


def test_a_tool_that_is_not_granted_is_refused_at_once(git: GitProcess) -> None:
    with pytest.raises(UngrantedTool, match="read"):
        _tools(git, "list").read(RepoPath("a.md"))
    with pytest.raises(UngrantedTool, match="list"):
        _tools(git, "read").paths()
    with pytest.raises(UngrantedTool, match="list"):
        _tools(git).exists(RepoPath("a.md"))
