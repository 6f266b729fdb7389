"""The looking half of the desk: everything at once, as a list.

What only some commands need is imported where it is used: `status` is asked often and has to start fast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coordinator.desk import look as looking
from coordinator.desk.past import Past, read_past
from coordinator.desk.shelf import Shelf, front_matter
from coordinator.desk.working import Working
from coordinator.domain import state_md
from coordinator.domain.errors import BriefError, UnreachableError
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.saying import Saying
from coordinator.domain.status import (
    BriefStatus,
    ClaimStatus,
    Holder,
    Phase,
    Shelved,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coordinator.desk.kept import Kepts
    from coordinator.desk.parts import Parts
    from coordinator.desk.trials import Trials
    from coordinator.domain.names import ProfileName
    from coordinator.domain.policy import Policy
    from coordinator.domain.proof import Rewritten
    from coordinator.domain.world import LeftAlone

TERMINAL_MAX = 200
"""How many finished briefs a look lists unless all are asked for."""


class Viewer:
    """Looks at one tip.

    `tip` is None for a repository without commits; `who` is "Name <email>" of the person who asks;
    `policy_faults` say why a policy is not in force, `rewritten` that the remote lost the tip.
    """

    def __init__(
        self,
        *,
        parts: Parts,
        policy: Policy,
        policy_faults: tuple[str, ...] = (),
        tip: Oid | None,
        rewritten: Rewritten | None = None,
        refs_root: str = "refs/orchestrator",
        daemon: Holder | None = None,
        who: str = "",
    ) -> None:
        self.policy = policy
        self.policy_faults = policy_faults
        self.tip = tip
        self._rewritten = rewritten
        self.who = who
        self._parts = parts
        self._objects = parts.objects
        self._history = parts.history
        self._memo = parts.memo
        self._clock = parts.clock
        self._daemon = daemon
        self._root = refs_root
        self._shelf = Shelf(parts.objects, parts.memo, paths=policy.paths)
        self._known_past: Past | None = None
        self._known_refs: looking.Refs | None = None
        self._known_counts: Mapping[BriefId, int] | None = None

    def look(self, *, terminal_max: int | None = TERMINAL_MAX) -> Status:
        """Returns everything at once; of finished briefs the newest `terminal_max`."""
        briefs = self.briefs()
        listed = looking.listed(briefs, terminal_max=terminal_max)
        return Status(
            tip=self.tip,
            daemon=self._daemon,
            paused=self._directives().paused,
            briefs=self._with_efforts(listed),
            claims=self._refs().claims(),
            environments=looking.environment_statuses(
                self.policy, self._refs(), self._past(), wanted=self._wanted()
            ),
            left_off=len(briefs) - len(listed),
            config_faults=self.policy_faults,
        )

    def briefs(self) -> tuple[BriefStatus, ...]:
        """Returns every brief: those of the tip, then what is still in the inbox."""
        shelved = self._shelf.all(self.tip) if self.tip else ()
        working = Working(
            counts=self._attempt_counts(),
            kept=lambda brief: self._kepts().here(brief),
            journal=self._parts.journal,
            held=self._refs().held(),
        )
        closed = frozenset(n for s in shelved if s.place.value == "done" for n in (s.id, s.name))
        past, now, asked = self._past(), self._clock.timestamp(), self._directives()
        live = frozenset(s.revision for s in past.deploys().values() if s.revision)
        found = [
            looking.brief_status(
                one,
                past,
                progress=working.progress(one, closed=closed, asked=asked),
                now=now,
                live=live,
                remind_s=self.policy.remind_s,
            )
            for one in shelved
        ]
        lying, delayed = self._resting()
        found = [looking.lying(one, lying.get(one.id)) for one in found]
        found = [looking.delayed(one, delayed.get(one.id)) for one in found]
        kept_out = self._kept_out(found)
        found = [looking.delayed(one, kept_out.get(one.id)) for one in found]
        found = [looking.kept_back(one, self._rewritten) for one in found]
        return (*found, *self._submitted(frozenset(s.id for s in shelved)))

    def find(self, wanted: str) -> BriefStatus:
        """Returns the brief with that id, a unique prefix of it, or that name. Raises BriefError."""
        briefs = self.briefs()
        for match in (
            [b for b in briefs if b.id == wanted],
            [b for b in briefs if b.name == wanted],
            [b for b in briefs if b.id.startswith(wanted)],
        ):
            if len(match) == 1:
                return match[0]
            if match:
                named = ", ".join(sorted(b.id for b in match)[:5])
                raise BriefError(f"{wanted!r} names several briefs: {named}", hint="use a whole id")
        raise BriefError(
            f"no brief is called {wanted!r}", hint="`coordinator status --all` lists them"
        )

    def log(self) -> tuple[Saying, ...]:
        """Returns what the coordinator committed, newest first."""
        return self._past().sayings

    def claims(self) -> tuple[ClaimStatus, ...]:
        """Returns every claim, read from the remote now; no ref is written for it."""
        found = self._parts.archive.there(f"{self._root}/claims", f"{self._root}/held")
        if found is None:
            raise UnreachableError(
                "the remote could not be read", hint="check that `git fetch` works here"
            )
        self._kepts().fetch(found)
        return looking.Refs(found, self._objects, root=self._root).claims()

    # -- helpers

    def _submitted(self, known: frozenset[BriefId]) -> list[BriefStatus]:
        """Returns the files of the inbox; one that is on the branch already is about to be removed."""
        if self._parts.dropped is None:
            return []
        dropped = self._parts.dropped.briefs()
        replies = self._parts.inbox().replies() if dropped and self._parts.inbox else {}
        found: dict[BriefId, BriefStatus] = {}
        for name, text in dropped:
            brief = id_of(name, text)
            if brief not in known:
                said = replies.get(name, {}).get("reasons", ())
                reasons = tuple(map(str, said)) if isinstance(said, list | tuple) else ()
                priority = front_matter(text).get("priority", 0)
                found[brief] = looking.submitted(
                    brief,
                    name,
                    priority=priority if isinstance(priority, int) else 0,
                    reasons=reasons,
                )
        return list(found.values())

    def _shelved(self, brief: BriefId) -> Shelved | None:
        shelved = self._shelf.all(self.tip) if self.tip else ()
        return next((one for one in shelved if one.id == brief), None)

    def _refs(self) -> looking.Refs:
        """Returns the remote's refs as last fetched; none in a plain clone, which has no mirror."""
        if self._known_refs is not None:
            return self._known_refs
        mirror = self._parts.mirror
        there = self._parts.archive.here(f"{mirror}/") if mirror else {}
        refs = {self._root + ref.removeprefix(mirror): oid for ref, oid in there.items()}
        self._known_refs = looking.Refs(refs, self._objects, root=self._root)
        return self._known_refs

    def _attempt_counts(self) -> Mapping[BriefId, int]:
        if self._known_counts is None:
            here = self._parts.archive.here(f"{self._root}/attempts/")
            briefs = (BriefId(ref.rpartition("/")[0].rpartition("/")[2]) for ref in here)
            self._known_counts = Counter(briefs)
        return self._known_counts

    def _kepts(self) -> Kepts:
        from coordinator.desk.kept import Kepts  # noqa: PLC0415  see above

        return Kepts(self._objects, self._parts.archive, refs_root=self._root)

    def _resting(self) -> tuple[Mapping[BriefId, str], Mapping[BriefId, str]]:
        """Returns the briefs that lack money of this day, and those that wait for a worker.

        Only the journal of this machine knows of either.
        """
        if self.tip is None or self._parts.journal is None or not self._shelf.has_open(self.tip):
            return {}, {}
        from coordinator.desk import resting  # noqa: PLC0415  see above

        seen: dict[str, Any] = {
            "shelf": self._shelf,
            "objects": self._objects,
            "policy": self.policy,
            "journal": self._parts.journal(),
            "now": self._clock.timestamp(),
            "kept": lambda brief: self._kepts().here(brief),
        }
        return resting.reasons(self.tip, **seen), resting.delays(self.tip, **seen)

    def _kept_out(self, briefs: Iterable[BriefStatus]) -> Mapping[BriefId, str]:
        """Returns the briefs that would begin if a person had not claimed what they want."""
        claims = [one for one in self._refs().claims() if one.brief is None]
        ready = {b.id for b in briefs if b.phase is Phase.DISPATCH} - self._refs().held()
        if self.tip is None or not claims or not ready:
            return {}
        from coordinator.desk import resting  # noqa: PLC0415  see above

        found = resting.kept_out(
            self.tip,
            shelf=self._shelf,
            objects=self._objects,
            policy=self.policy,
            claims=claims,
        )
        return {brief: why for brief, why in found.items() if brief in ready}

    def _with_efforts(self, briefs: tuple[BriefStatus, ...]) -> tuple[BriefStatus, ...]:
        if not self._attempt_counts() and not any(said.lost for said in self._past().sayings):
            return briefs  # nothing was tried, or nothing of it is here
        from coordinator.desk.trials import with_efforts  # noqa: PLC0415  see above

        return with_efforts(
            briefs,
            trials=self._trials(),
            kepts=self._kepts(),
            archive=self._parts.archive,
            memo=self._memo,
            root=self._root,
        )

    def left_alone(self) -> Mapping[ProfileName, LeftAlone]:
        """Returns the workers that only fail on this machine, which are not dispatched for a while."""
        from coordinator.domain import breaker  # noqa: PLC0415  see above

        journal = self._parts.journal() if self._parts.journal is not None else None
        ended = [p for p in journal.past() if not p.is_running] if journal is not None else ()
        return breaker.opened(ended, self.policy)

    def _trials(self) -> Trials:
        from coordinator.desk.trials import Trials  # noqa: PLC0415  see above

        return Trials(self._past(), self._parts.journal)

    def _past(self) -> Past:
        if self._known_past is None:
            self._known_past = (
                read_past(self._history, self._objects, self._memo, self.tip)
                if self.tip
                else Past((), ())
            )
        return self._known_past

    def _wanted(self) -> Oid | None:
        if not self.policy.environments:
            return None
        past = self._past()
        return looking.newest_product_change(past, self._objects, self._history.parent)

    def _directives(self) -> state_md.Directives:
        if self.tip is None:
            return state_md.Directives()
        content = self._objects.read(self._objects.tree_of(self.tip), self.policy.paths.state_file)
        return state_md.directives((content or b"").decode("utf-8", "replace"))


def id_of(name: str, text: bytes) -> BriefId:
    """Returns the id of a brief (rule I1); a malformed one has one too."""
    from coordinator.domain.brief_text import identify_text  # noqa: PLC0415  see above

    return identify_text(name, text).id
