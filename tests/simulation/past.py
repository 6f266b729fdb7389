"""What the server's refs and history say, read without the code under test."""

from coordinator.adapters.objects import GitObjects
from coordinator.domain.names import EMPTY_TREE, BriefId, Oid, Place, RecordPaths
from coordinator.domain.policy import Policy
from coordinator.domain.tree import encode
from coordinator.domain.world import Filed
from coordinator.services.observe.shelves import Shelves
from tests.support.fake_git import FakeGit

from .network import BRANCH, SimServer

ROOT = "refs/orchestrator"


class Past:
    """Reads one server; what was read of an object once is kept."""

    def __init__(self, server: SimServer, *, policy: Policy) -> None:
        self._server = server
        self._objects = server.objects
        self._shelves = Shelves(GitObjects(FakeGit(server), paths=RecordPaths))
        self._policy = policy
        self._filed: dict[Oid, dict[BriefId, Filed]] = {}
        self._places: dict[Oid, dict[BriefId, list[Place]]] = {}
        self._products: dict[Oid, Oid] = {}

    @property
    def tip(self) -> Oid:
        """Returns the branch as the server has it."""
        tip = self._server.refs.get(BRANCH)
        assert tip is not None
        return tip

    def history(self) -> set[Oid]:
        """Returns every commit of the branch."""
        found = set()
        commit: Oid | None = self.tip
        while commit is not None:
            found.add(commit)
            parents, _ = self._objects.history(commit)
            commit = parents[0] if parents else None
        return found

    def file(self, path: str) -> str:
        """Returns the text of a file at the tip."""
        return self.file_at(self.tip, path)

    def file_at(self, commit: Oid, path: str) -> str:
        """Returns the text of a file at a commit, '' when there is none."""
        entries, oid = self._objects.tree(self.tree(commit)), Oid("")
        for part in path.split("/"):
            entry = entries.get(part)
            if entry is None:
                return ""
            oid = entry.oid
            entries = self._objects.tree(oid) if entry.is_tree else {}
        return self._objects.read(oid)[1].decode()

    def left(self) -> list[str]:
        """Returns the claims, held/ and gate/ refs that are there."""
        kinds = (f"{ROOT}/held/", f"{ROOT}/claims", f"{ROOT}/gate/")
        return [ref for ref, _ in self._server.refs.items() if ref.startswith(kinds)]

    def held(self) -> list[BriefId]:
        """Returns the briefs that somebody holds."""
        top = f"{ROOT}/held/"
        return sorted(
            BriefId(ref.removeprefix(top))
            for ref, _ in self._server.refs.items()
            if ref.startswith(top)
        )

    def live(self) -> dict[BriefId, Filed]:
        """Returns the briefs that are open, waiting or landed at the tip."""
        return self.briefs(self.tip)

    def is_broken(self, product: Oid) -> bool:
        """Tells whether a file of the tree says BROKEN."""
        for change in self._objects.diff(EMPTY_TREE, product):
            assert change.after is not None
            if b"BROKEN" in self._objects.read(change.after.oid)[1]:
                return True
        return False

    def product(self, tree: Oid) -> Oid:
        """Returns the tree without the record paths, worked out here."""
        if tree not in self._products:
            entries = dict(self._objects.tree(tree))
            entries.pop("briefs", None)
            memory = entries.pop("memory", None)
            if memory is not None:
                kept = dict(self._objects.tree(memory.oid))
                kept.pop("plan.md", None)
                kept.pop("state.md", None)
                if kept:
                    oid = self._objects.write("tree", encode(kept))
                    entries["memory"] = type(memory)("040000", oid)
            self._products[tree] = self._objects.write("tree", encode(entries))
        return self._products[tree]

    def tree(self, commit: Oid) -> Oid:
        """Returns the tree of a commit."""
        return Oid(self._objects.read(commit)[1][5:45].decode())

    def briefs(self, commit: Oid) -> dict[BriefId, Filed]:
        """Returns the briefs that are open, waiting or landed at a commit."""
        tree = self.tree(commit)
        if tree not in self._filed:
            self._filed[tree] = {f.id: f for f in self._shelves.live(tree, self._policy)}
        return self._filed[tree]

    def folders(self, commit: Oid) -> dict[BriefId, list[Place]]:
        """Returns every place in which each brief has a folder at a commit."""
        entry = self._objects.tree(self.tree(commit)).get("briefs")
        if entry is None:
            return {}
        if entry.oid not in self._places:
            found: dict[BriefId, list[Place]] = {}
            for place in Place:
                top = self._objects.tree(entry.oid).get(place.value)
                shards = [top] if top and place is Place.WAITING else []
                if top and place is not Place.WAITING:
                    shards = list(self._objects.tree(top.oid).values())
                for shard in shards:
                    for name in self._objects.tree(shard.oid):
                        found.setdefault(BriefId(name), []).append(place)
            self._places[entry.oid] = found
        return self._places[entry.oid]

    def changed_at(self, commit: Oid) -> Oid:
        """Returns the newest commit up to `commit` that changed the product (D2)."""
        while parents := self._objects.history(commit)[0]:
            if self.product(self.tree(parents[0])) != self.product(self.tree(commit)):
                break
            commit = parents[0]
        return commit
