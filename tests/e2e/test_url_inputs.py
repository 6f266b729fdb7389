"""URLs in INPUTS by the command line alone: fetched into the package, asked about, refused."""

import json
from pathlib import Path
from typing import Any

from tests.support.command_line import in_a_process
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import Site, git, make_site, push_files
from tests.support.web_server import Page, serving

BRIEF = """\
TASK: Find every mention of `Guide` in the docs.
INPUTS: docs/*.md, {url}
SCOPE: docs/; everything else is out of bounds
OUTPUT FORMAT: a list
DO NOT: change files
"""
RUN = ("run", *UNTIL_IDLE)


def site_at(folder: Path, host: str) -> Site:
    site = make_site(folder)
    assert in_a_process(site.repo, "init").code == 0
    git(site.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    push_files(site, {".orchestrator/config.toml": f'schema = 1\n[network]\nhosts = ["{host}"]\n'})
    return site


def drop(site: Site, folder: Path, url: str) -> str:
    file = folder / "mentions.md"
    file.write_text(BRIEF.format(url=url))
    dropped = in_a_process(site.repo, "brief", "drop", str(file), "--json")
    assert dropped.code == 0, dropped.said
    found: str = dropped.json["id"]
    return found


def run(site: Site) -> dict[str, Any]:
    ran = in_a_process(site.repo, *RUN)
    assert ran.code == 0, ran.out + ran.said
    git(site.repo, "fetch", "--quiet")
    found: dict[str, Any] = in_a_process(site.repo, "status", "--json").json["briefs"][0]
    return found


def packages(site: Site, brief: str) -> list[dict[str, Any]]:
    """Returns the URL input of each package that was kept, oldest attempt first."""
    refs = git(
        site.hub, "for-each-ref", "--format=%(refname)", f"refs/orchestrator/attempts/{brief}"
    )
    numbered = sorted(refs.splitlines(), key=lambda ref: int(ref.rpartition("-")[2]))
    said = [json.loads(git(site.hub, "show", f"{ref}:package.json")) for ref in numbered]
    return [one for package in said for one in package["input_data"] if one["kind"] == "url"]


def test_what_a_url_held_is_kept_with_the_attempt(tmp_path: Path) -> None:
    with serving({"/notes": "Notes on Guide"}) as server:
        site = site_at(tmp_path, server.host)
        brief = drop(site, tmp_path, server.url("/notes"))
        assert run(site)["state"] == "completed"
        (kept,) = packages(site, brief)
    assert kept["content"] == "Notes on Guide"
    assert kept["label"].startswith("200 OK, text/html, 14 bytes, sha256:")


def test_what_cannot_be_fetched_is_asked_about_and_no_worker_starts(tmp_path: Path) -> None:
    pages: dict[str, Page] = {}
    with serving(pages) as server:
        site = site_at(tmp_path, server.host)
        brief = drop(site, tmp_path, server.url("/notes"))
        first = run(site)
        assert (first["state"], first["held"]) == ("input_required", "question")
        (asked,) = first["questions"]
        assert f"{server.url('/notes')} (404 Not Found)" in asked["text"]
        assert in_a_process(site.repo, "answer", brief, asked["id"], "try again").code == 0
        second = run(site)
        (again,) = second["questions"]
        assert again["id"] != asked["id"]
        server.pages["/notes"] = "back"
        assert in_a_process(site.repo, "answer", brief, again["id"], "try again").code == 0
        assert run(site)["state"] == "completed"
        kept = packages(site, brief)
    assert [one["content"] for one in kept] == [None, None, "back"]
    assert kept[0]["label"] == "not fetched: 404 Not Found"


def test_who_says_go_on_gets_the_work_done_without_it(tmp_path: Path) -> None:
    with serving({}) as server:
        site = site_at(tmp_path, server.host)
        brief = drop(site, tmp_path, server.url("/notes"))
        (asked,) = run(site)["questions"]
        assert in_a_process(site.repo, "answer", brief, asked["id"], "go on").code == 0
        assert run(site)["state"] == "completed"
        kept = packages(site, brief)
    assert [one["label"] for one in kept] == ["not fetched: 404 Not Found"] * 2


def test_a_host_that_is_not_listed_is_refused_at_intake(tmp_path: Path) -> None:
    site = site_at(tmp_path, "example.org")
    file = tmp_path / "mentions.md"
    file.write_text(BRIEF.format(url="https://other.example/notes"))
    said = in_a_process(site.repo, "brief", "check", str(file), "--json")
    assert (said.code, said.json["verdict"]) == (1, "rejected")
    (fault,) = said.json["faults"]
    assert (fault["code"], fault["line"]) == ("ungranted-url", 2)
