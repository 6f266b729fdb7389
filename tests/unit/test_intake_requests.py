# ruff: noqa: E501 - a row of a table, or a whole message, is one line
"""Answers, approvals, refusals, cancellations and retries: once each, and only where they apply."""

from dataclasses import replace

from coordinator.domain import reply as reply_text
from coordinator.domain.brief import Brief, Question
from coordinator.domain.brief_text import identify, parse
from coordinator.domain.names import BriefId, Place
from coordinator.domain.plan import Plan
from coordinator.domain.reply import Reply
from coordinator.domain.request import Request
from coordinator.services import intake
from coordinator.services.intake import Ignore, Later, Record
from tests.support.inbox_world import (
    BY,
    POLICY,
    House,
    answer,
    approve,
    cancel,
    drop,
    dropped_id,
    refuse,
    retry,
)

GOOD = """TASK: List every HTML page that public/sitemap.xml does not name.
INPUTS: public/sitemap.xml, public/**/*.html
SCOPE: public/; everything else
OUTPUT FORMAT: a table
DO NOT: add new files
"""
VAGUE = "TASK: List every HTML page that public/sitemap.xml does not name.\nINPUTS: public/\n"
CHANGESET = "sha256:" + "a" * 64


def opened(house: House, text: str = GOOD) -> BriefId:
    request = drop("x", text)
    house.take_in(request)
    return dropped_id(request)


def held(house: House, **said: object) -> BriefId:
    """Returns a brief that somebody has worked on and that waits."""
    brief = opened(house)
    reply = Reply.model_validate({"state": "input_required", "name": "x", **said})
    house.move(brief, Place.WAITING, {"reply.md": reply_text.render(reply)})
    return brief


def ignored(house: House, request: Request) -> str:
    (decision,) = house.judge(request)
    assert isinstance(decision, Ignore), decision
    return decision.why


def recorded(house: House, request: Request) -> Record:
    (decision,) = house.take_in(request)
    assert isinstance(decision, Record), decision
    return decision


def test_answers_complete_the_brief_and_its_id_stays() -> None:
    house = House()
    brief = opened(house, VAGUE)
    first = recorded(house, answer(brief, "scope", "public/; docs/")).note.record
    assert house.place(brief) is Place.WAITING
    assert [q.id for q in house.reply(brief).questions] == ["output_format"]
    assert (first.verb, first.values("Answered-By")) == ("ask", (BY,))
    second = recorded(house, answer(brief, "output_format", "a table")).note.record
    assert house.place(brief) is Place.OPEN
    text = house.file(brief, "brief.md") or ""
    found = parse(text.encode(), name="x")
    assert isinstance(found, Brief)
    assert (found.scope_in, found.scope_out) == (("public",), ("docs",))
    assert found.output_format.kind == "table"
    assert second.values("Brief-Digest") == (identify(found).digest,)
    assert second.values("Decided-By") == (f"human {BY}",)
    assert house.plan(brief).name == "x"


def test_an_answer_to_a_brief_of_headings_keeps_its_form() -> None:
    house = House()
    brief = opened(house, "## TASK\n\nList every page that public/sitemap.xml misses.\n\n## INPUTS\n\nnothing yet\n\n## SCOPE\n\npublic/\n\n## OUTPUT FORMAT\n\na list\n")  # fmt: skip
    recorded(house, answer(brief, "inputs", "public/\n## SCOPE\ndocs/"))
    found = parse((house.file(brief, "brief.md") or "").encode(), name="x")
    assert isinstance(found, Brief)
    assert found.scope_in == ("public",)  # an answer cannot smuggle in another section
    assert [i.value for i in found.inputs] == ["public", "## SCOPE", "docs"]


def test_the_answer_to_who_shall_do_it_goes_into_the_front_matter() -> None:
    house = House()
    brief = opened(house, GOOD.replace("List every HTML page that public/sitemap.xml does not name", "Polish the pages under public/ for me"))  # fmt: skip
    assert "there is no worker 'nobody'" in ignored(house, answer(brief, "worker", "nobody"))
    recorded(house, answer(brief, "worker", "links"))
    assert house.place(brief) is Place.OPEN
    assert (house.file(brief, "brief.md") or "").startswith("---\nworker: links\n---\n")


def test_an_answer_that_does_not_help_is_asked_again_and_not_twice_recorded() -> None:
    house = House()
    brief = opened(house, VAGUE)
    again = answer(brief, "scope", "nothing else than the moon")
    recorded(house, answer(brief, "output_format", "something"))
    assert [q.id for q in house.reply(brief).questions] == ["scope", "output_format"]
    assert ignored(house, answer(brief, "output_format", "something")) == "carried out"
    recorded(house, again)
    assert ignored(house, again) == "carried out"


