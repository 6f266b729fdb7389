"""Turns requests into decisions: at most one note for a brief in one go, dependencies first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from coordinator.domain import intake_notes, planning
from coordinator.domain.brief import Brief, Identity
from coordinator.domain.brief_text import identify_text, parse
from coordinator.domain.intake_notes import Matter
from coordinator.domain.names import BriefId, slug
from coordinator.domain.note import Note
from coordinator.domain.record import Verb
from coordinator.domain.request import Answer, Approve, Cancel, Drop, Refuse, Request, Retry
from coordinator.domain.world import World
from coordinator.ports import Objects, SecretScan

from . import answering
from .assessing import Assessment, Assessor
from .decisions import Decision, Ignore, Isolate, Later, Record, as_it_is
from .looking import Known, Look

_JUDGED_MAX = 200  # in one go: a tick stays short

__all__ = ["Decision", "Ignore", "Later", "Record", "judge"]


def judge(
    requests: Sequence[Request],
    world: World,
    *,
    objects: Objects,
    secrets: SecretScan,
    timestamp: int,
    isolate: Isolate = as_it_is,
) -> tuple[Decision, ...]:
    """Returns a decision for each request that was looked at, in the order they shall be recorded.

    `isolate` puts tasks of a plan that are coupled in sequence.
    """
    return _Judging(
        requests, world, objects=objects, secrets=secrets, timestamp=timestamp, isolate=isolate
    ).run()


class _Judging:
    """One go."""

    def __init__(
        self,
        requests: Sequence[Request],
        world: World,
        *,
        objects: Objects,
        secrets: SecretScan,
        timestamp: int,
        isolate: Isolate,
    ) -> None:
        self._requests = requests[:_JUDGED_MAX]
        self._left = requests[_JUDGED_MAX:]
        self._world = world
        self._look = Look(world, objects)
        self._assessor = Assessor(world, self._look, secrets)
        self._timestamp = timestamp
        self._isolate = isolate
        self._taken: set[BriefId] = set()
        self._live = len(world.briefs)
        self._decided: dict[int, Decision] = {}
        self._siblings = _Dropped((*world.inbox, *requests))
        self._drops = {slug(r.name): n for n, r in enumerate(self._requests) if isinstance(r, Drop)}
        self._refused: set[str] = set()

    def run(self) -> tuple[Decision, ...]:
        """Returns the decisions."""
        for number, request in enumerate(self._requests):
            if isinstance(request, Drop):
                self._judge_drop(number, request)
        for number, request in enumerate(self._requests):
            if not isinstance(request, Drop):
                self._decided[number] = self._judge_other(request)
        later = (Later(request, "many requests are before it") for request in self._left)
        return (*self._decided.values(), *later)

    def _judge_drop(self, number: int, request: Drop, before: tuple[int, ...] = ()) -> None:
        """Decides one drop after those in this go that it comes after."""
        if number in self._decided or number in before:
            return
        own = self._siblings.get(slug(request.name))
        for name in own.after if own else ():
            earlier = self._drops.get(slug(name))
            if earlier is not None:
                first = self._requests[earlier]
                assert isinstance(first, Drop)
                self._judge_drop(earlier, first, (*before, number))
        if number in self._decided:
            return
        self._decided[number] = decision = self._drop(request, own)
        if isinstance(decision, Record) and decision.note.record.verb is Verb.REJECT:
            self._refused.add(slug(request.name))

    def _drop(self, request: Drop, own: Brief | None) -> Decision:
        waiting = [
            name
            for name in (own.after if own else ())
            if isinstance(self._decided.get(self._drops.get(slug(name), -1)), Later)
        ]
        if waiting:
            return Later(request, f"it comes after {waiting[0]}, which is not judged yet")
        identity = identify_text(request.name, request.text)
        if identity.id in self._taken:
            return Later(request, f"{identity.id} is being judged")
        is_new = self._look.find(identity.id) is None and not self._waiting(request.name, identity)
        if is_new and self._live >= self._world.policy.queue_max:
            most = self._world.policy.queue_max
            return Later(request, f"the queue is full: {most} briefs are being worked on")
        said = self._assessor.assess(
            request.name,
            request.text,
            siblings=self._siblings,
            refused=frozenset(self._refused),
        )
        if said.known is not None and not _is_better(said, said.known):
            return _dealt_with(request, said.known)
        self._taken.add(said.identity.id)
        return Record(self._note(request, said), request)

    def _note(self, request: Drop, said: Assessment) -> Note:
        known = said.known
        matter = Matter(
            identity=said.identity,
            origin=request.origin,
            policy=self._world.policy,
            at=known.here if known else None,
            requests=known.requests if known else (),
        )
        if said.verdict == "rejected" or said.brief is None:
            return intake_notes.rejected(matter, name=said.name, faults=said.faults)
        if known is None:
            self._live += 1
        if said.verdict == "needs_clarification":
            note = intake_notes.asked(
                matter, brief=said.brief, text=said.text, questions=said.questions
            )
        else:
            plan = planning.make(
                said.brief,
                policy=self._world.policy,
                accepted_at=self._timestamp,
                requested_by=request.origin.by,
                requests=matter.tokens,
                files=self._look.listed(said.brief),
            )
            plan = self._isolate(plan, said.brief)
            note = intake_notes.accepted(matter, brief=said.brief, text=said.text, plan=plan)
        old = self._waiting(said.name, said.identity)
        if old is None:
            return note
        self._taken.add(old.id)
        return intake_notes.superseding(note, old=old.here, name=old.name, by=said.identity.id)

    def _waiting(self, name: str, identity: Identity) -> Known | None:
        """Returns the brief of the same name that waits for answers: this is its edit."""
        for brief in self._world.briefs:
            if brief.rpartition("-")[0] == slug(name) and brief not in self._taken:
                known = self._look.find(brief)
                if known and known.is_asked_by_intake and brief != identity.id:
                    return known
        return None

    def _judge_other(self, request: Answer | Approve | Refuse | Cancel | Retry) -> Decision:
        if request.brief in self._taken:
            return Later(request, f"another request about {request.brief} goes first")
        known = self._look.find(request.brief)
        if known is None:
            if request.brief in set(self._inbox_ids()):
                return Later(request, f"{request.brief} is not judged yet")
            return Ignore(request, f"there is no brief {request.brief}", "unknown")
        if request.origin.token in known.requests:
            return Ignore(request, "carried out", known.state.value, known.id)
        decision = self._on(request, known)
        if isinstance(decision, Record):
            self._taken.add(known.id)
        return decision

    def _on(self, request: Answer | Approve | Refuse | Cancel | Retry, known: Known) -> Decision:
        on = answering.On(
            known, self._world, self._look, self._assessor, self._timestamp, self._isolate
        )
        match request:
            case Answer():
                return on.answer(request, siblings=self._siblings)
            case Approve():
                return on.approve(request)
            case Refuse():
                return on.refuse(request)
            case Cancel():
                return on.cancel(request)
            case Retry():
                return on.retry(request, siblings=self._siblings)
            case _:
                assert_never(request)

    def _inbox_ids(self) -> Iterable[BriefId]:
        for request in self._world.inbox:
            if isinstance(request, Drop):
                yield identify_text(request.name, request.text).id


class _Dropped(Mapping[str, Brief]):
    """The briefs in the inbox by the slug of their name: whoever comes after one of them need not wait.

    Each is parsed when somebody asks for it: most briefs come after none, and the inbox may hold thousands.
    """

    def __init__(self, requests: Iterable[Request]) -> None:
        self._drops = {slug(r.name): r for r in requests if isinstance(r, Drop)}
        self._parsed: dict[str, Brief | None] = {}

    def __getitem__(self, name: str) -> Brief:
        if name not in self._parsed:
            drop = self._drops[name]
            brief = parse(drop.text, name=drop.name)
            self._parsed[name] = brief if isinstance(brief, Brief) else None
        found = self._parsed[name]
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._drops)

    def __len__(self) -> int:
        return len(self._drops)


def _is_better(said: Assessment, known: Known) -> bool:
    """Tells whether a brief that intake refused or asked about has become what it can go on with."""
    if said.verdict == "accepted":
        return True
    return said.verdict == "needs_clarification" and known.is_refused_by_intake


def _dealt_with(request: Drop, known: Known) -> Ignore:
    state = known.state.value
    if request.origin.token in known.requests:
        return Ignore(request, f"taken in as {known.id}", state, known.id)
    why = f"a duplicate of {known.id}, which is {state.replace('_', ' ')}"
    return Ignore(request, why, state, known.id, duplicate=True)
