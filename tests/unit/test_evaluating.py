"""What evaluators say: parsed, voided, combined; nobody judges their own output."""

import json
from typing import Any

import pytest

from coordinator.domain import evaluating, tasks, trying
from coordinator.domain.attempt import RESTARTED, Attempt, Lost, Returned
from coordinator.domain.names import ProfileName
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.steps import Dispatch, Review, Step, Wait
from coordinator.domain.verdict import Accept, Finding, Reject, Revise, Trust, Verdict
from tests.support.sightings import (
    TASK,
    attempts_of,
    brief,
    evaluation,
    lost,
    returned,
    revised,
    sighting,
    world,
)

SHOWN = "The guide tells a reader how to\n  begin, and where to look for more."
JUDGE, OTHER = ProfileName("judge"), ProfileName("other-judge")


def open_(text: str, code: str = "prose") -> Finding:
    return Finding(code=code, criterion=text, met=None, evidence="prose, which no rule can check")


ASKED = (open_("It says how to begin."), open_("no jargon", "do-not"))
MET = Finding(code="matches", criterion="matches: /guide/", met=True, evidence="yes")
LEFT_OPEN = Accept(trust=Trust.PARTLY, findings=(MET, *ASKED))


def said(*judgements: tuple[int, bool, str]) -> Report:
    items = [
        {"criterion": number, "met": met, "evidence": evidence, "why": "so it is"}
        for number, met, evidence in judgements
    ]
    return Report(text=json.dumps({"judgements": items}))


def judged(*judgements: tuple[int, bool, str]) -> Verdict:
    return evaluating.judged(ASKED, SHOWN, said(*judgements))


def met(verdict: Verdict | None) -> list[bool | None]:
    assert verdict is not None
    return [finding.met for finding in verdict.findings]


GOOD = (2, True, "where to look for more")


def test_a_judgement_counts_with_evidence_that_stands_in_the_output_whatever_its_blanks() -> None:
    verdict = judged((1, True, "how to begin,  and\twhere"), GOOD)
    assert isinstance(verdict, Accept)
    assert (met(verdict), verdict.trust) == ([True, True], Trust.VERIFIED)
    assert verdict.findings[0].evidence == '"how to begin, and where": so it is'


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ("how to begin, says the author", "is not in the output: how to begin, says the author"),
        ("HOW TO BEGIN", "is not in the output: HOW TO BEGIN"),
        ("guide", "is too short to show anything"),
        ("", "is too short to show anything"),
    ],
)
def test_evidence_that_proves_nothing_voids_its_judgement_and_no_other(
    evidence: str, why: str
) -> None:
    verdict = judged((1, True, evidence), GOOD)
    assert isinstance(verdict, Revise)
    assert met(verdict) == [None, True]
    assert verdict.findings[0].evidence == f"the verdict was void: the evidence {why}"
    assert verdict.feedback == (f"criterion It says how to begin.: the evidence {why}",)


def test_a_short_output_may_be_quoted_whole() -> None:
    assert met(evaluating.judged(ASKED[:1], " 42\n", said((1, False, "42")))) == [False]
    assert met(evaluating.judged(ASKED[:1], "", said((1, True, "anything at all")))) == [None]


def test_a_criterion_that_is_not_judged_stays_open_without_a_fault() -> None:
    verdict = judged(GOOD)
    assert isinstance(verdict, Accept)
    assert (met(verdict), verdict.trust) == ([None, True], Trust.PARTLY)


