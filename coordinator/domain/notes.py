"""The records that the state machine says: fail, ask, hold, and what a landing or a delivery writes down."""

from collections.abc import Sequence

from . import attempt_notes, spent
from . import reply as reply_text
from .attempt import Attempt, Returned
from .brief import Question
from .changeset import Changeset
from .names import Environment, Oid, Place
from .note import (
    REPLY_FILE,
    MoveBrief,
    Note,
    Operation,
    Precondition,
    PutFile,
    SayLive,
    TickPlan,
)
from .plan import Plan
from .policy import Policy
from .proof import Claim, Gated
from .record import FORMAT_TRAILER, Record, Verb
from .reply import Reply
from .verdict import Accept
from .world import Filed, Sighting

Trailers = tuple[tuple[str, str], ...]


def failed(sighting: Sighting, *, code: str, why: Sequence[str], policy: Policy) -> Note:
    """Returns the note that ends a brief because nothing that was tried will do."""
    filed = sighting.filed
    reply = Reply(
        state="failed",
        reasons=tuple(why),
        name=filed.brief.name,
        text="Nothing was changed. `coordinator retry " + filed.id + "` tries again.",
    )
    return _to(
        sighting,
        Verb.FAIL,
        Place.REJECTED,
        reply,
        subject=f"{code}: {why[0] if why else 'no reason given'}",
        prose="The brief could not be completed; nothing of it was landed.",
        quoted="\n".join(why),
        decided=f"rule progress.{code}",
        rule="10" if code == "dependency" else "6",
        policy=policy,
    )


def asked(
    sighting: Sighting,
    *,
    held: str,
    questions: Sequence[Question],
    why: str,
    policy: Policy,
    reasons: Sequence[str] = (),
) -> Note:
    """Returns the note that sends a brief to waiting/ with questions."""
    reply = Reply.model_validate(
        {
            "state": "input_required",
            "held": held,
            "questions": tuple(questions),
            "reasons": tuple(reasons) or (why,),
            "name": sighting.filed.brief.name,
            "text": f"{why}\n\nAnswer with: coordinator answer {sighting.filed.id} "
            f"{questions[0].id} TEXT",
        }
    )
    return _to(
        sighting,
        Verb.ASK,
        Place.WAITING,
        reply,
        subject=questions[0].text,
        prose=why,
        quoted="\n".join(f"{q.id}: {q.text}" for q in questions),
        decided=f"rule progress.{held}",
        rule="10",
        policy=policy,
        more=tuple(("Question", f"{q.id}: {q.text}") for q in questions),
    )


def held(sighting: Sighting, changeset: Changeset, *, why: str, text: str, policy: Policy) -> Note:
    """Returns the note that holds a changeset until a human approves exactly it."""
    filed = sighting.filed
    reply = Reply.model_validate(
        {
            "state": "input_required",
            "held": why,
            "reasons": (text,),
            "changeset": changeset.digest,
            "changeset_base": changeset.base_tree,
            "changeset_result": changeset.result,
            "verified": changeset.trust.value,
            "name": filed.brief.name,
            "text": f"{text}\n\n`coordinator approve {filed.id}` lets it land; "
            f"`coordinator reject {filed.id} --reason TEXT` does not.",
        }
    )
    return _to(
        sighting,
        Verb.HOLD,
        Place.WAITING,
        reply,
        subject=f"{why}, until a human approves",
        prose=text,
        decided=f"rule landing.{why}",
        rule="6" if why == "unverified" else "10",
        policy=policy,
        more=(("Changeset", changeset.digest), *attempt_notes.attempts(sighting.attempts)),
    )


