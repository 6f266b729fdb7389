"""A repository in memory whose briefs are taken in for real: notes are applied to its trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from coordinator.adapters import note_trees
from coordinator.domain import reply as reply_text
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import identify, identify_text, parse
from coordinator.domain.names import (
    ZERO,
    BriefId,
    Digest,
    Environment,
    Epoch,
    Oid,
    Place,
    RepoPath,
    digest,
)
from coordinator.domain.note import Note
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Command, Policy, Target
from coordinator.domain.profiles import BUILT_IN
from coordinator.domain.reply import Reply
from coordinator.domain.request import (
    Answer,
    Approve,
    Cancel,
    Drop,
    Origin,
    Refuse,
    Request,
    Retry,
)
from coordinator.domain.world import Filed, Sighting, World
from coordinator.ports import SecretHit
from coordinator.services import intake
from coordinator.services.intake import Assessment, Decision, Record
from tests.support.trees import Content, Trees

FILES: dict[str, Content] = {
    "README.md": "# Site\n",
    "docs/index.md": "[guide](guide.md)\n",
    "docs/guide.md": "# Guide\n",
    "public/index.html": "<a href='about.html'>about</a>\n",
    "public/about.html": "<p>about</p>\n",
    "public/sitemap.xml": "<urlset></urlset>\n",
    "vendor/lib": ("160000", b"1" * 40),
    "assets/logo.png": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
}
POLICY = Policy(
    profiles=BUILT_IN,
    checks=(Command(name="links", run="true"),),
    environments=(Target(environment=Environment("production"), kind="directory", path="/tmp/x"),),
    digest="sha256:" + "c" * 64,
)
BY = "Ada <ada@example.org>"


class NoSecrets:
    """Finds a secret wherever a text says SECRET."""

    def scan(self, text: str) -> tuple[SecretHit, ...]:
        lines = enumerate(text.split("\n"), start=1)
        return tuple(SecretHit(number, "Test Token") for number, line in lines if "SECRET" in line)


@dataclass
class House:
    """One repository, its policy and its inbox."""

    policy: Policy = POLICY
    trees: Trees = field(default_factory=Trees)
    tip: Oid = field(init=False)
    inbox: list[Request] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.tip = self.trees.commit(self.trees.tree(FILES))

    @property
    def tree(self) -> Oid:
        return self.trees.objects.tree_of(self.tip)

    def commit(self, files: Mapping[str, Content]) -> None:
        self.tip = self.trees.commit(self.trees.tree(files, on=self.tree), self.tip)

    def world(self) -> World:
        briefs = {s.filed.id: s for s in self._sightings()}
        terminal = {i: p for p in (Place.DONE, Place.REJECTED) for i, _ in self.folders(p)}
        bare = World.at(self.tip, self.policy, epoch=Epoch("e1"))
        return replace(bare, inbox=tuple(self.inbox), briefs=briefs, terminal=terminal)

    def check(self, name: str, text: str | bytes) -> Assessment:
        content = text.encode() if isinstance(text, str) else text
        return intake.assess(
            name, content, self.world(), objects=self.trees.objects, secrets=NoSecrets()
        )

    def judge(self, *requests: Request) -> tuple[Decision, ...]:
        return intake.judge(
            requests,
            self.world(),
            objects=self.trees.objects,
            secrets=NoSecrets(),
            timestamp=1_700_000_000,
        )

    def take_in(self, *requests: Request) -> tuple[Decision, ...]:
        """Judges, and applies every note as the committer would."""
        decisions = self.judge(*requests)
        for decision in decisions:
            if isinstance(decision, Record):
                assert self.publish(decision.note), "a note that was just judged holds"
        return decisions

    def publish(self, note: Note) -> bool:
        tree = note_trees.apply(
            note, self.tree, objects=self.trees.objects, paths=self.policy.paths
        )
        if tree is not None:
            self.tip = self.trees.commit(tree, self.tip)
        return tree is not None

    def place(self, brief: BriefId) -> Place | None:
        found = [p for p in Place for i, _ in self.folders(p) if i == brief]
        assert len(found) < 2, "a brief is in one place"
        return found[0] if found else None

    def file(self, brief: BriefId, name: str) -> str | None:
        place = self.place(brief)
        assert place is not None
        folder = self.policy.paths.folder(place, brief)
        content = self.trees.objects.read(self.tree, RepoPath(f"{folder}/{name}"))
        return None if content is None else content.decode()

    def reply(self, brief: BriefId) -> Reply:
        said = reply_text.parse((self.file(brief, "reply.md") or "").encode())
        assert said is not None
        return said

    def plan(self, brief: BriefId) -> Plan:
        return Plan.model_validate_json(self.file(brief, "plan.json") or "")

    def folders(self, place: Place) -> list[tuple[BriefId, Oid]]:
        objects = self.trees.objects
        top = objects.entry(self.tree, RepoPath(f"{self.policy.paths.briefs}/{place.value}"))
        if top is None:
            return []
        below = [(n, e.oid) for n, e in objects.listing(top.oid).items() if e.is_tree]
        if place is not Place.WAITING:
            below = [(n, e.oid) for _, o in below for n, e in objects.listing(o).items()]
        return [(BriefId(name), oid) for name, oid in below]

    def move(self, brief: BriefId, to: Place, files: Mapping[str, Content]) -> None:
        """Puts a brief elsewhere, as later verbs would."""
        old = self.place(brief)
        assert old is not None
        was = self.policy.paths.folder(old, brief)
        objects = self.trees.objects
        folder = objects.entry(self.tree, was)
        tree = objects.edit(self.tree, {was: None, self.policy.paths.folder(to, brief): folder})
        new = self.policy.paths.folder(to, brief)
        tree = self.trees.tree({f"{new}/{name}": c for name, c in files.items()}, on=tree)
        self.tip = self.trees.commit(tree, self.tip)

    def _sightings(self) -> Sequence[Sighting]:
        found = []
        for place in (Place.OPEN, Place.WAITING, Place.LANDED):
            for number, (brief, folder) in enumerate(self.folders(place)):
                filed = self._filed(brief, place, folder)
                found.append(
                    Sighting(filed=filed, order=number, age_s=0.0, attempts=(), claim=None)
                )
        return found

    def _filed(self, brief: BriefId, place: Place, folder: Oid) -> Filed:
        objects = self.trees.objects
        files = {name: entry.oid for name, entry in objects.listing(folder).items()}
        plan = (
            Plan.model_validate_json(objects.content(files["plan.json"]))
            if "plan.json" in files
            else None
        )
        said = reply_text.parse(objects.content(files["reply.md"])) if "reply.md" in files else None
        name = (plan.name if plan else "") or (said.name if said else brief.rpartition("-")[0])
        value = parse(objects.content(files["brief.md"]), name=name)
        assert isinstance(value, Brief)
        return Filed(
            id=brief,
            place=place,
            folder=folder,
            blob=files.get("brief.md", ZERO),
            digest=identify(value).digest,
            brief=value,
            plan=plan,
            reply=said,
        )


def drop(name: str, text: str | bytes, *, source: str = "folder", by: str = BY) -> Drop:
    content = text.encode() if isinstance(text, str) else text
    named = f"{name}.md" if source == "folder" else name
    return Drop(name=name, text=content, origin=_origin(source, named, content, by))


def dropped_id(request: Drop) -> BriefId:
    return identify_text(request.name, request.text).id


def answer(brief: BriefId, question: str, text: str) -> Answer:
    return Answer(brief=brief, question=question, text=text, origin=_request("answer", text))


def approve(brief: BriefId, changeset: str) -> Approve:
    said = _request("approve", changeset)
    return Approve(brief=brief, changeset=Digest(changeset), origin=said)


def refuse(brief: BriefId, reason: str) -> Refuse:
    return Refuse(brief=brief, reason=reason, origin=_request("reject", reason))


def cancel(brief: BriefId) -> Cancel:
    return Cancel(brief=brief, origin=_request("cancel", brief))


def retry(brief: BriefId, token: str = "") -> Retry:
    return Retry(brief=brief, origin=_request("retry", brief + token))


def _request(verb: str, said: str) -> Origin:
    return _origin("folder", f"{verb}-1.request.json", f"{verb} {said}".encode(), BY)


def _origin(source: str, name: str, content: bytes, by: str) -> Origin:
    assert source in ("folder", "branch", "plan")
    return Origin(source=source, name=name, by=by, token=digest(content))  # type: ignore[arg-type]
