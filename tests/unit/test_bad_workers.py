"""The two workers that break a promise on purpose really do break it, so that what catches them is tested."""

import base64

from coordinator.domain.link_criterion import differs
from coordinator.domain.output import Changes
from tests.support.bad_workers import ProseEditingLinkFixer, SitemapWritingAuditor
from tests.support.memory_tools import MemoryTools, package
from workers.links import Links

PAGE = "# A\n\n[b](B.md) is worth a look.\n"
FILES: dict[str, str | bytes] = {"a.md": PAGE, "b.md": ""}


def _after(body: object) -> bytes:
    assert isinstance(body, Changes)
    return base64.b64decode(body.edits[0].content_b64 or "")


def test_the_link_fixer_that_edits_prose_is_told_from_the_honest_one() -> None:
    asked = package("Mend the links.", kind="changes")
    honest = _after(Links().work(asked, MemoryTools(FILES)).body)
    bad = _after(ProseEditingLinkFixer().work(asked, MemoryTools(FILES)).body)
    assert differs("a.md", PAGE.encode(), honest) is None
    assert differs("a.md", PAGE.encode(), bad) is not None


def test_the_auditor_that_was_asked_for_a_report_writes_a_sitemap() -> None:
    files = {
        "sitemap.xml": "<urlset><url><loc>https://e.org/</loc></url></urlset>",
        "index.html": "",
    }
    asked = package("Audit the sitemap.", kind="list")
    for tree in (files, {**files, "new.html": ""}):
        body = SitemapWritingAuditor().work(asked, MemoryTools(tree)).body
        assert isinstance(body, Changes)
        assert [edit.path for edit in body.edits] == ["sitemap.xml"]
