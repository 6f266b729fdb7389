"""Sightings of one brief, part by part: what tests of the state machine look at."""

from dataclasses import replace
from typing import Any

from coordinator.domain.attempt import Attempt, AttemptId, Lost, Returned, Running, Spec
from coordinator.domain.brief import Brief, Kind, OutputFormat
from coordinator.domain.changeset import Changeset
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import (
    BriefId,
    Digest,
    Epoch,
    Oid,
    Place,
    ProfileName,
    RepoPath,
    TaskId,
    digest,
)
from coordinator.domain.output import Body, CouldNot, Output, Report
from coordinator.domain.past import Past
from coordinator.domain.plan import Plan, Task
from coordinator.domain.policy import Command, Policy
from coordinator.domain.profiles import BUILT_IN
from coordinator.domain.proof import Claim, ClaimedPath, Merged
from coordinator.domain.verdict import Accept, Reject, Revise, Trust, Verdict
from coordinator.domain.world import Filed, HeldRef, SeenClaim, Sighting, World

EPOCH, OTHER_EPOCH = Epoch("e1"), Epoch("e2")
BRIEF = BriefId("tidy-3fa29c01")
DIGEST = digest(b"the brief")
TASK = Task(id=TaskId("only"), objective="Tidy the pages.", profile=ProfileName("links"))
POLICY = Policy(lease_s=100.0, aging_s=600.0, retries=2, profiles=BUILT_IN)


def oid(number: int) -> Oid:
    """Returns the number as an object id."""
    return Oid(f"{number:040x}")


TIP, PRODUCT = oid(1), oid(12)


def brief(kind: Kind = Kind.CHANGES, *, path: str | None = None, **fields: Any) -> Brief:
    """Returns a brief for changes to docs/, if nothing else is said."""
    wanted = OutputFormat(text="", kind=kind, path=RepoPath(path) if path else None)
    given = {"name": "tidy", "scope_in": ("docs/**",), **fields}
    return Brief(task="Tidy the pages.", output_format=wanted, **given)


def sighting(
    *attempts: Attempt, of: Brief | None = None, name: BriefId = BRIEF, **fields: Any
) -> Sighting:
    """Returns a claimed, planned, open brief; `fields` belong to Filed, Plan or Sighting."""
    plan = Plan(tasks=fields.pop("tasks", (TASK,)), **_taken(fields, Plan.model_fields))
    filed_fields = _taken(fields, {"id", "place", "folder", "blob", "digest", "reply"})
    filed = Filed(
        **{
            "id": name,
            "place": Place.OPEN,
            "folder": oid(2),
            "blob": oid(3),
            "digest": DIGEST,
            "brief": of or brief(),
            "plan": fields.pop("plan", plan),
            "reply": None,
            **filed_fields,
        }
    )
    given = {"order": 1, "age_s": 0.0, "claim": claim(name), **fields}
    return Sighting(filed=filed, attempts=attempts, **given)


def _taken(fields: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: fields.pop(name) for name in list(fields) if name in names}


def world(*sightings: Sighting, **fields: Any) -> World:
    """Returns what a tick sees, with these briefs."""
    briefs = {s.filed.id: s for s in sightings}
    return replace(World.at(TIP, POLICY, epoch=EPOCH), **{"briefs": briefs, **fields})


def claim(name: BriefId = BRIEF, *paths: ClaimedPath, of: Digest = DIGEST) -> Claim:
    """Returns our claim."""
    return Claim(brief=name, digest=of, epoch=EPOCH, acq="a1", counter=0, held=oid(4), paths=paths)


def held(
    name: BriefId = BRIEF,
    *,
    epoch: Epoch = OTHER_EPOCH,
    acq: str = "a1",
    unchanged_s: float = 0,
) -> HeldRef:
    """Returns a held/ ref as it is seen."""
    return HeldRef(
        brief=name,
        oid=oid(4),
        digest=DIGEST,
        epoch=epoch,
        acq=acq,
        counter=0,
        unchanged_s=unchanged_s,
    )


def seen(path: str, *, holder: str = "other-00000001", orphan_s: float = 0) -> SeenClaim:
    """Returns a claims/ ref as it is seen."""
    claimed = ClaimedPath(
        path=RepoPath(path),
        ref=f"refs/orchestrator/claims/{path}",
        oid=oid(5),
        acq="a2",
        holder=holder,
    )
    return SeenClaim(claim=claimed, orphan_s=orphan_s)


