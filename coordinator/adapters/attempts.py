"""Attempts as commits under refs of their own: create-only, kept here first, then on the remote.

The commit of an attempt follows from what it says alone (fixed identity, date 0), so keeping it twice
gives the same oid, and a ref that is there already is a success.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from coordinator.adapters import ref_values
from coordinator.adapters.git import Git, RefUpdate, Signature
from coordinator.adapters.kept_output import Keeping, PatchApplier
from coordinator.adapters.objects import GitObjects
from coordinator.domain import overtaken
from coordinator.domain.attempt import AttemptId, Returned, Spec
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import EMPTY_TREE, BriefId, Oid, RepoPath
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.tree import Entry
from coordinator.domain.verdict import Verdict

_WHO = Signature(name="git-coordinator", email="coordinator@localhost", timestamp=0)
_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)
_KINDS = ("attempts", "verdicts")
_PUSHED = "refs/mirror/pushed"  # what the remote is known to have
_PUBLISHED = "refs/mirror/published"  # what was seen there, before it is taken over
_ASIDE = "refs/mirror/overtaken"  # outputs of ours that others went on without: nothing is deleted
_PARSED_MAX = 2048
_BRIEFS_MAX = 512  # whose attempts are kept ready: by their refs, so a ref that moves is read again
_PUSH_S_MAX = 60.0

Key = tuple[str, str]  # (kind, "<brief>/<epoch>-<number>")


class GitAttempts:
    """Attempts over a Git (see ports.Attempts); of an output above `max_bytes` only that is kept.

    `patches` applies those that come as a patch; without it they are refused.
    """

    def __init__(
        self,
        git: Git,
        objects: GitObjects,
        *,
        root: str = "refs/orchestrator",
        patches: PatchApplier | None = None,
        max_bytes: int = 64_000_000,
    ) -> None:
        self._git = git
        self._objects = objects
        self._root = root
        self._keeping = Keeping(git, objects, patches=patches, max_bytes=max_bytes)
        self._parsed = lru_cache(maxsize=_PARSED_MAX)(self._parse)
        self._returned = lru_cache(maxsize=_BRIEFS_MAX)(self._in_order)

    def package(self, package: ContextPackage) -> Oid:
        """Stores a package and returns its blob."""
        return self._git.write("blob", package.model_dump_json(indent=1).encode() + b"\n")

    def keep_output(self, spec: Spec, output: Output) -> Oid:
        """Keeps an output as the commit and ref of the attempt; repeatable, the first one kept stays."""
        start = spec.start or self._objects.tree_of(spec.base)
        kept, result = self._keeping.kept(start, output)
        entries = {
            RepoPath("package.json"): Entry("100644", spec.package),
            RepoPath("output.json"): self._json(kept.model_dump_json(indent=1)),
            RepoPath("spec.json"): self._json(spec.model_dump_json(indent=1)),
        }
        if spec.start is not None:
            entries[RepoPath("start")] = Entry("040000", spec.start)
        if result is not None:
            entries[RepoPath("tree")] = Entry("040000", result)
        commit = self._git.commit(
            tree=self._objects.edit(EMPTY_TREE, entries),
            parents=[spec.base],
            message=f"attempt {spec.id.epoch}-{spec.id.number} at {spec.id.brief}\n",
            author=_WHO,
            committer=_WHO,
            sign=False,
        )
        return self._create(self._ref("attempts", spec.id), commit)

    def keep_verdict(self, attempt: AttemptId, verdict: Verdict) -> None:
        """Keeps a verdict, beside the attempt; the first one kept stays."""
        content = _VERDICT.dump_json(verdict, indent=1) + b"\n"
        said = ref_values.store(self._git, content, root=self._root)
        self._create(self._ref("verdicts", attempt), said)

    def publish(self, brief: BriefId) -> bool:
        """Pushes what the remote lacks of this brief's attempts and verdicts; False when it could not."""
        lacking = self._lacking(brief)
        if not lacking:
            return True
        if self._push(lacking):
            return True
        # Refused, or no answer: what is there is read from the remote, and the rest is tried once more.
        if not self.fetch(brief):
            return False
        lacking = self._lacking(brief)
        return not lacking or self._push(lacking)

    def unpublished(self) -> frozenset[BriefId]:
        """Returns briefs with attempts or verdicts that the remote is not known to have."""
        pushed = self._read(_PUSHED, "")
        kept = self._read(self._root, "")
        return frozenset(
            BriefId(name.rpartition("/")[0])
            for (kind, name), oid in kept.items()
            if pushed.get((kind, name)) != oid
        )

    def fetch(self, brief: BriefId) -> bool:
        """Brings what others published of this brief; False when the remote could not be read."""
        refspecs = [
            f"+{self._root}/{kind}/{brief}/*:{_PUBLISHED}/{kind}/{brief}/*" for kind in _KINDS
        ]
        if self._git.fetch(refspecs, prune=True) is not None:
            return False
        there = self._read(_PUBLISHED, brief)
        here = self._read(self._root, brief)
        missing = [
            RefUpdate(ref=f"{self._root}/{kind}/{name}", expected=None, new=oid)
            for (kind, name), oid in there.items()
            if (kind, name) not in here
        ]
        self._git.set_refs(missing)  # False: one was kept meanwhile; the next fetch brings the rest
        aside = self._set_aside(here, there)
        if aside:
            self._git.set_refs(aside)
        self._remember(there, brief)
        return True

    def of(self, brief: BriefId) -> tuple[Returned, ...]:
        """Returns what is kept here: by epoch, and by number within it; what cannot be read is left out."""
        return self._returned(brief, tuple(self._read(self._root, brief).items()))

    def _in_order(self, brief: BriefId, refs: tuple[tuple[Key, Oid], ...]) -> tuple[Returned, ...]:
        here = dict(refs)
        found = [
            self._parsed(commit, here.get(("verdicts", name)))
            for (kind, name), commit in refs
            if kind == "attempts"
        ]
        mine = [one for one in found if one is not None and one.spec.id.brief == brief]
        return tuple(sorted(mine, key=lambda one: (one.spec.id.epoch, one.spec.id.number)))

    def _parse(self, commit: Oid, verdict: Oid | None) -> Returned | None:
        """Returns what an attempt's commit says; None for what is not ours, or of a newer format."""
        try:
            tree = self._objects.tree_of(commit)
            listing = self._objects.listing(tree)
            spec = Spec.model_validate_json(self._objects.content(listing["spec.json"].oid))
            output = Output.model_validate_json(self._objects.content(listing["output.json"].oid))
            said = ref_values.load(self._git, verdict) if verdict else None
            judged = _VERDICT.validate_json(said) if said is not None else None
        except (MissingObject, KeyError, ValidationError):
            return None
        result = listing.get("tree")
        return Returned(
            spec=spec,
            commit=commit,
            output=output,
            result=result.oid if result and result.is_tree else None,
            verdict=judged,
        )

    def _set_aside(self, here: Mapping[Key, Oid], there: Mapping[Key, Oid]) -> list[RefUpdate]:
        """Returns what moves attempts out of the way that others went on without, and verdicts of others in.

        A verdict on the remote is what everybody goes by; one that was kept here alone differs in its evidence.
        """
        known = {place for place in map(_place, (*here, *there)) if place is not None}
        found = []
        for key, oid in here.items():
            kind, name = key
            mine = _place(key)
            if kind == "verdicts" and there.get(key, oid) != oid:
                found.append(
                    RefUpdate(ref=f"{self._root}/{kind}/{name}", expected=oid, new=there[key])
                )
            elif key not in there and mine and overtaken.overtaken_at(mine, known) is not None:
                if ("attempts", name) in there:
                    continue  # the verdict on one that is there
                found += [
                    RefUpdate(ref=f"{self._root}/{kind}/{name}", expected=oid, new=None),
                    RefUpdate(ref=f"{_ASIDE}/{kind}/{name}", expected=None, new=oid),
                ]
        return found

    def _json(self, text: str) -> Entry:
        return Entry("100644", self._git.write("blob", text.encode() + b"\n"))

    def _ref(self, kind: str, attempt: AttemptId) -> str:
        return f"{self._root}/{kind}/{attempt.brief}/{attempt.epoch}-{attempt.number}"

    def _create(self, ref: str, oid: Oid) -> Oid:
        """Creates a ref, and returns what it names now: what came first stays."""
        if self._git.set_refs([RefUpdate(ref=ref, expected=None, new=oid)]):
            return oid
        there = self._git.refs(ref).get(ref)
        if there is None:
            raise RepositoryError(
                f"{ref} could not be made in the private clone",
                hint="restart the daemon: it sweeps locks that a killed git left behind",
            )
        return there

    def _read(self, root: str, brief: str) -> dict[Key, Oid]:
        """Returns the refs of one brief ('' = all) below `root`, by kind and name."""
        found: dict[Key, Oid] = {}
        for kind in _KINDS:
            top = f"{root}/{kind}/"
            refs = self._git.refs(f"{top}{brief}/" if brief else top)
            for ref, oid in refs.items():
                found[kind, ref[len(top) :]] = oid
        return found

    def _lacking(self, brief: BriefId) -> dict[Key, Oid]:
        pushed = self._read(_PUSHED, brief)
        kept = self._read(self._root, brief)
        return {key: oid for key, oid in kept.items() if pushed.get(key) != oid}

    def _push(self, refs: Mapping[Key, Oid]) -> bool:
        updates: Sequence[RefUpdate] = [
            RefUpdate(ref=f"{self._root}/{kind}/{name}", expected=None, new=oid)
            for (kind, name), oid in refs.items()
        ]
        reply = self._git.push(updates, timeout_s_max=_PUSH_S_MAX)
        if reply.kind != "ok":
            return False
        brief = next(iter(refs))[1].rpartition("/")[0]
        self._remember(refs, brief)
        return True

    def _remember(self, refs: Mapping[Key, Oid], brief: str) -> None:
        """Notes that the remote has these; losing the note costs a push that changes nothing."""
        known = self._read(_PUSHED, brief)
        self._git.set_refs(
            [
                RefUpdate(ref=f"{_PUSHED}/{kind}/{name}", expected=known.get((kind, name)), new=oid)
                for (kind, name), oid in refs.items()
                if known.get((kind, name)) != oid
            ]
        )


def _place(key: Key) -> overtaken.Place | None:
    """Returns the epoch and the number that a ref names; None for what we have not written."""
    epoch, _, number = key[1].rpartition("/")[2].rpartition("-")
    return (epoch, int(number)) if number.isdecimal() else None
