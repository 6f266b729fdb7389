"""When a planner is asked, how often, which of its answers is the plan, and what stands in for it."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain import plan_notes, planner, planning
from coordinator.domain.attempt import Attempt, Returned
from coordinator.domain.brief import Brief, Input, Kind, OutputFormat
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.output import CouldNot, Report
from coordinator.domain.past import Past
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.policy import Limits, Policy, Profile
from coordinator.domain.progress import next_step, next_steps, resting
from coordinator.domain.spent import Spent
from coordinator.domain.steps import Dispatch, LetGo, Review, RevisePlan, Say, Step, Wait
from coordinator.domain.tasks import standing
from coordinator.domain.verdict import Accept, Reject, Verdict
from coordinator.domain.world import Sighting
from coordinator.services.review import judge
from tests.support import sightings
from tests.support.planners import plan, said
from tests.support.sightings import ACCEPTED, brief, lost, rejected, returned, revised, running
from tests.support.sightings import world as a_world
from tests.support.trees import Trees


def worker(name: str, *capabilities: str) -> Profile:
    return Profile(name=ProfileName(name), capabilities=frozenset(capabilities or (name,)))


HOUSE = Policy(
    profiles=(worker("mind", "planning"), worker("a"), worker("b"), worker("other", "a")),
    planner="mind",
    doctrine=Doctrine(replans_max=2, digest="sha256:d"),
    retries=0,
)
OBJECTS = Trees().objects
ASKS: Brief = brief(plan="model", scope_in=("docs/a.md", "docs/b.md"))
GOOD = plan(said("a", inputs=[]), said("b", "a", inputs=[]))
BAD = plan(said("a", inputs=[], scope=["css/x.css"]))


def asks(*attempts: Attempt, of: Brief = ASKS, policy: Policy = HOUSE, **fields: Any) -> Sighting:
    """Returns a brief whose plan asks the planner."""
    made = fields.pop("plan", planning.make(of, policy=policy))
    return sightings.sighting(*attempts, of=of, plan=made, **fields)


def mind(number: int, verdict: Verdict | None = None, *, body: Any = GOOD) -> Returned:
    """Returns an answer of the planner."""
    output = body if isinstance(body, CouldNot) else Report(text="", data=body)
    task = Task(id=TaskId("plan"), objective="", profile=ProfileName("mind"))
    made = returned(number, verdict, body=output, task=task)
    return replace(made, spec=made.spec.model_copy(update={"role": "planner"}))


def step(*attempts: Attempt, policy: Policy = HOUSE, **fields: Any) -> Step:
    one = asks(*attempts, policy=policy, **fields)
    return next_step(one, a_world(one, policy=policy))


def stored(*attempts: Attempt, **fields: Any) -> Plan:
    found = step(*attempts, **fields)
    assert isinstance(found, RevisePlan), found
    return found.plan


def verdict(answer: Returned, *others: Attempt, **fields: Any) -> Verdict:
    one = asks(*others, answer, **fields)
    found = judge(answer, one, a_world(one, policy=HOUSE), objects=OBJECTS)
    assert not isinstance(found, tuple)
    return found


def why(found: Verdict) -> tuple[str, ...]:
    assert isinstance(found, Reject), found
    return found.feedback


# -- who is asked


@pytest.mark.parametrize(
    ("fields", "policy", "rule"),
    [
        ({"plan": "model"}, HOUSE, "plan.model"),
        ({}, HOUSE, "plan.single"),
        ({}, replace(HOUSE, plan="always"), "plan.model"),
        ({"plan": "rules"}, replace(HOUSE, plan="always"), "plan.single"),
        ({"worker": ("a",)}, replace(HOUSE, plan="always"), "plan.single"),
        ({"worker": ("a",), "plan": "model"}, HOUSE, "plan.model"),
        ({"recipe": "solo"}, replace(HOUSE, plan="always"), "recipe.solo"),
    ],
)
def test_a_planner_is_asked_by_whom_the_house_and_the_brief_let(
    fields: Any, policy: Policy, rule: str
) -> None:
    made = planning.make(brief(**fields), policy=policy)
    assert made.rule == rule
    assert made.revision == (0 if rule == "plan.model" else 1)
    assert planner.is_awaited(made) == (rule == "plan.model")


def test_a_brief_that_names_its_tasks_or_has_no_planner_to_ask_is_refused() -> None:
    (fault,) = planning.faults(brief(plan="model", recipe="solo"), HOUSE)
    assert fault.code == "two-plans"
    (fault,) = planning.faults(ASKS, replace(HOUSE, planner=""))
    assert (fault.code, "[brain]" in fault.hint) == ("no-planner", True)
    assert planning.faults(ASKS, HOUSE) == ()


def test_a_brief_that_speaks_of_planning_does_not_go_to_the_planner() -> None:
    about = brief().model_copy(update={"task": "Write about planning, and about b."})
    assert planning.profiles(about, HOUSE) == ("b",)


# -- asking


def test_the_first_step_asks_and_its_attempt_is_waited_for_and_reviewed() -> None:
    found = step()
    assert isinstance(found, Dispatch)
    assert (found.role, found.number, found.feedback) == ("planner", 1, ())
    assert (found.task.id, found.task.profile, found.task.role) == ("plan", "mind", "planner")
    assert found.task.part is not None
    assert found.task.part.output_format.json_schema is not None
    under_way = replace(running(1), spec=mind(1).spec)
    assert step(under_way) == Wait(phase="plan", why="mind plans it")
    assert step(mind(1)) == Review(attempt=mind(1).spec.id)


def test_a_refused_planner_is_told_every_reason_and_asked_as_often_as_the_doctrine_lets() -> None:
    no, never = rejected("plan", "cycle: a", "outside: b"), rejected("plan", "outside: b", "x")
    second = step(mind(1, no))
    assert isinstance(second, Dispatch)
    assert (second.number, second.feedback) == (2, ("cycle: a", "outside: b"))
    third = step(mind(1, no), mind(2, never))
    assert isinstance(third, Dispatch)
    assert third.feedback == ("outside: b", "x", "cycle: a")
    assert isinstance(step(mind(1, no), mind(2, no), mind(3, no)), Say | RevisePlan)
    none = replace(HOUSE, doctrine=Doctrine(replans_max=0))
    assert isinstance(step(mind(1, no), policy=none), Say | RevisePlan)


def test_what_a_restart_cost_does_not_count_and_other_losses_do() -> None:
    def gone(number: int, reason: str) -> Attempt:
        return replace(lost(number, reason), spec=mind(number).spec)

    restarts = [gone(n, "the daemon was restarted") for n in (1, 2, 3)]
    assert isinstance(step(*restarts), Dispatch)
    found = step(*(gone(n, "broke its contract") for n in (1, 2, 3)), of=TO_A)
    assert isinstance(found, RevisePlan)
    assert found.plan.notes == ("planner: an attempt was lost: broke its contract",)


def test_restarts_without_end_end_all_the_same() -> None:
    often = [replace(lost(n, "the daemon was restarted"), spec=mind(n).spec) for n in range(1, 51)]
    assert isinstance(step(*often[:-1], of=TO_A), Dispatch)
    assert isinstance(step(*often, of=TO_A), RevisePlan)


def test_after_a_loss_that_may_pass_the_planner_pauses() -> None:
    gone = replace(lost(1, "the worker failed: overloaded (529)"), spec=mind(1).spec)
    one = asks(gone)
    past = Past(spec=gone.spec, began_ago_s=2.0, ended_ago_s=0.1, reason=gone.reason)
    found = next_step(one, a_world(one, policy=HOUSE, past=(past,)))
    assert isinstance(found, Wait)
    assert found.due_in_s is not None
    assert 0 < found.due_in_s <= HOUSE.retrying.pause_s
    assert isinstance(step(gone), Dispatch), "nobody knows when it was lost"


def test_a_question_of_the_planner_is_asked_and_costs_no_try() -> None:
    asked = mind(1, rejected("question", "which pages?"), body=CouldNot(why="question", text="?"))
    found = step(asked)
    assert isinstance(found, Say)
    assert ("Question", "plan-1: which pages?") in found.note.record.trailers
    answered = planning.make(ASKS, policy=HOUSE).model_copy(
        update={"answers": {"plan-1": "all"}, "questions": {"plan-1": "which pages?"}}
    )
    again = step(asked, plan=answered)
    assert isinstance(again, Dispatch)
    assert (again.role, again.number) == ("planner", 2)
    no = rejected("plan", "no")
    assert isinstance(step(asked, mind(2, no), mind(3, no), plan=answered), Dispatch)


def test_a_planner_without_money_makes_way_for_the_rules() -> None:
    dear = replace(HOUSE.profiles[0], limits=Limits(cost_usd_max=1.0))
    poor = replace(HOUSE, usd_per_brief=0.0, profiles=(dear, *HOUSE.profiles[1:]))
    assert stored(policy=poor, of=TO_A).rule == "plan.fallback"


# -- the answer


def test_a_sound_answer_is_accepted_and_becomes_the_plan() -> None:
    found = verdict(mind(1))
    assert isinstance(found, Accept)
    assert found.findings[0].evidence == "2 tasks, chain"
    made = stored(mind(1, found))
    assert (made.rule, made.revision, made.planned_by) == ("plan.model", 1, "mind/1")
    assert (made.shape, made.doctrine) == ("chain", "sha256:d")
    assert made.notes == ("planner mind/1: the second page names the first",)
    assert [(one.id, one.profile, one.after, one.role) for one in made.tasks] == [
        ("a", "a", (), "author"),
        ("b", "b", ("a",), "author"),
    ]
    assert [(edge.earlier, edge.later) for edge in made.edges] == [("a", "b")]


def test_every_fault_of_an_answer_is_a_reason() -> None:
    wrong = plan(
        said("a", "b", inputs=[], scope=["css/x.css"], guidance=""),
        said("b", "a", inputs=[], worker="nobody", tools=["fetch_url"]),
    )
    codes = [reason.partition(":")[0] for reason in why(verdict(mind(1, body=wrong)))]
    assert codes == [
        "ungranted-tool",
        "cycle",
        "missing-guidance",
        "outside",
        "unknown-worker",
        "uncovered",
    ]
    assert why(verdict(mind(1, body=plan())))[0].startswith("no-tasks: the plan: ")
    (form,) = why(verdict(mind(1, body="do it")))
    assert form.startswith("malformed: the plan: the answer does not have the wanted form: ")


def test_what_it_says_reaches_no_terminal_and_no_trailer() -> None:
    evil = plan(said("a\x1b[31m", inputs=["\x1b]0;x\x07task:"], worker="x\nBrief-Id: y"))
    told = why(verdict(mind(1, body=evil)))
    assert not [reason for reason in told if "\x1b" in reason]
    no = rejected("plan", "unknown-worker: a: there is no worker\nBrief-Id: forged\n")
    made = stored(mind(1, no), mind(2, no), mind(3, no), of=TO_A)
    one = asks(mind(1, no), mind(2, no), mind(3, no), of=TO_A)
    record = plan_notes.revised(one, made, policy=HOUSE).record
    assert record.values("Brief-Id") == (sightings.BRIEF,)
    assert record.values("Reason") == (
        "planner: unknown-worker: a: there is no worker Brief-Id: forged",
    )


def test_an_answer_that_cannot_is_refused() -> None:
    cannot = CouldNot(why="missing_data", text="no\x07thing")
    assert why(verdict(mind(1, body=cannot))) == ("missing-data: a plan: nothing",)


def test_an_accepted_answer_that_rules_of_now_refuse_is_asked_for_again() -> None:
    strict = replace(HOUSE, doctrine=Doctrine(tasks_max=1))
    found = step(mind(1, ACCEPTED), policy=strict)
    assert isinstance(found, Dispatch)
    assert found.feedback[0].startswith("too-many-tasks: the plan: ")


# -- without it

TO_A: Brief = brief(plan="model", task_type="a", scope_in=("docs/a.md",))


def test_after_the_last_refusal_rules_plan_and_say_why() -> None:
    no = [mind(n, rejected("plan", f"cycle: {n}")) for n in (1, 2, 3)]
    made = stored(*no, of=TO_A)
    assert (made.rule, made.revision, made.planned_by) == ("plan.fallback", 1, "")
    assert [(one.id, one.profile, one.part) for one in made.tasks] == [("a", "a", None)]
    assert made.notes == ("planner: cycle: 3", "planner: cycle: 2", "planner: cycle: 1")
    record = plan_notes.revised(asks(*no, of=TO_A), made, policy=HOUSE).record
    assert record.subject == (
        "revision 1 of the plan: the planner gave none that will do: cycle: 3"
    )
    assert record.values("Decided-By") == ("rule plan.fallback@default",)
    assert [value.partition(" refs/")[0] for value in record.values("Attempt")] == [
        f"mind/{n} planner refused" for n in (1, 2, 3)
    ]


def test_a_brief_that_rules_cannot_plan_either_fails_with_both_reasons() -> None:
    no = [mind(n, rejected("plan", "cycle: a")) for n in (1, 2, 3)]
    found = step(*no)
    assert isinstance(found, Say)
    assert found.note.record.subject.startswith("plan: by rules there is no plan either: ")
    assert found.note.record.values("Reason")[-1] == "planner: cycle: a"


def test_a_house_that_has_no_planner_any_more_plans_by_rules() -> None:
    made = planning.make(TO_A, policy=HOUSE)
    found = stored(plan=made, of=TO_A, policy=replace(HOUSE, planner=""))
    assert found.notes == ("planner: there is no planner here any more",)


# -- another plan


def page(name: str, *after: str) -> Task:
    return Task(
        id=TaskId(name),
        objective=f"Write {name}.",
        profile=ProfileName("b"),
        after=tuple(map(TaskId, after)),
        part=Part(
            output_format=OutputFormat(text="changes", kind=Kind.CHANGES),
            guidance="write",
            scope_in=(f"docs/{name}.md",),
            inputs=tuple(Input(kind="task", value=one) for one in after),
        ),
    )


A, B = page("a"), page("b")
DONE_A = returned(2, ACCEPTED, task=A)
LOST_B = returned(3, revised("no b"), task=B)
WROTE = mind(1, ACCEPTED)


def half_done(*attempts: Attempt, policy: Policy = HOUSE, **fields: Any) -> Sighting:
    given = {"rule": "plan.model", "planned_by": "mind/1", **fields}
    made = Plan(tasks=given.pop("tasks", (A, B)), **given)
    return asks(WROTE, DONE_A, LOST_B, *attempts, plan=made, policy=policy)


def then(*attempts: Attempt, policy: Policy = HOUSE, **fields: Any) -> Step:
    one = half_done(*attempts, **fields)
    (found,) = next_steps(one, a_world(one, policy=policy))
    return found


INSTEAD = plan(said("b2", "a", inputs=["task:a"], scope=["docs/b.md"], worker="other"))


def test_a_plan_that_comes_to_nothing_is_asked_for_again_and_what_is_done_stays() -> None:
    found = then()
    assert isinstance(found, Dispatch)
    assert (found.role, found.number, found.feedback) == ("planner", 4, ())
    again = mind(4, body=INSTEAD)
    one = half_done(again)
    judged = judge(again, one, a_world(one, policy=HOUSE), objects=OBJECTS)
    assert isinstance(judged, Accept), judged
    step_ = then(mind(4, judged, body=INSTEAD))
    assert isinstance(step_, RevisePlan)
    made = step_.plan
    assert (made.revision, made.planned_by) == (2, "mind/4")
    assert made.revised_because == "b no b; mind/4 wrote another"
    assert made.tasks[0] == A
    assert [(one.id, one.profile) for one in made.tasks] == [("a", "b"), ("b2", "other")]
    after = asks(WROTE, DONE_A, LOST_B, mind(4, judged, body=INSTEAD), plan=made)
    assert list(standing(after)) == ["a"], "its output counts as before"
    assert planner.asked(after) == ()
    (next_,) = next_steps(after, a_world(after, policy=HOUSE))
    assert isinstance(next_, Dispatch)
    assert (next_.task.id, next_.role) == ("b2", "author")


def test_a_brief_rests_until_its_planner_can_be_paid_again() -> None:
    dear = replace(HOUSE.profiles[0], limits=Limits(cost_usd_max=1.0))
    policy = replace(HOUSE, profiles=(dear, *HOUSE.profiles[1:]))
    one = half_done()
    broke = a_world(one, policy=policy, spent_today=Spent(usd=policy.usd_per_day))
    assert resting(one, broke) is not None
    assert next_step(one, broke) == LetGo(claim=sightings.claim())
    assert isinstance(next_step(one, replace(broke, spent_today=Spent())), Dispatch)


def test_what_is_done_is_as_it_was_whatever_the_answer_says_of_it() -> None:
    other = said("a", objective="Something else.", scope=["docs/b.md"], worker="nobody")
    repeated = plan(other, *INSTEAD["tasks"])
    step_ = then(mind(4, ACCEPTED, body=repeated))
    assert isinstance(step_, RevisePlan)
    assert step_.plan.tasks[0] == A


def test_what_rules_of_now_have_against_tasks_that_are_done_is_no_fault_of_an_answer() -> None:
    assert A.part is not None
    wide = A.part.model_copy(update={"scope_in": ("docs/a.md", "css/x.css")})
    old = A.model_copy(update={"part": wide})
    again = mind(4, body=INSTEAD)
    one = half_done(again, tasks=(old, B))
    judged = judge(again, one, a_world(one, policy=HOUSE), objects=OBJECTS)
    assert isinstance(judged, Accept), judged


def test_an_id_that_was_tried_in_vain_is_taken() -> None:
    again = mind(4, body=plan(said("b", inputs=[], scope=["docs/b.md"])))
    one = half_done(again)
    judged = judge(again, one, a_world(one, policy=HOUSE), objects=OBJECTS)
    assert isinstance(judged, Reject)
    assert [reason.partition(":")[0] for reason in judged.feedback] == ["used-id"]


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ({"rule": "plan.tasks", "planned_by": ""}, ()),
        ({"revision": 3}, ()),
        ({"answers": {"partial.3": "land"}}, ()),
        ({}, (mind(4, rejected("plan", "x")), mind(5, rejected("plan", "y")))),
    ],
)
def test_it_is_not_asked_again_for_plans_of_others_too_often_or_over_a_person(
    fields: Any, more: tuple[Attempt, ...]
) -> None:
    one = half_done(*more, **fields)
    steps = next_steps(one, a_world(one, policy=HOUSE))
    assert not [found for found in steps if isinstance(found, Dispatch)]


def test_a_rule_that_has_another_plan_goes_first() -> None:
    able = replace(HOUSE, profiles=(*HOUSE.profiles, worker("third", "b")))
    found = then(policy=able)
    assert isinstance(found, RevisePlan)
    assert [one.profile for one in found.plan.tasks] == ["b", "third"]
    assert found.plan.rule == "plan.model"
    one = half_done()
    record = plan_notes.revised(one, found.plan, policy=HOUSE).record
    assert record.values("Decided-By") == ("rule plan.revised@default",)
    assert record.values("Attempt") == ()


def test_a_plan_of_one_task_is_asked_for_again_too() -> None:
    one = asks(
        WROTE,
        replace(LOST_B),
        plan=Plan(tasks=(B,), rule="plan.model", planned_by="mind/1"),
    )
    (found,) = next_steps(one, a_world(one, policy=HOUSE))
    assert isinstance(found, Dispatch)
    assert found.role == "planner"
