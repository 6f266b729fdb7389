"""The one that makes commits and moves the branch (rules R, L and P). bootstrap hands it to land alone.

A commit is built completely, pinned by a local ref and written into the journal before it is pushed; what
became of the push is read from the remote afterwards.
"""

from collections.abc import Callable, Sequence

from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid, Place
from coordinator.domain.note import Note
from coordinator.domain.policy import Policy
from coordinator.domain.proof import (
    Claim,
    Deletion,
    Gated,
    Ineligible,
    Landed,
    Lost,
    Moved,
    Planned,
    PushOutcome,
    Refused,
    Rewritten,
    StillOpen,
    Synced,
    Unknown,
    Unreachable,
)
from coordinator.domain.record import Record, Verb, render
from coordinator.ports import Clock, Objects

from . import note_trees
from .git import Git, RefUpdate, Signature
from .remote import GitRemote

_PIN = "refs/local/intents/"
_REPEATS_MAX = 5
_BACKOFF_S = 0.2


class GitCommitter:
    """Builds and pushes. `identity` returns (name, email) for a policy, or raises RepositoryError."""

    def __init__(
        self,
        git: Git,
        objects: Objects,
        remote: GitRemote,
        *,
        branch: str,
        clock: Clock,
        identity: Callable[[Policy], tuple[str, str]],
        follow: Callable[[Oid], str | None] = lambda _: None,
        root: str = "refs/orchestrator",
    ) -> None:
        self._git = git
        self._objects = objects
        self._remote = remote
        self._branch_ref = f"refs/heads/{branch}"
        self._clock = clock
        self._identity = identity
        self._follow = follow
        self._held = f"{root}/held/"

    def record(
        self, synced: Synced, notes: Sequence[Note], *, policy: Policy, timestamp: int
    ) -> Planned | None:
        """Builds one commit for each note that holds (R2); record paths only, no claims (R1)."""
        commit, tree = synced.tip, self._objects.tree_of(synced.tip)
        product = self._objects.product(tree)
        briefs = []
        for note in notes:
            after = note_trees.apply(note, tree, objects=self._objects, paths=policy.paths)
            if after is None:
                continue
            if self._objects.product(after) != product:
                raise RepositoryError(
                    f"the record '{note.key}' would change the product tree",
                    hint="this is a fault of the coordinator; please report it",
                )
            commit, tree = self._commit(note.record, after, commit, policy, timestamp), after
            briefs += [c.brief for c in note.when]
        if commit == synced.tip:
            return None
        return self._pinned(
            Planned(oid=commit, parent=synced.tip, product=None, briefs=tuple(briefs))
        )

    def land(
        self,
        gated: Gated,
        *,
        still_open: StillOpen,
        note: Note,
        claim: Claim | None,
        policy: Policy,
        timestamp: int,
    ) -> Planned | Ineligible:
        """Builds M1: product, report, tick, move and trailers in one commit, checked by L2 first."""
        parent = gated.merged.onto
        before = self._objects.tree_of(parent)
        why = self._ineligible(before, still_open, policy)
        if why is not None:
            return Ineligible(brief=still_open.brief, why=why)
        carried = {
            path: self._objects.entry(before, path)
            for path in (policy.paths.briefs, policy.paths.plan_file, policy.paths.state_file)
        }
        tree = self._objects.edit(gated.merged.product, carried)
        after = note_trees.apply(note, tree, objects=self._objects, paths=policy.paths)
        if after is None:
            return Ineligible(brief=still_open.brief, why="its place changed")
        if self._objects.product(after) != gated.merged.product:
            raise RepositoryError(
                f"the landing of {still_open.brief} would not be the tree that was gated",
                hint="this is a fault of the coordinator; please report it",
            )
        commit = self._commit(note.record, after, parent, policy, timestamp)
        deletions = []
        if claim is not None:
            deletions.append(Deletion(ref=self._held + claim.brief, oid=claim.held))
            deletions += [Deletion(ref=p.ref, oid=p.oid) for p in claim.paths]
        return self._pinned(
            Planned(
                oid=commit,
                parent=parent,
                product=gated.merged.product,
                briefs=(still_open.brief,),
                deletions=tuple(deletions),
            )
        )

    def push(self, planned: Planned, *, timeout_s_max: float) -> PushOutcome:
        """Pushes; on an obstruction the same again, at most 5 times (P3)."""
        updates = [RefUpdate(ref=self._branch_ref, expected=planned.parent, new=planned.oid)]
        updates += [RefUpdate(ref=d.ref, expected=d.oid, new=None) for d in planned.deletions]
        said = ""
        for attempt in range(_REPEATS_MAX):
            reply = self._git.push(updates, timeout_s_max=timeout_s_max)
            outcome = self._outcome(planned)
            if outcome is not None:
                if isinstance(outcome, Landed | Moved | Lost):
                    self._unpin(planned)
                return outcome
            said = "; ".join(
                filter(None, [reply.message, *dict.fromkeys(reply.lines.values()), reply.hint])
            )
            if attempt + 1 < _REPEATS_MAX:
                self._clock.pause(_BACKOFF_S * 2**attempt)
        return Refused(said or "the remote neither took the push nor said why")

    def follow(self, landed: Oid) -> str | None:
        """Fast-forwards the user's checkout, or says why not."""
        return self._follow(landed)

    def _outcome(self, planned: Planned) -> PushOutcome | None:
        """P2 to P4 from one look at the remote; None is OBSTRUCTED: nothing moved at all."""
        tip = self._look()
        if not isinstance(tip, Synced):
            return tip
        if self._git.is_ancestor(planned.oid, tip.tip):
            return Landed(planned.oid)
        if tip.tip != planned.parent:
            return Moved(tip.tip)
        mirrored = self._remote.mirrored("")
        gone = next((d.ref for d in planned.deletions if mirrored.get(d.ref) != d.oid), None)
        if gone is None:
            return None
        # The claim was read changed; only a branch read after that proves M1 dead (P4), because a
        # push may have moved both between the two reads of the look above.
        again = self._look()
        if not isinstance(again, Synced):
            return again
        if self._git.is_ancestor(planned.oid, again.tip):
            return Landed(planned.oid)
        return Moved(again.tip) if again.tip != planned.parent else Lost(gone)

    def _look(self) -> Synced | Unknown:
        match self._remote.sync():
            case Synced() as synced:
                return synced
            case Rewritten(known=known, found=found):
                return Unknown(f"the remote was rewritten: {known} is not in {found}")
            case Unreachable(reason=reason):
                return Unknown(reason)

    def _ineligible(self, tree: Oid, wanted: StillOpen, policy: Policy) -> str | None:
        """L2: in open/ with the recorded blob; done/ and rejected/ lack it."""
        there = note_trees.place_of(tree, wanted.brief, objects=self._objects, paths=policy.paths)
        if there is None or there[0] is not wanted.place:
            return f"it is in {there[0]}" if there else "it is not on the branch"
        file = self._objects.listing(there[1]).get("brief.md")
        if file is None or file.oid != wanted.blob:
            return "its text is another one"
        for place in (Place.DONE, Place.REJECTED):
            if self._objects.entry(tree, policy.paths.folder(place, wanted.brief)) is not None:
                return f"it is in {place} too"
        return None

    def _commit(
        self, record: Record, tree: Oid, parent: Oid, policy: Policy, timestamp: int
    ) -> Oid:
        name, email = self._identity(policy)
        who = Signature(name=name, email=email, timestamp=timestamp)
        trailers = record.trailers
        if policy.commit.signoff:
            trailers = (*trailers, ("Signed-off-by", f"{name} <{email}>"))
        said = Record(
            verb=record.verb,
            about=record.about,
            subject=record.subject,
            prose=record.prose,
            quoted=record.quoted,
            trailers=trailers,
            skip_ci=policy.commit.skip_ci and record.verb not in (Verb.LAND, Verb.REVERT),
        )
        return self._git.commit(
            tree=tree,
            parents=[parent],
            message=render(said),
            author=who,
            committer=who,
            sign=policy.commit.sign,
        )

    def _pinned(self, planned: Planned) -> Planned:
        ref = _PIN + planned.oid
        self._git.set_refs([RefUpdate(ref=ref, expected=None, new=planned.oid)])
        return planned

    def _unpin(self, planned: Planned) -> None:
        ref = _PIN + planned.oid
        self._git.set_refs([RefUpdate(ref=ref, expected=planned.oid, new=None)])