def test_a_criterion_that_is_judged_twice_and_not_alike_is_void() -> None:
    assert met(judged((1, True, "how to begin"), (1, False, "how to begin"), GOOD)) == [None, True]
    assert met(judged((1, True, "how to begin"), (1, True, "how to begin"), GOOD)) == [True, True]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("accept", "it is not JSON"),
        ("[]", 'it is not an object with "judgements" alone'),
        ('{"judgements": [], "verdict": "accept"}', 'it is not an object with "judgements" alone'),
        ('{"judgements": {}}', '"judgements" is no list'),
        ('{"judgements": [{"criterion": 1, "met": true}]}', "judgement 1 has not exactly"),
        (
            '{"judgements": [{"criterion": true, "met": true, "evidence": "x", "why": "y"}]}',
            '"criterion" of judgement 1 is no int',
        ),
        (
            '{"judgements": [{"criterion": 1, "met": "true", "evidence": "x", "why": "y"}]}',
            '"met" of judgement 1 is no bool',
        ),
        (
            '{"judgements": [{"criterion": 3, "met": true, "evidence": "x", "why": "y"}]}',
            "there is no criterion 3: they are 1 to 2",
        ),
    ],
)
def test_an_answer_of_another_form_is_void_as_a_whole(text: str, why: str) -> None:
    verdict = evaluating.judged(ASKED, SHOWN, Report(text=text))
    assert isinstance(verdict, Revise)
    assert verdict.findings == ()
    assert why in verdict.feedback[0]


def test_an_evaluator_that_could_not_or_that_changes_files_settles_nothing() -> None:
    could_not = CouldNot(why="missing_data", text="no page")
    verdict = evaluating.judged(ASKED, SHOWN, could_not)
    assert isinstance(verdict, Reject)
    assert verdict.code == "missing-data"
    assert isinstance(evaluating.judged(ASKED, SHOWN, Changes(edits=(), summary="x")), Revise)


def heard(*values: bool | None, void: bool = False) -> Verdict:
    findings = tuple(
        finding.model_copy(update={"met": value, "evidence": f"heard {value}"})
        for finding, value in zip(ASKED, values, strict=True)
    )
    if void:
        return Revise(findings=findings, feedback=("void",))
    return Accept(trust=Trust.PARTLY, findings=findings)


def combined(*evaluations: Attempt, kept: Verdict = LEFT_OPEN) -> Verdict | None:
    author = returned(1, kept)
    return evaluating.combined(author, (author, *evaluations))


@pytest.mark.parametrize(
    ("evaluations", "expected", "trust"),
    [
        ([heard(True, True)], [True, True, True], Trust.VERIFIED),
        ([heard(True, None)], [True, True, None], Trust.PARTLY),
        ([heard(None, None)], [True, None, None], Trust.PARTLY),
        ([heard(None, True, void=True), heard(True, None)], [True, True, True], Trust.VERIFIED),
        ([heard(True, True), heard(False, True)], [True, False, True], None),
        ([heard(False, None, void=True)], [True, False, None], None),
    ],
)
def test_the_verdict_that_counts_is_the_one_kept_with_what_was_heard(
    evaluations: list[Verdict], expected: list[bool | None], trust: Trust | None
) -> None:
    verdict = combined(*(evaluation(n, e, profile=JUDGE) for n, e in enumerate(evaluations, 2)))
    assert met(verdict) == expected
    if trust is None:
        assert isinstance(verdict, Revise)
        said_by = "prose: It says how to begin.: judge/"
        assert [line.startswith(said_by) for line in verdict.feedback] == [True]
    else:
        assert isinstance(verdict, Accept)
        assert verdict.trust is trust


def test_what_rules_have_decided_no_evaluator_can_change() -> None:
    failed = Revise(findings=(MET,), feedback=("check: red",))
    assert combined(evaluation(2, heard(True, True), profile=JUDGE), kept=failed) is failed
    unmet = MET.model_copy(update={"met": False})
    over = Accept(trust=Trust.VERIFIED, findings=(unmet,))
    kept = Accept(trust=Trust.PARTLY, findings=(MET, ASKED[0]))
    verdict = combined(evaluation(2, over, profile=JUDGE), kept=kept)
    assert met(verdict) == [True, None]


def test_unverified_becomes_partly_verified_by_the_first_thing_that_is_met() -> None:
    bare = Accept(trust=Trust.UNVERIFIED, findings=ASKED)
    some = combined(evaluation(2, heard(True, None), profile=JUDGE), kept=bare)
    assert isinstance(some, Accept)
    assert some.trust is Trust.PARTLY
    none = combined(evaluation(2, heard(None, None), profile=JUDGE), kept=bare)
    assert isinstance(none, Accept)
    assert none.trust is Trust.UNVERIFIED


