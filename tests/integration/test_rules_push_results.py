"""Rules P1 to P6: what became of a push is read from the remote, and never taken from a reply."""

import pytest

from coordinator.adapters.git import RefUpdate
from coordinator.domain.names import Oid, Place
from coordinator.domain.proof import (
    Landed,
    Lost,
    Moved,
    Planned,
    PushOutcome,
    Refused,
    Unknown,
    Unreachable,
)
from coordinator.domain.record import Verb
from coordinator.services import land
from tests.support.fake_git import FakeServer, PushFault
from tests.support.writer import BRIEF, MAIN, POLICY, Trouble, Writer

HELD = f"refs/orchestrator/held/{BRIEF}"
PINS = "refs/local/intents/"


def landing(writer: Writer, trouble: Trouble, fault: PushFault) -> land.Published:
    """Lands a brief whose landing push meets a fault; its renewal meets none."""
    filed = writer.accept()
    sighting, claim = writer.changed(filed), writer.claim(filed)
    trouble.pushing += [None, fault]
    return writer.land(sighting, claim)


def lands(writer: Writer) -> int:
    return sum(record.verb is Verb.LAND for record in writer.records())


def resolved(writer: Writer) -> PushOutcome:
    (planned,) = writer.journal.intents()
    return land.resolve(
        planned, committer=writer.committer, journal=writer.journal, timeout_s_max=30.0
    )


def test_p1_an_intent_is_written_and_its_commit_pinned_before_it_is_pushed(
    one: Writer, trouble: Trouble
) -> None:
    seen: list[tuple[tuple[Planned, ...], dict[str, Oid]]] = []
    parent = one.synced().tip
    trouble.before_push.append(lambda: seen.append((one.journal.intents(), one.git.refs(PINS))))
    one.accept()
    (((planned,), pins),) = seen
    assert (planned.oid, planned.parent) == (one.synced().tip, parent)
    assert pins == {PINS + planned.oid: planned.oid}


def test_p1_what_has_landed_is_no_intent_any_more_and_not_pinned(one: Writer) -> None:
    one.accept()
    assert one.journal.intents() == ()
    assert one.git.refs(PINS) == {}


@pytest.mark.parametrize(
    "fault",
    [
        PushFault(effect="whole", reply="timeout"),
        PushFault(effect="whole", reply="unreachable"),
        PushFault(effect="whole", reply="rejected"),
        PushFault(effect="torn", reply="rejected", refs=frozenset({MAIN})),
        PushFault(effect="torn", reply="timeout", refs=frozenset({MAIN, HELD})),
    ],
)
def test_p2_a_push_that_moved_the_branch_has_landed_whatever_was_said_of_it(
    one: Writer, trouble: Trouble, fault: PushFault
) -> None:
    assert isinstance(landing(one, trouble, fault), Landed)
    assert (lands(one), one.journal.intents()) == (1, ())


def test_p3_a_push_that_did_nothing_is_made_again_the_same(one: Writer, trouble: Trouble) -> None:
    outcome = landing(one, trouble, PushFault(effect="nothing", reply="timeout"))
    assert isinstance(outcome, Landed)
    assert trouble.pushes[-1] == trouble.pushes[-2]
    assert lands(one) == 1


def test_p3_a_tip_that_moved_is_moved(one: Writer, two: Writer, trouble: Trouble) -> None:
    filed = one.accept()
    planned = one.committer.record(
        one.synced(), [one.cancelling(filed)], policy=POLICY, timestamp=1
    )
    assert planned is not None
    tip = two.push_by_hand({"docs/other.md": "# Another\n"})
    assert one.committer.push(planned, timeout_s_max=30.0) == Moved(tip)


