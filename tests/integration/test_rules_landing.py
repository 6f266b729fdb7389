"""Rules L2 to L9 at the push: what lands is what was gated, of a brief that is open, in one commit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.domain import notes
from coordinator.domain.changeset import Changeset
from coordinator.domain.names import EMPTY_TREE, Oid, Place, RecordPaths
from coordinator.domain.proof import (
    Clash,
    Gated,
    Ineligible,
    Landed,
    Lost,
    Merged,
    Planned,
    StillOpen,
)
from coordinator.domain.record import Verb
from coordinator.services.land import Stale
from tests.support.fake_git import FakeGit, FakeServer
from tests.support.repos import git as run_git
from tests.support.writer import BRIEF, MAIN, POLICY, Trouble, Writer

CLAIMS = "refs/orchestrator/"


@pytest.fixture(params=["memory", "process"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Writer]:
    """Returns a writer over the git in memory, and over a real one with a bare remote."""
    if request.param == "memory":
        writer = Writer(FakeGit(FakeServer()))
        writer.found()
        yield writer
        return
    hub = tmp_path / "hub.git"
    run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    clone = create_private_clone(tmp_path / "clone.git", remote_url=str(hub))
    with GitProcess(clone, remote_url=str(hub)) as git:
        writer = Writer(git)
        writer.found()
        yield writer


def product(writer: Writer, tree: Oid) -> Oid:
    """Returns a tree without the record paths, worked out from its files."""
    paths = RecordPaths()
    kept = {p: e for p, e in writer.objects.walk(tree) if not paths.owns(p)}
    return writer.objects.edit(EMPTY_TREE, kept)


def test_l2_a_landing_moves_reports_ticks_and_says_so_in_one_commit(real: Writer) -> None:
    filed = real.accept()
    before = real.synced().tip
    outcome = real.land(real.changed(filed), real.claim(filed))
    assert isinstance(outcome, Landed)
    ((commit, _),) = real.objects.log(before, real.synced().tip)
    assert commit == outcome.oid
    changed = {c.path for c in real.objects.diff(real.objects.tree_of(before), real.tree())}
    done = POLICY.paths.folder(Place.DONE, BRIEF)
    assert {"docs/guide.md", "memory/plan.md", f"{done}/brief.md", f"{done}/reply.md"} <= changed
    assert real.place() == [Place.DONE]
    assert "- [x] tidy" in (real.text("memory/plan.md") or "")
    assert real.records()[-1].values("Brief-Id") == (BRIEF,)


def test_l2_a_brief_that_was_cancelled_on_the_way_does_not_land(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    trouble.at_the_landing(lambda: two.publish(two.cancelling(two.filed())))
    outcome = one.land(sighting, claim)
    assert isinstance(outcome, Ineligible)
    assert outcome.why == "it is in rejected"
    assert [record.verb for record in one.records()] == [Verb.ACCEPT, Verb.CANCEL]
    assert one.text("docs/guide.md") == "# Guide\n"


def test_l2_a_brief_whose_text_changed_on_the_way_does_not_land(one: Writer, two: Writer) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    folder = POLICY.paths.folder(Place.OPEN, BRIEF)
    two.push_by_hand({f"{folder}/brief.md": "TASK: Something else altogether.\n"})
    outcome = one.land(sighting, claim)
    assert isinstance(outcome, Ineligible)
    assert outcome.why == "its text is another one"


def test_l2_a_landing_that_is_on_the_branch_already_is_not_made_again(one: Writer) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    assert isinstance(one.land(sighting, claim), Landed)
    again = one.land(sighting, one.claim(filed))
    assert isinstance(again, Ineligible)
    assert again.why == "it is in done"


def test_l3_gated_tree_is_the_landed_tree_without_record_paths(real: Writer) -> None:
    filed = real.accept()
    seen: list[Merged] = []

    def results(merged: Merged) -> tuple[()]:
        seen.append(merged)
        return ()

    real.land(real.changed(filed), real.claim(filed), results=results)
    tree = real.tree()
    assert real.records()[-1].values("Gated-Tree") == (product(real, tree),)
    assert seen[-1].product == product(real, tree)
    assert all(not RecordPaths().owns(p) for p, _ in real.objects.walk(seen[-1].product))


def test_l3_what_others_record_meanwhile_is_no_conflict(one: Writer, two: Writer) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    two.accept("other")
    assert isinstance(one.land(sighting, claim), Landed)


def test_l3_what_others_changed_in_the_same_lines_is_a_clash(real: Writer) -> None:
    filed = real.accept()
    sighting, claim = real.changed(filed), real.claim(filed)
    real.push_by_hand({"docs/guide.md": "# Another guide\n"})
    outcome = real.land(sighting, claim)
    assert isinstance(outcome, Clash)
    assert outcome.paths == ("docs/guide.md",)
    assert real.text("docs/guide.md") == "# Another guide\n"


def test_l4_a_tip_moved_by_a_record_is_built_upon_and_the_verdict_stands(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    products: list[Oid] = []

    def results(merged: Merged) -> tuple[()]:
        products.append(merged.product)
        return ()

    trouble.at_the_landing(lambda: two.publish(two.accepting("other")))
    assert isinstance(one.land(sighting, claim, results=results), Landed)
    assert len(set(products)) == 1
    assert [record.verb for record in one.records()] == [Verb.ACCEPT, Verb.ACCEPT, Verb.LAND]


def test_l4_a_tip_moved_by_a_product_change_is_gated_again(one: Writer, two: Writer) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    gated: set[Oid] = set()
    one.land(sighting, claim, results=lambda merged: gated.add(merged.product))
    tip = two.push_by_hand({"docs/other.md": "# Another\n"})
    outcome = one.land(
        sighting, claim, results=lambda merged: () if merged.product in gated else None
    )
    assert outcome == Stale(tip)


def test_l5_a_landing_deletes_its_claims_with_the_move_and_creates_nothing(real: Writer) -> None:
    filed = real.accept()
    claim = real.claim(filed, "docs/guide.md", "docs/other.md")
    assert len(real.remote.mirrored("")) == 3
    assert isinstance(real.land(real.changed(filed), claim), Landed)
    assert real.remote.mirrored("") == {}


def test_l5_the_push_leases_the_parent_and_each_claim_at_what_is_held(
    one: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    claim = one.claim(filed)
    parent = one.synced().tip
    outcome = one.land(one.changed(filed), claim)
    assert isinstance(outcome, Landed)
    renewal, landing = trouble.pushes[-2:]
    assert [(u.ref, u.expected) for u in renewal] == [(f"{CLAIMS}held/{BRIEF}", claim.held)]
    assert [(u.ref, u.expected, u.new) for u in landing] == [
        (MAIN, parent, outcome.oid),
        (f"{CLAIMS}held/{BRIEF}", renewal[0].new, None),
        (claim.paths[0].ref, claim.paths[0].oid, None),
    ]


def test_l6_a_landing_whose_renewal_fails_is_dropped_and_changes_nothing(
    real: Writer,
) -> None:
    filed = real.accept()
    sighting, claim = real.changed(filed), real.claim(filed)
    other = Writer(real.git, "e2")
    other.synced()
    other.claims.take_over(other.claims.held()[BRIEF])
    tip = real.synced().tip
    assert real.land(sighting, claim) == Lost(BRIEF)
    assert real.synced().tip == tip
    assert other.claims.mine(BRIEF) is not None


def test_l5_a_claim_lost_between_renewal_and_push_stops_the_push(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)

    def take_over() -> None:
        two.synced()
        two.claims.take_over(two.claims.held()[BRIEF])

    trouble.at_the_landing(take_over)
    outcome = one.land(sighting, claim)
    assert isinstance(outcome, Lost)
    assert [record.verb for record in one.records()] == [Verb.ACCEPT]


def test_l9_the_same_landing_built_again_is_the_same_commit(one: Writer) -> None:
    filed = one.accept()
    claim = one.claim(filed)
    sighting = one.changed(filed)
    assert isinstance(sighting.synthesis, Changeset)
    merged = one.objects.merge(sighting.synthesis, claim=claim, synced=one.synced())
    assert isinstance(merged, Merged)

    def built(timestamp: int) -> Planned:
        gated = Gated(merged=merged, results=())
        planned = one.committer.land(
            gated,
            still_open=StillOpen(brief=BRIEF, place=Place.OPEN, blob=filed.blob),
            note=notes.landing(sighting, gated, claim, cost="0.0000", policy=POLICY),
            claim=claim,
            policy=POLICY,
            timestamp=timestamp,
        )
        assert isinstance(planned, Planned)
        return planned

    assert built(1_700_000_000) == built(1_700_000_000)
    assert built(1_700_000_000).oid != built(1_700_000_001).oid
