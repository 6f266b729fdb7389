"""Rules D1 and D2 over a git in memory: real refs and objects, a target that can be told to misbehave."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from coordinator.adapters.deploys import GitDeployRefs
from coordinator.domain.names import Environment, Oid
from coordinator.domain.policy import Target
from coordinator.services.deliver import (
    BusyElsewhere,
    Delivered,
    DeliveryOutcome,
    NotLive,
    Stale,
    deliver,
)
from tests.support.fake_git import FakeGit, FakeServer
from tests.support.hand_clock import HandClock
from tests.support.trees import Trees

PROD = Environment("prod")
DIRECTORY = Target(environment=PROD, kind="directory", path="www", timeout_s_max=30)
COMMAND = Target(environment=PROD, kind="command", command="ship", live="look", timeout_s_max=30)


class Place:
    """A target in memory; `after` says how many looks pass until a shipped revision shows."""

    def __init__(self) -> None:
        self.shown: Oid | None = None
        self.number: int | None = None
        self.shipped: list[tuple[Oid, int]] = []
        self.looks = 0
        self.after = 0
        self.flapping: list[Oid | None] = []
        self.reason: str | None = None
        self.on_deploy: Callable[[], None] = lambda: None
        self._coming: list[Oid | None] = []

    def live(self, target: Target) -> Oid | None:
        self.looks += 1
        if self._coming:
            self.shown = self._coming.pop(0)
        return self.shown

    def generation(self, target: Target) -> int | None:
        return self.number if target.kind == "directory" else None

    def deploy(self, target: Target, *, revision: Oid, product: Oid, generation: int) -> str | None:
        self.shipped.append((revision, generation))
        self.on_deploy()
        if self.reason is not None:
            return self.reason
        self.number = generation
        self._coming = self.flapping or [self.shown] * self.after + [revision]
        return None


class Scene:
    """One remote, a line of commits, and one place to ship to."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.trees = Trees(FakeGit(self.server))
        self.place = Place()
        self.clock = HandClock()
        tree = self.trees.tree({"a": "a"})
        self.old = self.trees.commit(tree)
        self.new = self.trees.commit(tree, self.old)
        self.newer = self.trees.commit(tree, self.new)
        self.fork = self.trees.commit(tree, message="somebody else's\n")

    def refs(self, holder: str = "one") -> GitDeployRefs:
        return GitDeployRefs(FakeGit(self.server), clock=self.clock, holder=holder)

    def deliver(
        self,
        revision: Oid,
        *,
        target: Target = DIRECTORY,
        refs: GitDeployRefs | None = None,
        holder: str = "one",
    ) -> DeliveryOutcome:
        refs = refs or self.refs(holder)
        git = refs._git
        git.fetch(["+refs/orchestrator/*:refs/mirror/orchestrator/*"], prune=True)
        return deliver(
            target,
            revision=revision,
            product=self.trees.tree({"a": "a"}),
            holder=holder,
            refs=refs,
            targets=self.place,
            objects=self.trees.objects,
            clock=self.clock,
        )

    def state(self) -> tuple[str, Oid, int] | None:
        refs = self.refs("reader")
        refs._git.fetch(["+refs/orchestrator/*:refs/mirror/orchestrator/*"], prune=True)
        state = refs.read(PROD)
        return (state.state, state.revision, state.generation) if state else None


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_is_shipped_is_looked_at_k_times_and_written_down(scene: Scene) -> None:
    target = replace(DIRECTORY, health_polls=3, poll_s=2)
    outcome = scene.deliver(scene.old, target=target)
    assert outcome == Delivered(
        revision=scene.old, previous=None, generation=1, looks=3, took_s=4.0
    )
    assert scene.clock.pauses == [2, 2]
    assert scene.state() == ("live", scene.old, 1)


def test_the_ref_says_deploying_while_it_is_shipped(scene: Scene) -> None:
    seen: list[object] = []
    scene.place.on_deploy = lambda: seen.append(scene.state())
    scene.deliver(scene.old)
    assert seen == [("deploying", scene.old, 1)]


def test_the_next_one_has_a_higher_generation_and_names_the_previous(scene: Scene) -> None:
    scene.deliver(scene.old)
    outcome = scene.deliver(scene.new)
    assert isinstance(outcome, Delivered)
    assert (outcome.generation, outcome.previous) == (2, scene.old)