def test_an_answer_has_to_fit() -> None:
    house = House()
    brief = opened(house, VAGUE)
    assert ignored(house, answer(brief, "colour", "blue")) == (
        "it does not ask 'colour'; it asks scope, output_format"
    )
    assert ignored(house, answer(brief, "scope", "  ")) == "the answer is empty"
    assert ignored(house, answer(brief, "scope", "my SECRET")) == (
        "the answer looks like it holds a secret; nothing was kept"
    )
    assert ignored(house, answer(brief, "scope", "briefs/")) == (
        "briefs is on the record paths, which only the coordinator writes"
    )
    assert ignored(house, answer(brief, "scope", "../x")) == "'../x' leads out of the repository"
    assert (
        ignored(house, answer(BriefId("no-such-1"), "scope", "x")) == "there is no brief no-such-1"
    )
    assert ignored(house, answer(opened(House()), "scope", "x")).startswith("there is no brief")


def test_an_answer_to_a_worker_goes_into_the_plan() -> None:
    house = House()
    brief = held(house, held="question", questions=(Question(id="q1", text="Which root?"),))
    recorded(house, answer(brief, "q1", "public"))
    assert house.place(brief) is Place.OPEN
    plan = house.plan(brief)
    assert (plan.answers, plan.answered_by) == ({"q1": "public"}, {"q1": BY})
    assert house.file(brief, "brief.md") == GOOD
    assert house.file(brief, "reply.md") is None
    house.move(brief, Place.WAITING, {"reply.md": reply_text.render(Reply(state="input_required", held="question", questions=(Question(id="q1", text="Which root?"),)))})  # fmt: skip
    assert ignored(house, answer(brief, "q1", "public")) == "carried out"


def test_an_approval_binds_to_what_was_seen() -> None:
    house = House()
    brief = held(house, held="unverified", changeset=CHANGESET)
    assert ignored(house, approve(brief, "sha256:" + "b" * 64)) == (
        "the approval is of another changeset; look at it again"
    )
    said = recorded(house, approve(brief, CHANGESET)).note.record
    assert house.place(brief) is Place.OPEN
    assert (house.plan(brief).approved, house.plan(brief).approved_by) == (CHANGESET, BY)
    assert (said.verb, said.values("Decided-By"), said.values("Rule")) == ("accept", (f"human {BY}",), ("10",))  # fmt: skip
    assert said.values("Changeset") == (CHANGESET,)
    assert ignored(house, approve(brief, CHANGESET)) == "carried out"
    assert ignored(house, approve(brief, "sha256:x")) == "it does not wait for an approval"


def test_a_refusal_ends_a_waiting_brief_with_its_reason() -> None:
    house = House()
    brief = held(house, held="unverified", changeset=CHANGESET)
    said = recorded(house, refuse(brief, "not now")).note.record
    assert house.place(brief) is Place.REJECTED
    assert (said.verb, said.values("Reason")) == ("reject", ("refused: not now",))
    assert said.values("Changeset") == (CHANGESET,)
    assert said.values("Decided-By") == (f"human {BY}",)
    assert house.reply(brief).state == "rejected"
    assert ignored(House(), refuse(brief, "x")) == f"there is no brief {brief}"
    other = House()
    assert ignored(other, refuse(opened(other), "x")) == (
        "it does not wait; `coordinator cancel` stops it"
    )


def test_a_cancellation_ends_what_has_not_landed() -> None:
    house = House()
    brief = opened(house)
    said = recorded(house, cancel(brief)).note.record
    assert (said.verb, house.place(brief)) == ("cancel", Place.REJECTED)
    assert house.reply(brief).state == "canceled"
    assert ignored(house, cancel(brief)) == "carried out"
    landed = House()
    other = opened(landed)
    landed.move(other, Place.DONE, {})
    assert ignored(landed, cancel(other)) == "it has landed; there is nothing to cancel"


def test_a_retry_opens_a_brief_again_once() -> None:
    house = House()
    brief = opened(house)
    recorded(house, cancel(brief))
    recorded(house, retry(brief))
    assert house.place(brief) is Place.OPEN
    assert house.plan(brief).round == 2
    assert ignored(house, retry(brief)) == "carried out"
    recorded(house, replace_token(cancel(brief), "2"))
    assert ignored(house, retry(brief)) == "carried out"
    recorded(house, retry(brief, "2"))
    assert house.plan(brief).round == 3


