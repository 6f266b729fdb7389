"""Rules C1 to C4 where several meet: over the git in memory, and over a real bare repository."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.domain.names import Oid, Place
from coordinator.domain.proof import Busy, Claim, Deletion
from coordinator.domain.world import World
from coordinator.reconcile import remote_steps
from coordinator.reconcile.kit import Kit
from coordinator.services.observe import Observer
from tests.simulation.alone import Alone
from tests.simulation.machine import Plant
from tests.support.fake_git import FakeGit, FakeServer
from tests.support.repos import git as run_git
from tests.support.writer import BRIEF, Writer

Make = Callable[[str], Writer]


@pytest.fixture(params=["memory", "process"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Returns what makes coordinators of one remote; the branch is there, and the brief is open."""
    made: list[GitProcess] = []
    server = FakeServer()
    hub = tmp_path / "hub.git"

    def new(epoch: str) -> Writer:
        if request.param == "memory":
            return Writer(FakeGit(server), epoch)
        clone = create_private_clone(tmp_path / f"{epoch}.git", remote_url=str(hub))
        made.append(GitProcess(clone, remote_url=str(hub)))
        return Writer(made[-1], epoch)

    if request.param == "process":
        run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    first = new("e0")
    first.found()
    first.accept()
    yield new
    for git in made:
        git.close()


def claims(writer: Writer) -> dict[str, Oid]:
    writer.synced()
    return writer.remote.mirrored("")


def deletions(claim: Claim) -> list[Deletion]:
    """Returns what a release of the claim deletes."""
    held = Deletion(ref=f"refs/orchestrator/held/{claim.brief}", oid=claim.held)
    return [held, *(Deletion(ref=path.ref, oid=path.oid) for path in claim.paths)]


def released(writer: Writer, claim: Claim) -> dict[str, bool]:
    """Runs the step that lets go of a claim as a look showed it; returns how it went."""
    ended: dict[str, bool] = {}

    def say(key: str, *, well: bool) -> None:
        ended[key] = well

    kit = SimpleNamespace(ports=SimpleNamespace(claims=writer.claims), ended=say)
    remote_steps.release(cast("Kit", kit), [claim])
    return ended


def test_c1_who_meets_an_overlap_gets_nothing_and_leaves_nothing(make: Make) -> None:
    one, two = make("e1"), make("e2")
    claim = one.claim(one.filed(), "docs")
    before = claims(one)
    other = two.claims.acquire(one.accept("other").id, claim.digest, [claim.paths[0].path])
    assert isinstance(other, Busy)
    assert claims(two) == before


def test_c2_a_late_release_does_not_delete_the_next_holders_claim(make: Make) -> None:
    one, two = make("e1"), make("e2")
    first = one.claim(one.filed())
    late = deletions(first)
    one.claims.release(first)
    second = two.claim(two.filed())
    one.claims.delete(late)
    assert two.claims.mine(BRIEF) == second
    assert set(claims(two).values()) == {second.held, second.paths[0].oid}


def test_c2_a_late_release_does_not_delete_the_same_holders_next_claim(make: Make) -> None:
    one = make("e1")
    first = one.claim(one.filed())
    one.claims.release(first)
    second = one.claim(one.filed())
    one.claims.delete(deletions(first))
    assert one.claims.mine(BRIEF) == second


def test_c2_what_was_renewed_since_a_look_is_let_go_all_the_same(make: Make) -> None:
    one = make("e1")
    seen = one.claim(one.filed())
    one.claims.renew([seen])
    assert released(one, seen) == {"release": True}
    assert claims(one) == {}


def test_c2_a_claim_that_was_acquired_since_a_look_stays(make: Make) -> None:
    one = make("e1")
    seen = one.claim(one.filed())
    one.claims.release(seen)
    second = one.claim(one.filed())
    assert released(one, seen) == {"release": True}
    assert one.claims.mine(BRIEF) == second


def test_c4_who_acquires_sees_the_tip_of_a_later_fetch(make: Make) -> None:
    one, two = make("e1"), make("e2")
    filed = one.filed()
    two.synced()
    two.publish(two.cancelling(two.filed()))
    claim = one.claim(filed)
    assert one.remote.tip() == two.remote.tip()
    assert one.place() == [Place.REJECTED]
    one.claims.release(claim)
    assert claims(one) == {}


class Fetching(Observer):
    """Looks while another thread fetches."""

    times = 0
    until = 0

    def look(self, tip: Oid, **named: Any) -> World:
        world = super().look(tip, **named)
        if type(self).times < self.until:
            type(self).times += 1
            self._remote.sync()
        return world


def test_c4_a_look_that_a_fetch_came_between_decides_nothing() -> None:
    class Always(Fetching):
        until = 10_000

    day = Alone(plant=Plant(observer=Always), bound_s=30.0)
    day.run()
    assert Always.times > 5
    assert [record for record in day.watch.commits.values() if record is not None] == []


def test_c4_and_the_next_look_does() -> None:
    class AFewTimes(Fetching):
        until = 5

    outcome = Alone(plant=Plant(observer=AFewTimes)).run()
    assert (outcome.broken, outcome.landings, AFewTimes.times) == ([], 1, 5)