def test_p3_an_obstructed_push_is_tried_five_times_the_same_and_then_a_humans(
    one: Writer, server: FakeServer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    gates: list[Oid] = []
    server.obstructed = True

    def results(merged: object) -> tuple[()]:
        gates.append(getattr(merged, "product", Oid("")))
        return ()

    before = len(trouble.pushes)
    outcome = one.land(sighting, claim, results=results)
    assert isinstance(outcome, Refused)
    assert "cannot lock ref" in outcome.reason
    renewal, *tries = trouble.pushes[before:]
    assert len(renewal) == 1
    assert tries == [tries[0]] * 5
    assert len(gates) == 1, "an obstruction is no reason to gate again"
    assert one.place() == [Place.OPEN]


def test_p3_a_claim_that_changed_while_nothing_moved_is_lost(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)

    def take_over() -> None:
        two.synced()
        two.claims.take_over(two.claims.held()[BRIEF])

    trouble.at_the_landing(take_over)
    assert one.land(sighting, claim) == Lost(HELD)
    assert one.journal.intents() == ()


def test_p4_an_intent_of_unknown_fate_that_arrived_is_found_landed(
    one: Writer, trouble: Trouble
) -> None:
    outcome = _unheard(one, trouble, PushFault(effect="whole", reply="timeout"))
    assert isinstance(outcome, Unknown)
    assert isinstance(resolved(one), Landed)
    assert (lands(one), one.journal.intents()) == (1, ())


def test_p4_an_intent_of_unknown_fate_that_never_arrived_is_pushed_again_the_same(
    one: Writer, trouble: Trouble
) -> None:
    outcome = _unheard(one, trouble, PushFault(effect="nothing", reply="timeout"))
    assert isinstance(outcome, Unknown)
    assert isinstance(resolved(one), Landed)
    assert trouble.pushes[-1] == trouble.pushes[-2]
    assert lands(one) == 1


def test_p4_a_push_that_arrives_beside_the_same_one_lands_once(
    one: Writer, server: FakeServer, trouble: Trouble
) -> None:
    outcome = landing(one, trouble, PushFault(effect="delayed"))
    assert isinstance(outcome, Landed)
    assert len(server.delayed) == 1
    assert server.deliver_delayed() == 0
    assert lands(one) == 1


def test_p4_a_dead_push_that_arrives_late_is_refused(
    one: Writer, two: Writer, server: FakeServer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    trouble.pushing += [None, PushFault(effect="delayed")]

    def meanwhile() -> None:
        two.push_by_hand({"docs/other.md": "# Another\n"})

    trouble.at_the_landing(lambda: trouble.after_push.append(meanwhile))
    assert isinstance(one.land(sighting, claim), Landed)
    assert len(server.delayed) == 1
    assert server.deliver_delayed() == 0
    assert lands(one) == 1


def test_p4_a_claim_seen_gone_proves_nothing_before_the_branch_is_read_again(
    one: Writer, server: FakeServer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    # The push is applied while we look: its deletions show, and its move of the branch not yet.
    paths = frozenset({HELD, *(path.ref for path in claim.paths)})
    trouble.pushing += [None, PushFault(effect="torn", reply="timeout", refs=paths)]

    def arrives() -> None:
        (update,) = [u for u in trouble.pushes[-1] if u.ref == MAIN]
        assert not server.apply([update])

    def after_the_push() -> None:
        trouble.after_fetch.append(arrives)

    trouble.at_the_landing(after_the_push)
    assert isinstance(one.land(sighting, claim), Landed)
    assert lands(one) == 1


def test_p5_on_a_rewritten_remote_nothing_is_declared_dead(
    one: Writer, server: FakeServer, trouble: Trouble
) -> None:
    start = one.synced().tip
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    tip = server.refs.get(MAIN)

    def rewrite() -> None:
        assert not server.apply([RefUpdate(ref=MAIN, expected=tip, new=start)])

    trouble.at_the_landing(rewrite)
    outcome = one.land(sighting, claim)
    assert isinstance(outcome, Unknown)
    assert "rewritten" in outcome.reason
    assert len(one.journal.intents()) == 1
    assert one.remote.tip() == tip


def test_p6_landed_is_said_of_what_is_fetched_with_the_tree_that_was_gated(one: Writer) -> None:
    filed = one.accept()
    outcome = one.land(one.changed(filed), one.claim(filed))
    assert isinstance(outcome, Landed)
    tip = one.remote.tip()
    assert tip is not None
    assert one.git.is_ancestor(outcome.oid, tip)
    gated = one.records()[-1].values("Gated-Tree")
    assert gated == (one.objects.product(one.objects.tree_of(outcome.oid)),)


def test_p6_nothing_is_landed_while_the_remote_cannot_be_read(
    one: Writer, trouble: Trouble
) -> None:
    outcome = _unheard(one, trouble, None)
    assert outcome == Unknown("down")
    assert len(one.journal.intents()) == 1


def _unheard(writer: Writer, trouble: Trouble, fault: PushFault | None) -> land.Published:
    """Lands a brief, and hears nothing of the remote after the landing push."""
    filed = writer.accept()
    sighting, claim = writer.changed(filed), writer.claim(filed)
    trouble.fetching.clear()
    trouble.pushing += [None, fault]

    def deaf() -> None:
        trouble.fetching.append(Unreachable("down"))

    trouble.at_the_landing(deaf)
    return writer.land(sighting, claim)