def landing(
    sighting: Sighting,
    gated: Gated,
    claim: Claim,
    *,
    cost: str,
    policy: Policy,
    partial: Sequence[str] = (),
) -> Note:
    """Returns what M1 says and moves: report, reply, tick and move in the landing itself (L2).

    `partial` are the tasks that it lacks, each with the reason after it.
    """
    filed, changeset = sighting.filed, gated.merged.changeset
    lacking = "".join(f"\n\nNot done: {one}" for one in partial)
    to = Place.LANDED if filed.brief.deploy else Place.DONE
    operations: list[Operation] = [MoveBrief(brief=filed.id, to=to)]
    if changeset.report is not None and changeset.report_path is None:
        name = f"result.{changeset.report_extension}"
        operations.append(PutFile(brief=filed.id, name=name, content=changeset.report))
    reply = Reply(
        state="working" if filed.brief.deploy else "completed",
        verified=changeset.trust.value,
        reasons=tuple(f"not done: {one}" for one in partial),
        name=filed.brief.name,
        text=changeset.summary + lacking + changeset.whose,
    )
    operations.append(PutFile(brief=filed.id, name=REPLY_FILE, content=reply_text.render(reply)))
    operations.append(TickPlan(name=filed.brief.name, brief=filed.id))
    passed = gated.results
    criteria = _checked(sighting.attempts)
    count = len(passed) + len(criteria)
    plan = filed.plan
    approved = plan.approved_by if plan and plan.approved == changeset.digest else None
    rule = f"rule landing.{changeset.trust.name.lower()}"
    by = approved or next((f"{who} {name}" for name, who in changeset.answered if who), None)
    decided = f"human {by}" if by else rule
    confinement = sorted(
        {a.output.confinement for a in sighting.attempts if isinstance(a, Returned)}
        | {r.confinement for r in passed}
    )
    record = Record(
        verb=Verb.LAND,
        about=filed.id,
        subject=changeset.summary,
        prose=f"{changeset.summary}{lacking}\n\nOutputs compared: {changeset.compared}."
        + changeset.whose,
        trailers=(
            *head(filed),
            *attempt_notes.attempts(sighting.attempts),
            *(("Partial", one) for one in partial),
            ("Changeset", changeset.digest),
            *_answers(plan, changeset),
            *foot(decided, "10" if by else "6", policy)[:-1],
            ("Base", changeset.base),
            ("Gated-Tree", gated.merged.product),
            *(("Memory", f"{kept.entry.id} {kept.file}") for kept in changeset.entries),
            *((("Claim", f"{p.path or '.'} {p.oid}")) for p in claim.paths),
            ("Claim", f"held/{claim.brief} {claim.held}"),
            ("Checks", f"passed {count} of {count}"),
            *(("Check", f"gate {r.name} passed {r.log}") for r in passed),
            *(("Check", f"{name} passed") for name in criteria),
            ("Review", (plan.review if plan else "") or changeset.trust.value),
            *(("Review", said) for said in attempt_notes.evaluations(sighting.attempts)),
            ("Confinement", " ".join(confinement) or "none"),
            ("Cost-USD", cost),
            FORMAT_TRAILER,
        ),
    )
    return Note(record=record, when=(), operations=tuple(operations))


def _answers(plan: Plan | None, changeset: Changeset) -> Trailers:
    """Returns who answered what was asked of people, by workers or because outputs contradict each other."""
    answered = {**(plan.answered_by if plan else {}), **dict(changeset.answered)}
    return tuple(("Answered-By", f"{who} {name}".strip()) for name, who in answered.items())


def _checked(tried: Sequence[Attempt]) -> tuple[str, ...]:
    """Returns the `check:` criteria that accepted outputs met."""
    accepted = [a.verdict for a in tried if isinstance(a, Returned)]
    names = [
        finding.criterion
        for verdict in accepted
        if isinstance(verdict, Accept)
        for finding in verdict.findings
        if finding.code == "check" and finding.met
    ]
    return tuple(dict.fromkeys(names))


def live(environment: Environment, revision: Oid, generation: int) -> SayLive:
    """Returns the operation that state.md hears a deploy by."""
    return SayLive(environment=environment, revision=revision, generation=generation)


def head(filed: Filed) -> Trailers:
    """Returns the trailers that say what a record is about."""
    by = filed.plan.requested_by if filed.plan else ""
    return (
        ("Brief-Id", filed.id),
        ("Brief-Digest", filed.digest),
        *((("Requested-By", by),) if by else ()),
    )


def foot(decided: str, rule: str, policy: Policy) -> Trailers:
    """Returns the trailers that say who decided it, by which rule of the house."""
    by = decided if decided.startswith("human") else f"{decided}@{policy.digest[:12] or 'default'}"
    return (("Decided-By", by), ("Rule", rule), FORMAT_TRAILER)


def _to(
    sighting: Sighting,
    verb: Verb,
    place: Place,
    reply: Reply,
    *,
    subject: str,
    prose: str,
    decided: str,
    rule: str,
    policy: Policy,
    quoted: str = "",
    more: Trailers = (),
) -> Note:
    filed = sighting.filed
    trailers = (
        *head(filed),
        *(more or attempt_notes.attempts(sighting.attempts)),
        *(("Reason", r.splitlines()[0] if r else "") for r in reply.reasons),
        *((("Cost-USD", spent.said(sighting.attempts)),) if sighting.attempts else ()),
        *foot(decided, rule, policy),
    )
    record = Record(
        verb=verb, about=filed.id, subject=subject, prose=prose, quoted=quoted, trailers=trailers
    )
    content = reply_text.render(reply)
    return Note(
        record=record,
        when=(Precondition(brief=filed.id, place=filed.place, blob=filed.blob),),
        operations=(
            MoveBrief(brief=filed.id, to=place),
            PutFile(brief=filed.id, name=REPLY_FILE, content=content),
        ),
    )
