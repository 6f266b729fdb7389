"""One brief, one output, one verdict: what tests of review and synthesis set out from."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coordinator.domain.attempt import AttemptId, Returned, Spec
from coordinator.domain.brief import Brief, Criterion, Kind, OutputFormat, Prohibition
from coordinator.domain.check import CheckResult
from coordinator.domain.names import (
    BriefId,
    Digest,
    Epoch,
    Oid,
    Place,
    ProfileName,
    RepoPath,
    TaskId,
    digest,
)
from coordinator.domain.output import Body, Changes, CouldNot, Edit, Output, Report
from coordinator.domain.plan import Plan, Task
from coordinator.domain.policy import Command, Policy, Profile
from coordinator.domain.verdict import Accept, Reject, Revise, Trust
from coordinator.domain.world import Filed, Sighting, World
from coordinator.services.review import Judged, judge
from tests.support.trees import Content, Trees

BRIEF = BriefId("tidy-3fa29c01")
EPOCH = Epoch("e1")
PROFILES = tuple(
    Profile(
        name=ProfileName(name),
        capabilities=frozenset({name} if name != "stranger" else ()),
        tools=frozenset({"read", "list"}),
    )
    for name in ("sitemap", "links", "search", "stranger")
)
CHECKS = (
    Command(name="links", run="make links"),
    Command(name="css", run="make css", paths=("css/**",)),
)


def prohibition(kind: str, value: str = "") -> Prohibition:
    return Prohibition.model_validate({"kind": kind, "value": value, "text": f"{kind} {value}"})


def criterion(kind: str, value: str = "") -> Criterion:
    return Criterion.model_validate({"kind": kind, "value": value, "text": f"{kind}: {value}"})


def brief(kind: Kind = Kind.CHANGES, *, path: str | None = None, **fields: Any) -> Brief:
    wanted = OutputFormat(
        text=kind.value,
        kind=kind,
        path=RepoPath(path) if path else None,
        json_schema=fields.pop("json_schema", None),
    )
    return Brief(name="tidy", task="Tidy the pages of the site.", output_format=wanted, **fields)


def report(text: str) -> Report:
    return Report(text=text)


def could_not(why: str, text: str = "because") -> CouldNot:
    return CouldNot.model_validate({"why": why, "text": text})


class Desk:
    """A base tree in memory, and outputs on it."""

    def __init__(self, files: Mapping[str, Content], policy: Policy | None = None) -> None:
        self.trees = Trees()
        self.objects = self.trees.objects
        self.tree = self.trees.tree(files)
        self.base = self.trees.commit(self.tree)
        self.policy = policy or Policy(profiles=PROFILES, checks=CHECKS)
        self.checks: dict[Digest, CheckResult] = {}

    def changed(self, files: Mapping[str, Content], *, summary: str = "Tidied.") -> "Changed":
        """Returns changes whatever the edits of an output can say: links and submodules too."""
        return Changed(self.trees.tree(files, on=self.tree), files, summary)

    def returned(
        self, body: "Body | Changed", *, profile: str = "stranger", number: int = 1
    ) -> Returned:
        said = body.body if isinstance(body, Changed) else body
        result = body.result if isinstance(body, Changed) else None
        spec = Spec(
            id=AttemptId(brief=BRIEF, epoch=EPOCH, number=number),
            round=1,
            task=TaskId(profile),
            profile=ProfileName(profile),
            base=self.base,
            package=Oid("0" * 40),
            wall_clock_s_max=10,
        )
        return Returned(
            spec=spec, commit=self.base, output=Output(body=said), result=result, verdict=None
        )

    def sighting(self, of: Brief, *attempts: Returned, **plan: Any) -> Sighting:
        tasks = tuple(
            Task(id=a.spec.task, objective=of.task, profile=a.spec.profile)
            for a in {a.spec.task: a for a in attempts}.values()
        )
        filed = Filed(
            id=BRIEF,
            place=Place.OPEN,
            folder=Oid("0" * 40),
            blob=Oid("0" * 40),
            digest=digest(b""),
            brief=of,
            plan=Plan(tasks=tasks, **plan),
            reply=None,
        )
        return Sighting(filed=filed, order=1, age_s=0, attempts=attempts, claim=None)

    @property
    def world(self) -> World:
        return replace(World.at(self.base, self.policy, epoch=EPOCH), checks=self.checks)

    def judged(self, of: Brief, body: "Body | Changed", *, profile: str = "stranger") -> Judged:
        returned = self.returned(body, profile=profile)
        sighting = self.sighting(of, returned)
        return judge(returned, sighting, self.world, objects=self.objects)

    def rejected(self, of: Brief, body: "Body | Changed", *, profile: str = "stranger") -> str:
        """Returns the code of a rejection; anything else fails."""
        verdict = self.judged(of, body, profile=profile)
        assert isinstance(verdict, Reject), verdict
        return verdict.code

    def revised(
        self, of: Brief, body: "Body | Changed", *, profile: str = "stranger"
    ) -> tuple[str, ...]:
        """Returns the feedback of a revision; anything else fails."""
        verdict = self.judged(of, body, profile=profile)
        assert isinstance(verdict, Revise), verdict
        return verdict.feedback

    def trusted(self, of: Brief, body: "Body | Changed", *, profile: str = "stranger") -> Trust:
        """Returns the trust of an accepted output; anything else fails."""
        verdict = self.judged(of, body, profile=profile)
        assert isinstance(verdict, Accept), verdict
        return verdict.trust


class Changed:
    """A resulting tree, and the output that claims it."""

    def __init__(self, result: Oid, files: Mapping[str, Content], summary: str) -> None:
        self.result = result
        edits = tuple(_edit(path, content) for path, content in files.items())
        self.body = Changes(edits=edits, summary=summary)


def _edit(path: str, content: Content) -> Edit:
    """Returns the edit that says so, as far as an edit can."""
    mode = "100644"
    if isinstance(content, tuple):
        mode, content = ("100755" if content[0] == "100755" else "100644"), content[1]
    raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    told = None if raw is None else base64.b64encode(raw).decode()
    name = RepoPath(path.encode("utf-8", "backslashreplace").decode())
    return Edit.model_validate({"path": name, "mode": mode, "content_b64": told})
