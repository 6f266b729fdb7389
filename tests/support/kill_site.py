"""A coordinated site whose daemon is killed at a fault point: made once, copied for each case, then judged."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.cells import house_rule
from tests.support.patience import COMMAND_S_MAX, PATIENCE_S
from tests.support.repos import Site, git, make_site, push_files

LEASE_S = 1.5  # what dead coordinators hold is free after this long

_CONFIG = f"""\
schema = 1

[daemon]
interval_s = 1.0
remote_poll_s = 0.3
lease_s = {LEASE_S}
record_interval_s = 0.05
follow_checkout = {{follow}}

[landing]
unverified = "land"
protected = ["docs/**"]

{house_rule()}
[[gate]]
name = "fine"
run = "true"

[environments.site]
kind = "directory"
path = "../live/site"
health_polls = 1
poll_s = 0.05
"""

_PAGES = {
    f"public/{name}.html": f"<html><head><title>{name}</title></head><body>{name}</body></html>\n"
    for name in ("index", "about", "news")
}
_SITEMAP = """\
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url><loc>https://example.org/</loc></url>
  <url><loc>https://example.org/gone.html</loc></url>
</urlset>
"""
FILES: Mapping[str, str] = {
    **_PAGES,
    "public/sitemap.xml": _SITEMAP,
    "shop/index.html": _PAGES["public/index.html"],
    "shop/sitemap.xml": _SITEMAP,
    "docs/guide.md": "# Guide\n\nSee [the other](other.md) and [faq](faq.md#ask).\n",
    "docs/more/other.md": "# Other\n",
    "docs/faq.md": "# FAQ\n\n## Ask\n",
    "notes.txt": "a" * 60 + "b\n",
}

SITEMAP = """\
---
deploy: site
---
TASK: Add the pages that are missing from the sitemap and remove dead ones.
INPUTS: public/sitemap.xml, public/**/*.html
SCOPE: public/sitemap.xml; out of bounds: public/*.html
OUTPUT FORMAT: changes to public/sitemap.xml
DO NOT: touch any page
"""
BOTH = """\
---
worker: [links, sitemap]
---
TASK: Fix broken relative links in the guide and mend the sitemap of the shop.
INPUTS: docs/guide.md, shop/sitemap.xml, shop/*.html
SCOPE: docs/guide.md, shop/sitemap.xml; everything else is out of bounds
OUTPUT FORMAT: changes to docs/guide.md and shop/sitemap.xml
DO NOT: touch prose
"""
MALFORMED = "TASK: do it\n"
PUSHED = """\
TASK: List every broken relative link in the docs.
INPUTS: docs/**/*.md
SCOPE: docs/; everything else is out of bounds
OUTPUT FORMAT: a markdown table
DO NOT: change files
"""
ENDLESS = """\
TASK: Find every line that matches /(a+)+$/ in the notes.
INPUTS: notes.txt
SCOPE: notes.txt; everything else is out of bounds
OUTPUT FORMAT: a list
DO NOT: change files
"""
"""A brief whose worker does not come to an end in the time of a test."""

BRIEFS: Mapping[str, str] = {
    "sitemap": SITEMAP,
    "both": BOTH,
    "malformed": MALFORMED,
}

_PATIENCE = ("--timeout", str(PATIENCE_S))


@dataclass(frozen=True, slots=True)
class Ended:
    """How one command ended; a negative code is the signal that killed it."""

    code: int
    out: str
    said: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Returns the events of `run --json`; a line that was being written at a kill is left out."""
        whole = self.out.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole]


