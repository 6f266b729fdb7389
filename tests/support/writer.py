"""One coordinator's writing half over any git: the real adapters, one brief that is open, and its landing."""

from collections.abc import Callable, Mapping
from typing import Any

from coordinator.adapters.claims import RefClaims
from coordinator.adapters.committer import GitCommitter
from coordinator.adapters.git import Git, RefUpdate, Signature
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.remote import GitRemote
from coordinator.domain import intake_notes, planning
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import identify_text, parse
from coordinator.domain.changeset import Changeset
from coordinator.domain.check import CheckResult
from coordinator.domain.intake_notes import Matter
from coordinator.domain.names import BriefId, Epoch, Oid, Place, RecordPaths, RepoPath, digest
from coordinator.domain.note import Note
from coordinator.domain.policy import Policy
from coordinator.domain.profiles import BUILT_IN
from coordinator.domain.proof import Claim, Landed, Merged, PushOutcome, Synced, Unreachable
from coordinator.domain.record import Record, Verb
from coordinator.domain.record import parse as parse_record
from coordinator.domain.request import Origin
from coordinator.domain.tree import Entry
from coordinator.domain.verdict import Trust
from coordinator.domain.world import Filed, Sighting
from coordinator.services import land
from coordinator.services.observe.shelves import Shelves
from tests.simulation.fakes import SimJournal
from tests.support.fake_git import FakeGit, PushFault, When
from tests.support.hand_clock import HandClock
from tests.support.patience import PATIENCE_S

MAIN = "refs/heads/main"
FILES: Mapping[str, str] = {
    "docs/guide.md": "# Guide\n",
    "docs/other.md": "# Other\n",
    "memory/plan.md": "- [ ] tidy: docs/brief.md\n",
}
TEXT = """\
TASK: Mend the broken links of the guide.
INPUTS: docs/guide.md
SCOPE: docs/; everything else
OUTPUT FORMAT: changes
DO NOT: add files
"""
POLICY = Policy(profiles=BUILT_IN)
WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)
BRIEF = identify_text("tidy", TEXT.encode()).id


class Trouble:
    """What befalls the pushes and fetches of one FakeGit, and what it pushed."""

    def __init__(self) -> None:
        self.pushes: list[tuple[RefUpdate, ...]] = []
        self.pushing: list[PushFault | None] = []  # what becomes of the next pushes
        self.fetching: list[Unreachable | None] = []  # what becomes of the next fetches
        self.before_push: list[Callable[[], object]] = []  # each is called once
        self.after_push: list[Callable[[], object]] = []
        self.after_fetch: list[Callable[[], object]] = []

    def on(self, call_name: str, when: When, git: FakeGit) -> PushFault | Unreachable | None:
        match call_name, when:
            case "push", "before":
                self.pushes.append(git.pushing)
                _once(self.before_push)
                return self.pushing.pop(0) if self.pushing else None
            case "push", "after":
                _once(self.after_push)
            case "fetch", "before":
                return self.fetching.pop(0) if self.fetching else None
            case "fetch", "after":
                _once(self.after_fetch)
        return None

    def at_the_landing(self, call: Callable[[], object]) -> None:
        """Calls right before the landing push of the next `Writer.land`: after its look and its renewal."""
        self.after_fetch.append(
            lambda: self.after_fetch.append(lambda: self.before_push.append(call))
        )


def _once(calls: list[Callable[[], object]]) -> None:
    waiting = list(calls)
    calls.clear()
    for call in waiting:
        call()


