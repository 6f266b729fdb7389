"""What people decided where outputs contradict each other: which side stands, and at which places.

An answer that names a side, or `neither`, settles the places that its question asked about and no others.
Any other text goes to one of the workers as an answered question; what it returns then stands there.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from .names import TaskId
from .plan import Plan

NEITHER = "neither"
BRANCH = "the branch"
"""The side of what was landed meanwhile."""

_ID = re.compile(r"disagreement-(\d+)(?:\.(\d+))?")
_WHOLE = "conflict"  # what the question was called when an answer could name a side only

Choose = Callable[[str, Sequence[str]], str | None]
"""Which of the named sides stands at a place: one of them, NEITHER, or None where nobody has said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer to such a question; `since` is the newest attempt there was when it was asked."""

    question: str
    said: str
    by: str
    since: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """An answer with the places that it is about; `task` is None for NEITHER, BRANCH and free text."""

    answered: Answered
    places: frozenset[str] | None  # None: every place
    task: TaskId | None = None
    side: str | None = None  # NEITHER or BRANCH

    @property
    def is_free(self) -> bool:
        """Tells whether it says in words what shall stand."""
        return self.task is None and self.side is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One side as rulings know it: its task, and the attempt that its output came from."""

    name: str
    task: TaskId
    number: int


def question_id(plan: Plan, newest: int) -> str:
    """Returns the id of the next such question, which no answer has had; `newest` is the newest attempt."""
    name, again = f"disagreement-{newest}", 2
    while name in plan.answers:
        name, again = f"disagreement-{newest}.{again}", again + 1
    return name


def is_question(name: str) -> bool:
    """Tells whether a question is one about outputs that contradict each other."""
    return _ID.fullmatch(name) is not None


def answers(plan: Plan) -> tuple[Answered, ...]:
    """Returns what was answered to such questions, in the order in which they were asked."""
    found: list[tuple[tuple[int, int], Answered]] = []
    for name, said in plan.answers.items():
        match = _ID.fullmatch(name)
        if match is None and name != _WHOLE:
            continue
        since = int(match[1]) if match else None
        by = plan.answered_by.get(name, "")
        order = (since or 0, int(match[2] or 1) if match else 0)
        found.append((order, Answered(question=name, said=said.strip(), by=by, since=since)))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def ruling(
    answered: Answered, parties: Collection[Party], places: Collection[str]
) -> Ruling | None:
    """Returns what an answer decides among these sides; None for an old one that names none of them."""
    about = None if answered.since is None else frozenset(places)
    said = answered.said.casefold()
    for party in parties:
        if party.name.casefold() == said:
            return Ruling(answered=answered, places=about, task=party.task)
    for side in (NEITHER, BRANCH):
        if side == said:
            return Ruling(answered=answered, places=about, side=side)
    return None if answered.since is None else Ruling(answered=answered, places=about)


@dataclass(slots=True)
class Rulings:
    """Chooses by rulings, the earliest that says anything about a place; `used` are the questions it went by."""

    rulings: Sequence[Ruling]
    parties: Sequence[Party]
    used: dict[str, Answered]

    def choose(self, where: str, names: Sequence[str]) -> str | None:
        """Returns the side that stands at `where`, None where nobody has said."""
        for one in self.rulings:
            if one.places is not None and where not in one.places:
                continue
            found = self._side(one, names)
            if found is not None:
                self.used[one.answered.question] = one.answered
                return found
        return None

    def unheard(self, where: str) -> Ruling | None:
        """Returns the free text about `where` that no worker has been told yet."""
        for one in self.rulings:
            if one.is_free and one.places is not None and where in one.places:
                return one
        return None

    def _side(self, one: Ruling, names: Sequence[str]) -> str | None:
        if one.side is not None:
            return one.side if one.side == NEITHER or one.side in names else None
        since = one.answered.since
        for party in self.parties:
            if party.name not in names:
                continue
            newer = one.is_free and since is not None and party.number > since
            if newer or (one.task is not None and party.task == one.task):
                return party.name
        return None


def told(answered: Answered, names: Sequence[str]) -> str:
    """Returns which of the sides a free text goes to: the one that it names, else the last one."""
    words = re.findall(r"[\w-]+", answered.said.casefold())
    named = [name for name in names if name.casefold() in words]
    return named[0] if len(named) == 1 else names[-1]
