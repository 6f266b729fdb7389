"""One task: its next attempt, the question of its worker, or the end of trying."""

from typing import Any

import pytest

from coordinator.domain import trying
from coordinator.domain.attempt import RESTARTED, Attempt
from coordinator.domain.brief import Kind, OutputFormat
from coordinator.domain.choosing import chosen, substitutes
from coordinator.domain.names import Place, ProfileName
from coordinator.domain.note import MoveBrief
from coordinator.domain.output import CouldNot, Report
from coordinator.domain.plan import Part
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.profiles import BUILT_IN
from coordinator.domain.steps import Dispatch, Review, Say, Step, Wait
from coordinator.domain.world import LeftAlone
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    TASK,
    asking,
    brief,
    lost,
    rejected,
    returned,
    revised,
    running,
    sighting,
    world,
)


def step(*attempts: Attempt, **fields: Any) -> Step | trying.Stuck | None:
    one = sighting(*attempts, **fields)
    return trying.task_step(TASK, one, world(one))


def dispatched(*attempts: Attempt, **fields: Any) -> Dispatch:
    found = step(*attempts, **fields)
    assert isinstance(found, Dispatch), found
    return found


def said(*attempts: Attempt, **fields: Any) -> Say:
    found = step(*attempts, **fields)
    assert isinstance(found, Say), found
    return found


def stuck(*attempts: Attempt, **fields: Any) -> tuple[str, ...]:
    found = step(*attempts, **fields)
    assert isinstance(found, trying.Stuck), found
    return (found.code, *found.why)


def test_a_task_that_nobody_tried_is_dispatched() -> None:
    assert dispatched() == Dispatch(brief=BRIEF, task=TASK, number=1, feedback=())


def test_who_a_plan_names_stands_in_whatever_they_can_else() -> None:
    part = Part(
        output_format=OutputFormat(text="changes", kind=Kind.CHANGES),
        guidance="read first",
        scope_in=("docs/**",),
        workers=(ProfileName("links"), ProfileName("sitemap")),
    )
    task = TASK.model_copy(update={"part": part})
    tried = [returned(n, revised(f"no {n}"), task=task) for n in (1, 2, 3)]
    one = sighting(*tried, tasks=(task,))
    seen = world(one, policy=Policy(profiles=BUILT_IN))
    found = trying.task_step(task, one, seen)
    assert isinstance(found, Dispatch)
    assert found.task.profile == "sitemap"
    left_alone = LeftAlone(why="links failed 5 times in a row", due_in_s=60.0)
    fresh = sighting(tasks=(task,))
    seen = world(
        fresh, policy=Policy(profiles=BUILT_IN), breakers={ProfileName("links"): left_alone}
    )
    at_once = trying.task_step(task, fresh, seen)
    assert isinstance(at_once, Dispatch)
    assert at_once.task.profile == "sitemap"


def test_a_worker_that_the_house_has_no_more_is_stood_in_for_or_the_task_is_stuck() -> None:
    gone = TASK.model_copy(update={"profile": ProfileName("gone")})
    told = "there is no worker 'gone' here any more"
    one = sighting(tasks=(gone,))
    assert trying.task_step(gone, one, world(one)) == trying.Stuck(code="attempts", why=(told,))
    asked = sighting(
        returned(1, rejected("question", "Which page?"), task=gone),
        tasks=(gone,),
        answers={"only-1": "all"},
    )
    assert trying.task_step(gone, asked, world(asked)) == trying.Stuck(code="attempts", why=(told,))
    free = sighting(tasks=(gone,), of=brief(task_type="links"))
    found = trying.task_step(gone, free, world(free))
    assert isinstance(found, Dispatch)
    assert found.task.profile == "links"


