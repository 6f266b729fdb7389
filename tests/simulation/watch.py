"""The invariants of DESIGN 6, judged on the server's own history while it grows, and when all is quiet.

Nothing here asks the code under test what it thinks it did: commits, trees and refs are read anew.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coordinator.adapters.git import RefUpdate
from coordinator.domain.attempt import Spec
from coordinator.domain.brief_text import identify_text
from coordinator.domain.claim_name import claim_ref, overlap
from coordinator.domain.names import (
    BriefId,
    Environment,
    Oid,
    Place,
    RecordPaths,
    RepoPath,
)
from coordinator.domain.policy import Policy
from coordinator.domain.proof import Landed, Lost, Moved, Planned, PushOutcome
from coordinator.domain.record import Record, Verb, parse
from coordinator.domain.request import Drop, Request

from .network import BRANCH, SimServer
from .past import ROOT, Past

_PATHS = RecordPaths()


class Watch(Past):
    """Sees every change of the remote and every outcome that somebody believes in."""

    def __init__(self, server: SimServer, *, policy: Policy, born: Oid) -> None:
        super().__init__(server, policy=policy)
        self.broken: list[str] = []
        self.rewound = False
        self.born = born
        self.commits: dict[Oid, Record | None] = {born: None}
        self.landed: dict[tuple[BriefId, int], Oid] = {}
        self.seen: set[tuple[BriefId, Place]] = set()
        self.asked_for_help = False  # a brief waits for a human to see to a remote that refuses
        self.changed: Callable[[str, BriefId | None], None] = lambda *_: None
        self._cancelled: set[tuple[BriefId, int]] = set()
        self._dead: dict[tuple[Oid, Oid], str] = {}  # what a push would move the branch from and to
        self._believed: dict[Oid, str] = {}
        self._tips: list[tuple[int, Oid]] = [(0, born)]
        self._made: dict[str, int] = {}  # ref -> the change that made it what it is
        self._holders: dict[str, str] = {}
        self._acquired: dict[tuple[BriefId, str], tuple[int, str]] = {}
        self._claimed: set[tuple[str, Oid]] = set()
        self._lines: set[tuple[str, BriefId]] = set()
        self._live_in: dict[BriefId, Environment] = {}
        self._generations: dict[Environment, int] = {}

    def fault(self, what: str) -> None:
        """Notes a broken invariant."""
        self.broken.append(f"{self._server.scheduler.now_s:.2f} s: {what}")

    # -- what happens

    def applied(self, updates: Sequence[RefUpdate], sent_at: int) -> None:
        """Judges one change of the remote's refs."""
        now = self._server.changes
        for update in updates:
            if update.ref != BRANCH and update.expected and self._made.get(update.ref, 0) > sent_at:
                self.fault(f"a push sent before {update.ref} was what it is changed it (no nonce?)")
            self._made[update.ref] = now
            if update.ref == BRANCH and update.new is not None and update.expected is not None:
                self._branch(update.expected, update.new)
                self._tips.append((now, update.new))
            elif update.ref.startswith(f"{ROOT}/held/"):
                self._held(update.ref, update.new, now)
            elif update.ref.startswith(f"{ROOT}/claims") and update.new is not None:
                self._claimed.add((update.ref, update.new))

    def began(self, spec: Spec) -> None:
        """C4: an attempt begins for what was open, as what is claimed, after the claim was acquired."""
        brief = spec.id.brief
        acquired = self._acquired.get((brief, spec.id.epoch))
        if acquired is None:
            self.fault(f"an attempt at {brief} began without a claim")
            return
        when, digest = acquired
        first = max(i for i, (change, _) in enumerate(self._tips) if change <= when)
        for _, tip in self._tips[first:]:
            filed = self.briefs(tip).get(brief)
            if filed is not None and filed.place is Place.OPEN and filed.digest == digest:
                return
        self.fault(f"an attempt at {brief} began, not open since its claim was acquired (C4)")

    def ended(self, planned: Planned, outcome: PushOutcome) -> None:
        """Remembers what somebody believes became of a push."""
        match outcome:
            case Landed():
                self._believed[planned.oid] = "landed"
                if planned.oid not in self.commits:
                    self.fault(f"{planned.oid} is said to have landed, and has not")
                elif planned.product is not None:
                    self._is_gated(planned)
            case Moved() | Lost():
                self._dead[planned.parent, planned.oid] = type(outcome).__name__
                if planned.oid in self.commits and not self.rewound:
                    self.fault(f"{planned.oid} is said to be dead, and is in the branch")
            case _:
                pass

    def removed(self, request: Request) -> None:
        """R5: what was asked is durable before it leaves the inbox."""
        if isinstance(request, Drop):
            brief = identify_text(request.name, request.text).id
            if not any(known == brief for known, _ in self.seen):
                self.fault(f"{request.origin.name} left the inbox before {brief} was filed")

    def replied(self, name: str, fields: Mapping[str, Any]) -> None:
        """R5: nobody is told of an end that is not in the branch."""
        said = {"completed": Place.DONE, "failed": Place.REJECTED, "canceled": Place.REJECTED}
        place = said.get(str(fields.get("state")))
        brief = BriefId(str(fields.get("id")))
        if place is not None and (brief, place) not in self.seen:
            self.fault(f"{name} says {fields.get('state')} of {brief}, which is not in {place}")

    def went_live(self, environment: Environment, revision: Oid, generation: int) -> None:
        """D1, R5: generations rise, and nothing is live that is not in the branch."""
        if generation < self._generations.get(environment, 0):
            self.fault(f"the generation of {environment} fell to {generation}")
        self._generations[environment] = generation
        if revision not in self.commits:
            self.fault(f"{revision} is live in {environment}, and not in the branch")

    # -- when all is quiet

    def at_rest(self, *, standing: Mapping[Environment, tuple[Oid, int]]) -> None:
        """Judges what must be so when nobody does anything any more."""
        for ref in self.left():
            self.fault(f"{ref} is left")
        history = self.history()
        for commit, said in self._believed.items():
            if commit not in history:
                self.fault(f"{commit}, {said}, is not in the final history")
        for path, brief in sorted(self._lines):
            if self.file(path).count(f"{brief}\n") != 1:
                self.fault(f"what {brief} wrote into {path} is not there once")
        for (brief, _), commit in self.landed.items():
            if brief in self._live_in and not self._objects.is_ancestor(
                self.changed_at(commit), standing[self._live_in[brief]][0]
            ):
                self.fault(f"{brief} is said to be live in {self._live_in[brief]}, and is not")

    # -- the branch

    def _branch(self, old: Oid, new: Oid) -> None:
        # Two machines may make the same record in the same second, and one goes on upon the other's: what
        # is dead is a push, not the commit.
        if (old, new) in self._dead and not self.rewound:
            self.fault(f"{new}, declared dead ({self._dead[old, new]}), landed")
        fresh: list[Oid] = []
        commit = new
        while commit != old:
            parents, _ = self._objects.history(commit)
            fresh.append(commit)
            if len(parents) != 1:
                self.fault(f"{commit} has {len(parents)} parents: the branch is not linear")
                return
            commit = parents[0]
        for commit in reversed(fresh):
            self._commit(commit)

    def _commit(self, commit: Oid) -> None:
        (parent,), message = self._objects.history(commit)
        record = parse(message)
        self.commits[commit] = record
        self._one_folder_each(parent, commit)
        if record is None:
            return
        changed = [
            change.path
            for change in self._objects.diff(self.tree(parent), self.tree(commit))
            if not _PATHS.owns(change.path)
        ]
        if record.verb is Verb.LAND:
            self._land(parent, commit, record, changed)
        elif record.verb is not Verb.REVERT and changed:
            self.fault(f"the record {commit} ({record.verb} {record.about}) changes {changed}")
        if record.verb is Verb.CANCEL and record.brief is not None:
            self._end(record.brief, parent, commit, "cancelled")
        if record.verb is Verb.DEPLOY:
            live = dict.fromkeys(map(BriefId, record.values("Brief-Id")), Environment(record.about))
            self._live_in.update(live)
        self.changed(record.verb, record.brief)
        for brief, places in self.folders(commit).items():
            self.seen.update((brief, place) for place in places)
        self.asked_for_help = self.asked_for_help or any(
            value.startswith("refused:") for value in record.values("Question")
        )

    def _land(self, parent: Oid, commit: Oid, record: Record, changed: Sequence[RepoPath]) -> None:
        assert record.brief is not None
        self._end(record.brief, parent, commit, "landed")
        if self.product(self.tree(commit)) not in record.values("Gated-Tree"):
            self.fault(f"{commit} is not the tree that was gated")
        claims = [value.rpartition(" ") for value in record.values("Claim")]
        paths = [(path, oid) for path, _, oid in claims if not path.startswith("held/")]
        for path, oid in paths:
            ref = claim_ref(ROOT, RepoPath("" if path == "." else path))
            if (ref, oid) not in self._claimed:
                self.fault(f"{commit} names a claim on {path} that never was")
        for path in changed:
            if f"{record.brief}\n" in self.file_at(commit, path):
                self._lines.add((path, record.brief))
            wanted = claim_ref("", path)
            held = [claim_ref("", RepoPath("" if p == "." else p)) for p, _ in paths]
            if not any(
                wanted == ref or (overlap(wanted, ref) and len(ref) < len(wanted)) for ref in held
            ):
                self.fault(f"{commit} changes {path}, which it had not claimed")

    def _end(self, brief: BriefId, parent: Oid, commit: Oid, how: str) -> None:
        filed = self.briefs(parent).get(brief)
        round_ = filed.plan.round if filed is not None and filed.plan is not None else 0
        key = (brief, round_)
        if how == "landed":
            if filed is None or filed.place is not Place.OPEN:
                self.fault(f"{brief} landed, and was not open at the parent (L2)")
            if key in self.landed:
                self.fault(f"{brief} landed twice in round {round_}")
            self.landed[key] = commit
        else:
            self._cancelled.add(key)
        if key in self.landed and key in self._cancelled:
            self.fault(f"{brief} both landed and was cancelled in round {round_}")

    def _one_folder_each(self, parent: Oid, commit: Oid) -> None:
        found = self.folders(commit)
        for brief, places in found.items():
            if len(places) != 1:
                self.fault(f"{brief} has folders in {places} at {commit}")
        for brief in self.folders(parent):
            if brief not in found:
                self.fault(f"{brief} has no folder any more at {commit}")

    def _held(self, ref: str, oid: Oid | None, now: int) -> None:
        if oid is None:
            self._holders.pop(ref, None)
            return
        said = json.loads(self._objects.read(oid)[1])
        brief, epoch = BriefId(ref.removeprefix(f"{ROOT}/held/")), str(said["epoch"])
        if self._holders.get(ref) != epoch:
            self._holders[ref] = epoch
            self._acquired[brief, epoch] = (now, str(said["digest"]))

    def _is_gated(self, planned: Planned) -> None:
        if self.product(self.tree(planned.oid)) != planned.product:
            self.fault(f"{planned.oid} is said to have landed as another tree (P6)")
