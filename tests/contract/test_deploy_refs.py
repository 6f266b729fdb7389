"""What an environment runs, over a git in memory and over real repositories alike."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coordinator.adapters.deploys import GitDeployRefs, ref_name
from coordinator.adapters.git import Git, RefUpdate
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_process import GitProcess
from coordinator.domain.names import ZERO, Environment, Oid
from tests.support.fake_git import FakeGit, FakeServer, PushFault, When
from tests.support.hand_clock import HandClock
from tests.support.patience import PATIENCE_S

PROD = Environment("prod")
ONE, TWO, THREE = Oid("1" * 40), Oid("2" * 40), Oid("3" * 40)
Clones = Callable[[str], Git]


@pytest.fixture(params=["fake", "real"])
def clones(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clones]:
    """Returns what makes a clone of one remote."""
    if request.param == "fake":
        server = FakeServer()
        yield lambda name: FakeGit(server, name=name)
        return
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    with ExitStack() as stack:

        def clone(name: str) -> Git:
            private = create_private_clone(tmp_path / name, remote_url=str(remote))
            return stack.enter_context(GitProcess(private, remote_url=str(remote)))

        yield clone


def sync(git: Git) -> None:
    assert git.fetch(["+refs/orchestrator/*:refs/mirror/orchestrator/*"], prune=True) is None


class Clone:
    def __init__(self, clones: Clones, name: str) -> None:
        self.git = clones(name)
        self.clock = HandClock()
        self.clock._nonces = sum(name.encode()) << 20
        self.refs = GitDeployRefs(self.git, clock=self.clock, holder=name)


def test_a_state_is_read_back_as_it_was_said(clones: Clones) -> None:
    one = Clone(clones, "one")
    assert one.refs.read(PROD) is None
    state = one.refs.swap(PROD, expected=None, revision=ONE, generation=1, state="deploying")
    assert state is not None
    assert (state.revision, state.generation, state.state) == (ONE, 1, "deploying")
    assert (state.holder, state.previous, state.looks, state.reason) == ("one", None, 0, "")
    done = one.refs.swap(
        PROD, expected=state.oid, revision=ONE, generation=1, state="live", looks=2, reason="why"
    )
    assert done is not None
    assert (done.state, done.looks, done.reason) == ("live", 2, "why")
    other = Clone(clones, "other")
    assert other.refs.read(PROD) is None  # not fetched yet
    sync(other.git)
    seen = other.refs.read(PROD)
    assert seen is not None
    assert (seen.oid, seen.holder) == (done.oid, "one")


def test_rule_d1_of_two_who_swap_at_once_one_wins(clones: Clones) -> None:
    one, other = Clone(clones, "one"), Clone(clones, "other")
    first = one.refs.swap(PROD, expected=None, revision=ONE, generation=1, state="deploying")
    assert first is not None
    assert (
        other.refs.swap(PROD, expected=None, revision=ONE, generation=1, state="deploying") is None
    )
    found = other.refs.read(PROD)  # the loser sees at once what stands
    assert found is not None
    assert (found.oid, found.holder) == (first.oid, "one")


def test_a_swap_from_what_stood_before_loses(clones: Clones) -> None:
    one = Clone(clones, "one")
    first = one.refs.swap(PROD, expected=None, revision=ONE, generation=1, state="live")
    assert first is not None
    second = one.refs.swap(PROD, expected=first.oid, revision=TWO, generation=2, state="deploying")
    assert second is not None
    assert (
        one.refs.swap(PROD, expected=first.oid, revision=THREE, generation=2, state="live") is None
    )
    assert one.refs.read(PROD) == second


def test_previous_is_what_was_live_last_across_failures(clones: Clones) -> None:
    one = Clone(clones, "one")
    oid: Oid | None = None
    before = []
    for revision, state in (
        (ONE, "deploying"),
        (ONE, "live"),
        (TWO, "deploying"),
        (TWO, "failed"),
        (THREE, "deploying"),
        (THREE, "live"),
    ):
        said = one.refs.swap(PROD, expected=oid, revision=revision, generation=1, state=state)
        assert said is not None
        oid = said.oid
        before.append(said.previous)
    assert before == [None, None, ONE, ONE, ONE, ONE]


def test_two_equal_swaps_are_two_different_objects(clones: Clones) -> None:
    one = Clone(clones, "one")
    first = one.refs.swap(PROD, expected=None, revision=ONE, generation=1, state="live")
    assert first is not None
    second = one.refs.swap(PROD, expected=first.oid, revision=ONE, generation=1, state="live")
    assert second is not None
    assert first.oid != second.oid


def test_how_long_nothing_changed_is_measured_here(clones: Clones) -> None:
    one = Clone(clones, "one")
    first = one.refs.swap(PROD, expected=None, revision=ONE, generation=1, state="deploying")
    assert first is not None
    one.clock.now_s += 50
    again = one.refs.read(PROD)
    assert again is not None
    assert again.unchanged_s == 50
    one.refs.swap(PROD, expected=first.oid, revision=ONE, generation=1, state="live")
    after = one.refs.read(PROD)
    assert after is not None
    assert after.unchanged_s == 0


@pytest.mark.parametrize(
    "text", [b"not json", b'{"format": 2, "state": "live"}', b"[]", b"\xff\xfe", b""]
)
def test_what_cannot_be_read_is_a_state_and_no_error(clones: Clones, text: bytes) -> None:
    one = Clone(clones, "one")
    blob = one.git.write("blob", text)
    update = RefUpdate(ref="refs/orchestrator/deploys/prod", expected=None, new=blob)
    one.git.push([update], timeout_s_max=PATIENCE_S)
    sync(one.git)
    state = one.refs.read(PROD)
    assert state is not None
    assert (state.state, state.revision, state.oid) == ("unreadable", ZERO, blob)


def test_environments_do_not_disturb_each_other(clones: Clones) -> None:
    one = Clone(clones, "one")
    names = [
        Environment(name) for name in ("prod", "prod/eu", "Prod", "p r\u00f6d", "..", "a.lock")
    ]
    for number, name in enumerate(names, start=1):
        state = one.refs.swap(name, expected=None, revision=ONE, generation=number, state="live")
        assert state is not None, name
    generations = [state.generation for name in names if (state := one.refs.read(name))]
    assert generations == [1, 2, 3, 4, 5, 6]
    assert ref_name(Environment("Pröd/eu")) == "%50r%C3%B6d%2Feu"


class OnePush:
    """Lets one fault happen to the next push."""

    def __init__(self, fault: PushFault) -> None:
        self.fault: PushFault | None = fault

    def on(self, call_name: str, when: When, git: FakeGit) -> PushFault | None:
        if (call_name, when) != ("push", "before"):
            return None
        fault, self.fault = self.fault, None
        return fault


@pytest.mark.parametrize(
    ("fault", "stands"),
    [
        (PushFault(effect="whole", reply="timeout"), True),
        (PushFault(effect="whole", reply="rejected"), True),
        (PushFault(effect="nothing", reply="ok"), False),
        (PushFault(effect="nothing", reply="timeout"), False),
        (PushFault(effect="delayed"), False),
    ],
)
def test_the_outcome_is_what_the_remote_shows_and_never_the_reply(
    fault: PushFault, *, stands: bool
) -> None:
    server = FakeServer()
    git = FakeGit(server, faults=OnePush(fault))
    refs = GitDeployRefs(git, clock=HandClock(), holder="one")
    state = refs.swap(PROD, expected=None, revision=ONE, generation=1, state="deploying")
    assert (state is not None) is stands
    again = refs.swap(
        PROD,
        expected=state.oid if state else None,
        revision=ONE,
        generation=2,
        state="deploying",
    )
    assert again is not None
    assert server.deliver_delayed() == 0  # a push that comes too late finds its lease gone
    assert refs.read(PROD) == again