def test_a_generation_is_above_the_one_that_stands_at_the_target(scene: Scene) -> None:
    scene.place.number = 41  # the refs were lost, the target was not
    outcome = scene.deliver(scene.old)
    assert isinstance(outcome, Delivered)
    assert outcome.generation == 42


def test_what_is_live_already_is_not_shipped_again(scene: Scene) -> None:
    scene.deliver(scene.old)
    again = scene.deliver(scene.old)
    assert isinstance(again, Delivered)
    assert (again.generation, again.looks) == (1, 2)
    assert scene.place.shipped == [(scene.old, 1)]


def test_what_vanished_from_the_target_is_shipped_again(scene: Scene) -> None:
    scene.deliver(scene.old)
    scene.place.shown = None
    assert isinstance(scene.deliver(scene.old), Delivered)
    assert scene.place.shipped == [(scene.old, 1), (scene.old, 2)]


def test_rule_d2_what_is_live_and_not_an_ancestor_is_not_undone(scene: Scene) -> None:
    for live in (scene.newer, scene.fork, Oid("9" * 40)):
        scene.place.shown = live
        outcome = scene.deliver(scene.new)
        assert outcome == Stale(
            f"prod runs {live[:12]}, which {scene.new[:12]} does not contain: "
            "shipping would undo it"
        )
    assert scene.place.shipped == []
    assert scene.state() is None


def test_rule_d2_counts_what_the_ref_says_where_the_target_shows_nothing(scene: Scene) -> None:
    scene.deliver(scene.newer)
    scene.place.shown = None
    assert isinstance(scene.deliver(scene.new), Stale)
    assert scene.state() == ("live", scene.newer, 1)


def test_a_failure_does_not_hide_what_was_live_before_it(scene: Scene) -> None:
    scene.deliver(scene.newer)
    refs = scene.refs()
    refs._git.fetch(["+refs/orchestrator/*:refs/mirror/orchestrator/*"], prune=True)
    state = refs.read(PROD)
    assert state is not None
    refs.swap(PROD, expected=state.oid, revision=scene.fork, generation=2, state="failed")
    scene.place.shown = None
    assert isinstance(scene.deliver(scene.new), Stale)


def test_a_tool_that_says_ok_proves_nothing(scene: Scene) -> None:
    scene.place.after = 1_000_000
    outcome = scene.deliver(scene.old)
    assert outcome == NotLive("shipped, but the live probe shows nothing readable", "")
    assert sum(scene.clock.pauses) == 30
    assert scene.state() == ("failed", scene.old, 1)


def test_a_slow_target_is_waited_for(scene: Scene) -> None:
    scene.place.after = 5
    outcome = scene.deliver(scene.old)
    assert isinstance(outcome, Delivered)
    assert scene.place.looks == 1 + 5 + 2


def test_looks_count_in_a_row_only(scene: Scene) -> None:
    scene.place.flapping = [scene.old, None, scene.old, None, scene.old, scene.old]
    assert isinstance(scene.deliver(scene.old), Delivered)
    assert scene.place.looks == 1 + 6


def test_a_failed_ship_says_why_and_keeps_the_output(scene: Scene) -> None:
    scene.place.reason = "the deploy command ended with 4\nsome output\nmore"
    outcome = scene.deliver(scene.old, target=COMMAND)
    assert outcome == NotLive("the deploy command ended with 4", "some output\nmore")
    refs = scene.refs()
    refs._git.fetch(["+refs/orchestrator/*:refs/mirror/orchestrator/*"], prune=True)
    state = refs.read(PROD)
    assert state is not None
    assert (state.state, state.reason) == ("failed", scene.place.reason)


def test_a_failed_one_is_tried_again_under_a_new_generation(scene: Scene) -> None:
    scene.place.reason = "no"
    scene.deliver(scene.old)
    scene.place.reason = None
    outcome = scene.deliver(scene.old)
    assert isinstance(outcome, Delivered)
    assert outcome.generation == 2


def test_a_command_without_a_probe_is_never_run(scene: Scene) -> None:
    outcome = scene.deliver(scene.old, target=replace(COMMAND, live=None))
    assert outcome == NotLive(
        "there is no `live` probe to see a deploy by; set one in the config", ""
    )
    assert scene.place.shipped == []


class Killed(BaseException):
    """As SIGKILL: nothing after it runs."""


def die() -> None:
    raise Killed


