"""Answers, approvals, refusals, cancellations and retries of a brief that is filed."""

from dataclasses import dataclass

from coordinator.domain import brief_front, intake_notes, planner, planning
from coordinator.domain.brief import Brief
from coordinator.domain.brief_layout import decode
from coordinator.domain.brief_text import parse, with_section
from coordinator.domain.intake_notes import Matter
from coordinator.domain.intake_questions import SECTIONS, WORKER
from coordinator.domain.names import Place
from coordinator.domain.note import Note
from coordinator.domain.plan import Plan
from coordinator.domain.record import Verb, one_line
from coordinator.domain.request import Answer, Approve, Cancel, Refuse, Request, Retry
from coordinator.domain.world import World

from .assessing import Assessment, Assessor, reidentified
from .decisions import Decision, Ignore, Isolate, Record
from .looking import Known, Look, Siblings


@dataclass(frozen=True, slots=True)
class On:
    """One filed brief, and what may be asked of it."""

    known: Known
    world: World
    look: Look
    assessor: Assessor
    timestamp: int
    isolate: Isolate

    def answer(self, request: Answer, *, siblings: Siblings) -> Decision:
        """Takes an answer into the brief, or into its plan, and lets it go on when nothing is open."""
        reply = self.known.reply
        if self.known.here.place is not Place.WAITING or reply is None:
            return self._ignore(request, "it does not wait for an answer")
        asked = [question.id for question in reply.questions]
        if request.question not in asked:
            listed = ", ".join(asked) or "nothing"
            return self._ignore(request, f"it does not ask {request.question!r}; it asks {listed}")
        if not request.text.strip():
            return self._ignore(request, "the answer is empty")
        if self.assessor.has_secret(request.text):
            return self._ignore(
                request, "the answer looks like it holds a secret; nothing was kept"
            )
        if self.known.plan is None:
            return self._completed(request, siblings)
        plan = self.known.plan
        by = _who(request)
        plan = self._updated(
            plan,
            request,
            questions={
                **plan.questions,
                **{q.id: q.text for q in reply.questions if q.id == request.question},
            },
            answers={**plan.answers, request.question: request.text},
            answered_by={**plan.answered_by, request.question: by},
        )
        note = intake_notes.reopened(
            self._matter(request, is_answer=True),
            plan=plan,
            subject=f"{request.question} answered",
            prose=f"{by} answered {request.question}, and the work goes on.",
        )
        return Record(note, request)

    def approve(self, request: Approve) -> Decision:
        """Lets the held changeset land, if it is the one that was seen."""
        reply, plan = self.known.reply, self.known.plan
        if self.known.here.place is not Place.WAITING or reply is None or plan is None:
            return self._ignore(request, "it does not wait for an approval")
        if reply.changeset is None:
            return self._ignore(request, "it has no changeset to approve")
        if reply.changeset != request.changeset:
            return self._ignore(request, "the approval is of another changeset; look at it again")
        by = _who(request)
        note = intake_notes.reopened(
            self._matter(request),
            plan=self._updated(plan, request, approved=request.changeset, approved_by=by),
            subject="approved",
            prose=f"{by} approved the changeset {request.changeset}.",
            more=(("Changeset", request.changeset),),
        )
        return Record(note, request)

    def refuse(self, request: Refuse) -> Decision:
        """Ends a waiting brief with a reason."""
        if self.known.here.place is not Place.WAITING:
            return self._ignore(request, "it does not wait; `coordinator cancel` stops it")
        reason = request.reason
        if self.assessor.has_secret(reason):
            return self._ignore(
                request, "the reason looks like it holds a secret; nothing was kept"
            )
        return self._ended(request, verb=Verb.REJECT, reason=reason)

    def cancel(self, request: Cancel) -> Decision:
        """Stops a brief that has not landed."""
        place = self.known.here.place
        if place not in (Place.OPEN, Place.WAITING):
            why = "it has landed" if place in (Place.LANDED, Place.DONE) else "it has ended already"
            return self._ignore(request, f"{why}; there is nothing to cancel")
        return self._ended(request, verb=Verb.CANCEL, reason="")

    def retry(self, request: Retry, *, siblings: Siblings) -> Decision:
        """Opens a brief again that failed, was rejected or was canceled."""
        here, brief = self.known.here, self.known.brief
        if here.place is not Place.REJECTED:
            return self._ignore(
                request, "only what failed, was rejected or canceled is tried again"
            )
        if here.blob is None or brief is None:
            return self._ignore(request, "intake refused it and kept no text; drop the brief again")
        said = self._weighed(self.look.content(here.blob), brief, siblings)
        if said.faults:
            return self._ignore(request, "; ".join(fault.message for fault in said.faults))
        if self.known.plan is None:
            return Record(self._judged(request, said), request)
        gone = [
            t.profile for t in self.known.plan.tasks if not self.world.policy.profile(t.profile)
        ]
        if gone:
            return self._ignore(request, f"there is no worker {gone[0]!r} any more")
        plan = self._updated(
            self.known.plan,
            request,
            round=self.known.plan.round + 1,
            revision=0 if planner.is_awaited(self.known.plan) else 1,
            revised_because="",
            approved=None,
            approved_by=None,
        )
        note = intake_notes.reopened(
            self._matter(request),
            plan=plan,
            subject=f"again, round {plan.round}",
            prose=f"{_who(request)} asked for it to be tried again.",
        )
        return Record(note, request)

    def _completed(self, request: Answer, siblings: Siblings) -> Decision:
        """Writes the answer into the brief's own text and weighs it anew; the id stays."""
        assert self.known.here.blob is not None  # what waits for its author has a brief.md
        plain = decode(self.look.content(self.known.here.blob))
        if isinstance(plain, tuple):
            return self._ignore(request, "its brief.md cannot be read; drop the brief again")
        if request.question == WORKER:
            text = brief_front.with_worker(plain, request.text.strip())
        else:
            text = with_section(plain, SECTIONS[request.question], request.text)
        brief = parse(text.encode("utf-8", "replace"), name=self.known.name)
        if isinstance(brief, tuple):
            return self._ignore(request, "; ".join(fault.message for fault in brief))
        said = self._weighed(text.encode("utf-8", "replace"), brief, siblings)
        if said.faults:
            return self._ignore(request, "; ".join(fault.message for fault in said.faults))
        return Record(self._judged(request, said, is_answer=True), request)

    def _weighed(self, text: bytes, brief: Brief, siblings: Siblings) -> Assessment:
        identity = reidentified(self.known.id, brief)
        return self.assessor.weigh(self.known.name, text, identity=identity, siblings=siblings)

    def _judged(self, request: Request, said: Assessment, *, is_answer: bool = False) -> Note:
        assert said.brief is not None
        matter = Matter(
            identity=said.identity,
            origin=request.origin,
            policy=self.world.policy,
            at=self.known.here,
            human=_who(request),
            is_answer=is_answer,
            requests=self.known.requests,
        )
        if said.questions:
            return intake_notes.asked(
                matter, brief=said.brief, text=said.text, questions=said.questions
            )
        plan = planning.make(
            said.brief,
            policy=self.world.policy,
            accepted_at=self.timestamp,
            requested_by=request.origin.by,
            requests=matter.tokens,
            files=self.look.listed(said.brief),
        )
        plan = self.isolate(plan, said.brief)
        return intake_notes.accepted(matter, brief=said.brief, text=said.text, plan=plan)

    def _ended(self, request: Refuse | Cancel, *, verb: Verb, reason: str) -> Record:
        matter = self._matter(request)
        reply = self.known.reply
        note = intake_notes.ended(
            matter,
            name=self.known.name,
            verb=verb,
            reason=reason,
            changeset=reply.changeset if reply else None,
        )
        return Record(note, request)

    def _updated(self, plan: Plan, request: Request, **changed: object) -> Plan:
        requests = (*plan.requests, request.origin.token)
        return plan.model_copy(update={**changed, "requests": tuple(dict.fromkeys(requests))})

    def _matter(self, request: Request, *, is_answer: bool = False) -> Matter:
        return Matter(
            identity=self.known.identity,
            origin=request.origin,
            policy=self.world.policy,
            at=self.known.here,
            human=_who(request),
            is_answer=is_answer,
            requests=self.known.requests,
        )

    def _ignore(self, request: Request, why: str) -> Ignore:
        return Ignore(request, why, self.known.state.value, self.known.id)


def _who(request: Request) -> str:
    return one_line(request.origin.by) or "somebody"
