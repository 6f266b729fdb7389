"""Why a brief was done as it was: five answers that stay short."""

from coordinator.domain.effort import Effort, Lift
from coordinator.domain.names import BriefId, ProfileName, RepoPath, TaskId
from coordinator.domain.plan import Plan, Task
from coordinator.domain.record import Record, Verb
from coordinator.domain.status import AttemptStatus
from coordinator.domain.why import Why, why

BRIEF = BriefId("tidy-3fa29c01")
FOLDER = RepoPath("briefs/done/3f/tidy-3fa29c01")


def task(name: str) -> Task:
    return Task(id=TaskId(name), objective=name, profile=ProfileName("links"))


def attempt(number: int, role: str) -> AttemptStatus:
    return AttemptStatus(
        n=number,
        worker="judge",
        verdict="accept",
        reasons=(),
        package_oid=None,
        output_oid=None,
        confinement="strict",
        cost_usd=0.0,
        ref="",
        oid=None,
        role=role,
    )


def test_five_answers_about_a_graph_that_landed() -> None:
    landing = Record(
        verb=Verb.LAND,
        about=BRIEF,
        subject="done",
        trailers=(
            ("Checks", "passed 3 of 3"),
            ("Review", "partly verified"),
            ("Decided-By", "human A Person <a@example.invalid>"),
        ),
    )
    notes = tuple(f"coupling a b{n}: 0.{n} < 0.5, apart and at once" for n in range(5))
    tasks = tuple(task(f"t{n}") for n in range(8))
    effort = Effort(
        attempts=3,
        won=2,
        tokens=1_200,
        usd=0.03,
        multiplier_tokens=1.5,
        multiplier_usd=2.0,
        lift=Lift(first=1, landed=4, of=5),
    )
    said = why(
        BRIEF,
        plan=Plan(shape="fan-out", rule="plan.fan-out", revision=2, tasks=tasks, notes=notes),
        folder=FOLDER,
        refs_root="refs/orchestrator",
        landing=landing,
        attempts=(attempt(1, "author"), attempt(2, "evaluator")),
        effort=effort,
    )
    assert said == Why(
        unit="8 tasks, fan-out by rule plan.fan-out, revision 2: t0 (links), t1 (links), "
        "t2 (links), t3 (links), t4 (links), t5 (links) and 2 more",
        state=f"{FOLDER} on the branch; attempts in refs/orchestrator/attempts/{BRIEF}/",
        boundary="; ".join(notes[:3]) + "; and 2 more",
        verified="4 of 5 criteria met; checks passed 3 of 3; evaluated by judge; "
        "partly verified; human A Person <a@example.invalid>",
        cost="3 attempts, 1,200 tokens, 0.0300 USD, 2 x what won, for 1 -> 4 of 5 criteria",
    )


def test_what_is_not_known_is_said() -> None:
    said = why(
        BRIEF,
        plan=Plan(tasks=(task("only"),)),
        folder=FOLDER,
        refs_root="refs/orchestrator",
        landing=None,
        attempts=(),
        effort=None,
    )
    assert said.unit == "one task, single by rule plan.single: only (links)"
    assert said.boundary == "one task, so there is no boundary to draw"
    assert said.verified == "nothing of it has been accepted yet"
    assert said.cost == "nothing has been tried, as far as this clone knows"
