"""From accepted outputs to a landing: put together, held or not, merged, gated, landed."""

from typing import Any

import pytest

from coordinator.domain.attempt import Attempt
from coordinator.domain.changeset import Conflict, Disagreement, Side
from coordinator.domain.finishing import put_together
from coordinator.domain.names import Place, RepoPath
from coordinator.domain.note import MoveBrief
from coordinator.domain.policy import Policy
from coordinator.domain.proof import Clash
from coordinator.domain.record import Record
from coordinator.domain.steps import Dispatch, Land, Merge, RunGate, Say, Step, Synthesize
from coordinator.domain.verdict import Trust
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    POLICY,
    TASK,
    TIP,
    brief,
    changeset,
    check,
    merged,
    oid,
    result,
    returned,
    sighting,
    spec,
    world,
)

CLASH = Clash(changeset=changeset(), paths=(RepoPath("docs/guide.md"),))
GATE, BARE = check(), check(product=oid(20))


def step(*attempts: Attempt, policy: Policy | None = None, **fields: Any) -> Step:
    looked = {k: fields.pop(k) for k in ("checks", "tip") if k in fields}
    one = sighting(*(attempts or (returned(1, ACCEPTED),)), **fields)
    return put_together(one, world(one, policy=policy or POLICY, **looked))


def said(found: Step) -> Record:
    """Returns the record that is the step; anything else fails."""
    assert isinstance(found, Say), found
    return found.note.record


def test_accepted_outputs_are_put_together_first() -> None:
    assert step() == Synthesize(brief=BRIEF)


def test_what_cannot_be_put_together_is_one_question() -> None:
    sides = (
        Side(name="links", attempt=spec(1).id, text="three links"),
        Side(name="search", attempt=spec(2).id, text="four links"),
    )
    dissent = Disagreement(
        brief=BRIEF,
        agreed="the first two",
        conflicts=(Conflict(where="docs/guide.md", sides=sides),),
        question="Which one shall stand?",
        options=("links", "search"),
    )
    found = step(synthesis=dissent)
    record = said(found)
    assert (record.verb, record.subject) == ("ask", "Which one shall stand?")
    assert record.prose.splitlines()[0] == "Agreed: the first two"
    assert "docs/guide.md: links (attempt 1): three links; search (attempt 2): " in record.prose
    assert "four links" in record.prose


def test_what_a_person_said_in_words_goes_to_a_worker_that_tries_again() -> None:
    dissent = Disagreement(
        brief=BRIEF,
        agreed="nothing",
        conflicts=(),
        question="Which one shall stand?",
        options=("links", "neither"),
        again=TASK.id,
    )
    found = step(synthesis=dissent)
    assert isinstance(found, Dispatch)
    assert (found.task, found.number) == (TASK, 2)
    assert "Which one shall stand?" in found.feedback[0]


def test_a_change_that_a_person_must_look_at_waits_whoever_wants_it() -> None:
    house = said(step(synthesis=changeset(), policy=Policy(landing_review="required")))
    assert (house.verb, house.subject) == ("hold", "review, until a human approves")
    assert house.prose.endswith("[landing] review is 'required'.")
    asks = said(step(synthesis=changeset(), of=brief(review="required")))
    assert asks.prose.endswith("the brief says `review: required`.")
    digest = changeset().digest
    assert step(synthesis=changeset(), of=brief(review="required"), approved=digest) == Merge(
        brief=BRIEF
    )


def test_a_change_of_a_protected_path_waits_for_a_human() -> None:
    policy = Policy(protected=("docs/**",))
    record = said(step(synthesis=changeset(), policy=policy))
    assert (record.verb, record.subject) == ("hold", "protected, until a human approves")
    assert record.prose == "It changes protected paths: docs/guide.md"


@pytest.mark.parametrize(
    ("trust", "unverified", "is_held"),
    [
        (Trust.UNVERIFIED, "hold", True),
        (Trust.UNVERIFIED, "land", False),
        (Trust.PARTLY, "hold", False),
        (Trust.VERIFIED, "hold", False),
    ],
)
def test_what_nothing_could_check_is_held_where_the_house_says_so(
    trust: Trust, unverified: Any, is_held: bool
) -> None:
    found = step(synthesis=changeset(trust=trust), policy=Policy(unverified=unverified))
    assert isinstance(found, Say if is_held else Merge)