def test_missing_data_is_asked_for_once_more_then_of_others_and_then_the_brief_fails() -> None:
    said = CouldNot(why="missing_data", text="there is no b.csv")
    lacks = rejected("missing-data", "there is no b.csv")
    first = returned(1, lacks, body=said)
    assert dispatched(first).task.profile == "links"
    assert stuck(first, returned(2, lacks, body=said)) == ("attempts", "there is no b.csv")
    able = tuple(
        Profile(name=ProfileName(name), kind="command", capabilities=frozenset(("tidying",)))
        for name in ("links", "other")
    )
    of = brief(task_type="tidying")
    one = sighting(first, returned(2, lacks, body=said), of=of)
    found = trying.task_step(TASK, one, world(one, policy=Policy(profiles=able, retries=2)))
    assert isinstance(found, Dispatch)
    assert (found.task.profile, found.feedback) == ("other", ("there is no b.csv",))


def test_numbers_go_on_where_an_earlier_round_ended() -> None:
    assert dispatched(numbered=4).number == 5
    assert dispatched(returned(6, revised("again")), numbered=4).number == 7


def test_a_running_attempt_is_waited_for_and_a_returned_one_judged() -> None:
    assert step(running()) == Wait(phase="dispatch", why="links works on it")
    kept = returned()
    assert step(kept) == Review(attempt=kept.spec.id)


def test_an_accepted_output_ends_the_trying() -> None:
    assert step(returned(1, revised("no")), returned(2, ACCEPTED)) is None


@pytest.mark.parametrize(
    ("last", "feedback"),
    [
        (returned(1, revised("shape: no list")), ("shape: no list",)),
        (returned(1, rejected("out-of-scope", "scope: b.md")), ("scope: b.md",)),
        (lost(1), ("an attempt was lost: killed: too slow",)),
    ],
)
def test_the_next_attempt_is_told_why_the_last_one_would_not_do(
    last: Attempt, feedback: tuple[str, ...]
) -> None:
    again = dispatched(last)
    assert (again.number, again.feedback) == (2, feedback)


def test_a_task_is_tried_once_and_as_often_again_as_the_brief_or_the_house_says() -> None:
    failures = [returned(n, revised(f"no {n}")) for n in (1, 2, 3)]
    assert dispatched(*failures[:2]).number == 3  # the house says two retries
    assert stuck(*failures) == ("attempts", "no 3")
    assert stuck(failures[0], of=brief(retries=0)) == ("attempts", "no 1")


def test_an_answer_is_one_more_try() -> None:
    failures = [returned(n, revised(f"no {n}")) for n in (1, 2, 3)]
    assert dispatched(*failures, answers={"gate": "mended"}).number == 4


def test_an_attempt_that_a_restart_ended_does_not_count() -> None:
    restarts = [lost(n, RESTARTED) for n in range(1, 6)]
    assert dispatched(*restarts, of=brief(retries=0)).number == 6


def test_an_output_that_nobody_judged_as_another_coordinator_had_gone_on_does_not_count() -> None:
    later = (returned(1, rejected("short", "too short")), returned(2, rejected("long", "too long")))
    assert dispatched(returned(1), *later).number == 3
    judged = returned(1, rejected("empty", "it is empty"))
    assert stuck(judged, *later)[0] == "attempts"


def test_restarts_without_end_end_all_the_same() -> None:
    restarts = [lost(n, RESTARTED) for n in range(1, 51)]
    assert stuck(*restarts)[0] == "attempts"


def test_the_same_output_twice_is_not_asked_for_a_third_time() -> None:
    same = Report(text="the same")
    twice = [returned(n, revised("no"), body=same) for n in (1, 2)]
    assert stuck(*twice, of=brief(retries=9)) == ("attempts", "no")
    between: list[Attempt] = [twice[0], lost(2), returned(3, revised("no"), body=same)]
    assert dispatched(*between, of=brief(retries=9)).number == 4


def test_what_a_worker_asks_becomes_a_question_with_an_id_of_its_own() -> None:
    note = said(returned(1, revised("no")), asking(2, "Which guide?")).note
    assert (note.record.verb, note.record.subject) == ("ask", "Which guide?")
    assert note.record.values("Question") == ("only-2: Which guide?",)
    assert MoveBrief(brief=BRIEF, to=Place.WAITING) in note.operations


