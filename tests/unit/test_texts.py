"""What people read stays short, however much there is to tell."""

from coordinator.cli import texts
from coordinator.desk.story import Story
from coordinator.domain.names import BriefId, Place
from coordinator.domain.status import AttemptStatus, BriefStatus, Phase, State, Status

FOUND = tuple(f"out-of-scope: SCOPE is docs: src/{n}.py" for n in range(200))


def brief(reasons: tuple[str, ...]) -> BriefStatus:
    return BriefStatus(
        id=BriefId("tidy-3fa29c01"),
        name="tidy",
        state=State.FAILED,
        phase=Phase.REVIEW,
        held=None,
        priority=0,
        age_s=1.0,
        commit=None,
        landed=False,
        deployed=False,
        reasons=reasons,
        questions=(),
        attempts=1,
        cost_usd=0.0,
    )


def story(reasons: tuple[str, ...]) -> Story:
    tried = AttemptStatus(
        n=1,
        worker="tool",
        verdict="reject",
        reasons=reasons,
        package_oid=None,
        output_oid=None,
        confinement="strict",
        cost_usd=0.0,
        ref="",
        oid=None,
    )
    return Story(
        place=Place.REJECTED,
        text="",
        plan=None,
        attempts=(tried,),
        conflicts=(),
        faults=(),
        commits=(),
        checklist=(),
        reply="",
    )


def test_hundreds_of_reasons_are_a_few_lines_and_a_count() -> None:
    told = texts.story(brief(FOUND), story(FOUND))
    assert len(told) < 3_000
    assert "  and 190 more (--json lists them)" in told.splitlines()
    assert "src/2.py; and 197 more (--json lists them)" in told
    looked = Status(
        tip=None, daemon=None, paused=None, briefs=(brief(FOUND),), claims=(), environments=()
    )
    assert "    and 197 more (--json lists them)" in texts.status(looked).splitlines()


def test_what_fits_is_told_whole() -> None:
    told = texts.story(brief(FOUND[:10]), story(FOUND[:3]))
    assert "src/9.py" in told
    assert "more (--json" not in told
