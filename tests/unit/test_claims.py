"""Claims over a remote in memory: acquired, renewed, taken over, torn, and forgotten."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from coordinator.adapters.acquisitions import Acquisitions
from coordinator.adapters.claims import RefClaims
from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.remote import MIRROR, GitRemote
from coordinator.domain.names import EMPTY_TREE, BriefId, Epoch, Oid, RecordPaths, RepoPath, digest
from coordinator.domain.proof import Busy, Claim, Unreachable
from coordinator.domain.world import HeldRef
from tests.support.fake_git import FakeGit, FakeServer, Faults, PushFault, When
from tests.support.hand_clock import HandClock

BRIEF, OTHER = BriefId("tidy-3fa29c01"), BriefId("other-00000001")
DIGEST = digest(b"brief")
DOCS, GUIDE, CSS = RepoPath("docs"), RepoPath("docs/guide.md"), RepoPath("css")
WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)
LOCAL = "refs/local/acq/"


class Weather(Faults):
    """What befalls the next push, and whether the remote can be reached."""

    def __init__(self) -> None:
        self.next: PushFault | None = None
        self.is_down = False

    def on(self, call_name: str, when: When, git: FakeGit) -> PushFault | Unreachable | None:
        if when == "before" and self.is_down:
            return (
                Unreachable("down")
                if call_name == "fetch"
                else PushFault(effect="nothing", reply="unreachable")
            )
        if call_name == "push" and when == "before":
            fault, self.next = self.next, None
            return fault
        return None


@dataclass
class Station:
    """One coordinator's claims on the remote."""

    git: FakeGit
    remote: GitRemote
    claims: RefClaims
    weather: Weather
    clock: HandClock

    def acquired(self, *paths: RepoPath, brief: BriefId = BRIEF) -> Claim:
        claim = self.claims.acquire(brief, DIGEST, paths)
        assert isinstance(claim, Claim), claim
        return claim


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    git = FakeGit(server)
    tip = git.commit(
        tree=EMPTY_TREE, parents=[], message="start\n", author=WHO, committer=WHO, sign=False
    )
    assert not server.apply([RefUpdate(ref="refs/heads/main", expected=None, new=tip)])
    return server


def station(server: FakeServer, epoch: str, *, git: FakeGit | None = None) -> Station:
    weather, clock = Weather(), HandClock()
    clock._nonces = int(digest(epoch.encode())[-8:], 16)  # no two are alike
    git = git or FakeGit(server, faults=weather)
    git.faults = weather
    remote = GitRemote(git, branch="main", clock=clock, paths=RecordPaths)
    claims = RefClaims(git, remote, epoch=Epoch(epoch), clock=clock, lease_s=lambda: 100.0)
    remote.sync()
    return Station(git, remote, claims, weather, clock)


@pytest.fixture
def one(server: FakeServer) -> Station:
    return station(server, "e1")


@pytest.fixture
def two(server: FakeServer) -> Station:
    return station(server, "e2")


def refs(server: FakeServer) -> dict[str, Oid]:
    """Returns the claims on the remote, without their root."""
    root = "refs/orchestrator/"
    return {r.removeprefix(root): o for r, o in server.refs.below(root).items()}


def test_c1_one_push_takes_the_brief_and_its_paths_without_nested_ones(
    server: FakeServer, one: Station
) -> None:
    claim = one.acquired(DOCS, GUIDE, CSS)
    assert sorted(refs(server)) == ["claims/css", "claims/docs", f"held/{BRIEF}"]
    assert [p.path for p in claim.paths] == [CSS, DOCS]
    assert one.claims.mine(BRIEF) == claim


@pytest.mark.parametrize("path", [DOCS, GUIDE, RepoPath("")])
def test_c1_what_overlaps_is_refused_and_leaves_nothing_behind(
    server: FakeServer, one: Station, two: Station, path: RepoPath
) -> None:
    one.acquired(DOCS)
    before = refs(server)
    busy = two.claims.acquire(OTHER, DIGEST, [path, CSS])
    assert busy == Busy(path=DOCS, holder=BRIEF)
    assert refs(server) == before


