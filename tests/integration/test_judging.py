"""From package to changeset over real git: honest built-in workers pass, and the two that cheat do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.tools import GitTools
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief, Input, Kind
from coordinator.domain.changeset import Changeset, Disagreement
from coordinator.domain.names import ProfileName, RecordPaths, RepoPath, TaskId
from coordinator.domain.plan import Task
from coordinator.domain.verdict import Accept, Reject, Trust
from coordinator.domain.worker import Worker
from coordinator.services.package import pack
from coordinator.services.review import judge
from coordinator.services.synthesize import synthesize
from tests.support.bad_workers import ProseEditingLinkFixer, SitemapWritingAuditor
from tests.support.judging import BRIEF, Desk, brief
from tests.support.trees import Trees
from workers.links import Links
from workers.search import Search
from workers.sitemap import Sitemap

SITE = {
    "docs/guide.md": "# Guide\n\nSee [the start](start.md) for more. Nothing is TODO.\n",
    "docs/intro/start.md": "# Start\n",
    "public/index.html": '<a href="about.html">About</a>\n',
    "public/about.html": '<a href="index.html">Home</a>\n',
    "public/sitemap.xml": (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        "  <url><loc>https://site.example/index.html</loc></url>\n"
        "</urlset>\n"
    ),
}


class RealDesk(Desk):
    """A Desk over a real bare repository, where attempts are kept as the daemon keeps them."""

    def __init__(self, git: GitProcess) -> None:
        super().__init__({})
        self.trees = Trees(git)
        self.objects = self.trees.objects
        self.attempts = GitAttempts(git, GitObjects(git, paths=RecordPaths))
        self.tree = self.trees.tree(SITE)
        self.base = self.trees.commit(self.tree)

    def done(self, worker: Worker, of: Brief, *, profile: str, number: int = 1) -> Returned:
        """Returns what `worker` returned for a package of `of`, as it was kept."""
        task = Task(id=TaskId(profile), objective=of.task, profile=ProfileName(profile))
        package = pack(
            self.sighting(of),
            task,
            attempt=number,
            base=self.base,
            world=self.world,
            objects=self.objects,
            feedback=(),
        )
        tools = GitTools(self.objects, self.tree, ("list", "glob", "read"))
        output = worker.work(package, tools)
        spec = self.returned(output.body, profile=profile, number=number).spec
        spec = spec.model_copy(update={"package": self.attempts.package(package)})
        self.attempts.keep_output(spec, output)
        return next(a for a in self.attempts.of(BRIEF) if a.spec.id == spec.id)

    def accepted(self, worker: Worker, of: Brief, *, profile: str, number: int = 1) -> Returned:
        """Returns the same with its verdict kept beside it; anything but Accept fails."""
        returned = self.done(worker, of, profile=profile, number=number)
        verdict = judge(returned, self.sighting(of, returned), self.world, objects=self.objects)
        assert isinstance(verdict, Accept), verdict
        self.attempts.keep_verdict(returned.spec.id, verdict)
        return next(a for a in self.attempts.of(BRIEF) if a.spec.id == returned.spec.id)

    def code(self, worker: Worker, of: Brief, *, profile: str) -> str:
        """Returns the code of a rejection; anything else fails."""
        returned = self.done(worker, of, profile=profile)
        verdict = judge(returned, self.sighting(of, returned), self.world, objects=self.objects)
        assert isinstance(verdict, Reject), verdict
        return verdict.code

    def together(self, of: Brief, *attempts: Returned) -> Changeset | Disagreement:
        return synthesize(self.sighting(of, *attempts), objects=self.objects)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RealDesk]:
    folder = create_private_clone(tmp_path / "private.git", remote_url=str(tmp_path / "hub.git"))
    git = GitProcess(folder, remote_url=str(tmp_path / "hub.git"))
    yield RealDesk(git)
    git.close()


def mend() -> Brief:
    asked = brief(Kind.CHANGES, scope_in=("docs",))
    return asked.model_copy(update={"task": "Mend the broken relative links of the guide."})


def audit(kind: Kind, path: str | None = None) -> Brief:
    inputs = (Input(kind="data", value="base_url: https://site.example/\nroot: public"),)
    asked = brief(kind, path=path, scope_in=("public",), inputs=inputs)
    task = "List the pages of https://site.example/ that public/sitemap.xml lacks."
    return asked.model_copy(update={"task": task})


def test_a_link_fixer_that_also_edits_prose_is_caught_and_the_honest_one_passes(
    desk: RealDesk,
) -> None:
    assert desk.code(ProseEditingLinkFixer(), mend(), profile="links") == "out-of-scope"
    honest = desk.accepted(Links(), mend(), profile="links", number=2)
    found = desk.together(mend(), honest)
    assert isinstance(found, Changeset)
    assert found.touched == ("docs/guide.md",)
    assert desk.objects.read(found.result, RepoPath("docs/guide.md")) == (
        b"# Guide\n\nSee [the start](intro/start.md) for more. Nothing is TODO.\n"
    )
    assert found.trust is Trust.VERIFIED


def test_an_auditor_that_writes_the_sitemap_is_caught_and_the_honest_one_passes(
    desk: RealDesk,
) -> None:
    for path in (None, "public/audit.md"):
        wanted = audit(Kind.LIST, path)
        assert desk.code(SitemapWritingAuditor(), wanted, profile="sitemap") == "out-of-scope"
        honest = desk.accepted(Sitemap(), wanted, profile="sitemap", number=2)
        found = desk.together(wanted, honest)
        assert isinstance(found, Changeset)
        assert (found.result, found.report_path) == (desk.tree, path)
        assert b"about.html" in (found.report or b"")
        assert desk.objects.read(found.result, RepoPath("public/sitemap.xml")) is not None


def test_the_sitemap_worker_may_mend_the_sitemap_when_that_is_asked(desk: RealDesk) -> None:
    wanted = audit(Kind.CHANGES)
    found = desk.together(wanted, desk.accepted(Sitemap(), wanted, profile="sitemap"))
    assert isinstance(found, Changeset)
    assert found.touched == ("public/sitemap.xml",)
    mended = desk.objects.read(found.result, RepoPath("public/sitemap.xml")) or b""
    assert b"about.html" in mended


def test_two_workers_who_change_different_files_are_united(desk: RealDesk) -> None:
    both = audit(Kind.CHANGES).model_copy(update={"scope_in": ("docs", "public")})
    links = desk.accepted(Links(), both, profile="links", number=1)
    sitemap = desk.accepted(Sitemap(), both, profile="sitemap", number=2)
    found = desk.together(both, links, sitemap)
    assert isinstance(found, Changeset)
    assert found.touched == ("docs/guide.md", "public/sitemap.xml")
    assert desk.objects.diff(desk.tree, found.result) == tuple(
        change
        for result in (links.result, sitemap.result)
        for change in desk.objects.diff(desk.tree, result or desk.tree)
    )


def test_every_kind_that_the_search_worker_returns_has_its_shape(desk: RealDesk) -> None:
    for number, kind in enumerate((Kind.LIST, Kind.JSON, Kind.TABLE, Kind.REPORT), 1):
        for pattern in ("/TODO/", "/no such word/"):
            wanted = brief(kind).model_copy(update={"task": f"Find {pattern} in every file."})
            attempt = 2 * number + (pattern == "/TODO/")
            desk.accepted(Search(), wanted, profile="search", number=attempt)
