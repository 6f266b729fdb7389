"""Faults of the remote in memory: each does to the refs what it says, and tells its client what it says."""

import pytest

from coordinator.adapters.git import PushReply, RefUpdate
from coordinator.domain.names import Oid
from coordinator.domain.proof import Unreachable
from tests.support.fake_git import FakeGit, FakeServer, PushFault, When


class Script:
    """Gives what it was given, call by call, and notes the calls."""

    def __init__(self, *steps: PushFault | Unreachable | Exception | None) -> None:
        self.steps = list(steps)
        self.seen: list[tuple[str, str, int]] = []

    def on(self, call_name: str, when: When, git: FakeGit) -> PushFault | Unreachable | None:
        self.seen.append((call_name, when, len(git.pushing)))
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def refs(server: FakeServer) -> dict[str, Oid]:
    return dict(server.refs.items())


def push(git: FakeGit, *updates: RefUpdate) -> PushReply:
    return git.push(updates, timeout_s_max=1.0)


def create(git: FakeGit, ref: str) -> RefUpdate:
    return RefUpdate(ref=ref, expected=None, new=git.write("blob", ref.encode()))


def test_faults_see_each_remote_call_before_and_after(server: FakeServer) -> None:
    git = FakeGit(server, faults=(script := Script()))
    push(git, create(git, "refs/o/a"), create(git, "refs/o/b"))
    git.fetch(["+refs/o/*:refs/m/*"], prune=True)
    assert script.seen == [
        ("push", "before", 2),
        ("push", "after", 2),
        ("fetch", "before", 0),
        ("fetch", "after", 0),
    ]


def test_a_push_that_never_arrives_changes_nothing(server: FakeServer) -> None:
    git = FakeGit(server, faults=Script(PushFault(effect="nothing")))
    assert push(git, create(git, "refs/o/a")).kind == "timeout"
    assert refs(server) == {}


@pytest.mark.parametrize("reply", ["rejected", "timeout", "unreachable", "ok"])
def test_a_push_can_be_applied_and_said_to_have_failed(server: FakeServer, reply: str) -> None:
    fault = PushFault(effect="whole", reply=reply)  # type: ignore[arg-type]
    git = FakeGit(server, faults=Script(fault))
    said = push(git, create(git, "refs/o/a"))
    assert said.kind == reply
    assert set(refs(server)) == {"refs/o/a"}
    if reply == "rejected":
        assert said.lines["refs/o/a"].startswith("!")


def test_a_torn_push_applies_some_and_says_none(server: FakeServer) -> None:
    git = FakeGit(server, faults=Script(PushFault(effect="torn", refs=frozenset({"refs/o/a"}))))
    said = push(git, create(git, "refs/o/a"), create(git, "refs/o/b"))
    assert said.kind == "rejected"
    assert set(refs(server)) == {"refs/o/a"}
    assert all(line.startswith("!") for line in said.lines.values())


def test_a_delayed_push_arrives_later_if_its_leases_hold_then(server: FakeServer) -> None:
    late = PushFault(effect="delayed")
    git = FakeGit(server, faults=Script(late, None, late))
    assert push(git, create(git, "refs/o/a")).kind == "timeout"
    assert push(git, create(git, "refs/o/b")).kind == "timeout"
    assert refs(server) == {}
    other = FakeGit(server)
    mine = RefUpdate(ref="refs/o/b", expected=None, new=other.write("blob", b"mine"))
    assert push(other, mine).kind == "ok"
    assert server.deliver_delayed(1) == 1
    assert server.deliver_delayed() == 0
    assert refs(server) == {"refs/o/a": git.write("blob", b"refs/o/a"), "refs/o/b": mine.new}
    assert not server.delayed


def test_an_obstructed_push_cannot_delete(server: FakeServer) -> None:
    git = FakeGit(server)
    made = create(git, "refs/o/a")
    push(git, made)
    git.faults = Script(PushFault(effect="obstructed"))
    delete = RefUpdate(ref="refs/o/a", expected=made.new, new=None)
    assert push(git, delete, create(git, "refs/o/b")).kind == "rejected"
    assert set(refs(server)) == {"refs/o/a"}
    server.obstructed = True
    assert push(git, delete).kind == "rejected"
    assert push(git, create(git, "refs/o/c")).kind == "ok"
    server.obstructed = False
    server.locked.add("refs/o/a")
    assert push(git, delete).kind == "rejected"
    server.locked.clear()
    assert push(git, delete).kind == "ok"


def test_a_hook_refuses_the_whole_push(server: FakeServer) -> None:
    server.refuse = lambda one: "hook declined" if one.ref == "refs/heads/main" else None
    git = FakeGit(server)
    said = push(git, create(git, "refs/heads/main"), create(git, "refs/o/a"))
    assert said.lines["refs/heads/main"] == "! [remote rejected] (hook declined)"
    assert refs(server) == {}


def test_dying_before_and_after_a_push_differ_by_the_push(server: FakeServer) -> None:
    git = FakeGit(server, faults=Script(RuntimeError("killed")))
    with pytest.raises(RuntimeError):
        push(git, create(git, "refs/o/a"))
    assert refs(server) == {}
    git.faults = Script(None, RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        push(git, create(git, "refs/o/a"))
    assert set(refs(server)) == {"refs/o/a"}
    assert git.pushing == ()


def test_a_fetch_can_find_nobody(server: FakeServer) -> None:
    git = FakeGit(server, faults=Script(Unreachable("offline")))
    assert git.fetch(["+refs/o/*:refs/m/*"], prune=True) == Unreachable("offline")
    assert git.fetch(["+refs/o/*:refs/m/*"], prune=True) is None