def test_an_answered_question_is_tried_again_with_the_answer_in_the_package() -> None:
    again = dispatched(asking(1, "Which guide?"), answers={"only-1": "the old one"})
    assert (again.number, again.feedback) == (2, ())


def test_an_answer_to_an_earlier_question_is_none_to_a_new_one() -> None:
    answers = {"only-1": "the old one"}
    note = said(asking(1, "Which guide?"), asking(2, "Which old one?"), answers=answers).note
    assert note.record.values("Question") == ("only-2: Which old one?",)


def test_what_is_learned_beside_the_verdict_is_told_as_well() -> None:
    tried: list[Attempt] = [returned(1, ACCEPTED)]
    one = sighting(*tried)
    again = trying.again(TASK, tried, one, world(one), extra="the gate fails")
    assert isinstance(again, Dispatch)
    assert again.feedback == ("the gate fails",)


def test_a_brief_that_lost_its_plan_is_not_asked_about() -> None:
    tried: list[Attempt] = [asking(1, "Which?")]
    one = sighting(*tried, plan=None)
    assert isinstance(trying.again(TASK, tried, one, world(one)), Dispatch)


def _worker(name: str, *kinds: str, tools: frozenset[str] = frozenset()) -> Profile:
    return Profile(
        name=ProfileName(name),
        capabilities=frozenset(("tidying",)),
        output_kinds=frozenset(kinds or ("changes",)),
        tools=tools,
    )


HOUSE = Policy(
    retries=1,
    profiles=(_worker("reporter", "report"), _worker("links"), _worker("dear"), _worker("dearest")),
)
ASKED = brief(task_type="tidying")


def _then(*attempts: Attempt, of: Any = ASKED) -> Step | trying.Stuck | None:
    one = sighting(*attempts, of=of)
    return trying.task_step(TASK, one, world(one, policy=HOUSE))


def _by(name: str, *numbers: int, code: str = "shape") -> list[Attempt]:
    """Returns attempts of one worker that would not do, each another."""
    task = TASK.model_copy(update={"profile": ProfileName(name)})
    return [returned(n, rejected(code, f"no {n}"), task=task) for n in numbers]


def _goes_to(found: Step | trying.Stuck | None) -> str:
    assert isinstance(found, Dispatch), found
    assert found.task.id == TASK.id
    return found.task.profile


def test_the_first_worker_that_has_the_capability_and_returns_what_is_wanted_is_chosen() -> None:
    assert chosen(ASKED, HOUSE) == ("links",)
    assert substitutes(ASKED, HOUSE) == ("links", "dear", "dearest")
    assert substitutes(brief(task_type="tidying", tools=("read",)), HOUSE) == ()


def test_when_one_worker_has_tried_enough_the_next_one_with_the_capability_takes_its_place() -> (
    None
):
    assert _goes_to(_then(*_by("links", 1))) == "links"
    first = _then(*_by("links", 1, 2))
    assert _goes_to(first) == "dear"
    assert isinstance(first, Dispatch)
    assert (first.number, first.feedback) == (3, ("no 2", "no 1"))
    assert _goes_to(_then(*_by("links", 1, 2), *_by("dear", 3))) == "dear"
    assert _goes_to(_then(*_by("links", 1, 2), *_by("dear", 3, 4))) == "dearest"


def test_when_every_worker_has_tried_enough_the_task_is_stuck() -> None:
    all_of_them = [*_by("links", 1, 2), *_by("dear", 3, 4), *_by("dearest", 5, 6)]
    assert _then(*all_of_them) == trying.Stuck(code="attempts", why=("no 6",))


def test_a_worker_that_lacks_a_tool_is_not_asked_again() -> None:
    assert _goes_to(_then(*_by("links", 1, code="missing-tool"))) == "dear"
    last = [*_by("links", 1, 2), *_by("dear", 3, 4), *_by("dearest", 5, code="missing-tool")]
    assert isinstance(_then(*last), trying.Stuck)


def test_a_brief_that_names_its_worker_gets_no_other() -> None:
    named = brief(task_type="tidying", worker=("links",))
    assert isinstance(_then(*_by("links", 1, 2), of=named), trying.Stuck)
