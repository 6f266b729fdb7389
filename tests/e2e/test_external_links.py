"""`external: true` by the command line alone: the worker has no network, and its report says what the web said."""

import json
from pathlib import Path

from tests.support.command_line import in_a_process
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git, make_site, push_files
from tests.support.web_server import redirect, serving

BRIEF = """\
---
external: true
---
TASK: List every broken link of the guide.
INPUTS: docs/*.md
SCOPE: docs/; everything else is out of bounds
OUTPUT FORMAT: JSON
"""


def test_links_that_lead_out_are_looked_at_by_the_daemon(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    assert in_a_process(site.repo, "init").code == 0
    git(site.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    with serving({"/here": "here", "/old": redirect("/here", 301)}) as server:
        links = [server.url(path) for path in ("/here", "/gone", "/old")]
        links.append("https://other.example/")
        page = "".join(f"[x]({link})\n" for link in [*links, *links])
        config = f'schema = 1\n[network]\nhosts = ["{server.host}"]\n'
        push_files(site, {".orchestrator/config.toml": config, "docs/guide.md": page})
        file = tmp_path / "external.md"
        file.write_text(BRIEF)
        dropped = in_a_process(site.repo, "brief", "drop", str(file), "--json")
        assert dropped.code == 0, dropped.said
        ran = in_a_process(site.repo, "run", *UNTIL_IDLE)
        assert ran.code == 0, ran.out + ran.said
        asked = [path for _, path in server.asked]
    git(site.repo, "fetch", "--quiet")
    shown = in_a_process(site.repo, "show", dropped.json["id"], "--result")
    assert shown.code == 0, shown.said + ran.out
    rows = json.loads(shown.out)
    first = [(r["target"], r["kind"], r["suggestion"], r["why"]) for r in rows if r["line"] <= 4]
    assert first == [
        (links[1], "dead", None, "404 Not Found"),
        (links[2], "moved permanently", links[0], f"moved for good to {links[0]}"),
        (links[3], "not allowed", None, "other.example is not in [network] hosts"),
    ]
    assert len(rows) == 6
    assert sorted(asked) == [
        "/gone",
        "/gone",
        "/here",
        "/here",
        "/old",
    ]  # HEAD, and GET on an error
