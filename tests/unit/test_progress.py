"""The state machine: one look at a brief in, its one next step out."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain.brief import BriefTask, Kind
from coordinator.domain.names import BriefId, Place, ProfileName, TaskId, digest
from coordinator.domain.progress import (
    MUST_WAIT,
    needs_human,
    next_step,
    place_of,
    wanted_paths,
)
from coordinator.domain.proof import Busy, Rewritten, Unreachable
from coordinator.domain.record import Verb
from coordinator.domain.reply import Reply
from coordinator.domain.steps import (
    Deliver,
    Dispatch,
    LetGo,
    MakePlan,
    PublishAttempts,
    Review,
    Say,
    Synthesize,
    TakeClaim,
    Wait,
)
from coordinator.domain.world import Sighting
from tests.support.sightings import (
    ACCEPTED,
    BRIEF,
    EPOCH,
    POLICY,
    TASK,
    brief,
    claim,
    held,
    oid,
    returned,
    running,
    seen,
    sighting,
    world,
)

EARLIER = BriefId("earlier-00000001")


def unclaimed(**fields: Any) -> Sighting:
    return sighting(claim=None, **fields)


def waiting(one: Sighting, **fields: Any) -> Wait:
    """Returns the wait that is the next step; anything else fails."""
    step = next_step(one, world(one, **fields))
    assert isinstance(step, Wait), step
    return step


def test_p5_nothing_is_done_on_a_rewritten_remote() -> None:
    step = waiting(unclaimed(), remote=Rewritten(known=oid(1), found=oid(2)))
    assert step.why == "the remote was rewritten; a human must look"


def test_work_goes_on_while_the_remote_cannot_be_reached() -> None:
    one = sighting()
    assert isinstance(next_step(one, world(one, remote=Unreachable("down"))), Dispatch)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(state="input_required", held="protected"), "protected"),
        (Reply(state="input_required"), "question"),
        (None, ""),
    ],
)
def test_a_waiting_brief_says_what_it_waits_for(reply: Reply | None, why: str) -> None:
    assert waiting(sighting(place=Place.WAITING, reply=reply)) == Wait(phase="waiting", why=why)


def test_a_landed_brief_is_delivered_where_it_names() -> None:
    one = sighting(place=Place.LANDED, of=brief(deploy="live"))
    assert next_step(one, world(one)) == Deliver(brief=BRIEF, environment=one.filed.brief.deploy)  # type: ignore[arg-type]
    assert waiting(sighting(place=Place.LANDED)).phase == "deliver"


@pytest.mark.parametrize("place", [Place.DONE, Place.REJECTED])
def test_what_has_ended_waits_for_nothing(place: Place) -> None:
    assert waiting(sighting(place=place)).why == "finished"


def test_a_brief_without_a_plan_gets_one_first() -> None:
    one = sighting(plan=None)
    assert next_step(one, world(one, paused="lunch")) == MakePlan(brief=BRIEF)


def test_a_brief_whose_tasks_are_no_sound_plan_fails_with_the_reasons() -> None:
    task = BriefTask(id=TaskId("a"), task="Do it.", worker=ProfileName("nobody"))
    one = sighting(plan=None, of=brief(tasks=(task,)))
    step = next_step(one, world(one))
    assert isinstance(step, Say)
    assert step.note.record.verb is Verb.FAIL
    assert "there is no worker 'nobody'" in step.note.record.prose + step.note.record.quoted


def test_a_pause_stops_every_open_brief() -> None:
    assert waiting(sighting(), paused="a release").why == "paused: a release"


@pytest.mark.parametrize("said", [BRIEF, "tidy"])
def test_a_hold_names_a_brief_by_id_or_by_name(said: str) -> None:
    assert waiting(sighting(), holds=frozenset({said})).why == "on hold in state.md"


@pytest.mark.parametrize(
    "place", [Place.OPEN, Place.WAITING, Place.LANDED], ids=lambda place: str(place.value)
)
def test_a_brief_waits_for_the_one_it_comes_after(place: Place) -> None:
    first = sighting(name=EARLIER, place=place)
    one = sighting(of=brief(after=("earlier",)))
    step = next_step(one, world(one, first))
    assert step == Wait(phase="waiting", why="after earlier")


def test_a_brief_goes_on_once_the_one_it_comes_after_is_done() -> None:
    one = sighting(of=brief(after=("earlier",)))
    assert isinstance(next_step(one, world(one, terminal={EARLIER: Place.DONE})), Dispatch)


def test_a_brief_fails_with_the_one_it_comes_after() -> None:
    one = sighting(of=brief(after=(EARLIER,)))
    step = next_step(one, world(one, terminal={EARLIER: Place.REJECTED}))
    assert isinstance(step, Say)
    assert step.note.record.subject.startswith("dependency: earlier-00000001, which")
    assert step.note.record.values("Rule") == ("10",)


def test_of_several_briefs_of_a_name_the_live_one_counts_then_the_done_one() -> None:
    again = BriefId("earlier-00000002")
    ended = {EARLIER: Place.REJECTED, again: Place.DONE}
    assert place_of("Earlier", world(terminal=ended)) is Place.DONE
    assert place_of(EARLIER, world(terminal=ended)) is Place.REJECTED
    live = sighting(name=BriefId("earlier-00000003"))
    assert place_of("earlier", world(live, terminal=ended)) is Place.OPEN
    assert place_of("earlier", world(terminal={EARLIER: Place.REJECTED})) is Place.REJECTED
    assert place_of("earlier", world()) is None


def test_c1_changes_claim_scope_and_a_report_its_own_path_only() -> None:
    assert wanted_paths(sighting(of=brief(scope_in=("docs/**", "docs/a.md", "css/x.css")))) == (
        "css/x.css",
        "docs",
    )
    assert wanted_paths(sighting(of=brief(scope_in=()))) == ("",)
    assert wanted_paths(sighting(of=brief(Kind.LIST))) == ()
    assert wanted_paths(sighting(of=brief(Kind.LIST, path="out/list.md"))) == ("out/list.md",)


def test_c1_an_unclaimed_brief_takes_its_claim() -> None:
    one = unclaimed()
    assert next_step(one, world(one)) == TakeClaim(brief=BRIEF, paths=wanted_paths(one), stale=None)


def test_a_brief_is_not_claimed_while_no_worker_is_free_for_it() -> None:
    one = unclaimed()
    step = next_step(one, world(one), claiming=MUST_WAIT)
    assert step == Wait(phase="dispatch", why="every worker is busy")
    assert isinstance(next_step(sighting(), world(one), claiming=MUST_WAIT), Dispatch)


def test_c4_a_claim_on_another_text_is_let_go() -> None:
    mine = claim(of=digest(b"another text"))
    one = sighting(claim=mine)
    assert next_step(one, world(one)) == LetGo(claim=mine)


def test_c5_a_holder_is_waited_for_until_a_lease_has_passed_without_a_change() -> None:
    one = sighting(claim=Busy(path=wanted_paths(sighting())[0], holder="e2"))
    young = held(unchanged_s=POLICY.lease_s - 1)
    assert waiting(one, held={BRIEF: young}).why == "held by epoch e2"
    stale = held(unchanged_s=POLICY.lease_s)
    step = next_step(one, world(one, held={BRIEF: stale}))
    assert step == TakeClaim(brief=BRIEF, paths=wanted_paths(one), stale=stale)


def test_c5_nobody_takes_over_from_himself() -> None:
    mine = held(epoch=EPOCH, unchanged_s=2 * POLICY.lease_s)
    assert waiting(unclaimed(), held={BRIEF: mine}).why == "held by epoch e1"


@pytest.mark.parametrize(
    ("path", "why"),
    [("docs/a.md", "other-00000001 holds docs/a.md"), ("", "other-00000001 holds .")],
)
def test_c1_a_claim_that_overlaps_is_waited_for(path: str, why: str) -> None:
    assert waiting(unclaimed(), claims=(seen(path),)).why == why


def test_c1_a_claim_beside_it_is_no_hindrance() -> None:
    one = unclaimed()
    assert isinstance(next_step(one, world(one, claims=(seen("css"),))), TakeClaim)


def aged(**fields: Any) -> Sighting:
    """Returns a ready brief that came earlier and has waited longer than aging."""
    given = {"name": EARLIER, "order": 0, "age_s": POLICY.aging_s + 1, "claim": None, **fields}
    return sighting(**given)


def test_c7_a_later_brief_does_not_pass_an_earlier_one_that_has_waited_long() -> None:
    one, other = unclaimed(), aged()
    step = next_step(one, world(one, other))
    assert step == Wait(phase="dispatch", why=f"{EARLIER} has waited longer")


@pytest.mark.parametrize(
    "other",
    [
        aged(order=2),
        aged(age_s=POLICY.aging_s),
        aged(place=Place.WAITING),
        aged(of=brief(name="earlier", scope_in=("css/**",))),
        aged(of=brief(name="earlier", after=("nobody",))),
    ],
    ids=["it came later", "it is young", "it waits", "it is elsewhere", "it comes after another"],
)
def test_c7_an_earlier_brief_that_is_not_ready_or_not_in_the_way_is_passed(other: Sighting) -> None:
    one = unclaimed()
    assert isinstance(next_step(one, world(one, other)), TakeClaim)


def test_c7_an_earlier_brief_that_is_held_already_is_passed() -> None:
    one, other = unclaimed(), aged()
    step = next_step(one, world(one, other, held={EARLIER: held(EARLIER)}))
    assert isinstance(step, TakeClaim)


def test_c7_an_earlier_brief_on_hold_keeps_nobody_waiting() -> None:
    one, other = unclaimed(), aged()
    step = next_step(one, world(one, other, holds=frozenset({EARLIER})))
    assert isinstance(step, TakeClaim)


def test_what_is_kept_here_only_is_published_before_anything_else() -> None:
    one = sighting(returned(1, ACCEPTED))
    step = next_step(one, world(one, unpublished=frozenset({BRIEF})))
    assert step == PublishAttempts(brief=BRIEF)


def test_what_was_kept_is_judged_while_the_remote_cannot_be_reached() -> None:
    one = sighting(returned(1))
    look = world(one, unpublished=frozenset({BRIEF}), remote=Unreachable("down"))
    assert isinstance(next_step(one, look), Review)


def test_each_task_is_worked_and_a_running_one_holds_up_no_other() -> None:
    other = TASK.model_copy(update={"id": "other"})
    one = sighting(running(1), tasks=(TASK, other))
    step = next_step(one, world(one))
    assert isinstance(step, Dispatch)
    assert (step.task.id, step.number) == ("other", 2)
    both = sighting(running(1), running(2, task=other), tasks=(TASK, other))
    assert waiting(both) == Wait(phase="dispatch", why="links works on it")


def test_a_brief_whose_tasks_are_all_accepted_is_put_together() -> None:
    one = sighting(returned(1, ACCEPTED))
    assert next_step(one, world(one)) == Synthesize(brief=BRIEF)


def test_the_same_look_gives_the_same_step() -> None:
    one = unclaimed()
    look = world(one, aged())
    assert next_step(one, look) == next_step(replace(one), replace(look))


def test_a_brief_needs_a_human_while_it_waits_or_is_on_hold() -> None:
    one = sighting()
    assert not needs_human(one, world(one))
    assert needs_human(one, world(one, holds=frozenset({"tidy"})))
    assert needs_human(sighting(place=Place.WAITING), world())


def test_a_brief_needs_a_human_when_one_that_it_comes_after_does() -> None:
    middle, first = BriefId("middle-00000001"), BriefId("first-00000001")
    one = sighting(of=brief(after=("middle",)))
    two = sighting(name=middle, of=brief(name="middle", after=(first,)))
    waits = sighting(name=first, place=Place.WAITING)
    assert needs_human(one, world(one, two, waits))
    works = sighting(name=first, of=brief(name="first", after=("middle",)))
    assert not needs_human(one, world(one, two, works)), "and a circle is gone round once"
    landed = sighting(name=first, place=Place.LANDED)
    assert not needs_human(one, world(one, two, landed))


def test_a_brief_needs_a_human_when_nobody_has_what_it_comes_after() -> None:
    one = sighting(of=brief(after=("nobody",)))
    assert needs_human(one, world(one))
    assert not needs_human(one, world(one, terminal={BriefId("nobody-00000001"): Place.DONE}))