def spec(number: int = 1, *, task: Task = TASK, base: Oid = TIP, beside: int | None = None) -> Spec:
    """Returns what was sent."""
    return Spec(
        id=AttemptId(brief=BRIEF, epoch=EPOCH, number=number),
        round=1,
        task=task.id,
        profile=task.profile,
        base=base,
        package=oid(6),
        wall_clock_s_max=10,
        beside=beside,
    )


def running(number: int = 1, *, task: Task = TASK, beside: int | None = None) -> Running:
    """Returns an attempt that is under way."""
    return Running(spec(number, task=task, beside=beside), silent_s=0.0)


def lost(
    number: int = 1,
    reason: str = "killed: too slow",
    *,
    task: Task = TASK,
    beside: int | None = None,
) -> Lost:
    """Returns an attempt that ended without an output."""
    return Lost(spec(number, task=task, beside=beside), reason)


def returned(
    number: int = 1,
    verdict: Verdict | None = None,
    *,
    body: Body | None = None,
    task: Task = TASK,
    base: Oid = TIP,
    beside: int | None = None,
) -> Returned:
    """Returns an attempt whose output is kept; each number says something else, unless `body` is given."""
    output = Output(body=body or Report(text=f"output {number}"))
    return Returned(
        spec=spec(number, task=task, base=base, beside=beside),
        commit=oid(100 + number),
        output=output,
        result=None,
        verdict=verdict,
    )


def evaluation(
    number: int,
    verdict: Verdict | None,
    *,
    profile: ProfileName,
    about: int = 1,
    running: bool = False,
) -> Attempt:
    """Returns an attempt that judges the attempt `about`."""
    sent = spec(number).model_copy(update={"role": "evaluator", "about": about, "profile": profile})
    if running:
        return Running(sent, silent_s=0.0)
    return replace(returned(number, verdict), spec=sent)


def attempts_of(of: Sighting) -> list[Returned]:
    """Returns the attempts that came back."""
    return [a for a in of.attempts if isinstance(a, Returned)]


ACCEPTED = Accept(trust=Trust.VERIFIED, findings=())


def revised(*feedback: str) -> Revise:
    """Returns "not yet"."""
    return Revise(findings=(), feedback=feedback)


def rejected(code: str, *feedback: str) -> Reject:
    """Returns "never like this"."""
    return Reject(code=code, findings=(), feedback=feedback)


def past(
    of: Spec | int, reason: str | None = "", *, began: float = 20.0, ended: float = 10.0
) -> Past:
    """Returns an attempt as the journal remembers it; it runs when the reason is None."""
    found = spec(of) if isinstance(of, int) else of
    if reason is None:
        return Past(spec=found, began_ago_s=began)
    return Past(spec=found, began_ago_s=began, ended_ago_s=ended, reason=reason)


def asking(number: int, text: str) -> Returned:
    """Returns an attempt that asks."""
    return returned(number, rejected("question", text), body=CouldNot(why="question", text=text))


def changeset(**fields: Any) -> Changeset:
    """Returns one change of docs/guide.md, verified."""
    given: dict[str, Any] = {
        "brief": BRIEF,
        "base": TIP,
        "base_tree": oid(10),
        "result": oid(11),
        "touched": (RepoPath("docs/guide.md"),),
        "report": None,
        "report_extension": "md",
        "report_path": None,
        "digest": digest(b"the changeset"),
        "attempts": (spec().id,),
        "trust": Trust.VERIFIED,
        "summary": "tidy one page",
        "compared": "one output",
    }
    return Changeset(**{**given, **fields})


def merged(of: Changeset | None = None) -> Merged:
    """Returns that changeset on the tip."""
    return Merged(changeset=of or changeset(), claim=claim(), onto=TIP, product=PRODUCT)


def check(name: str = "test", *, product: Oid = PRODUCT, run: str = "make test") -> Check:
    """Returns a check on a product."""
    return Check(product=product, command=Command(name=name, run=run))


def result(of: Check, *, passed: bool = True, tail: str = "") -> CheckResult:
    """Returns what became of a check."""
    return replace(_PASSED, key=of.key, name=of.command.name, passed=passed, tail=tail)


_PASSED = CheckResult(key=DIGEST, name="", passed=True, log=digest(b"log"), tail="", wall_s=0.0)
