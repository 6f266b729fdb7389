"""Plans of several tasks: side by side, one after the other, and what becomes of them when some fail."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import batch, notes, partial, partial_answers
from coordinator.domain.attempt import Attempt
from coordinator.domain.brief import Brief, Kind, OutputFormat
from coordinator.domain.changeset import Conflict, Disagreement, Side
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import Place, ProfileName, RepoPath, TaskId
from coordinator.domain.note import MoveBrief, Note
from coordinator.domain.output import Changes, CouldNot, Edit
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.progress import next_step, next_steps, resting
from coordinator.domain.proof import Clash
from coordinator.domain.record import Verb
from coordinator.domain.spent import Spent
from coordinator.domain.steps import Dispatch, Review, Say, Step, Synthesize, Wait
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    POLICY,
    asking,
    brief,
    changeset,
    check,
    claim,
    merged,
    oid,
    rejected,
    result,
    returned,
    revised,
    running,
    sighting,
    spec,
    world,
)


def task(name: str, *after: str, **more: Any) -> Task:
    wanted = OutputFormat(text="changes", kind=Kind.CHANGES)
    return Task(
        id=TaskId(name),
        objective=f"Do {name}.",
        profile=ProfileName("links"),
        after=tuple(map(TaskId, after)),
        part=Part(output_format=wanted, guidance="read first", **more),
    )


A, B, C = task("a"), task("b"), task("c", "a", "b")
GRAPH = (A, B, C)


def failing(*numbers: int, of: Task) -> list[Attempt]:
    """Returns attempts at a task that would not do, each another; three of them use its tries up."""
    return [returned(n, revised(f"no {n}"), task=of) for n in numbers]


def changed(number: int, path: str, *, of: Task, base: int = 1) -> Attempt:
    """Returns an accepted output that changes one file."""
    edit = Edit(path=RepoPath(path), content_b64="")
    body = Changes(edits=(edit,), summary="changed")
    return returned(number, ACCEPTED, task=of, body=body, base=oid(base))


def steps(*attempts: Attempt, tasks: tuple[Task, ...] = GRAPH, **fields: Any) -> tuple[Step, ...]:
    looked = {k: fields.pop(k) for k in ("tip", "checks", "spent_today") if k in fields}
    one = sighting(*attempts, tasks=tasks, **fields)
    return next_steps(one, world(one, **looked))


def named(found: tuple[Step, ...]) -> list[str]:
    """Returns the tasks that are dispatched."""
    return [step.task.id for step in found if isinstance(step, Dispatch)]


def said(*attempts: Attempt, **fields: Any) -> Note:
    (found,) = steps(*attempts, **fields)
    assert isinstance(found, Say), found
    return found.note


def on_partial(what: str, **fields: Any) -> Brief:
    return brief(on_partial=what, **fields)


def test_tasks_that_wait_for_nothing_start_side_by_side_and_no_other_does() -> None:
    assert named(steps()) == ["a", "b"]


def test_no_more_tasks_run_at_once_than_the_doctrine_lets() -> None:
    house = replace(POLICY, doctrine=Doctrine(parallel_max=1))
    one = sighting(running(1, task=A), tasks=GRAPH)
    (step,) = next_steps(one, world(one, policy=house))
    assert isinstance(step, Wait)
    judged = sighting(returned(1, task=A), tasks=GRAPH)
    assert len(next_steps(judged, world(judged, policy=house))) == 2


def test_a_task_that_is_judged_holds_up_no_other() -> None:
    kept = returned(1, task=A)
    review, dispatch = steps(kept)
    assert review == Review(attempt=kept.spec.id)
    assert isinstance(dispatch, Dispatch)
    assert (dispatch.task.id, dispatch.number) == ("b", 2)


def test_a_task_starts_when_all_before_it_are_accepted_and_not_before() -> None:
    first = returned(1, ACCEPTED, task=A)
    assert named(steps(first)) == ["b"]
    assert steps(first, running(2, task=B)) == (Wait(phase="dispatch", why="links works on it"),)
    assert named(steps(first, returned(2, ACCEPTED, task=B))) == ["c"]


def test_what_was_made_from_an_output_that_was_done_again_is_done_again_too() -> None:
    done = [returned(n, ACCEPTED, task=one) for n, one in enumerate(GRAPH, start=1)]
    assert steps(*done) == (Synthesize(brief=BRIEF),)
    again = steps(*done, returned(4, ACCEPTED, task=A))
    assert named(again) == ["c"]
    assert isinstance(again[0], Dispatch)
    assert again[0].feedback == ("what it builds on has been done again since",)
    assert steps(*done, running(4, task=A)) == (Wait(phase="dispatch", why="links works on it"),)


def test_a_question_waits_for_the_other_workers_because_it_stops_them() -> None:
    question = asking(1, "Which?").spec.model_copy(update={"task": A.id})
    asks = returned(1, rejected("question", "Which?"), task=A)
    assert question.task == asks.spec.task
    assert steps(asks, running(2, task=B)) == (Wait(phase="dispatch", why="links works on it"),)
    note = said(asks, returned(2, ACCEPTED, task=B))
    assert note.record.values("Question") == ("a-1: Which?",)


def test_one_task_alone_fails_as_ever() -> None:
    note = said(*failing(1, 2, 3, of=A), tasks=(A,), of=on_partial("hold"))
    assert note.record.subject == "attempts: no 3"
    assert MoveBrief(brief=BRIEF, to=Place.REJECTED) in note.operations


def test_nothing_is_decided_while_another_task_can_run() -> None:
    stuck = failing(1, 2, 3, of=A)
    assert named(steps(*stuck, of=on_partial("fail"))) == ["b"]
    assert steps(*stuck, running(4, task=B), of=on_partial("fail")) == (
        Wait(phase="dispatch", why="links works on it"),
    )


def test_a_brief_of_which_nothing_was_done_fails_with_the_reason_of_each_task() -> None:
    note = said(*failing(1, 2, 3, of=A), *failing(4, 5, 6, of=B))
    assert note.record.subject == "attempts: a: no 3"
    assert note.record.values("Reason") == (
        "a: no 3",
        "b: no 6",
        "c: a, which it comes after, did not complete",
    )


DONE_A = [changed(1, "docs/a.md", of=A), *failing(2, 3, 4, of=B)]


def test_fail_ends_a_brief_with_the_reason_of_each_lost_task() -> None:
    note = said(*DONE_A, of=on_partial("fail"))
    assert note.record.subject == "partial: b: no 4"
    assert note.record.values("Reason")[1] == "c: b, which it comes after, did not complete"


def test_land_puts_together_what_there_is() -> None:
    assert steps(*DONE_A, of=on_partial("land")) == (Synthesize(brief=BRIEF),)
    one = sighting(*DONE_A, tasks=GRAPH, of=on_partial("land"))
    assert [gone.said for gone in partial.lost(one, world(one))] == [
        "b no 4",
        "c b, which it comes after, did not complete",
    ]


def test_hold_asks_what_shall_become_of_it_and_says_what_is_done_and_what_is_not_and_why() -> None:
    note = said(*DONE_A)
    assert note.record.verb == "ask"
    assert note.record.values("Question") == (
        "partial.4: 1 of 3 tasks are done; what shall become of the others?",
    )
    assert MoveBrief(brief=BRIEF, to=Place.WAITING) in note.operations
    for line in (
        "- a: done",
        "- b: not done: no 4",
        "- c: not done: b, which it comes after, did not complete",
        "`land` goes on with what is done.",
    ):
        assert line in note.record.prose.splitlines(), note.record.prose


def test_an_answer_lands_ends_or_begins_again() -> None:
    assert steps(*DONE_A, answers={"partial.4": "Land"}) == (Synthesize(brief=BRIEF),)
    ended = said(*DONE_A, answers={"partial.4": "give up"})
    assert ended.record.subject == "partial: b: no 4"
    again = steps(*DONE_A, answers={"partial.4": "try again"})
    assert named(again) == ["b"]
    assert isinstance(again[0], Dispatch)
    assert (again[0].number, again[0].feedback[0]) == (5, "no 4")
    told = steps(*DONE_A, answers={"partial.4": "The file is b.txt."})
    assert isinstance(told[0], Dispatch)
    assert told[0].feedback[:2] == ("The file is b.txt.", "no 4")


def test_try_again_gives_all_tries_anew_and_then_asks_anew() -> None:
    answers = {"partial.4": "try again"}
    assert named(steps(*DONE_A, *failing(5, 6, of=B), answers=answers)) == ["b"]
    note = said(*DONE_A, *failing(5, 6, 7, of=B), answers=answers)
    assert note.record.values("Question")[0].startswith("partial.7: ")


def test_an_answer_that_changed_nothing_is_followed_by_another_question() -> None:
    plan = Plan(tasks=GRAPH, answers={"partial.4": "try again"})
    assert partial_answers.next_id(plan, 4) == "partial.4.2"
    both = plan.model_copy(update={"answers": {**plan.answers, "partial.4.2": "once more"}})
    assert partial_answers.next_id(both, 4) == "partial.4.3"
    assert partial_answers.insisted(both) == partial_answers.Insisted(since=4, told=("once more",))


def test_what_cannot_land_is_not_offered_for_landing() -> None:
    report = OutputFormat(text="a report", kind=Kind.REPORT)
    part = Part(output_format=report, guidance="read")
    study = A.model_copy(update={"part": part})
    write = task("b", "a")
    tried = [returned(1, ACCEPTED, task=study), *failing(2, 3, 4, of=write)]
    note = said(*tried, tasks=(study, write))
    assert "`land` goes on with what is done." not in note.record.prose
    assert "`try again`" in note.record.prose
    landing = said(*tried, tasks=(study, write), of=on_partial("land"))
    assert landing.record.subject == "partial: b: no 4"


def test_an_optional_task_may_be_lost() -> None:
    extra = task("b", optional=True)
    tried = [changed(1, "docs/a.md", of=A), *failing(2, 3, 4, of=extra)]
    assert steps(*tried, tasks=(A, extra)) == (Synthesize(brief=BRIEF),)
    needed = task("c", "b")
    note = said(*tried, tasks=(A, extra, needed), of=on_partial("fail"))
    assert note.record.subject.startswith("partial: b: no 4")


def test_a_task_that_lacks_data_is_not_tried_again_where_others_go_on() -> None:
    body = CouldNot(why="missing_data", text="there is no b.csv")
    lacks = returned(2, rejected("missing-data", "there is no b.csv"), task=B, body=body)
    note = said(changed(1, "docs/a.md", of=A), lacks)
    assert "- b: not done: there is no b.csv" in note.record.prose
    assert named(steps(returned(1, rejected("missing-data", "x"), task=A), tasks=(A,))) == ["a"]


def test_a_lost_task_does_not_keep_a_brief_from_resting() -> None:
    # A worker without a price never rests, so nothing rests here, and the lost task is no reason to.
    one = sighting(*failing(1, 2, 3, of=A), tasks=GRAPH, claim=claim())
    look = world(one, spent_today=Spent(usd=1000.0))
    assert resting(one, look) is None
    assert isinstance(next_step(one, look), Dispatch)


def test_a_landing_says_which_tasks_it_lacks() -> None:
    one = sighting(*DONE_A, tasks=GRAPH, synthesis=changeset(), merged=merged())
    gated = batch.gate(merged(), ())
    note = notes.landing(
        one, gated, claim(), cost="0", policy=world(one).policy, partial=["b no 4", "c b failed"]
    )
    assert note.record.values("Partial") == ("b no 4", "c b failed")
    assert "Not done: b no 4\n\nNot done: c b failed" in note.record.prose


CLASH = Clash(changeset=changeset(), paths=(RepoPath("docs/b.md"),))
BOTH = (A, B)


def test_after_a_clash_the_tasks_that_changed_those_paths_are_done_again() -> None:
    done = [changed(1, "docs/a.md", of=A, base=30), changed(2, "docs/b.md", of=B, base=30)]
    found = steps(*done, tasks=BOTH, synthesis=changeset(), merged=CLASH)
    assert named(found) == ["b"]
    elsewhere = Clash(changeset=changeset(), paths=(RepoPath("x"),))
    assert named(steps(*done, tasks=BOTH, synthesis=changeset(), merged=elsewhere)) == ["a"]


def test_an_output_of_before_a_clash_is_done_again_and_nobody_is_asked() -> None:
    sides = tuple(Side(name=str(n), attempt=spec(n).id, text=str(n)) for n in (1, 3))
    paths = (Conflict(where="docs/a.md", sides=sides),)
    dissent = Disagreement(
        brief=BRIEF, agreed="", conflicts=paths, question="Which one?", options=("a", "b")
    )
    done = [changed(1, "docs/a.md", of=A, base=30), changed(3, "docs/b.md", of=B)]
    assert named(steps(*done, tasks=BOTH, synthesis=dissent)) == ["a"]
    for base in (1, 30):  # the tip, and one that records have moved since
        same = [changed(1, "docs/a.md", of=A, base=base), changed(3, "docs/b.md", of=B, base=base)]
        assert said(*same, tasks=BOTH, synthesis=dissent).record.subject == "Which one?"


@pytest.mark.parametrize(
    ("tail", "redone"), [("docs/b.md:3 is wrong", "b"), ("it is red", "a"), ("docs/a.md", "a")]
)
def test_a_red_gate_has_the_task_done_again_whose_paths_it_names(tail: str, redone: str) -> None:
    gate, bare = check(), check(product=oid(20))
    known = {r.key: r for r in (result(gate, passed=False, tail=tail), result(bare))}
    done = [changed(1, "docs/a.md", of=A), changed(2, "docs/b.md", of=B)]
    found = steps(
        *done,
        tasks=BOTH,
        synthesis=changeset(),
        merged=merged(),
        gate_checks=(gate,),
        tip_checks=(bare,),
        checks=known,
    )
    assert named(found) == [redone]


ALL_TRIED = (
    changed(1, "docs/aa.md", of=A),
    changed(2, "docs/b.md", of=B),
    changed(3, "docs/a.md", of=A),
    changed(4, "docs/bb.md", of=B),
)


def red(what: str, *tasks: Task) -> dict[str, Any]:
    """Returns a brief with a red gate that names nobody."""
    gate, bare = check(), check(product=oid(20))
    known = {r.key: r for r in (result(gate, passed=False, tail="red"), result(bare))}
    return {
        "tasks": tasks,
        "of": on_partial(what, retries=1),
        "synthesis": changeset(),
        "merged": merged(),
        "gate_checks": (gate,),
        "tip_checks": (bare,),
        "checks": known,
    }


@pytest.mark.parametrize("what", ["fail", "land"])
def test_a_red_gate_that_names_nobody_goes_round_and_ends_when_all_have_tried(what: str) -> None:
    assert named(steps(*ALL_TRIED[:3], **red(what, *BOTH))) == ["b"]
    note = said(*ALL_TRIED, **red(what, *BOTH))
    assert note.record.subject == "attempts: the gate test fails on the result: red"


def test_a_brief_of_several_tasks_that_holds_what_it_has_is_asked_about_a_red_gate() -> None:
    note = said(*ALL_TRIED, **red("hold", *BOTH))
    assert note.record.verb is Verb.ASK
    assert note.record.values("Question")[0].startswith(
        "partial.4: every task is done, and the gate"
    )
    assert "the gate test fails on the result: red" in note.record.prose
    told = steps(*ALL_TRIED, **red("hold", *BOTH), answers={"partial.4": "quote the names"})
    (step,) = told
    assert isinstance(step, Dispatch)
    assert (step.task.id, step.feedback[0]) == ("a", "quote the names")
    given_up = said(*ALL_TRIED, **red("hold", *BOTH), answers={"partial.4": "give up"})
    assert given_up.record.verb is Verb.FAIL
    alone = said(ALL_TRIED[0], ALL_TRIED[2], **red("hold", A))
    assert alone.record.verb is Verb.FAIL