def test_c1_a_brief_is_held_once(one: Station, two: Station) -> None:
    one.acquired()
    assert two.claims.acquire(BRIEF, DIGEST, [CSS]) == Busy(
        path=RepoPath(""), holder=f"{BRIEF} of epoch e1"
    )


def test_c2_the_same_claim_written_again_is_another_object(
    server: FakeServer, one: Station
) -> None:
    first = one.acquired(DOCS)
    one.claims.release(first)
    assert refs(server) == {}
    second = one.acquired(DOCS)
    assert {first.held, first.paths[0].oid}.isdisjoint({second.held, second.paths[0].oid})
    one.claims.release(first)  # a late release deletes nothing of the next holder's
    assert one.claims.mine(BRIEF) == second


def test_c3_a_torn_acquire_is_no_claim_and_is_taken_back(server: FakeServer, one: Station) -> None:
    torn = frozenset({f"refs/orchestrator/held/{BRIEF}"})
    one.weather.next = PushFault(effect="torn", refs=torn, reply="ok")
    assert isinstance(one.claims.acquire(BRIEF, DIGEST, [DOCS]), Busy)
    assert refs(server) == {}


def test_c3_a_refusal_that_was_none_is_a_claim(one: Station) -> None:
    one.weather.next = PushFault(effect="whole", reply="rejected")
    assert isinstance(one.claims.acquire(BRIEF, DIGEST, [DOCS]), Claim)


@pytest.mark.parametrize("restarted", [False, True])
def test_c3_what_arrives_late_is_a_stray_of_ours_after_a_restart_too(
    server: FakeServer, one: Station, *, restarted: bool
) -> None:
    one.weather.next = PushFault(effect="delayed", reply="timeout")
    assert isinstance(one.claims.acquire(BRIEF, DIGEST, [DOCS]), Busy)
    assert one.claims.strays() == ()
    late = server.delayed.pop()
    server.apply([u for u in late if "/claims/" in u.ref])
    watcher = station(server, "e9", git=one.git) if restarted else one
    watcher.remote.sync()
    strays = watcher.claims.strays()
    assert [d.ref for d in strays] == ["refs/orchestrator/claims/docs"]
    watcher.claims.delete(strays)
    assert refs(server) == {}


def test_c3_half_a_claim_of_our_epoch_is_a_stray_though_nobody_remembers_it(
    server: FakeServer, one: Station
) -> None:
    claim = one.acquired(DOCS)
    mark = LOCAL + claim.acq
    one.git.set_refs([RefUpdate(ref=mark, expected=one.git.refs(LOCAL)[mark], new=None)])
    (path,) = claim.paths
    server.apply([RefUpdate(ref=path.ref, expected=path.oid, new=None)])
    again = station(server, "e1", git=one.git)
    assert again.claims.mine(BRIEF) is None
    assert [d.ref for d in again.claims.strays()] == [f"refs/orchestrator/held/{BRIEF}"]


def test_what_cannot_be_read_back_is_neither_ours_nor_anybody_elses(one: Station) -> None:
    one.weather.is_down = True
    assert one.claims.acquire(BRIEF, DIGEST, [DOCS]) == Unreachable("down")
    assert one.claims.mine(BRIEF) is None


@pytest.mark.parametrize(
    "text",
    ['{"counter": "x"}', '{"counter": 1e999}', '{"epoch": "e1", "refs": [[], 5]}', "[" * 99_999],
    ids=["no number", "no end", "no refs", "too deep"],
)
@pytest.mark.parametrize("ref", ["held/x-1", "gate/other", "claims/css"])
def test_what_is_no_claim_of_ours_stops_nobody(server: FakeServer, ref: str, text: str) -> None:
    blob = FakeGit(server).write("blob", text.encode())
    there = RefUpdate(ref=f"refs/orchestrator/{ref}", expected=None, new=blob)
    assert not server.apply([there])
    one = station(server, "e1")
    assert one.claims.mine(BriefId("x-1")) is None
    one.acquired(DOCS)


