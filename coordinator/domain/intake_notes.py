"""What intake writes down: accept, ask, reject and cancel, each with its reasons and the rule it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.domain import planning, rules
from coordinator.domain import reply as reply_text
from coordinator.domain.brief import Brief, Fault, Identity, Question
from coordinator.domain.names import BriefId, Oid, Place
from coordinator.domain.note import (
    BRIEF_FILE,
    PLAN_FILE,
    REPLY_FILE,
    MoveBrief,
    NewBrief,
    Note,
    Operation,
    Precondition,
    PutFile,
)
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy
from coordinator.domain.record import FORMAT_TRAILER, Record, Verb, one_line
from coordinator.domain.reply import Reply
from coordinator.domain.request import Origin

Trailers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Here:
    """A brief that is filed already: where, as which brief.md (None: it has none), and as which folder.

    A request is carried out on that folder alone: the same place, and the same text, may be those of a later
    round, whose plan knows of the request already.
    """

    id: BriefId
    place: Place
    blob: Oid | None
    folder: Oid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What one note is about."""

    identity: Identity
    origin: Origin
    policy: Policy
    at: Here | None = None  # None: nothing of this id is filed
    human: str = ""  # who decided, for what no rule did
    is_answer: bool = False
    requests: tuple[str, ...] = ()  # tokens of the requests before this one

    @property
    def tokens(self) -> tuple[str, ...]:
        """Returns the tokens of every request that led here, this one included."""
        return tuple(dict.fromkeys((*self.requests, self.origin.token)))


def accepted(matter: Matter, *, brief: Brief, text: str, plan: Plan) -> Note:
    """Returns the note that opens a brief: the author's text, and the plan."""
    workers = ", ".join(task.profile for task in plan.tasks)
    told = f"{workers} can do it. Planned as {plan.shape}."
    if any(task.role == "planner" for task in plan.tasks):
        told = f"{workers} is asked for a plan."
    prose = f"It says what it wants, from what, and within which bounds; {told}"
    record = _record(matter, Verb.ACCEPT, subject=brief.task, prose=prose, rule=rules.CLEAR)
    return Note(
        record=record,
        when=_when(matter),
        operations=(
            *_to(matter, Place.OPEN),
            PutFile(brief=matter.identity.id, name=BRIEF_FILE, content=_bytes(text)),
            PutFile(brief=matter.identity.id, name=PLAN_FILE, content=planning.content(plan)),
            *_without_reply(matter),
        ),
    )


def reopened(matter: Matter, *, plan: Plan, subject: str, prose: str, more: Trailers = ()) -> Note:
    """Returns the note with which a human lets a brief go on, with another plan.json."""
    return Note(
        record=_record(
            matter, Verb.ACCEPT, subject=subject, prose=prose, more=more, rule=rules.HUMAN
        ),
        when=_when(matter),
        operations=(
            *_to(matter, Place.OPEN),
            PutFile(brief=matter.identity.id, name=PLAN_FILE, content=planning.content(plan)),
            *_without_reply(matter),
        ),
    )


def asked(matter: Matter, *, brief: Brief, text: str, questions: Sequence[Question]) -> Note:
    """Returns the note that files a brief as waiting for its author."""
    ids = ", ".join(question.id for question in questions)
    answers = "\n".join(
        f"- {q.text}\n  `coordinator answer {matter.identity.id} {q.id} TEXT`" for q in questions
    )
    reply = Reply(
        state="input_required",
        questions=tuple(questions),
        reasons=tuple(f"{q.id}: {q.text}" for q in questions),
        name=brief.name,
        digest=matter.identity.digest,
        requests=matter.tokens,
        text=f"This is not clear yet:\n\n{answers}\n\nOr edit the brief and drop it again.",
    )
    record = _record(
        matter,
        Verb.ASK,
        subject=f"{ids} to clarify",
        prose="It cannot be worked on before its author has said more:\n"
        + "\n".join(f"- {q.text}" for q in questions),
        more=tuple(("Question", f"{q.id}: {q.text}") for q in questions),
        rule=rules.CLEAR,
    )
    return Note(
        record=record,
        when=_when(matter),
        operations=(
            *_to(matter, Place.WAITING),
            PutFile(brief=matter.identity.id, name=BRIEF_FILE, content=_bytes(text)),
            _reply(matter.identity.id, reply),
        ),
    )


