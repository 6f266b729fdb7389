"""The words of status: which state and phase a brief is in."""

import pytest

from coordinator.domain.names import BriefId, Oid, Place
from coordinator.domain.record import Record, Verb, parse, render
from coordinator.domain.reply import Reply
from coordinator.domain.saying import SeenCommit, saying
from coordinator.domain.status import Phase, Progress, State, phase_of, state_of


@pytest.mark.parametrize(
    ("place", "said", "wanted"),
    [
        (Place.OPEN, None, State.WORKING),
        (Place.LANDED, "completed", State.WORKING),
        (Place.WAITING, "input_required", State.INPUT_REQUIRED),
        (Place.DONE, "completed", State.COMPLETED),
        (Place.DONE, None, State.COMPLETED),
        (Place.REJECTED, "failed", State.FAILED),
        (Place.REJECTED, "canceled", State.CANCELED),
        (Place.REJECTED, "rejected", State.REJECTED),
        (Place.REJECTED, "working", State.REJECTED),
        (Place.REJECTED, None, State.REJECTED),
    ],
)
def test_the_folder_decides_the_state_and_the_reply_tells_terminal_ones_apart(
    place: Place, said: str | None, wanted: State
) -> None:
    reply = Reply.model_validate({"state": said}) if said else None
    assert state_of(place, reply) is wanted


@pytest.mark.parametrize(
    ("progress", "wanted"),
    [
        (Progress(), Phase.PLAN),
        (Progress(planned=True), Phase.DISPATCH),
        (Progress(planned=True, blocked=True), Phase.WAITING),
        (Progress(planned=True, running=1), Phase.DISPATCH),
        (Progress(planned=True, unjudged=1), Phase.REVIEW),
        (Progress(planned=True, accepted=1), Phase.SYNTHESIZE),
        (Progress(planned=True, accepted=1, claimed=True), Phase.LAND),
        (Progress(planned=True, accepted=1, tasks=2), Phase.DISPATCH),
        (Progress(planned=True, publishing=True, running=1), Phase.LAND),
    ],
)
def test_a_working_brief_is_in_the_latest_verb_that_its_work_has_reached(
    progress: Progress, wanted: Phase
) -> None:
    assert phase_of(State.WORKING, Place.OPEN, progress, deploys=False) is wanted


@pytest.mark.parametrize(
    ("state", "place", "deploys", "wanted"),
    [
        (State.SUBMITTED, Place.OPEN, False, Phase.INTAKE),
        (State.WORKING, Place.LANDED, True, Phase.DELIVER),
        (State.COMPLETED, Place.DONE, True, Phase.DELIVER),
        (State.COMPLETED, Place.DONE, False, Phase.LAND),
        (State.FAILED, Place.REJECTED, False, Phase.REVIEW),
        (State.REJECTED, Place.REJECTED, False, Phase.INTAKE),
        (State.INPUT_REQUIRED, Place.WAITING, False, Phase.WAITING),
    ],
)
def test_other_states_have_the_phase_that_led_to_them(
    state: State, place: Place, deploys: bool, wanted: Phase
) -> None:
    assert phase_of(state, place, Progress(), deploys=deploys) is wanted


def test_a_deploy_for_several_briefs_is_said_of_each_of_them() -> None:
    trailers = (
        ("Environment", "live"),
        ("Revision", "b" * 40),
        ("Brief-Id", "one-11111111"),
        ("Brief-Id", "two-22222222"),
        ("Live", "seen 2 times"),
    )
    record = Record(verb=Verb.DEPLOY, about="live", subject="is live", trailers=trailers)
    message = render(record)
    parsed = parse(message)
    assert parsed is not None
    commit = SeenCommit(oid=Oid("a" * 40), timestamp=7, author="A", message=message)
    said = saying(commit, parsed)
    assert said.briefs == (BriefId("one-11111111"), BriefId("two-22222222"))
    assert (said.environment, said.revision, said.live) == ("live", "b" * 40, "seen 2 times")


def test_an_unknown_cost_is_unknown_and_never_zero() -> None:
    record = Record(verb=Verb.LAND, about="x", subject="y", trailers=(("Cost-USD", "unknown"),))
    commit = SeenCommit(oid=Oid("a" * 40), timestamp=7, author="A", message="")
    assert saying(commit, record).cost_usd is None
