"""Claims over refs on the remote (rules C1 to C9). Outcomes are read from the remote, never from a reply."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from coordinator.domain.claim_name import claim_ref, gate_ref, held_ref, overlap, without_nested
from coordinator.domain.names import BriefId, Digest, Epoch, Oid, RepoPath
from coordinator.domain.proof import Busy, Claim, ClaimedPath, ClaimOutcome, Deletion, Unreachable
from coordinator.domain.world import HeldRef, SeenClaim
from coordinator.ports import Clock

from .acquisitions import Acquisitions
from .claim_looks import ClaimLooks, Look
from .git import Git, RefUpdate
from .remote import GitRemote

_PUSH_TIMEOUT_S = 30.0


class RefClaims:
    """One coordinator's claims: `epoch` is new for each start."""

    def __init__(
        self,
        git: Git,
        remote: GitRemote,
        *,
        epoch: Epoch,
        clock: Clock,
        lease_s: Callable[[], float],
        root: str = "refs/orchestrator",
    ) -> None:
        self._git = git
        self._remote = remote
        self._epoch = epoch
        self._clock = clock
        self._lease_s = lease_s
        self._root = root
        self._looks = ClaimLooks(git, remote, clock=clock, root=root)
        self._acquisitions = Acquisitions(git, clock=clock, carried=self._carried)
        self._mine: tuple[Look, dict[BriefId, Claim | None]] | None = None

    # -- acquiring and letting go

    def acquire(self, brief: BriefId, digest: Digest, paths: Sequence[RepoPath]) -> ClaimOutcome:
        """C1 to C3: one push for held/ and every path; what became of it is read from the remote."""
        acq = self._acquisitions.new()
        refs = {claim_ref(self._root, p): p for p in without_nested(paths)}
        held = self._held_blob(brief, digest, acq, counter=1, refs=sorted(refs))
        updates = [RefUpdate(ref=held_ref(self._root, brief), expected=None, new=held)]
        updates += [
            RefUpdate(ref=ref, expected=None, new=self._path_blob(path, acq, brief=brief))
            for ref, path in refs.items()
        ]
        self._git.push(updates, timeout_s_max=_PUSH_TIMEOUT_S)
        synced = self._remote.sync()
        if isinstance(synced, Unreachable):
            return synced
        claim = self.mine(brief)
        if claim is not None and claim.acq == acq:
            return claim
        self.delete(self._looks.with_acq(acq))
        return self._in_the_way(brief, refs)

    def renew(self, claims: Sequence[Claim]) -> tuple[BriefId, ...]:
        """Renews each held/ by compare-and-swap; returns the briefs whose claim is gone."""
        if not claims:
            return ()
        updates = [self._renewal(claim) for claim in claims]
        reply = self._git.push(updates, timeout_s_max=_PUSH_TIMEOUT_S)
        if reply.kind == "rejected" and len(updates) > 1:
            for update in updates:  # one that was lost must not take the others with it
                self._git.push([update], timeout_s_max=_PUSH_TIMEOUT_S)
        if isinstance(self._remote.sync(), Unreachable):
            return ()
        return tuple(c.brief for c in claims if self.mine(c.brief) is None)

    def take_over(self, stale: HeldRef) -> ClaimOutcome:
        """C5: compare-and-swap of held/ alone; the acq and its path claims stay."""
        self._acquisitions.remember(stale.acq)
        new = self._held_blob(
            stale.brief,
            stale.digest,
            stale.acq,
            counter=stale.counter + 1,
            refs=self._looks.refs(stale.oid),
        )
        update = RefUpdate(ref=held_ref(self._root, stale.brief), expected=stale.oid, new=new)
        self._git.push([update], timeout_s_max=_PUSH_TIMEOUT_S)
        synced = self._remote.sync()
        if isinstance(synced, Unreachable):
            return synced
        claim = self.mine(stale.brief)
        return claim or self._in_the_way(stale.brief, {})

    def release(self, claim: Claim) -> None:
        """Deletes held/ and its path claims, each leased at the oid that we hold."""
        self.delete(
            [Deletion(ref=held_ref(self._root, claim.brief), oid=claim.held)]
            + [Deletion(ref=p.ref, oid=p.oid) for p in claim.paths]
        )

    def delete(self, refs: Sequence[Deletion]) -> None:
        """Deletes refs, each leased; together if that goes, else one by one."""
        updates = [RefUpdate(ref=d.ref, expected=d.oid, new=None) for d in refs]
        if not updates:
            return
        reply = self._git.push(updates, timeout_s_max=_PUSH_TIMEOUT_S)
        if reply.kind == "rejected" and len(updates) > 1:
            for update in updates:
                self._git.push([update], timeout_s_max=_PUSH_TIMEOUT_S)
        self._remote.sync()

    # -- the gate

    def hold_gate(self, branch: str) -> HeldRef | Busy | Unreachable:
        """L1: makes, renews or (when stale, C5) takes over gate/<branch>."""
        there = self.gate(branch)
        ours = there is not None and there.acq in self._acquisitions.ours()
        if (
            there
            and there.epoch != self._epoch
            and there.unchanged_s < self._lease_s()
            and not ours
        ):
            return Busy(path=RepoPath(branch), holder=f"gate of epoch {there.epoch}")
        counter = there.counter + 1 if there else 1
        acq = self._acquisitions.new()
        said = {"gate": branch, "epoch": self._epoch, "acq": acq, "counter": counter}
        blob = self._looks.write(said)
        expected = there.oid if there else None
        update = RefUpdate(ref=gate_ref(self._root, branch), expected=expected, new=blob)
        self._git.push([update], timeout_s_max=_PUSH_TIMEOUT_S)
        synced = self._remote.sync()
        if isinstance(synced, Unreachable):
            return synced
        now = self.gate(branch)
        if now is not None and now.oid == blob:
            return now
        return Busy(path=RepoPath(branch), holder=f"gate of epoch {now.epoch if now else '?'}")

    def release_gate(self, branch: str) -> None:
        """Lets go of gate/<branch> if it is ours, of an earlier start of this run folder too."""
        there = self.gate(branch)
        if there is not None and (
            there.epoch == self._epoch or there.acq in self._acquisitions.ours()
        ):
            self.delete([Deletion(ref=gate_ref(self._root, branch), oid=there.oid)])

    # -- people's claims (C9)

    def take(
        self, paths: Sequence[RepoPath], *, who: str, reason: str
    ) -> tuple[str, tuple[ClaimedPath, ...]] | Busy | Unreachable:
        """Claims paths for a person until given back; returns the token and what is held."""
        acq = self._acquisitions.new()
        refs = {claim_ref(self._root, p): p for p in without_nested(paths)}
        updates = [
            RefUpdate(
                ref=ref, expected=None, new=self._path_blob(p, acq, person=who, reason=reason)
            )
            for ref, p in refs.items()
        ]
        self._git.push(updates, timeout_s_max=_PUSH_TIMEOUT_S)
        synced = self._remote.sync()
        if isinstance(synced, Unreachable):
            return synced
        got = tuple(s.claim for s in self.seen() if s.claim.acq == acq)
        if len(got) == len(refs):
            self._acquisitions.drop(
                {acq}
            )  # a person's: no daemon may take it for a stray of its own
            return acq, got
        self.delete(self._looks.with_acq(acq))
        return self._in_the_way(BriefId(""), refs)

    def give_back(self, token: str) -> bool:
        """Releases a person's claim; False when there is none with that token."""
        if isinstance(self._remote.sync(), Unreachable):
            return False
        mine = [
            Deletion(ref=s.claim.ref, oid=s.claim.oid)
            for s in self.seen()
            if s.claim.acq == token and s.claim.holder.startswith("person:")
        ]
        self.delete(mine)
        return bool(mine)

    # -- what is there, as last fetched

    def held(self) -> Mapping[BriefId, HeldRef]:
        """Returns every held/ by brief."""
        return self._looks.look().held

    def seen(self) -> tuple[SeenClaim, ...]:
        """Returns every path claim, with for how long none of its held/ has been seen."""
        return self._looks.look().seen

    def newer(self) -> str | None:
        """Returns which ref has a format that this program does not know; None when none has."""
        return self._looks.look().newer

    def gate(self, branch: str) -> HeldRef | None:
        """Returns gate/<branch>."""
        return self._looks.look().gates.get(gate_ref(self._root, branch))

    def mine(self, brief: BriefId) -> Claim | None:
        """Returns our claim on `brief` if it is whole: our epoch, and every path with its acq.

        It follows from the last fetch alone, so it is worked out once for each.
        """
        look = self._looks.look()
        known = self._mine
        if known is None or known[0] is not look:
            known = look, {b: self._whole(held, look) for b, held in look.held.items()}
            self._mine = known
        return known[1].get(brief)

    def _whole(self, held: HeldRef, look: Look) -> Claim | None:
        if held.epoch != self._epoch:
            return None
        wanted = set(self._looks.refs(held.oid))
        paths = tuple(c for c in look.by_acq.get(held.acq, ()) if c.ref in wanted)
        if len(paths) != len(wanted):
            return None
        return Claim(
            brief=held.brief,
            digest=held.digest,
            epoch=held.epoch,
            acq=held.acq,
            counter=held.counter,
            held=held.oid,
            paths=paths,
        )

    def strays(self) -> tuple[Deletion, ...]:
        """C3: refs with an acq of ours that belong to no whole claim of ours."""
        look = self._looks.look()
        held = look.held
        of_epoch = {h.acq for h in held.values() if h.epoch == self._epoch}
        ours = dict.fromkeys([*self._acquisitions.ours(), *of_epoch])
        whole = {c.acq for c in map(self.mine, held) if c is not None}
        # Taken over by another epoch: the acq is theirs now.
        lost = {h.acq for h in held.values() if h.epoch != self._epoch}
        there = {*look.by_acq, *(h.acq for h in held.values())} - whole - lost
        return tuple(d for acq in ours if acq in there for d in self._looks.with_acq(acq))

    def earlier(self) -> tuple[HeldRef, ...]:
        """Y1: held/ refs of an earlier epoch of this very run folder: ours to renew at once."""
        ours = self._acquisitions.ours()
        return tuple(h for h in self.held().values() if h.acq in ours and h.epoch != self._epoch)

    # -- helpers

    def _in_the_way(self, brief: BriefId, refs: Iterable[str]) -> Busy:
        held = self.held().get(brief)
        if held is not None:
            return Busy(path=RepoPath(""), holder=f"{brief} of epoch {held.epoch}")
        for seen in self.seen():
            if any(overlap(ref, seen.claim.ref) for ref in refs):
                there = seen.claim
                return Busy(path=there.path, holder=there.holder, reason=there.reason)
        return Busy(path=RepoPath(""), holder="nobody that can be seen; the remote said no")

    def _renewal(self, claim: Claim) -> RefUpdate:
        new = self._held_blob(
            claim.brief,
            claim.digest,
            claim.acq,
            counter=claim.counter + 1,
            refs=sorted(p.ref for p in claim.paths),
        )
        return RefUpdate(ref=held_ref(self._root, claim.brief), expected=claim.held, new=new)

    def _held_blob(
        self, brief: BriefId, digest: Digest, acq: str, *, counter: int, refs: Sequence[str]
    ) -> Oid:
        return self._looks.write(
            {
                "brief": brief,
                "digest": digest,
                "epoch": self._epoch,
                "acq": acq,
                "counter": counter,
                "refs": list(refs),
            }
        )

    def _path_blob(self, path: RepoPath, acq: str, **holder: str) -> Oid:
        shown = path.encode("utf-8", "replace").decode()
        return self._looks.write({"path": shown, "acq": acq, **holder})

    def _carried(self) -> frozenset[str]:
        """Returns every acquisition that the last fetch showed a ref of."""
        look = self._looks.look()
        return frozenset(
            {*look.by_acq, *(h.acq for h in (*look.held.values(), *look.gates.values()))}
        )
