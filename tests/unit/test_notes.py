"""What the records of the state machine say, and what they cite."""

from dataclasses import replace
from typing import Any

from coordinator.domain import attempt_notes, lost_attempts, notes, plan_notes
from coordinator.domain import reply as reply_text
from coordinator.domain.attempt import Attempt, Role
from coordinator.domain.brief import Kind, Question
from coordinator.domain.names import Environment, Place, RepoPath
from coordinator.domain.note import (
    PLAN_FILE,
    REPLY_FILE,
    MoveBrief,
    Note,
    Precondition,
    PutFile,
    SayLive,
    TickPlan,
)
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy
from coordinator.domain.proof import ClaimedPath, Gated
from coordinator.domain.reply import Reply
from coordinator.domain.verdict import Trust
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    DIGEST,
    TASK,
    brief,
    changeset,
    check,
    claim,
    lost,
    merged,
    oid,
    rejected,
    result,
    returned,
    revised,
    running,
    sighting,
)

WHO = "A Person <person@example.invalid>"
POLICY = Policy(digest="sha256:0123456789abcdef")


def reply(note: Note) -> Reply:
    """Returns what the author is told."""
    put = next(o for o in note.operations if isinstance(o, PutFile) and o.name == REPLY_FILE)
    found = reply_text.parse(put.content or b"")
    assert found is not None
    return found


def landed(**fields: Any) -> Note:
    change = fields.pop("change", None) or changeset()
    one = sighting(returned(1, ACCEPTED), synthesis=change, **fields)
    held = claim(BRIEF, _claimed("docs"), _claimed(""))
    gated = Gated(merged=merged(change), results=(result(check()),))
    return notes.landing(one, gated, held, cost="0.0000", policy=POLICY)


def _claimed(path: str) -> ClaimedPath:
    return ClaimedPath(path=RepoPath(path), ref=f"x/{path}", oid=oid(5), acq="a1", holder=BRIEF)


def test_l2_a_landing_moves_the_brief_and_ticks_its_line_in_the_same_commit() -> None:
    note = landed()
    assert note.operations[0] == MoveBrief(brief=BRIEF, to=Place.DONE)
    assert note.operations[-1] == TickPlan(name="tidy", brief=BRIEF)
    assert (reply(note).state, reply(note).verified) == ("completed", "verified")
    deployed = landed(of=brief(deploy=Environment("live")))
    assert deployed.operations[0] == MoveBrief(brief=BRIEF, to=Place.LANDED)
    assert reply(deployed).state == "working"


def test_a_report_without_a_path_of_its_own_lies_beside_the_brief() -> None:
    found = landed(change=changeset(report=b"- one\n"), of=brief(Kind.LIST))
    assert PutFile(brief=BRIEF, name=RepoPath("result.md"), content=b"- one\n") in found.operations
    path = RepoPath("out/list.md")
    elsewhere = landed(change=changeset(report=b"- one\n", report_path=path), of=brief(Kind.LIST))
    names = [o.name for o in elsewhere.operations if isinstance(o, PutFile)]
    assert names == [REPLY_FILE]


def test_a_landing_says_what_was_held_gated_and_reviewed() -> None:
    record = landed(requested_by=WHO).record
    log = result(check()).log
    assert dict(record.trailers) | {"Claim": ""} == {
        "Brief-Id": BRIEF,
        "Brief-Digest": DIGEST,
        "Requested-By": WHO,
        "Attempt": f"links/1 accepted refs/orchestrator/attempts/{BRIEF}/e1-1 {oid(101)}",
        "Changeset": changeset().digest,
        "Decided-By": "rule landing.verified@sha256:01234",
        "Rule": "6",
        "Base": oid(1),
        "Gated-Tree": oid(12),
        "Claim": "",
        "Checks": "passed 1 of 1",
        "Check": f"gate test passed {log}",
        "Review": "verified",
        "Confinement": "none",
        "Cost-USD": "0.0000",
        "Format": "1",
    }
    assert record.values("Claim") == (f"docs {oid(5)}", f". {oid(5)}", f"held/{BRIEF} {oid(4)}")


def test_a_landing_that_a_human_approved_names_him_and_only_for_what_he_saw() -> None:
    doubtful = changeset(trust=Trust.UNVERIFIED)
    seen = landed(change=doubtful, approved=doubtful.digest, approved_by=WHO).record
    assert (seen.values("Decided-By"), seen.values("Rule")) == ((f"human {WHO}",), ("10",))
    other = landed(change=doubtful, approved="sha256:older", approved_by=WHO).record
    assert other.values("Decided-By") == ("rule landing.unverified@sha256:01234",)
    assert landed(change=doubtful, plan=None).record.values("Rule") == ("6",)


def test_every_attempt_is_named_with_what_became_of_it() -> None:
    tried = (
        returned(1, rejected("out-of-scope", "x")),
        returned(2, revised("no")),
        lost(3),
        returned(4),
        running(5),
        returned(6, ACCEPTED),
    )
    ref = f"refs/orchestrator/attempts/{BRIEF}/e1-"
    assert [value for _, value in attempt_notes.attempts(tried)] == [
        f"links/1 rejected out-of-scope {ref}1 {oid(101)}",
        f"links/2 rejected not-met {ref}2 {oid(102)}",
        "links/3 lost for 0.0000 USD: at only: killed: too slow",
        f"links/4 unjudged {ref}4 {oid(104)}",
        "links/5 running",
        f"links/6 accepted {ref}6 {oid(106)}",
    ]