class Writer:
    """What writes to the remote, for one epoch; `again` is the same after a restart."""

    def __init__(self, git: Git, epoch: str = "e1", *, journal: SimJournal | None = None) -> None:
        self.git = git
        self.journal = journal or SimJournal()
        self.clock = HandClock()
        self.clock._nonces = int(digest(epoch.encode())[-8:], 16)  # no two are alike
        self.objects = GitObjects(git, paths=RecordPaths)
        self.remote = GitRemote(git, branch="main", clock=self.clock, paths=RecordPaths)
        self.claims = RefClaims(
            git, self.remote, epoch=Epoch(epoch), clock=self.clock, lease_s=lambda: 120.0
        )
        self.committer = GitCommitter(
            git,
            self.objects,
            self.remote,
            branch="main",
            clock=self.clock,
            identity=lambda _: ("Coordinator", "coordinator@example.invalid"),
        )

    # -- the branch

    def found(self) -> Oid:
        """Makes the first commit of the branch."""
        return self.push_by_hand(dict(FILES))

    def push_by_hand(self, files: Mapping[str, str]) -> Oid:
        """Pushes a commit that is nobody's brief."""
        tip = self.synced().tip if self._has_branch() else None
        tree = self.objects.tree_of(tip) if tip else self.git.write("tree", b"")
        edits = {
            RepoPath(path): Entry("100644", self.objects.blob(text.encode()))
            for path, text in files.items()
        }
        commit = self.git.commit(
            tree=self.objects.edit(tree, edits),
            parents=[tip] if tip else [],
            message="by hand\n",
            author=WHO,
            committer=WHO,
            sign=False,
        )
        self.git.push([RefUpdate(ref=MAIN, expected=tip, new=commit)], timeout_s_max=PATIENCE_S)
        self.remote.sync()
        return commit

    def synced(self) -> Synced:
        """Fetches."""
        found = self.remote.sync()
        assert isinstance(found, Synced), found
        return found

    def tree(self) -> Oid:
        """Returns the tree at the tip."""
        return self.objects.tree_of(self.synced().tip)

    def text(self, path: str) -> str | None:
        """Returns a file at the tip."""
        content = self.objects.read(self.tree(), RepoPath(path))
        return None if content is None else content.decode()

    def records(self) -> list[Record]:
        """Returns what the branch says, oldest first."""
        said = [parse_record(message) for _, message in self.objects.log(None, self.synced().tip)]
        return [record for record in said if record is not None]

    # -- records

    def publish(self, *notes: Note, policy: Policy = POLICY) -> PushOutcome | None:
        """Publishes notes as one go of the remote lane does."""
        return land.publish_notes(
            lambda: notes,
            policy=policy,
            remote=self.remote,
            committer=self.committer,
            journal=self.journal,
            clock=self.clock,
            timestamp=lambda _: 1_700_000_000,
        )

    def accept(self, name: str = "tidy") -> Filed:
        """Puts the brief on the branch, open."""
        assert isinstance(self.publish(self.accepting(name)), Landed)
        return self.filed(identify_text(name, TEXT.encode()).id)

    def accepting(self, name: str = "tidy") -> Note:
        """Returns the record that opens the brief."""
        value = parse(TEXT.encode(), name=name)
        assert isinstance(value, Brief)
        matter = self._matter(name)
        plan = planning.make(value, policy=POLICY)
        return intake_notes.accepted(matter, brief=value, text=TEXT, plan=plan)

    def cancelling(self, filed: Filed) -> Note:
        """Returns the record that ends the brief."""
        here = intake_notes.Here(id=filed.id, place=filed.place, blob=filed.blob)
        matter = self._matter(filed.brief.name, at=here)
        return intake_notes.ended(matter, name=filed.brief.name, verb=Verb.CANCEL, reason="")

    def filed(self, brief: BriefId = BRIEF) -> Filed:
        """Returns the brief as the tip has it."""
        return next(f for f in Shelves(self.objects).live(self.tree(), POLICY) if f.id == brief)

    def place(self, brief: BriefId = BRIEF) -> list[Place]:
        """Returns every place in which the brief has a folder."""
        tree, paths = self.tree(), POLICY.paths
        return [p for p in Place if self.objects.entry(tree, paths.folder(p, brief))]

    # -- landings

    def claim(self, filed: Filed, *paths: str) -> Claim:
        """Claims the brief."""
        wanted = [RepoPath(path) for path in paths or ("docs",)]
        found = self.claims.acquire(filed.id, filed.digest, wanted)
        assert isinstance(found, Claim), found
        return found

    def changed(self, filed: Filed, files: Mapping[str, str] | None = None) -> Sighting:
        """Returns the brief with an accepted change on the tip."""
        base = self.synced().tip
        tree = self.objects.tree_of(base)
        edits = {
            RepoPath(path): Entry("100644", self.objects.blob(text.encode()))
            for path, text in (files or {"docs/guide.md": "# Guide, mended\n"}).items()
        }
        changeset = Changeset(
            brief=filed.id,
            base=base,
            base_tree=tree,
            result=self.objects.edit(tree, edits),
            touched=tuple(edits),
            report=None,
            report_extension="md",
            report_path=None,
            digest=digest(repr(sorted(edits)).encode()),
            attempts=(),
            trust=Trust.VERIFIED,
            summary="1 link mended",
            compared="one output",
        )
        return Sighting(
            filed=filed, order=1, age_s=0.0, attempts=(), claim=None, synthesis=changeset
        )

    def land(
        self,
        sighting: Sighting,
        claim: Claim,
        *,
        results: Callable[[Merged], tuple[CheckResult, ...] | None] = lambda _: (),
        **other: Any,
    ) -> land.Published:
        """Lands it as one go of the remote lane does."""
        ports: dict[str, Any] = {
            "remote": self.remote,
            "objects": self.objects,
            "claims": self.claims,
            "committer": self.committer,
            "journal": self.journal,
            "clock": self.clock,
        }
        return land.publish_landing(
            sighting,
            claim=claim,
            results=results,
            cost="0.0000",
            policy=POLICY,
            **{**ports, **other},
        )

    def _matter(self, name: str, at: intake_notes.Here | None = None) -> Matter:
        origin = Origin(source="folder", name=f"{name}.md", by="Ada <ada@x.org>", token=name)
        identity = identify_text(name, TEXT.encode())
        return Matter(identity=identity, origin=origin, policy=POLICY, at=at, human="Ada")

    def _has_branch(self) -> bool:
        self.remote.sync()
        return self.remote.tip() is not None
