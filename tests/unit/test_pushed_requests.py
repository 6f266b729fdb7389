"""Requests that come as inbox/* branches: read, answered by deleting the branch, and read again."""

import pytest

from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.remote import GitRemote
from coordinator.domain.names import EMPTY_TREE, Oid, RecordPaths, RepoPath
from coordinator.domain.request import Drop
from coordinator.domain.tree import Entry
from tests.support.fake_git import FakeGit, FakeServer
from tests.support.hand_clock import HandClock

WHO = Signature(name="Ada Person", email="ada@example.invalid", timestamp=0)
REF = "refs/heads/inbox/ada"


class Post:
    """A remote in memory, with one inbox branch that can be pushed."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.git = FakeGit(self.server)
        self.remote = GitRemote(self.git, branch="main", clock=HandClock(), paths=RecordPaths)
        self.push("refs/heads/main", self.commit({}))

    def commit(self, files: dict[str, bytes]) -> Oid:
        objects = GitObjects(self.git, paths=RecordPaths)
        entries = {
            RepoPath(f"briefs/inbox/{name}"): Entry("100644", self.git.write("blob", content))
            for name, content in files.items()
        }
        tree = objects.edit(EMPTY_TREE, entries)
        return self.git.commit(
            tree=tree, parents=[], message="x\n", author=WHO, committer=WHO, sign=False
        )

    def push(self, ref: str, commit: Oid) -> None:
        refused = self.server.apply([RefUpdate(ref=ref, expected=None, new=commit)])
        assert not refused
        self.remote.sync()

    def drops(self) -> list[Drop]:
        found = self.remote.pushed_requests()
        assert all(isinstance(request, Drop) for request in found)
        return [request for request in found if isinstance(request, Drop)]


@pytest.fixture
def post() -> Post:
    return Post()


def test_files_on_an_inbox_branch_are_requests_of_whoever_committed_them(post: Post) -> None:
    post.push(REF, post.commit({"one.md": b"TASK: x", ".hidden": b"x"}))
    (drop,) = post.drops()
    assert (drop.name, drop.text) == ("one", b"TASK: x")
    assert (drop.origin.source, drop.origin.name) == ("branch", "inbox/ada:one.md")
    assert drop.origin.by == "Ada Person <ada@example.invalid>"


def test_a_branch_goes_once_each_of_its_files_has_been_dealt_with(post: Post) -> None:
    post.push(REF, post.commit({"one.md": b"TASK: x", "two.md": b"TASK: y"}))
    one, two = post.drops()
    post.remote.remove_request(one)
    assert [drop.name for drop in post.drops()] == ["two"]
    assert post.server.refs.get(REF) is not None
    post.remote.remove_request(two)
    assert post.drops() == []
    assert post.server.refs.get(REF) is None
    post.remote.remove_request(two)  # twice changes nothing


def test_the_very_same_branch_pushed_again_is_read_again(post: Post) -> None:
    commit = post.commit({"one.md": b"TASK: x"})
    for _ in range(2):
        post.push(REF, commit)
        (drop,) = post.drops()
        post.remote.remove_request(drop)
        assert post.drops() == []