def test_who_put_into_words_or_judged_is_told_from_who_worked() -> None:
    def given(attempt: Attempt, role: Role) -> Attempt:
        return replace(attempt, spec=attempt.spec.model_copy(update={"role": role}))

    tried = (
        given(returned(1, revised("no")), "synthesizer"),
        given(returned(2, ACCEPTED), "synthesizer"),
        given(lost(3), "evaluator"),
        given(running(4), "planner"),
    )
    ref = f"refs/orchestrator/attempts/{BRIEF}/e1-"
    said = [value for _, value in attempt_notes.attempts(tried)]
    assert said == [
        f"links/1 rejected not-met as synthesizer {ref}1 {oid(101)}",
        f"links/2 accepted as synthesizer {ref}2 {oid(102)}",
        "links/3 lost for 0.0000 USD: at only: as evaluator: killed: too slow",
        "links/4 running as planner",
    ]
    read = lost_attempts.read(said[2])
    assert read is not None
    assert (read.task, read.role, read.reason) == ("only", "evaluator", "killed: too slow")
    before = lost_attempts.read("links/3 lost for 0.0000 USD: as was told: at noon: killed")
    assert before is not None
    assert (before.task, before.role, before.reason) == (
        "",
        "author",
        "as was told: at noon: killed",
    )


def test_an_output_that_came_after_an_accepted_one_beside_it_is_superseded_and_not_rejected() -> (
    None
):
    won, late = returned(1, ACCEPTED), returned(2)
    beside = replace(late, spec=late.spec.model_copy(update={"beside": 1}))
    ref = f"refs/orchestrator/attempts/{BRIEF}/e1-"
    assert [value for _, value in attempt_notes.attempts((won, beside))] == [
        f"links/1 accepted {ref}1 {oid(101)}",
        f"links/2 superseded {ref}2 {oid(102)}",
    ]
    failed = returned(1, rejected("out-of-scope", "x"))
    assert "links/2 unjudged" in attempt_notes.attempts((failed, beside))[1][1]


def test_r2_a_record_holds_only_where_the_brief_is_as_it_was_seen() -> None:
    one = sighting()
    wanted = (Precondition(brief=BRIEF, place=Place.OPEN, blob=one.filed.blob),)
    question = Question(id="only-1", text="Which?")
    made = [
        notes.failed(one, code="attempts", why=["no"], policy=POLICY),
        notes.asked(one, held="question", questions=[question], why="so", policy=POLICY),
        notes.held(one, changeset(), why="protected", text="so", policy=POLICY),
    ]
    assert [note.when for note in made] == [wanted] * 3
    planned = plan_notes.planned(one, Plan(tasks=(TASK,)), policy=POLICY)
    assert planned.when == (replace(wanted[0], folder=one.filed.folder),)


def test_a_failure_says_why_and_that_nothing_was_changed() -> None:
    note = notes.failed(sighting(), code="attempts", why=["no list\nat all", ""], policy=POLICY)
    assert note.record.subject == "attempts: no list\nat all"
    assert note.record.values("Reason") == ("no list", "")
    assert note.record.values("Decided-By") == ("rule progress.attempts@sha256:01234",)
    told = reply(note)
    assert (told.state, told.reasons) == ("failed", ("no list\nat all", ""))
    assert f"`coordinator retry {BRIEF}`" in told.text
    nothing = notes.failed(sighting(), code="attempts", why=[], policy=Policy())
    assert nothing.record.subject == "attempts: no reason given"
    assert nothing.record.values("Decided-By") == ("rule progress.attempts@default",)


def test_a_question_says_how_it_is_answered() -> None:
    questions = [Question(id="only-1", text="Which?"), Question(id="only-2", text="How?")]
    note = notes.asked(
        sighting(), held="question", questions=questions, why="Unclear.", policy=POLICY
    )
    assert note.record.values("Question") == ("only-1: Which?", "only-2: How?")
    assert note.record.values("Rule") == ("10",)
    told = reply(note)
    assert (told.held, told.questions) == ("question", tuple(questions))
    assert told.text.endswith(f"Answer with: coordinator answer {BRIEF} only-1 TEXT")


def test_a_hold_binds_an_approval_to_what_was_seen() -> None:
    for why, rule in (("unverified", "6"), ("protected", "10")):
        note = notes.held(sighting(), changeset(), why=why, text="Look at it.", policy=POLICY)
        assert note.record.values("Changeset") == (changeset().digest,)
        assert note.record.values("Rule") == (rule,)
        told = reply(note)
        assert (told.held, told.changeset) == (why, changeset().digest)


def test_a_plan_is_stored_before_anything_is_dispatched() -> None:
    plan = Plan(tasks=(TASK,))
    note = plan_notes.planned(sighting(plan=None), plan, policy=POLICY)
    (put,) = note.operations
    assert isinstance(put, PutFile)
    assert put.name == PLAN_FILE
    assert Plan.model_validate_json(put.content or b"") == plan
    assert note.key == f"accept:{BRIEF}"


def test_what_is_live_is_said_for_state_md() -> None:
    said = notes.live(Environment("live"), oid(9), 3)
    assert said == SayLive(environment="live", revision=oid(9), generation=3)