def test_nobody_reviews_their_own_output() -> None:
    own = evaluation(2, heard(True, True), profile=TASK.profile)
    assert met(combined(own)) == [True, None, None]
    alone = sighting(returned(1, LEFT_OPEN), evaluators=(TASK.profile,))
    assert evaluating.following(attempts_of(alone)[0], alone) is None
    assert tasks.accepted(TASK.id, alone) is not None


HOUSE = Policy(
    retries=1,
    evaluator="judge",
    profiles=(
        Profile(name=OTHER, capabilities=frozenset(("evaluation",))),
        Profile(name=JUDGE),
        Profile(name=ProfileName("links")),
    ),
)


def then(*attempts: Attempt, **fields: Any) -> Step | trying.Stuck | None:
    given = {"evaluators": evaluating.evaluators(HOUSE), "of": brief(), **fields}
    one = sighting(*attempts, **given)
    found = trying.task_step(TASK, one, world(one, policy=HOUSE))
    assert (tasks.accepted(TASK.id, one) is None) or found is None
    return found


def goes_to(found: Step | trying.Stuck | None) -> tuple[str, str, int | None]:
    assert isinstance(found, Dispatch), found
    return found.task.profile, found.role, found.about


AUTHOR = returned(1, LEFT_OPEN)


def test_the_evaluator_that_the_house_names_comes_first_then_those_with_the_capability() -> None:
    assert evaluating.evaluators(HOUSE) == (JUDGE, OTHER)


def test_what_rules_leave_open_is_evaluated_before_the_output_counts() -> None:
    first = then(AUTHOR)
    assert goes_to(first) == (JUDGE, "evaluator", 1)
    assert isinstance(first, Dispatch)
    assert (first.task.id, first.number, first.feedback) == (TASK.id, 2, ())
    under_way = evaluation(2, None, profile=JUDGE, running=True)
    assert then(AUTHOR, under_way) == Wait(phase="dispatch", why="judge evaluates attempt 1")
    back = evaluation(2, None, profile=JUDGE)
    assert then(AUTHOR, back) == Review(attempt=back.spec.id)
    assert then(AUTHOR, evaluation(2, heard(True, True), profile=JUDGE)) is None


def test_with_nothing_open_or_nobody_to_ask_the_verdict_kept_stands() -> None:
    assert then(returned(1, Accept(trust=Trust.VERIFIED, findings=(MET,)))) is None
    assert then(AUTHOR, evaluators=()) is None


def test_a_no_sends_the_author_back_with_the_evidence_and_the_next_output_is_evaluated_anew() -> (
    None
):
    no = evaluation(2, heard(False, True), profile=JUDGE)
    again = then(AUTHOR, no)
    assert goes_to(again) == ("links", "author", None)
    assert isinstance(again, Dispatch)
    assert again.number == 3
    assert again.feedback == ("prose: It says how to begin.: judge/2: heard False",)
    assert goes_to(then(AUTHOR, no, returned(3, LEFT_OPEN))) == (JUDGE, "evaluator", 3)
    yes = evaluation(4, heard(True, True), about=3, profile=JUDGE)
    assert then(AUTHOR, no, returned(3, LEFT_OPEN), yes) is None


def test_evaluations_are_no_tries_of_the_author() -> None:
    no = evaluation(2, heard(False, True), profile=JUDGE)
    second = evaluation(4, heard(False, True), about=3, profile=JUDGE)
    end = then(AUTHOR, no, returned(3, LEFT_OPEN), second)
    assert isinstance(end, trying.Stuck)  # one try and one retry
    assert end.why[0].startswith("prose: It says how to begin.")