def test_c5_a_renewal_is_a_new_object_with_the_next_number(one: Station) -> None:
    first = one.acquired(DOCS)
    assert one.claims.renew([first]) == ()
    renewed = one.claims.mine(BRIEF)
    assert renewed is not None
    assert (renewed.counter, renewed.acq, renewed.paths) == (2, first.acq, first.paths)
    assert renewed.held != first.held
    assert one.claims.renew([]) == ()


def test_c5_a_claim_that_was_lost_takes_no_other_with_it(server: FakeServer, one: Station) -> None:
    lost, kept = one.acquired(DOCS), one.acquired(CSS, brief=OTHER)
    ref = f"refs/orchestrator/held/{BRIEF}"
    server.apply([RefUpdate(ref=ref, expected=lost.held, new=None)])
    assert one.claims.renew([lost, kept]) == (BRIEF,)
    renewed = one.claims.mine(OTHER)
    assert renewed is not None
    assert renewed.counter == 2


def test_c5_a_takeover_keeps_the_paths_and_shuts_the_old_holder_out(
    one: Station, two: Station
) -> None:
    first = one.acquired(DOCS)
    two.remote.sync()
    taken = two.claims.take_over(two.claims.held()[BRIEF])
    assert isinstance(taken, Claim)
    assert (taken.epoch, taken.acq, taken.paths) == ("e2", first.acq, first.paths)
    assert one.claims.renew([first]) == (BRIEF,)
    assert one.claims.strays() == (), "the acquisition is the other's now"


def test_c5_of_two_that_take_over_one_does(server: FakeServer, one: Station, two: Station) -> None:
    three = station(server, "e3")
    one.acquired(DOCS)
    for station_ in (two, three):
        station_.remote.sync()
    stale = three.claims.held()[BRIEF]
    assert isinstance(two.claims.take_over(stale), Claim)
    busy = three.claims.take_over(stale)
    assert busy == Busy(path=RepoPath(""), holder=f"{BRIEF} of epoch e2")


def test_y1_what_an_earlier_start_held_is_ours_to_renew(server: FakeServer, one: Station) -> None:
    one.acquired(DOCS)
    again = station(server, "e9", git=one.git)
    (held,) = again.claims.earlier()
    assert held.brief == BRIEF
    assert again.claims.mine(BRIEF) is None
    assert isinstance(again.claims.take_over(held), Claim)
    assert again.claims.earlier() == ()


def test_l1_one_coordinator_holds_the_gate_and_renews_it(
    server: FakeServer, one: Station, two: Station
) -> None:
    first = one.claims.hold_gate("main")
    assert not isinstance(first, Busy | Unreachable)
    two.remote.sync()
    assert two.claims.hold_gate("main") == Busy(path=RepoPath("main"), holder="gate of epoch e1")
    renewed = one.claims.hold_gate("main")
    assert not isinstance(renewed, Busy | Unreachable)
    assert renewed.counter == 2
    assert isinstance(two.claims.hold_gate("other"), HeldRef), "it is another gate"
    two.claims.release_gate("other")
    two.claims.release_gate("main")
    assert "gate/main" in refs(server), "nobody lets go of another's gate"
    one.claims.release_gate("main")
    assert refs(server) == {}


def test_l1_a_gate_without_a_change_for_a_lease_is_taken_over(one: Station, two: Station) -> None:
    one.claims.hold_gate("main")
    two.remote.sync()
    two.clock.pause(100.0)
    two.remote.sync()
    taken = two.claims.hold_gate("main")
    assert not isinstance(taken, Busy | Unreachable)
    assert taken.epoch == "e2"
    assert isinstance(one.claims.hold_gate("main"), Busy)


class Peeked(FakeGit):
    """A clone at which somebody looks once, while a fetch is being taken in."""

    look: Callable[[], object] | None = None

    def refs(self, prefix: str) -> dict[str, Oid]:
        if prefix == f"{MIRROR}/" and self.look is not None:
            look, self.look = self.look, None
            look()
        return super().refs(prefix)