@dataclass(frozen=True, slots=True)
class KillSite:
    """The user's checkout `repo`, the bare `hub` and what is live, side by side in `folder`.

    Without `both`, the brief of that name is not there: it is half of the work.
    """

    folder: Path
    both: bool = True

    @property
    def repo(self) -> Path:
        """Returns the user's checkout."""
        return self.folder / "repo"

    @property
    def hub(self) -> Path:
        """Returns the bare remote."""
        return self.folder / "hub.git"

    @property
    def live(self) -> Path:
        """Returns the folder that the environment `site` ships to."""
        return self.folder / "live" / "site"

    @property
    def inbox(self) -> Path:
        """Returns the inbox folder."""
        return self.repo / "briefs" / "inbox"

    @property
    def run_folder(self) -> Path:
        """Returns what may be deleted at any moment."""
        return self.repo / ".orchestrator" / "run"

    def drop(self, name: str, text: str) -> None:
        """Puts a brief into the inbox folder, old enough to be read at the first look."""
        path = self.inbox / f"{name}.md"
        path.write_text(text)
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def command(self, *arguments: str, fault: str | None = None) -> Ended:
        """Runs one command in the checkout to its end, or to its death at `fault`."""
        finished = warm.run(
            ("-C", str(self.repo), *arguments),
            cwd=self.folder,
            env=_environment(fault),
            timeout=COMMAND_S_MAX,
        )
        return Ended(finished.returncode, finished.stdout.decode(), finished.stderr.decode())

    def run(self, fault: str | None = None) -> Ended:
        """Runs the daemon until idle, or until it dies at `fault`."""
        return self.command("run", "--json", "--until-idle", *_PATIENCE, fault=fault)

    @contextmanager
    def daemon(self, fault: str) -> Iterator["warm.WarmProcess | subprocess.Popen[str]"]:
        """Runs the daemon beside the test, which reads its events; it is dead afterwards."""
        with warm.start(
            ("-C", str(self.repo), "run", "--json", *_PATIENCE),
            cwd=self.folder,
            env=_environment(fault),
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def forget(self) -> None:
        """Deletes the whole run folder."""
        shutil.rmtree(self.run_folder)

    def owned(self) -> dict[str, str]:
        """Returns a digest of everything that is the user's: work tree, index, stash, branches, settings."""
        found = {}
        for top, folders, files in os.walk(self.repo):
            here = Path(top)
            kept = {here / name for name in folders} - {self.inbox, self.run_folder}
            folders[:] = sorted(path.name for path in kept)
            for name in files:
                path = here / name
                content = path.read_bytes()
                found[str(path.relative_to(self.repo))] = hashlib.sha256(content).hexdigest()
        return found


def make_kill_site(folder: Path, *, follow: bool = False, both: bool = True) -> KillSite:
    """Returns a copy of a coordinated site with briefs dropped, and one on an inbox/* branch.

    Without `follow` the user has changed a file, staged another and stashed a third.
    """
    template = _template(follow)
    for name in ("repo", "hub.git"):
        shutil.copytree(template / name, folder / name, symlinks=True)
    config = folder / "repo" / ".git" / "config"
    config.write_text(config.read_text().replace(str(template), str(folder)))
    site = KillSite(folder, both)
    if not both:
        (site.inbox / "both.md").unlink()
    return site


def plant_orphan(site: KillSite) -> None:
    """Leaves on the hub what a torn acquire leaves: a claim on a path whose holder is not there."""
    said = json.dumps({"path": "docs", "acq": "ac0ffee000000000", "brief": "gone-00000000"})
    blob = git(site.hub, "hash-object", "-w", "--stdin", stdin=said.encode())
    git(site.hub, "update-ref", "refs/orchestrator/claims/docs", blob)


@functools.lru_cache(maxsize=2)
def _template(follow: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kill-site-", dir=os.environ["HOME"]))
    make_site(folder, FILES)
    site = KillSite(folder)
    _done(site.command("init"))
    config = _CONFIG.format(follow=str(follow).lower())
    push_files(Site(site.repo, site.hub), {".orchestrator/config.toml": config}, "config")
    pushed = folder / "pushed.md"
    pushed.write_text(PUSHED)
    _done(site.command("brief", "drop", str(pushed), "--remote"))
    for name, text in BRIEFS.items():
        site.drop(name, text)
    if not follow:
        _work_on(site.repo)
    return folder


def _work_on(repo: Path) -> None:
    """Leaves a checkout as people leave it: a stash, something staged, something changed."""
    (repo / "docs" / "faq.md").write_text("# FAQ\n\nlater\n")
    git(repo, "stash", "push", "--quiet")
    (repo / "public" / "news.html").write_text("staged\n")
    git(repo, "add", "public/news.html")
    (repo / "public" / "sitemap.xml").write_text("changed\n")
    (repo / "new.txt").write_text("untracked\n")


def _done(ended: Ended) -> None:
    assert ended.code == 0, ended


def _environment(fault: str | None) -> dict[str, str]:
    found = dict(os.environ)
    if fault is not None:
        found["COORDINATOR_FAULT"] = fault
    return found