def test_a_void_evaluation_is_asked_once_more_of_another_evaluator_first() -> None:
    void = evaluation(2, heard(None, True, void=True), profile=JUDGE)
    again = then(AUTHOR, void)
    assert goes_to(again) == (OTHER, "evaluator", 1)
    assert isinstance(again, Dispatch)
    assert again.feedback == ("void",)
    alone = then(AUTHOR, void, evaluators=(JUDGE,))
    assert goes_to(alone) == (JUDGE, "evaluator", 1)
    assert then(AUTHOR, void, evaluation(3, revised("malformed"), profile=OTHER)) is None
    gone: Attempt = Lost(evaluation(3, None, profile=OTHER).spec, "killed: too slow")
    assert then(AUTHOR, void, gone) is None


def test_a_void_evaluation_with_a_no_in_it_is_not_asked_again() -> None:
    void = evaluation(2, heard(None, False, void=True), profile=JUDGE)
    assert goes_to(then(AUTHOR, void)) == ("links", "author", None)


def test_what_a_restart_ended_is_evaluated_again_by_the_same() -> None:
    restarted: Attempt = Lost(evaluation(2, None, profile=JUDGE).spec, RESTARTED)
    assert goes_to(then(AUTHOR, restarted)) == (JUDGE, "evaluator", 1)


def test_restarts_without_end_end_all_the_same() -> None:
    often: list[Attempt] = [
        Lost(evaluation(n, None, profile=JUDGE).spec, RESTARTED) for n in range(2, 10)
    ]
    assert goes_to(then(AUTHOR, *often[:-1])) == (JUDGE, "evaluator", 1)
    assert then(AUTHOR, *often) is None


def test_an_evaluator_that_the_day_cannot_pay_is_waited_for() -> None:
    paid = Profile(name=JUDGE, limits=Limits(cost_usd_max=1.0))
    policy = Policy(profiles=(paid,), usd_per_day=0.0)
    one = sighting(AUTHOR, evaluators=(JUDGE,))
    found = trying.task_step(TASK, one, world(one, policy=policy))
    assert isinstance(found, Wait)
    assert found.rests
    assert tasks.accepted(TASK.id, one) is None


def failing(number: int, *failed: str, good: int = 0) -> Returned:
    findings = (
        *(Finding(code="prose", criterion=c, met=False, evidence="no") for c in failed),
        *(Finding(code="prose", criterion=f"g{n}", met=True, evidence="yes") for n in range(good)),
    )
    return returned(number, Revise(findings=findings, feedback=(f"no {number}",)))


def test_when_two_tries_in_a_row_met_no_more_and_failed_the_same_there_is_no_third() -> None:
    def more(*tried: Returned) -> bool:
        one = sighting(*tried, of=brief(retries=9))
        return isinstance(trying.task_step(TASK, one, world(one)), Dispatch)

    assert more(failing(1, "a"), failing(2, "a"))
    assert not more(failing(1, "a"), failing(2, "a"), failing(3, "a"))
    assert more(failing(1, "a"), failing(2, "a", good=1), failing(3, "a", good=1))
    assert more(failing(1, "a"), failing(2, "b"), failing(3, "a"))
    assert not more(failing(1, "b"), failing(2, "a"), failing(3, "a"), failing(4, "a"))


def test_the_next_attempt_is_told_all_reasons_newest_first_each_once_and_not_without_end() -> None:
    tried: list[Attempt] = [
        returned(1, revised("first", "again")),
        lost(2),
        returned(3, revised("again", "last")),
    ]
    one = sighting(*tried, of=brief(retries=9))
    found = trying.task_step(TASK, one, world(one))
    assert isinstance(found, Dispatch)
    assert found.feedback == ("again", "last", "an attempt was lost: killed: too slow", "first")
    many = [
        returned(n, revised(*(f"{n} {i} " + "x" * 3_000 for i in range(3)))) for n in range(1, 9)
    ]
    one = sighting(*many, of=brief(retries=20))
    found = trying.task_step(TASK, one, world(one))
    assert isinstance(found, Dispatch)
    assert len(found.feedback) == 7
    assert found.feedback[0].startswith("8 0")
