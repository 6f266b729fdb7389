"""Which claims are renewed, swept and let go, and how long an attempt may take."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.names import BriefId, Digest, Oid, Place, ProfileName, RepoPath
from coordinator.domain.output import Output, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.proof import Busy, Claim, ClaimOutcome, Deletion
from coordinator.domain.spent import Spent
from coordinator.domain.world import HeldRef
from coordinator.services import dispatch
from tests.support.memory_tools import package
from tests.support.sightings import (
    BRIEF,
    DIGEST,
    EPOCH,
    POLICY,
    TASK,
    brief,
    claim,
    held,
    oid,
    seen,
    sighting,
    world,
)
from tests.support.sightings import spec as attempted

QUARTER_S = POLICY.lease_s / 4
HELD_REF = f"refs/orchestrator/held/{BRIEF}"
OTHER = BriefId("other-00000001")


def swept(*sightings: Any, strays: tuple[Deletion, ...] = (), **fields: Any) -> dict[str, Oid]:
    """Returns what may be deleted, with the oids that it is leased at."""
    found = dispatch.sweepable(world(*sightings, **fields), strays=strays, branch="main")
    return {deletion.ref: deletion.oid for deletion in found}


@pytest.mark.parametrize(("deadline_s", "limit_s"), [(None, 300), (60, 60), (900, 300), (1, 10)])
def test_an_attempt_keeps_to_the_deadline_within_the_limit_of_its_worker(
    deadline_s: float | None, limit_s: float
) -> None:
    one = sighting(of=brief(deadline_s=deadline_s))
    assert dispatch.wall_clock_s(one, Policy(deadline_s_min=10), 300) == limit_s


def test_c5_a_claim_is_renewed_after_a_quarter_of_the_lease() -> None:
    one = sighting()
    young = world(one, held={BRIEF: held(epoch=EPOCH, unchanged_s=QUARTER_S - 1)})
    assert dispatch.renewable(young, in_flight=frozenset()) == ()
    due = world(one, held={BRIEF: held(epoch=EPOCH, unchanged_s=QUARTER_S)})
    assert dispatch.renewable(due, in_flight=frozenset()) == (one.claim,)


def test_l5_renewals_stop_while_the_brief_lands() -> None:
    due = world(sighting(), held={BRIEF: held(epoch=EPOCH, unchanged_s=QUARTER_S)})
    assert dispatch.renewable(due, in_flight=frozenset({f"land:{BRIEF}"})) == ()


def test_what_is_about_to_be_let_go_is_not_renewed() -> None:
    due = {BRIEF: held(epoch=EPOCH, unchanged_s=QUARTER_S)}
    for place in (Place.WAITING, Place.LANDED):
        assert (
            dispatch.renewable(world(sighting(place=place), held=due), in_flight=frozenset()) == ()
        )


def test_what_is_not_ours_is_not_renewed() -> None:
    due = world(sighting(claim=None), held={BRIEF: held(unchanged_s=QUARTER_S)})
    assert dispatch.renewable(due, in_flight=frozenset()) == ()


def test_c3_our_strays_are_swept_at_once() -> None:
    stray = Deletion(ref="refs/orchestrator/claims/docs", oid=oid(7))
    assert swept(strays=(stray,)) == {stray.ref: stray.oid}


def test_c6_a_path_claim_whose_holder_is_gone_is_swept_after_a_lease() -> None:
    lone = seen("docs", orphan_s=POLICY.lease_s)
    assert swept(claims=(lone,)) == {lone.claim.ref: lone.claim.oid}
    assert swept(claims=(seen("docs", orphan_s=POLICY.lease_s - 1),)) == {}


@pytest.mark.parametrize("place", [Place.DONE, Place.REJECTED])
def test_c6_what_an_ended_brief_holds_is_swept_once_a_second_fetch_has_shown_it(
    place: Place,
) -> None:
    left = seen("docs", holder=BRIEF)
    ended: dict[str, Any] = {"terminal": {BRIEF: place}, "claims": (left,)}
    assert swept(held={BRIEF: held(unchanged_s=0)}, **ended) == {}
    assert swept(held={BRIEF: held(unchanged_s=1)}, **ended) == {
        HELD_REF: oid(4),
        left.claim.ref: left.claim.oid,
    }
    lone = seen("docs", holder=BRIEF, orphan_s=1)
    assert list(swept(terminal={BRIEF: place}, claims=(lone,))) == [lone.claim.ref]


def test_c6_a_brief_that_waits_holds_nothing_for_long() -> None:
    one = sighting(place=Place.WAITING, claim=None)
    assert swept(one, held={BRIEF: held(unchanged_s=1)}) == {HELD_REF: oid(4)}


def test_c6_a_brief_that_our_tip_does_not_show_yet_keeps_its_claim_for_a_lease() -> None:
    assert swept(held={BRIEF: held(unchanged_s=POLICY.lease_s - 1)}) == {}
    assert swept(held={BRIEF: held(unchanged_s=POLICY.lease_s)}) == {HELD_REF: oid(4)}


def test_c6_the_claim_of_an_open_brief_is_left_to_its_holder() -> None:
    one = sighting(claim=None)
    worked = seen("docs", holder=BRIEF)
    old = held(acq=worked.claim.acq, unchanged_s=10 * POLICY.lease_s)
    assert swept(one, held={BRIEF: old}, claims=(worked,)) == {}
    assert not dispatch.is_left_over(world(one, held={BRIEF: old}, claims=(worked,)))


def test_l1_a_gate_that_somebody_left_is_swept_when_nothing_can_be_gated() -> None:
    gate = held(unchanged_s=1)
    ref = "refs/orchestrator/gate/main"
    assert swept(gate=gate) == {ref: gate.oid}
    assert swept(sighting(place=Place.WAITING), gate=gate) == {ref: gate.oid}
    assert swept(sighting(), gate=gate) == {}
    assert swept(gate=replace(gate, unchanged_s=0)) == {}
    assert swept(gate=replace(gate, epoch=EPOCH)) == {}, "it is our own"


def test_something_is_left_over_while_a_brief_at_rest_is_held() -> None:
    ended: dict[str, Any] = {"terminal": {BRIEF: Place.DONE}}
    assert dispatch.is_left_over(world(held={BRIEF: held()}, **ended))
    assert dispatch.is_left_over(world(claims=(seen("docs", holder=BRIEF),), **ended))
    assert dispatch.is_left_over(world(gate=held()))
    assert not dispatch.is_left_over(world(**ended))


def test_c4_our_claim_on_a_brief_that_is_not_open_is_let_go() -> None:
    waits, works = sighting(place=Place.WAITING), sighting(name=OTHER)
    gone = claim(BriefId("gone-00000001"))
    mine: list[Claim] = [claim(BRIEF), claim(OTHER), gone]
    assert dispatch.idle_claims(world(waits, works), mine=mine) == (claim(BRIEF), gone)


class Book:
    """Claims, attempts, journal and pool that note what is asked of them, in order."""

    def __init__(self, outcome: ClaimOutcome) -> None:
        self.asked: list[str] = []
        self.running: tuple[tuple[Spec, str | None], ...] = ()
        self._outcome = outcome

    def acquire(self, brief: BriefId, digest: Digest, paths: Sequence[RepoPath]) -> ClaimOutcome:
        self.asked.append(f"acquire {brief} {','.join(paths)}")
        return self._outcome

    def take_over(self, stale: HeldRef) -> ClaimOutcome:
        self.asked.append(f"take over {stale.brief}")
        return self._outcome

    def fetch(self, brief: BriefId) -> bool:
        self.asked.append(f"fetch {brief}")
        return True

    def package(self, package: ContextPackage) -> Oid:
        self.asked.append(f"keep the package of attempt {package.attempt}")
        return oid(6)

    def begin(self, spec: Spec) -> None:
        self.asked.append(f"write down {spec.id.number}")

    def keep_output(self, spec: Spec, output: Output) -> None:
        self.asked.append(f"keep the output of {spec.id.number}")

    def end(self, attempt: AttemptId, *, usage: Usage, reason: str) -> None:
        self.asked.append(f"write down the end of {attempt.number}")

    def begun(self) -> tuple[tuple[Spec, str | None], ...]:
        return self.running

    def spent_since(self, timestamp: int) -> float:
        return 40.0 if timestamp == 86_400 else 0.0

    def submit(self, spec: Spec, package: ContextPackage, profile: Profile) -> None:
        self.asked.append(f"submit {spec.id.number} to {profile.name}")


def claimed(book: Any, *, stale: HeldRef | None = None) -> ClaimOutcome:
    paths = [RepoPath("docs")]
    return dispatch.claim(BRIEF, DIGEST, paths, stale=stale, claims=book, attempts=book)


def test_c1_a_brief_is_acquired_with_its_paths_once_what_was_tried_is_here() -> None:
    book = Book(claim())
    assert claimed(book) == claim()
    assert book.asked == [f"fetch {BRIEF}", f"acquire {BRIEF} docs"]


def test_c5_a_takeover_reuses_what_the_last_holder_published() -> None:
    book = Book(claim())
    claimed(book, stale=held())
    assert book.asked == [f"fetch {BRIEF}", f"take over {BRIEF}"]


def test_a_claim_that_somebody_else_got_is_an_ordinary_outcome() -> None:
    busy = Busy(path=RepoPath("docs"), holder="other")
    assert claimed(Book(busy)) == busy


def third(book: "Book") -> Spec | None:
    """Starts attempt 3."""
    links = Profile(name=ProfileName("links"), limits=Limits(wall_clock_s_max=30))
    given: Any = book
    return dispatch.start(
        TASK,
        sighting(round=2),
        package("Mend the links.", base=oid(1)).model_copy(update={"attempt": 3}),
        number=3,
        world=world(policy=Policy(profiles=(links,))),
        attempts=given,
        journal=given,
        pool=given,
    )


def test_an_attempt_is_written_down_before_it_is_started() -> None:
    book = Book(claim())
    spec = third(book)
    assert book.asked == ["keep the package of attempt 3", "write down 3", "submit 3 to links"]
    assert spec is not None
    assert (spec.id.ref, spec.round, spec.base) == (
        f"refs/orchestrator/attempts/{BRIEF}/e1-3",
        2,
        oid(1),
    )
    assert (spec.task, spec.package, spec.wall_clock_s_max) == ("only", oid(6), 30)
    assert (spec.cost_usd_max, spec.tokens_max) == (0.0, 1_000)


def test_an_attempt_that_was_written_down_since_the_look_is_not_started_again() -> None:
    """A quick worker has ended by then, and the pool has forgotten it."""
    book = Book(claim())
    spec = third(book)
    assert spec is not None
    book.running = ((spec, ""),)
    assert third(book) is None
    assert [one for one in book.asked if one.startswith("submit")] == ["submit 3 to links"]


def test_what_is_asked_for_a_number_that_is_taken_is_not_asked() -> None:
    """It would be kept as the output of another task, and end that one's attempt in the journal."""
    book = Book(claim())
    links = Profile(name=ProfileName("links"), limits=Limits(wall_clock_s_max=30))
    given: Any = book

    def ask(number: int) -> Spec | None:
        return dispatch.ask(
            "Which page is meant?",
            TASK,
            sighting(),
            package("Mend the links.", base=oid(1)),
            number=number,
            world=world(policy=Policy(profiles=(links,))),
            attempts=given,
            journal=given,
        )

    book.running = ((attempted(3), None),)
    assert ask(3) is None
    assert book.asked == []
    assert ask(4) is not None
    assert book.asked[1:] == ["write down 4", "keep the output of 4", "write down the end of 4"]


