"""When somebody writes one report of several, how often, and which of it counts."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import progress, synthesizing
from coordinator.domain.attempt import Attempt, Lost, Returned, Running
from coordinator.domain.brief import Kind
from coordinator.domain.changeset import Changeset, Disagreement
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.output import Report
from coordinator.domain.past import Past
from coordinator.domain.policy import Limits, Profile
from coordinator.domain.spent import Spent
from coordinator.domain.steps import Dispatch, Review, Step, Wait
from coordinator.domain.verdict import Accept, Revise, Trust
from coordinator.domain.world import LeftAlone
from coordinator.services.package import for_synthesizer, pack
from coordinator.services.review import judge
from coordinator.services.synthesize import synthesize
from tests.support.judging import PROFILES, Desk, brief, could_not, report

GOOD = Accept(trust=Trust.VERIFIED, findings=())
POOR = Revise(findings=(), feedback=("left-out: the heading",))
BRIEF = brief(Kind.REPORT)


@pytest.fixture
def desk() -> Desk:
    made = Desk({"a.md": "a\n"})
    scribe = Profile(name=ProfileName("scribe"))
    made.policy = replace(made.policy, profiles=(*PROFILES, scribe), synthesizer="scribe")
    return made


def author(desk: Desk, text: str, *, profile: str, number: int) -> Returned:
    return replace(desk.returned(report(text), profile=profile, number=number), verdict=GOOD)


def scribe(desk: Desk, text: str, *, number: int, verdict: Any = GOOD) -> Returned:
    made = replace(desk.returned(report(text), profile="scribe", number=number), verdict=verdict)
    spec = made.spec.model_copy(update={"role": "synthesizer", "task": TaskId("synthesis")})
    return replace(made, spec=spec)


def two(desk: Desk) -> tuple[Returned, Returned]:
    return (
        author(desk, "# One\n", profile="links", number=1),
        author(desk, "# Two\n", profile="search", number=2),
    )


def step(desk: Desk, *attempts: Attempt, of: Any = BRIEF, **plan: Any) -> Step | None:
    authors = [a for a in attempts if isinstance(a, Returned) and a.spec.role == "author"]
    sighting = replace(desk.sighting(of, *authors, **plan), attempts=attempts)
    return synthesizing.step(sighting, desk.world)


def test_reports_that_differ_go_to_the_synthesizer(desk: Desk) -> None:
    found = step(desk, *two(desk))
    assert isinstance(found, Dispatch)
    assert (found.role, found.number, found.about) == ("synthesizer", 3, None)
    assert (found.task.id, found.task.profile) == ("synthesis", "scribe")
    assert found.task.objective.startswith("Tidy the pages of the site.\n\nSeveral workers")


def test_it_is_waited_for_reviewed_and_tried_twice(desk: Desk) -> None:
    kept = scribe(desk, "# One", number=3, verdict=None)
    running = Running(spec=kept.spec, silent_s=0)
    assert isinstance(step(desk, *two(desk), running), Wait)
    assert step(desk, *two(desk), kept) == Review(attempt=kept.spec.id)
    first = scribe(desk, "# One", number=3, verdict=POOR)
    again = step(desk, *two(desk), first)
    assert isinstance(again, Dispatch)
    assert again.feedback == POOR.feedback
    assert step(desk, *two(desk), first, scribe(desk, "#", number=4, verdict=POOR)) is None
    assert step(desk, *two(desk), scribe(desk, "# One\n# Two\n", number=3)) is None


def test_a_synthesizer_that_may_not_begin_now_is_waited_for(desk: Desk) -> None:
    authors, of = two(desk), brief(Kind.REPORT, task_type="search")  # others could do the brief
    sighting = replace(desk.sighting(of, *authors), attempts=authors)
    alone = LeftAlone(why="scribe failed 5 times in a row", due_in_s=60.0)
    seen = replace(desk.world, breakers={ProfileName("scribe"): alone})
    assert synthesizing.step(sighting, seen) == Wait(phase="dispatch", why=alone.why, due_in_s=60.0)
    on_trial = replace(alone, on_trial=True)
    seen = replace(desk.world, breakers={ProfileName("scribe"): on_trial})
    assert isinstance(synthesizing.step(sighting, seen), Dispatch)


def test_after_a_loss_that_may_pass_it_pauses(desk: Desk) -> None:
    gone = Lost(scribe(desk, "", number=3).spec, "the worker failed: overloaded (529)")
    sighting = replace(desk.sighting(BRIEF, *two(desk)), attempts=(*two(desk), gone))
    past = Past(spec=gone.spec, began_ago_s=2.0, ended_ago_s=0.1, reason=gone.reason)
    found = synthesizing.step(sighting, replace(desk.world, past=(past,)))
    assert isinstance(found, Wait)
    assert found.due_in_s is not None
    assert isinstance(synthesizing.step(sighting, desk.world), Dispatch)


def test_without_money_for_it_the_question_stands(desk: Desk) -> None:
    paid = Profile(name=ProfileName("scribe"), limits=Limits(cost_usd_max=1.0))
    desk.policy = replace(desk.policy, profiles=(*PROFILES, paid))
    authors = two(desk)
    sighting = replace(desk.sighting(BRIEF, *authors), attempts=authors)
    assert isinstance(synthesizing.step(sighting, desk.world), Dispatch)
    spent = replace(sighting, spent=Spent(usd=desk.policy.usd_per_brief))
    assert synthesizing.step(spent, desk.world) is None
    today = replace(desk.world, spent_today=Spent(usd=desk.policy.usd_per_day))
    found = synthesizing.step(sighting, today)
    assert isinstance(found, Wait)
    assert found.rests
    assert progress.resting(sighting, today) == found, "and nobody holds the brief meanwhile"


def test_what_was_written_of_older_outputs_does_not_count(desk: Desk) -> None:
    newer = author(desk, "# Three\n", profile="links", number=4)
    found = step(desk, *two(desk), scribe(desk, "# One\n# Two\n", number=3), newer)
    assert isinstance(found, Dispatch)
    assert found.number == 5


def test_nobody_is_asked_where_there_is_nothing_to_put_together(desk: Desk) -> None:
    one = author(desk, "# One\n", profile="links", number=1)
    same = author(desk, "# One", profile="search", number=2)
    idle = replace(desk.returned(could_not("noop"), profile="search", number=2), verdict=GOOD)
    assert step(desk, one) is None
    assert step(desk, one, same) is None
    assert step(desk, one, idle) is None
    assert step(desk, *two(desk), of=brief(Kind.LIST)) is None
    assert step(desk, *two(desk), answers={"disagreement-2": "links"}) is None
    desk.policy = replace(desk.policy, synthesizer="")
    assert step(desk, *two(desk)) is None


def test_its_report_stands_when_it_was_accepted_and_else_the_question(desk: Desk) -> None:
    authors = two(desk)
    for attempts, text in (
        ((*authors, scribe(desk, "# One\n# Two\n", number=3)), b"# One\n# Two\n"),
        ((*authors, scribe(desk, "# One\n", number=3, verdict=POOR)), None),
    ):
        sighting = replace(desk.sighting(BRIEF, *authors), attempts=attempts)
        found = synthesize(sighting, objects=desk.objects)
        if text is None:
            assert isinstance(found, Disagreement)
            continue
        assert isinstance(found, Changeset)
        assert (found.report, [a.number for a in found.attempts]) == (text, [1, 2, 3])
        assert found.compared == "two outputs, put into words by scribe"
        assert found.summary == "report from links and search, put into words by scribe"


@pytest.mark.parametrize(
    ("text", "missing"), [("# Both: One and Two", ""), ("# One", "the heading 'Two' of search")]
)
def test_a_report_that_leaves_something_out_is_refused_with_what_it_lacks(
    desk: Desk, text: str, missing: str
) -> None:
    sighting = desk.sighting(BRIEF, *two(desk))
    asked = synthesizing.step(sighting, desk.world)
    assert isinstance(asked, Dispatch)
    given = pack(
        sighting,
        asked.task,
        attempt=3,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=(),
    )
    package = for_synthesizer(given, sighting)
    assert [(i.kind, i.value, i.content) for i in package.input_data] == [
        ("task", "links", "# One\n"),
        ("task", "search", "# Two\n"),
    ]
    kept = scribe(desk, text, number=3, verdict=None)
    blob = desk.objects.blob(package.model_dump_json().encode())
    kept = replace(kept, spec=kept.spec.model_copy(update={"package": blob}))
    verdict = judge(kept, sighting, desk.world, objects=desk.objects)
    assert isinstance(kept.output.body, Report)
    if not missing:
        assert isinstance(verdict, Accept)
    else:
        assert isinstance(verdict, Revise)
        assert missing in verdict.feedback[0]
