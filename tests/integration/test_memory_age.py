"""Whether what an entry rests on is still so, on real git, and as the command says it."""

from pathlib import Path

import pytest

from coordinator.domain.memory_md import parse
from tests.support.command_line import in_a_process
from tests.support.repos import SITE, Site, commit_files, git, make_site, push_files


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", SITE)


def entry(name: str, commit: str, fields: str = "") -> str:
    return f"## {name}\n\nid: {name}; date: 2026-03-01; commit: {commit}{fields}\n\nSo it is.\n\n"


def states(site: Site) -> dict[str, tuple[str, str]]:
    """Returns what `memory check` says in a plain clone."""
    clone = site.repo.parent / "clone"
    git(site.repo.parent, "clone", "--quiet", str(site.hub), str(clone))
    found = in_a_process(clone, "memory", "check", "--json")
    rows = found.json["entries"]
    fresh = all(row["state"] == "fresh" for row in rows) and not found.json["faults"]
    assert found.code == (0 if fresh else 1)
    return {row["id"]: (row["state"], row["why"]) for row in rows}


def test_an_entry_is_fresh_until_a_path_that_it_cites_changes(site: Site) -> None:
    start = site.tip
    short = start[:12]
    text = (
        entry("guide", start, "; paths: docs/guide.md")
        + entry("pages", start, "; paths: public/*.html")
        + entry("all-pages", start, "; paths: public")
        + entry("readme", start, "; paths: README.md")
        + entry("nothing", start)
        + entry("lost", start, "; paths: docs/lost.md")
        + entry("elsewhere", "0" * 40)
        + entry("newer", start, "; paths: README.md; supersedes: nothing")
    )
    changed = {
        "docs/guide.md": "another\n",
        "public/about.html": "another\n",
        "memory/decisions.md": text,
    }
    push_files(site, changed)
    assert states(site) == {
        "guide": ("stale", f"docs/guide.md changed since {short}"),
        "pages": ("stale", f"public/*.html changed since {short}"),
        "all-pages": ("stale", f"public changed since {short}"),
        "readme": ("fresh", ""),
        "nothing": ("superseded", "newer stands in its place"),
        "lost": ("dangling", f"docs/lost.md is not there, and was not at {short}"),
        "elsewhere": ("dangling", f"{'0' * 40} is not in this repository"),
        "newer": ("fresh", ""),
    }


def test_what_is_gone_is_stale_and_handoffs_are_looked_at_too(site: Site) -> None:
    start = site.tip
    said = entry("handoff", start, "; paths: public/sitemap.xml")
    files = {"public/sitemap.xml": None, "memory/handoffs/2026-03-01.md": said}
    push_files(site, files)
    assert states(site) == {
        "handoff": ("stale", f"public/sitemap.xml is gone since {start[:12]}"),
    }


def test_what_the_own_brief_of_an_entry_landed_is_no_change(site: Site) -> None:
    start = site.tip
    own = "; paths: docs/guide.md; brief: guide-3fa29c01"
    landing = "land guide-3fa29c01: mended\n\nBrief-Id: guide-3fa29c01\nFormat: 1\n"
    commit_files(site.repo, {"docs/guide.md": "mended\n"}, landing)
    push_files(site, {"memory/decisions.md": entry("mine", start, own)})
    assert states(site) == {"mine": ("fresh", "")}


def test_what_cannot_be_read_is_said_with_its_line_and_is_not_fresh(site: Site) -> None:
    push_files(site, {"memory/lessons.md": "# Lessons\n\n## One\n\nid: one\n"})
    found = in_a_process(site.repo, "memory", "check")
    assert found.code == 1
    assert found.out == "unreadable  memory/lessons.md:5  date is missing\n"


def test_without_memory_there_is_nothing_to_say(site: Site) -> None:
    found = in_a_process(site.repo, "memory", "check")
    assert (found.code, found.out) == (0, "nothing is remembered yet.\n")


def test_a_handoff_is_the_same_page_in_every_clone_and_an_entry_itself(site: Site) -> None:
    said = entry("index", site.tip, "; paths: docs/guide.md") + entry("old", site.tip)
    lesson = entry("mend", site.tip, "; supersedes: old; kind: links")
    state = "# State\n\nThe old guide is frozen.\n\n## Ours\n"
    landing = "land guide-3fa29c01: mend the guide\n\nBrief-Id: guide-3fa29c01\nFormat: 1\n"
    commit_files(site.repo, {"docs/guide.md": "mended\n"}, landing)
    files = {
        "memory/decisions.md": said,
        "memory/lessons.md": lesson,
        "memory/state.md": state,
    }
    push_files(site, files)
    page = in_a_process(site.repo, "handoff")
    assert page.code == 0, page.said
    clone = site.repo.parent / "newcomer"
    git(site.repo.parent, "clone", "--quiet", str(site.hub), str(clone))
    assert in_a_process(clone, "handoff").out == page.out
    (kept,) = parse(page.out).entries
    assert kept.commit == site.tip
    assert "> The old guide is frozen." in kept.prose
    assert "guide-3fa29c01: mend the guide" in kept.prose
    assert "(index, 2026-03-01; on docs/guide.md) (stale: docs/guide.md changed" in kept.prose
    assert "(mend, 2026-03-01)" in kept.prose
    assert "(old, " not in kept.prose
    push_files(site, {"memory/handoffs/2026-03-01.md": page.out})
    assert states(site)[kept.id] == ("fresh", "")