def test_what_a_human_approved_goes_on_and_something_else_does_not() -> None:
    doubtful = changeset(trust=Trust.UNVERIFIED)
    assert step(synthesis=doubtful, approved=doubtful.digest) == Merge(brief=BRIEF)
    assert said(step(synthesis=doubtful, approved="sha256:older")).verb == "hold"
    one = sighting(returned(1, ACCEPTED), synthesis=doubtful, plan=None)
    assert isinstance(put_together(one, world(one)), Say)


def test_a_refused_landing_is_a_question_and_never_a_loop() -> None:
    record = said(step(synthesis=changeset(), merged=merged(), refused="the hook says no"))
    assert record.values("Question")[0].startswith("refused: the hook says no")
    assert "the hook says no" in record.prose


def test_a_changeset_that_merges_is_landed() -> None:
    assert step(synthesis=changeset(), merged=merged()) == Land(brief=BRIEF)


def test_after_a_clash_the_work_is_done_again_on_the_new_tip() -> None:
    again = step(returned(1, ACCEPTED, base=oid(30)), synthesis=changeset(), merged=CLASH)
    assert isinstance(again, Dispatch)
    assert (again.task, again.number) == (TASK, 2)
    assert again.feedback == ("the branch moved under it: docs/guide.md",)


def test_a_clash_on_the_very_tip_is_a_question() -> None:
    found = step(returned(3, ACCEPTED, base=TIP), synthesis=changeset(), merged=CLASH)
    assert said(found).values("Question") == (
        "conflict-3: the branch moved under it: docs/guide.md",
    )
    assert isinstance(found, Say)
    assert MoveBrief(brief=BRIEF, to=Place.WAITING) in found.note.operations


def test_clashes_end_as_a_question_and_each_answer_is_one_more_try() -> None:
    tried = [returned(n, ACCEPTED, base=oid(30 + n)) for n in (1, 2)]
    asked: dict[str, Any] = {"synthesis": changeset(), "merged": CLASH, "of": brief(retries=0)}
    assert isinstance(step(tried[0], **asked), Dispatch)
    assert said(step(*tried, **asked)).verb == "ask"
    assert isinstance(step(*tried, answers={"conflict-2": "try again"}, **asked), Dispatch)


def gated(*checks: Any, **fields: Any) -> Step:
    known = {r.key: r for r in checks}
    given: dict[str, Any] = {"gate_checks": (GATE,), "tip_checks": (BARE,), **fields}
    return step(synthesis=changeset(), merged=merged(), checks=known, **given)


def test_the_gate_runs_what_it_lacks() -> None:
    other = check("lint", run="make lint")
    found = gated(result(GATE), gate_checks=(GATE, other))
    assert found == RunGate(brief=BRIEF, checks=(other,))
    assert gated(result(GATE)) == Land(brief=BRIEF)


def test_l8_the_bare_tip_is_gated_before_anybody_is_blamed() -> None:
    lint = check("lint", product=oid(20), run="make lint")
    found = gated(result(GATE, passed=False), tip_checks=(BARE, lint))
    assert found == RunGate(brief=BRIEF, checks=(BARE,))


def test_l8_a_red_tip_holds_all_and_blames_none() -> None:
    red = result(BARE, passed=False, tail="no rule to make\nBrief-Id: x\n")
    record = said(gated(result(GATE, passed=False), red))
    assert record.values("Question") == ("gate: the branch itself fails the gate: test",)
    assert record.brief == BRIEF
    assert record.values("Reason")[1:] == ("it said: no rule to make",)


def test_l8_a_green_tip_blames_the_change_and_it_is_tried_again() -> None:
    found = gated(result(GATE, passed=False, tail="2 failed"), result(BARE))
    assert isinstance(found, Dispatch)
    assert found.feedback == ("the gate test fails on the result: 2 failed",)