@pytest.mark.parametrize("target", [DIRECTORY, COMMAND])
def test_rule_d1_after_a_crash_the_same_generation_goes_on(scene: Scene, target: Target) -> None:
    scene.place.on_deploy = die
    with pytest.raises(Killed):
        scene.deliver(scene.old, target=target)
    assert scene.state() == ("deploying", scene.old, 1)
    scene.place.on_deploy = lambda: None
    outcome = scene.deliver(scene.old, target=target)
    assert isinstance(outcome, Delivered)
    assert outcome.generation == 1


def test_a_command_that_did_its_work_before_a_crash_is_not_run_twice(scene: Scene) -> None:
    scene.place.on_deploy = die
    with pytest.raises(Killed):
        scene.deliver(scene.old, target=COMMAND)
    scene.place.shown = scene.old
    assert isinstance(scene.deliver(scene.old, target=COMMAND), Delivered)
    assert len(scene.place.shipped) == 1


def test_after_a_crash_a_newer_change_goes_first(scene: Scene) -> None:
    scene.place.on_deploy = die
    with pytest.raises(Killed):
        scene.deliver(scene.old)
    scene.place.on_deploy = lambda: None
    outcome = scene.deliver(scene.new)
    assert isinstance(outcome, Delivered)
    assert outcome.generation == 2


def test_while_another_coordinator_ships_we_wait(scene: Scene) -> None:
    outcomes: list[DeliveryOutcome] = []
    scene.place.on_deploy = lambda: outcomes.append(scene.deliver(scene.old, holder="two"))
    assert isinstance(scene.deliver(scene.old, holder="one"), Delivered)
    assert outcomes == [BusyElsewhere(f"one ships {scene.old[:12]} to prod")]


def test_another_coordinator_that_never_ends_is_taken_over_from(scene: Scene) -> None:
    scene.place.on_deploy = die
    with pytest.raises(Killed):
        scene.deliver(scene.old, holder="one")
    scene.place.on_deploy = lambda: None
    refs = scene.refs("two")
    assert isinstance(scene.deliver(scene.old, refs=refs, holder="two"), BusyElsewhere)
    scene.clock.now_s += 2 * DIRECTORY.timeout_s_max + 29
    assert isinstance(scene.deliver(scene.old, refs=refs, holder="two"), BusyElsewhere)
    scene.clock.now_s += 2
    outcome = scene.deliver(scene.old, refs=refs, holder="two")
    assert isinstance(outcome, Delivered)
    assert outcome.generation == 2


def test_who_was_taken_over_from_cannot_write_over_the_newer_state(scene: Scene) -> None:
    def others_take_over() -> None:
        scene.place.on_deploy = lambda: None
        refs = scene.refs("two")
        scene.deliver(scene.new, refs=refs, holder="two")
        scene.clock.now_s += 1000
        assert isinstance(scene.deliver(scene.new, refs=refs, holder="two"), Delivered)

    scene.place.on_deploy = others_take_over
    outcome = scene.deliver(scene.old, holder="one")
    assert isinstance(outcome, BusyElsewhere)
    assert scene.state() == ("live", scene.new, 2)


def test_a_state_of_a_newer_format_is_left_alone(scene: Scene) -> None:
    blob = scene.trees.git.write("blob", b'{"format": 9}')
    scene.server.refs.set("refs/orchestrator/deploys/prod", blob)
    outcome = scene.deliver(scene.old)
    assert isinstance(outcome, BusyElsewhere)
    assert "not readable here" in outcome.why
    assert scene.place.shipped == []


def test_when_the_remote_does_not_answer_nothing_is_shipped(scene: Scene) -> None:
    scene.server.refuse = lambda _: "down"
    assert isinstance(scene.deliver(scene.old), BusyElsewhere)
    assert scene.place.shipped == []


def test_when_the_end_cannot_be_written_down_it_is_next_time(scene: Scene) -> None:
    def down() -> None:
        scene.server.refuse = lambda _: "down"

    scene.place.on_deploy = down
    outcome = scene.deliver(scene.old)
    assert isinstance(outcome, BusyElsewhere)
    scene.server.refuse = lambda _: None
    scene.place.on_deploy = lambda: None
    again = scene.deliver(scene.old)
    assert isinstance(again, Delivered)
    assert again.generation == 1


def test_a_failure_that_cannot_be_written_down_is_found_again(scene: Scene) -> None:
    def down() -> None:
        scene.server.refuse = lambda _: "down"

    scene.place.on_deploy = down
    scene.place.reason = "broken"
    outcome = scene.deliver(scene.old)
    assert outcome == BusyElsewhere("broken; this could not be written down yet")
