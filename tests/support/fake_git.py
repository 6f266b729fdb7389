"""A remote and its clones in memory: the same Git as the real one, fast, with faults where they happen.

The contract suite runs over this and over real repositories, so what is said here of git is checked.
Files merge as wholes here: two different edits to one file conflict.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from coordinator.adapters.git import PushReply, RefUpdate, Signature
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.proof import Unreachable
from coordinator.domain.tree import Change
from tests.support.fake_objects import FakeObjects
from tests.support.fake_refs import RefTable, is_ref_name

When = Literal["before", "after"]
ReplyKind = Literal["ok", "rejected", "timeout", "unreachable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushFault:
    """What becomes of one push, and what its client is told (None: what would be true).

    nothing: it never arrives. whole: it is applied, if its leases hold. torn: of a push whose leases hold
    only `refs` are applied. delayed: it arrives when `deliver_delayed` is called, if its leases hold then.
    obstructed: refused if it deletes a ref, as under an orphan packed-refs.lock.
    """

    effect: Literal["nothing", "whole", "torn", "delayed", "obstructed"]
    reply: ReplyKind | None = None
    refs: frozenset[str] = frozenset()


class Faults(Protocol):
    """Called before and after each remote call; raising is dying there.

    Before a push it may return a PushFault, before a fetch an Unreachable. During a push `git.pushing`
    has its updates.
    """

    def on(self, call_name: str, when: When, git: "FakeGit") -> PushFault | Unreachable | None: ...


class FakeServer:
    """The remote, and the objects of all clones."""

    def __init__(self) -> None:
        self.refs = RefTable()
        self.objects = FakeObjects()
        self.obstructed = False  # an orphan packed-refs.lock: nothing can be deleted
        self.locked: set[str] = set()  # orphan <ref>.lock files
        self.refuse: Callable[[RefUpdate], str | None] = lambda _: None  # hooks, protected branches
        self.delayed: list[tuple[RefUpdate, ...]] = []
        self.pushes = 0

    def apply(self, updates: Sequence[RefUpdate]) -> dict[str, str]:
        """Applies all or none, and returns why not."""
        faults = self.refs.refusal(updates)
        for update in updates:
            if update.ref in self.locked or (self.obstructed and update.new is None):
                faults[update.ref] = "cannot lock ref: File exists"
            elif said := self.refuse(update):
                faults[update.ref] = said
        if not faults:
            # Deletes follow moves, as the server was seen to do it.
            for update in sorted(updates, key=lambda one: one.new is None):
                self.refs.set(update.ref, update.new)
        return faults

    def deliver_delayed(self, count: int | None = None) -> int:
        """Lets delayed pushes arrive, oldest first; returns how many still were applied."""
        arriving = self.delayed[:count]
        del self.delayed[: len(arriving)]
        return sum(not self.apply(updates) for updates in arriving)


class FakeGit:
    """One private clone of a FakeServer. `pushing` is what is being pushed right now."""

    def __init__(self, server: FakeServer, *, faults: Faults | None = None, name: str = "") -> None:
        self.server = server
        self.faults = faults
        self.name = name
        self.pushing: tuple[RefUpdate, ...] = ()
        self.local = RefTable()
        self._objects = server.objects
        self._fetched: dict[tuple[tuple[str, ...], bool], tuple[int, int]] = {}

    def close(self) -> None:
        """Has nothing to end."""

    def read(self, oid: Oid) -> tuple[str, bytes]:
        return self._objects.read(oid)

    def write(self, kind: Literal["blob", "tree"], content: bytes) -> Oid:
        return self._objects.write(kind, content)

    def commit(
        self,
        *,
        tree: Oid,
        parents: Sequence[Oid],
        message: str,
        author: Signature,
        committer: Signature,
        sign: bool,
    ) -> Oid:
        for oid, kind in ((tree, "tree"), *((parent, "commit") for parent in parents)):
            if self._objects.kind(oid) != kind:
                raise RepositoryError(f"a commit could not be made: {oid} is no {kind}")
        lines = [f"tree {tree}", *[f"parent {parent}" for parent in parents]]
        lines += [f"author {_who(author)}", f"committer {_who(committer)}"]
        lines += ["gpgsig -----FAKE-----"] if sign else []
        content = "\n".join(lines) + "\n\n" + message
        return self._objects.write("commit", content.encode("utf-8", "replace"))

    def is_ancestor(self, old: Oid, new: Oid) -> bool:
        return self._objects.is_ancestor(old, new)

    def merge_trees(self, base: Oid, ours: Oid, theirs: Oid) -> Oid | tuple[RepoPath, ...]:
        return self._objects.merge(base, ours, theirs)

    def merge_lines(self, base: bytes, ours: bytes, theirs: bytes) -> bytes:
        """Takes every file for one place: what both sides changed clashes as a whole."""
        if theirs in (base, ours):
            return ours
        if base == ours:
            return theirs
        marked = (b"<<<<<<< ours\n", ours, b"||||||| base\n", base, b"=======\n", theirs)
        return b"".join((*marked, b">>>>>>> theirs\n"))

    def diff(self, before: Oid, after: Oid) -> tuple[Change, ...]:
        return self._objects.diff(before, after)

    def log(
        self, since: Oid | None, tip: Oid, *, count_max: int | None = None
    ) -> Sequence[tuple[Oid, str]]:
        found: list[tuple[Oid, str]] = []
        commit: Oid | None = tip
        while commit is not None and (count_max is None or len(found) < count_max):
            if since is not None and (commit == since or self._objects.is_reachable(commit, since)):
                break
            parents, message = self._objects.history(commit)
            found.append((commit, message))
            commit = parents[0] if parents else None
        return found[::-1]

    def refs(self, prefix: str) -> dict[str, Oid]:
        return self.local.below(prefix)

    def set_refs(self, updates: Sequence[RefUpdate]) -> bool:
        for update in updates:
            if update.new is not None and self._objects.kind(update.new) is None:
                raise MissingObject(f"{update.ref} cannot be set: {update.new} is nowhere")
        if self.local.refusal(updates):
            return False
        for update in updates:
            self.local.set(update.ref, update.new)
        return True

    def fetch(self, refspecs: Sequence[str], *, prune: bool) -> Unreachable | None:
        fault = self.faults.on("fetch", "before", self) if self.faults else None
        if isinstance(fault, Unreachable):
            return fault
        key = (tuple(refspecs), prune)
        if self._fetched.get(key) != (self.server.refs.version, self.local.version):
            self._fetch(refspecs, prune=prune)
            self._fetched[key] = (self.server.refs.version, self.local.version)
        if self.faults:
            self.faults.on("fetch", "after", self)
        return None

    def push(self, updates: Sequence[RefUpdate], *, timeout_s_max: float) -> PushReply:
        self.pushing = tuple(updates)
        self.server.pushes += 1
        try:
            fault = self.faults.on("push", "before", self) if self.faults else None
            reply = self._push(self.pushing, fault if isinstance(fault, PushFault) else None)
            if self.faults:
                self.faults.on("push", "after", self)
        finally:
            self.pushing = ()
        return reply

    def _push(self, updates: Sequence[RefUpdate], fault: PushFault | None) -> PushReply:
        for update in updates:
            if update.new is not None and self._objects.kind(update.new) is None:
                raise MissingObject(f"cannot push {update.new}: it is nowhere")
            if not is_ref_name(update.ref):
                raise RepositoryError(f"cannot push: {update.ref} is not valid")
        if fault and fault.effect == "nothing":
            return _reply(fault.reply or "timeout", {})
        # What the remote has already is not sent, so its lease is not consulted.
        here = self.server.refs
        sent = [one for one in updates if one.new is None or here.get(one.ref) != one.new]
        lines = {
            one.ref: "= [up to date]" for one in updates if one.new and here.get(one.ref) == one.new
        }
        stale = {one.ref for one in sent if here.get(one.ref) != one.expected}
        if stale:
            lines |= {
                one.ref: f"! [rejected] ({'stale info' if one.ref in stale else 'atomic push failed'})"
                for one in sent
            }
            return _reply(fault.reply if fault and fault.reply else "rejected", lines)
        refused = self._send(sent, fault)
        if refused is None:
            return _reply((fault and fault.reply) or "timeout", {})
        if refused:
            lines |= {
                one.ref: f"! [remote rejected] ({refused.get(one.ref, 'atomic transaction failed')})"
                for one in sent
            }
        else:
            lines |= {one.ref: _done(one) for one in sent}
        return _reply((fault and fault.reply) or ("rejected" if refused else "ok"), lines)

    def _send(self, sent: Sequence[RefUpdate], fault: PushFault | None) -> dict[str, str] | None:
        """Returns why the server refused ({}: it did not), or None when nobody can know."""
        effect = fault.effect if fault else "whole"
        if effect == "delayed":
            self.server.delayed.append(tuple(sent))
            return None
        if effect == "obstructed" and any(one.new is None for one in sent):
            return {one.ref: "atomic transaction failed" for one in sent}
        if effect == "torn" and fault:
            for one in sent:
                if one.ref in fault.refs:
                    self.server.apply([one])
            return {one.ref: "atomic transaction failed" for one in sent}
        return self.server.apply(sent)

    def _fetch(self, refspecs: Sequence[str], *, prune: bool) -> None:
        fetched: dict[str, tuple[Oid, bool]] = {}
        for refspec in refspecs:
            forced = refspec.startswith("+")
            source, _, target = refspec.removeprefix("+").partition(":")
            for ref, oid in self._matching(source):
                if target:
                    fetched[_renamed(ref, source, target)] = (oid, forced)
        if prune:
            for target in (refspec.partition(":")[2] for refspec in refspecs):
                here = self.local.matching(target) if "*" in target else self.local.below(target)
                for ref in [ref for ref in here if ref not in fetched]:
                    self.local.set(ref, None)
        for ref, (oid, forced) in fetched.items():
            there = self.local.get(ref)
            if there == oid:
                continue
            fault = self.local.refusal([RefUpdate(ref=ref, expected=there, new=oid)])
            if fault:
                raise RepositoryError(f"what was fetched could not be stored: {fault[ref]}")
            if not forced and there is not None and not self.is_ancestor(there, oid):
                raise RepositoryError(
                    f"what was fetched could not be stored: {ref} non-fast-forward"
                )
            self.local.set(ref, oid)

    def _matching(self, source: str) -> Iterable[tuple[str, Oid]]:
        if "*" not in source:
            return self.server.refs.below(source).items()
        return self.server.refs.matching(source).items()


def _renamed(ref: str, source: str, target: str) -> str:
    if "*" not in source:
        return target
    head, _, tail = source.partition("*")
    return target.replace("*", ref[len(head) : len(ref) - len(tail)], 1)


def _done(update: RefUpdate) -> str:
    if update.new is None:
        return "- [deleted]"
    return "* [new reference]" if update.expected is None else "+ (forced update)"


def _reply(kind: ReplyKind, lines: dict[str, str]) -> PushReply:
    if kind == "rejected" and not any(said.startswith("!") for said in lines.values()):
        lines = dict.fromkeys(lines, "! [remote rejected] (atomic transaction failed)")
    if kind in ("timeout", "unreachable"):
        lines = {}
    return PushReply(kind=kind, lines=lines, message="" if kind == "ok" else f"fake {kind}")


def _who(who: Signature) -> str:
    """As git writes it: without <, > and newlines, and without punctuation at either end."""
    crud = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
    name, email = (
        "".join(c for c in part.strip(crud) if c not in "<>\n") for part in (who.name, who.email)
    )
    if not name:
        raise RepositoryError("a commit could not be made: empty ident name")
    return f"{name} <{email}> {who.timestamp} +0000"
