"""What people read stays short, however much there is to tell."""

from dataclasses import replace
from typing import Any

import click

from coordinator.cli import story_texts, texts
from coordinator.desk.story import Story
from coordinator.domain.names import BriefId, Place
from coordinator.domain.plan import Plan
from coordinator.domain.status import AttemptStatus, BriefStatus, Phase, State, Status
from coordinator.domain.task_progress import TaskProgress

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
    told = story_texts.story(brief(FOUND), story(FOUND))
    assert len(told) < 3_000
    assert "  and 190 more (--json lists them)" in told.splitlines()
    assert "src/2.py; and 197 more (--json lists them)" in told
    looked = Status(
        tip=None, daemon=None, paused=None, briefs=(brief(FOUND),), claims=(), environments=()
    )
    assert "    and 197 more (--json lists them)" in texts.status(looked).splitlines()


def test_what_fits_is_told_whole() -> None:
    told = story_texts.story(brief(FOUND[:10]), story(FOUND[:3]))
    assert "src/9.py" in told
    assert "more (--json" not in told


def looked(*briefs: BriefStatus) -> Status:
    return Status(tip=None, daemon=None, paused=None, briefs=briefs, claims=(), environments=())


def waiting(waits_s: float, **fields: Any) -> BriefStatus:
    given = {"state": State.INPUT_REQUIRED, "phase": Phase.WAITING, "waits_s": waits_s, **fields}
    return replace(brief(()), **given)


def test_what_waits_for_a_human_says_since_when_and_what_to_do() -> None:
    assert texts.to_do(waiting(30.0)) == [
        "waits for a human: look, then approve or reject",
        "coordinator show tidy-3fa29c01",
        "coordinator approve tidy-3fa29c01",
        "coordinator reject tidy-3fa29c01 --reason TEXT",
    ]
    assert texts.to_do(waiting(7_300.0))[0].startswith("waits for a human for 2 hours: ")
    late = texts.to_do(waiting(86_400.0, overdue=True))[0]
    assert late.startswith("waits for a human for 1 day, too long: ")
    narrow = texts.status(looked(waiting(0.0)), columns=30).splitlines()
    assert "    coordinator reject tidy-3fa29c01 --reason TEXT" in narrow  # to be copied
    assert texts.to_do(brief(())) == []


def test_a_narrow_terminal_gets_lines_that_fit_and_a_pipe_gets_them_whole() -> None:
    long = replace(brief(("word " * 40,)), id=BriefId("a-brief-with-a-rather-long-name-3fa29c01"))
    look = looked(long)
    narrow = click.unstyle(texts.status(look, columns=60)).splitlines()
    assert max(map(len, narrow)) < 60
    assert narrow[2:4] == [long.id, "  failed          review"]
    whole = click.unstyle(texts.status(look)).splitlines()
    assert whole[2] == f"{long.id}  failed          review"
    assert whole[3].strip() == ("word " * 40).strip()


def test_show_tells_the_tasks_of_a_graph_and_a_bounded_change() -> None:
    tasks = (
        TaskProgress(id="api", state="done", worker="links", after=(), attempts=(1, 2), optional=False),
        TaskProgress(id="docs", state="waiting", worker="search", after=("api",), attempts=(), optional=True),
    )  # fmt: skip
    change = "".join(f"+line {n}\x1b[31m\n" for n in range(100))
    told = replace(
        story(()),
        plan=Plan(shape="chain", rule="plan.chain", revision=2, revised_because="api failed", tasks=()),
        tasks=tasks,
        change=change,
        conflicts=("guide.md: 1: on\n2: off",),
    )  # fmt: skip
    lines = story_texts.story(waiting(0.0), told).splitlines()
    assert "tasks: 1/2 done, chain by rule plan.chain, revision 2 (api failed)" in lines
    assert "  api   done     links  attempts 1, 2" in lines
    assert "  docs  waiting  search after api optional" in lines
    assert lines[lines.index("conflicts:") + 1 :][:2] == ["  guide.md: 1: on", "  2: off"]
    assert "  | +line 59" in lines
    assert "  | +line 60" not in lines
    assert lines[-1] == "  and 40 more lines: coordinator show tidy-3fa29c01 --diff"