def test_c5_a_look_while_a_fetch_is_taken_in_is_not_kept(server: FakeServer, one: Station) -> None:
    one.acquired(DOCS)
    git = Peeked(server)
    two = station(server, "e2", git=git)
    two.clock.pause(50.0)
    git.look = two.claims.held
    two.remote.sync()
    assert git.look is None
    assert two.claims.held()[BRIEF].unchanged_s == 50.0


def test_l1_the_gate_of_an_earlier_start_is_ours_at_once(server: FakeServer, one: Station) -> None:
    one.claims.hold_gate("main")
    again = station(server, "e9", git=one.git)
    held = again.claims.hold_gate("main")
    assert not isinstance(held, Busy | Unreachable)
    assert held.epoch == "e9"


def test_c9_a_person_holds_paths_until_they_are_given_back(
    server: FakeServer, one: Station, two: Station
) -> None:
    taken = two.claims.take([DOCS], who="ada", reason="a rewrite")
    assert isinstance(taken, tuple)
    token, (claim,) = taken
    assert claim.holder == "person:ada"
    assert two.claims.strays() == (), "no daemon takes it for a stray"
    busy = Busy(path=DOCS, holder="person:ada", reason="a rewrite")
    assert one.claims.acquire(BRIEF, DIGEST, [GUIDE]) == busy
    assert not one.claims.give_back("no token")
    assert one.claims.give_back(token)
    assert refs(server) == {}


def test_c9_a_person_gets_all_paths_or_none(server: FakeServer, one: Station, two: Station) -> None:
    one.acquired(DOCS)
    before = refs(server)
    busy = two.claims.take([CSS, GUIDE], who="ada", reason="")
    assert busy == Busy(path=DOCS, holder=BRIEF)
    assert refs(server) == before


def test_c6_a_path_without_its_holder_is_an_orphan_by_our_own_clock(
    server: FakeServer, one: Station, two: Station
) -> None:
    claim = one.acquired(DOCS)
    ref = f"refs/orchestrator/held/{BRIEF}"
    server.apply([RefUpdate(ref=ref, expected=claim.held, new=None)])
    two.remote.sync()
    two.clock.pause(40.0)
    assert [s.orphan_s for s in two.claims.seen()] == [0.0], "time passes between fetches only"
    two.remote.sync()
    assert [s.orphan_s for s in two.claims.seen()] == [40.0]


def test_acquisitions_that_nothing_carries_are_forgotten_after_a_while(
    server: FakeServer,
) -> None:
    git = FakeGit(server)
    mark = git.write("blob", b"x")
    git.set_refs(
        [RefUpdate(ref=f"{LOCAL}a{number}", expected=None, new=mark) for number in range(300)]
    )
    one = station(server, "e1", git=git)
    claim, gate = one.acquired(DOCS), one.claims.hold_gate("main")
    assert not isinstance(gate, Busy | Unreachable)
    assert len(git.refs(LOCAL)) == 302, "none is older than a push may be late"
    one.clock.pause(900.0)
    other = one.acquired(CSS, brief=OTHER)
    kept = {ref.removeprefix(LOCAL) for ref in git.refs(LOCAL)}
    assert kept == {claim.acq, gate.acq, other.acq}
    assert one.claims.mine(BRIEF) == claim


def test_acquisitions_that_the_remote_was_seen_with_stay(server: FakeServer) -> None:
    git, clock = FakeGit(server), HandClock()
    mark = git.write("blob", b"x")
    git.set_refs(
        [RefUpdate(ref=f"{LOCAL}a{number}", expected=None, new=mark) for number in range(300)]
    )
    book = Acquisitions(git, clock=clock, carried=lambda: {"a7"})
    first = book.new()
    assert len(book.ours()) == 301
    clock.pause(900.0)
    last = book.new()
    assert set(book.ours()) == {"a7", last}, f"{first} is as old as the rest"
    assert set(git.refs(LOCAL)) == {f"{LOCAL}a7", LOCAL + last}