def rejected(matter: Matter, *, name: str, faults: Sequence[Fault]) -> Note:
    """Returns the note that refuses a brief: digest and reasons, never its text."""
    listed = "\n".join(f"- {_where(fault)}{fault.message}: {fault.hint}" for fault in faults)
    reply = Reply(
        state="rejected",
        faults=tuple(faults),
        reasons=tuple(f"{fault.code}: {_where(fault)}{fault.message}" for fault in faults),
        name=name,
        digest=matter.identity.digest,
        requests=matter.tokens,
        text=f"It was refused at intake:\n\n{listed}\n\nEdit the brief and drop it again.",
    )
    record = _record(
        matter,
        Verb.REJECT,
        subject=", ".join(dict.fromkeys(fault.code for fault in faults)),
        prose=f"It was refused at intake:\n{listed}",
        more=tuple(("Reason", f"{f.code}: {_where(f)}{f.message}") for f in faults),
        rule=rules.resting(tuple(fault.code for fault in faults)),
    )
    return Note(
        record=record,
        when=_when(matter),
        operations=(*_to(matter, Place.REJECTED), _reply(matter.identity.id, reply)),
    )


def ended(
    matter: Matter, *, name: str, verb: Verb, reason: str, changeset: str | None = None
) -> Note:
    """Returns the note with which a human ends a brief: `reject` with a reason, or `cancel`.

    `changeset` is the digest of the one that waited for them.
    """
    code = "canceled" if verb is Verb.CANCEL else "refused"
    by = one_line(matter.origin.by) or "somebody"
    why = one_line(reason) or f"asked by {by}"
    reply = Reply(
        state="canceled" if verb is Verb.CANCEL else "rejected",
        reasons=(f"{code}: {why}",),
        name=name,
        digest=matter.identity.digest,
        requests=matter.tokens,
        text=f"It was {code} by {by}: {why}\n\n`coordinator retry {matter.identity.id}` opens it again.",
    )
    return Note(
        record=_record(
            matter,
            verb,
            subject=why,
            prose=f"It was {code} by {by}. Nothing of it was landed.",
            more=(
                ("Reason", f"{code}: {why}"),
                *((("Changeset", changeset),) if changeset else ()),
            ),
            rule=rules.HUMAN,
        ),
        when=_when(matter),
        operations=(*_to(matter, Place.REJECTED), _reply(matter.identity.id, reply)),
    )


def superseding(note: Note, *, old: Here, name: str, by: BriefId) -> Note:
    """Returns `note` that also cancels `old`: an edit of the same brief that waited for answers."""
    why = f"superseded: {old.id} waited for answers and is replaced by {by}"
    reply = Reply(state="canceled", reasons=(why,), name=name, text=f"It was replaced by {by}.")
    head, tail = note.record.trailers[:-3], note.record.trailers[-3:]
    return replace(
        note,
        record=replace(note.record, trailers=(*head, ("Reason", why), *tail)),
        when=(*note.when, Precondition(brief=old.id, place=old.place, blob=old.blob)),
        operations=(
            *note.operations,
            MoveBrief(brief=old.id, to=Place.REJECTED),
            _reply(old.id, reply),
        ),
    )


def _record(
    matter: Matter, verb: Verb, *, subject: str, prose: str, rule: int, more: Trailers = ()
) -> Record:
    origin = matter.origin
    place = {"plan": "plan.md"}.get(origin.source, origin.source)
    by = one_line(origin.by)
    digest = matter.policy.digest.removeprefix("sha256:")[:12] or "default"
    decided = f"human {matter.human}" if matter.human else f"rule intake.{verb}@{digest}"
    answered = (("Answered-By", matter.human),) if matter.is_answer else ()
    return Record(
        verb=verb,
        about=matter.identity.id,
        subject=one_line(subject) or str(verb),
        prose=prose,
        trailers=(
            ("Brief-Id", matter.identity.id),
            ("Brief-Digest", matter.identity.digest),
            *((("Requested-By", by),) if by else ()),
            ("Source", f"{place} {origin.name}"),
            *more,
            *answered,
            ("Decided-By", decided),
            ("Rule", str(rule)),
            FORMAT_TRAILER,
        ),
    )


def _when(matter: Matter) -> tuple[Precondition, ...]:
    if matter.at is None:
        return (Precondition(brief=matter.identity.id, place=None),)
    at = matter.at
    return (Precondition(brief=at.id, place=at.place, blob=at.blob, folder=at.folder),)


def _to(matter: Matter, place: Place) -> tuple[Operation, ...]:
    if matter.at is None:
        return (NewBrief(brief=matter.identity.id, place=place),)
    return () if matter.at.place is place else (MoveBrief(brief=matter.at.id, to=place),)


def _without_reply(matter: Matter) -> tuple[Operation, ...]:
    if matter.at is None:
        return ()
    return (PutFile(brief=matter.identity.id, name=REPLY_FILE, content=None),)


def _reply(brief: BriefId, reply: Reply) -> PutFile:
    return PutFile(brief=brief, name=REPLY_FILE, content=reply_text.render(reply))


def _where(fault: Fault) -> str:
    return f"line {fault.line}: " if fault.line else ""


def _bytes(text: str) -> bytes:
    return (text.rstrip("\n") + "\n").encode("utf-8", "surrogatepass")