def paid(book: "Book", *, usd_per_day: float = 50.0, **fields: Any) -> Spec | None:
    """Starts an attempt of a worker that may cost 2 USD."""
    brain = Profile(name=ProfileName("links"), limits=Limits(cost_usd_max=2.0, tokens_max=900))
    policy = Policy(profiles=(brain,), usd_per_brief=5.0, usd_per_day=usd_per_day)
    given: Any = book
    return dispatch.start(
        TASK,
        sighting(**fields),
        package("Mend the links.", base=oid(1)),
        number=3,
        world=world(policy=policy, day=86_400),
        attempts=given,
        journal=given,
        pool=given,
    )


def test_an_attempt_is_given_what_worker_brief_and_day_leave_at_that_moment() -> None:
    book = Book(claim())
    spec = paid(book)
    assert spec is not None
    assert (spec.cost_usd_max, spec.tokens_max) == (2.0, 900)
    # Started since the look that this was decided on: one of this brief, one of another.
    mine = attempted(1).model_copy(update={"cost_usd_max": 4.0})
    theirs = mine.model_copy(update={"id": replace(mine.id, brief=OTHER)})
    book.running = ((mine, None), (theirs, None), (theirs, "ended"))
    spec = paid(book)
    assert spec is not None
    assert spec.cost_usd_max == 1.0
    spec = paid(book, usd_per_day=48.5)
    assert spec is not None
    assert spec.cost_usd_max == 0.5
    assert [one for one in book.asked if one.startswith("submit")] == ["submit 3 to links"] * 3


def test_an_attempt_whose_money_others_were_given_does_not_start() -> None:
    book = Book(claim())
    assert paid(book, usd_per_day=40.0) is None
    assert paid(book, spent=Spent(usd=5.0)) is None
    assert not [one for one in book.asked if not one.startswith("keep the package")]
