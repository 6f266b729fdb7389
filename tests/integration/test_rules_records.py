"""Rules R1 to R5: records are pushes of the branch alone, judged anew on whatever tip they meet."""

from dataclasses import replace

import pytest

from coordinator.domain import plan_notes
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Place, RecordPaths, RepoPath
from coordinator.domain.policy import CommitPolicy
from coordinator.domain.proof import Landed, Unknown, Unreachable
from coordinator.domain.record import Verb
from tests.support.fake_git import PushFault
from tests.support.writer import BRIEF, MAIN, POLICY, Trouble, Writer


def test_r1_a_record_is_a_push_of_the_branch_alone_leased_at_the_tip(
    one: Writer, trouble: Trouble
) -> None:
    tip = one.synced().tip
    one.accept()
    (update,) = trouble.pushes[-1]
    assert (update.ref, update.expected, update.new) == (MAIN, tip, one.synced().tip)


def test_r1_a_record_touches_record_paths_only(one: Writer) -> None:
    before = one.tree()
    one.accept()
    changed = {change.path for change in one.objects.diff(before, one.tree())}
    assert changed
    assert all(RecordPaths().owns(path) for path in changed)


def test_r1_what_would_change_the_product_tree_is_no_record(one: Writer) -> None:
    elsewhere = replace(POLICY, paths=RecordPaths(briefs=RepoPath("docs/briefs")))
    before = one.synced().tip
    with pytest.raises(RepositoryError, match="would change the product tree"):
        one.publish(one.accepting(), policy=elsewhere)
    assert one.synced().tip == before


def test_r1_a_record_asks_ci_to_skip_it_unless_the_house_says_otherwise(one: Writer) -> None:
    one.publish(one.accepting())
    loud = replace(POLICY, commit=CommitPolicy(skip_ci=False))
    one.publish(one.accepting("other"), policy=loud)
    quiet, spoken = (message for _, message in one.objects.log(None, one.synced().tip)[-2:])
    assert "\n[skip ci]\n" in quiet
    assert "[skip ci]" not in spoken


def test_r2_a_record_whose_precondition_is_gone_becomes_nothing(one: Writer, two: Writer) -> None:
    filed = one.accept()
    said = one.cancelling(filed)
    assert isinstance(two.publish(two.cancelling(two.filed())), Landed)
    before = one.synced().tip
    assert one.publish(said) is None
    assert one.synced().tip == before


def test_r2_a_plan_is_stored_where_its_brief_has_the_plan_that_was_seen(one: Writer) -> None:
    seen = one.changed(one.accept())
    assert seen.filed.plan is not None
    other = seen.filed.plan.model_copy(update={"revision": 2})
    note = plan_notes.revised(seen, other, policy=POLICY)
    assert isinstance(one.publish(note), Landed)
    after = one.synced().tip
    assert one.publish(note) is None, "it is not stored twice"
    third = plan_notes.revised(seen, other.model_copy(update={"revision": 3}), policy=POLICY)
    assert one.publish(third) is None, "it was made of a plan that is no more"
    assert one.synced().tip == after


def test_r2_on_moved_each_record_is_judged_anew_at_the_new_tip(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    trouble.before_push.append(lambda: two.publish(two.cancelling(two.filed())))
    outcome = one.publish(one.cancelling(filed), one.accepting("other"))
    assert isinstance(outcome, Landed)
    verbs = [(record.verb, record.about.rpartition("-")[0]) for record in one.records()]
    assert verbs == [(Verb.ACCEPT, "tidy"), (Verb.CANCEL, "tidy"), (Verb.ACCEPT, "other")]


def test_r2_the_same_brief_accepted_by_two_is_accepted_once(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    trouble.before_push.append(two.accept)
    one.publish(one.accepting())
    assert [record.verb for record in one.records()] == [Verb.ACCEPT]
    assert one.place() == [Place.OPEN]


def test_r3_state_md_is_written_from_the_tree_in_the_commit_that_is_made_anyway(
    one: Writer,
) -> None:
    commits = len(one.objects.log(None, one.synced().tip))
    one.accept()
    assert f"- {BRIEF}\n" in (one.text("memory/state.md") or "")
    assert len(one.objects.log(None, one.synced().tip)) == commits + 1


def test_r3_a_plan_line_is_ticked_where_it_is_now_and_never_merged_as_text(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    filed = one.accept()
    sighting, claim = one.changed(filed), one.claim(filed)
    lines = "# Plan\n\n- [ ] another: docs/x.md\n- [ ] tidy: docs/brief.md\n"
    trouble.before_push.append(lambda: two.push_by_hand({"memory/plan.md": lines}))
    assert isinstance(one.land(sighting, claim), Landed)
    plan = one.text("memory/plan.md") or ""
    assert plan.startswith("# Plan\n\n- [ ] another: docs/x.md\n- [x] tidy: docs/brief.md")


def test_r3_what_people_write_in_state_md_survives_a_record_that_was_on_its_way(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    trouble.before_push.append(
        lambda: two.push_by_hand({"memory/state.md": "# State\n\npaused: holidays\n"})
    )
    one.publish(one.accepting())
    state = one.text("memory/state.md") or ""
    assert "paused: holidays" in state
    assert f"- {BRIEF}\n" in state


def test_r4_what_waits_together_is_one_push_with_a_commit_for_each(
    one: Writer, trouble: Trouble
) -> None:
    pushes = len(trouble.pushes)
    one.publish(one.accepting("tidy"), one.accepting("other"), one.accepting("third"))
    assert len(trouble.pushes) == pushes + 1
    assert [record.verb for record in one.records()] == [Verb.ACCEPT] * 3


def test_r4_a_branch_that_moves_at_every_try_is_given_up_for_now_with_growing_pauses(
    one: Writer, two: Writer, trouble: Trouble
) -> None:
    def disturb() -> None:
        two.push_by_hand({"docs/other.md": f"{len(trouble.pushes)}\n"})
        trouble.before_push.append(disturb)

    trouble.before_push.append(disturb)
    one.publish(one.accepting())
    trouble.before_push.clear()
    assert one.records() == []
    pauses = one.clock.pauses
    assert len(pauses) > 2
    assert all(0.5 * 0.05 * 2**n <= pause <= 5.0 * 1.5 for n, pause in enumerate(pauses))
    assert one.journal.intents() == ()


def test_r5_a_record_of_unknown_fate_stays_an_intent_and_is_not_called_landed(
    one: Writer, trouble: Trouble
) -> None:
    trouble.pushing.append(PushFault(effect="whole", reply="timeout"))
    trouble.fetching += [None, Unreachable("down")]
    assert isinstance(one.publish(one.accepting()), Unknown)
    assert len(one.journal.intents()) == 1