def replace_token(request: Request, token: str) -> Request:
    return replace(request, origin=replace(request.origin, token=token))


def test_a_retry_of_a_brief_that_has_no_plan_yet_asks_for_one_again() -> None:
    house = House()
    house.policy = replace(POLICY, planner="search")
    brief = opened(house, f"---\nplan: model\n---\n{GOOD}")
    recorded(house, cancel(brief))
    recorded(house, retry(brief))
    plan = house.plan(brief)
    assert (plan.rule, plan.round, plan.revision) == ("plan.model", 2, 0)


def test_a_retry_needs_something_to_retry() -> None:
    house = House()
    brief = opened(house)
    assert (
        ignored(house, retry(brief)) == "only what failed, was rejected or canceled is tried again"
    )
    refused = opened(house, "TASK: x\n")
    assert ignored(house, retry(refused)) == (
        "intake refused it and kept no text; drop the brief again"
    )
    recorded(house, cancel(brief))
    house.policy = replace(POLICY, profiles=POLICY.profiles[1:])
    assert ignored(house, retry(brief, "3")) == "there is no worker 'sitemap' any more"


def test_a_retry_of_what_was_canceled_while_unclear_asks_again() -> None:
    house = House()
    brief = opened(house, VAGUE)
    recorded(house, cancel(brief))
    recorded(house, retry(brief))
    assert house.place(brief) is Place.WAITING
    assert [q.id for q in house.reply(brief).questions] == ["scope", "output_format"]


def test_requests_about_one_brief_take_turns() -> None:
    house = House()
    brief = opened(house, VAGUE)
    one, two = answer(brief, "scope", "public/"), answer(brief, "output_format", "a list")
    decisions = house.take_in(one, two)
    assert isinstance(decisions[0], Record)
    assert decisions[1] == Later(two, f"another request about {brief} goes first")
    assert ignored(house, one) == "carried out"
    recorded(house, two)
    assert house.place(brief) is Place.OPEN


def test_a_request_about_a_brief_that_is_not_judged_yet_waits() -> None:
    house = House()
    request = drop("x", GOOD)
    house.inbox.append(request)
    early = cancel(dropped_id(request))
    assert house.judge(early) == (Later(early, f"{dropped_id(request)} is not judged yet"),)


def test_a_note_that_somebody_else_made_void_becomes_nothing() -> None:
    house = House()
    brief = opened(house)
    (decision,) = house.judge(cancel(brief))
    assert isinstance(decision, Record)
    house.move(brief, Place.LANDED, {})
    assert not house.publish(decision.note)


def test_a_request_that_was_carried_out_unheard_is_not_carried_out_on_a_later_round() -> None:
    """Its push seemed to fail, and the brief has come to the same place again since."""
    house = House()
    brief = opened(house)
    (canceled,) = house.take_in(cancel(brief))
    (again,) = house.judge(retry(brief))
    assert isinstance(canceled, Record)
    assert isinstance(again, Record)
    assert house.publish(again.note)
    assert not house.publish(canceled.note)
    recorded(house, replace_token(cancel(brief), "2"))
    assert not house.publish(again.note)
    assert ignored(house, retry(brief)) == "carried out"


def test_the_asker_is_told_the_state_and_what_to_do() -> None:
    house = House()
    request = drop("x", VAGUE)
    house.take_in(request)
    objects = house.trees.objects
    fields = intake.reply_fields(request, house.world(), objects=objects)
    assert fields["state"] == "input_required"
    assert [q["id"] for q in fields["questions"]] == ["scope", "output_format"]
    assert intake.refreshed(fields, house.world(), objects=objects) is None
    recorded(house, cancel(dropped_id(request)))
    told = intake.refreshed(fields, house.world(), objects=objects)
    assert told is not None
    assert (told.fields["state"], told.fields["questions"]) == ("canceled", [])
    assert told.text.startswith(f"{dropped_id(request)}: canceled")
    assert intake.refreshed({"id": "gone-1"}, house.world(), objects=objects) is None


def test_a_plan_is_one_task_for_each_worker_in_order() -> None:
    house = House()
    brief = opened(house, "---\nworker: [links, sitemap]\n---\n" + GOOD)
    plan: Plan = house.plan(brief)
    assert [task.id for task in plan.tasks] == ["links", "sitemap"]
    assert {task.objective for task in plan.tasks} == {GOOD.splitlines()[0].removeprefix("TASK: ")}
