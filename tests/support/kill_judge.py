"""What must hold of a site however often its daemon was killed, once it has come to rest."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from tests.support.kill_site import KillSite
from tests.support.repos import assert_whole, git

LANDING = ("pushed", "sitemap")
_PLACES = {
    "pushed": "done",
    "sitemap": "done",
    "both": "waiting",
    "malformed": "rejected",
}
_REPLIES = {
    "sitemap": "completed",
    "both": "input_required",
    "malformed": "rejected",
}
_RECORDED_ONCE = (
    "accept pushed",
    "accept sitemap",
    "reject malformed",
    "accept both",
    "hold both",
)


def judge(site: KillSite) -> None:
    """Asserts that every brief came to its end once, and that nothing is left of the way there."""
    history(site)
    folders(site)
    no_claims(site)
    nothing_broken(site)
    deployed(site)
    answered(site)
    journal(site)


def history(site: KillSite) -> None:
    """Each brief is accepted, held, refused and landed exactly once, on one straight line."""
    told = [
        one.split("\t", 1) for one in git(site.hub, "log", "--format=%P%x09%s", "main").splitlines()
    ]
    assert all(" " not in parents for parents, _ in told), told
    lines = [said for _, said in told]
    # `land links-bb96f590: 1 row` -> `land links`; the first `accept coordinator` is the one of init.
    seen = Counter(line.partition(":")[0].rpartition("-")[0] for line in lines if "-" in line)
    for what in (
        *(_RECORDED_ONCE if site.both else _RECORDED_ONCE[:-2]),
        *(f"land {name}" for name in LANDING),
    ):
        assert seen[what] == 1, (what, lines)
    assert not [what for what in seen if what.startswith("land ") and what[5:] not in LANDING], (
        lines
    )
    assert [line for line in lines if line.startswith("deploy site:")] == [
        line for line in lines if line.endswith(" is live")
    ], lines


def folders(site: KillSite) -> None:
    """At every commit a brief has one folder at most; at the tip each is where it belongs."""
    files = set[str]()
    for commit, gone, come in _steps(site.hub):
        files = (files - gone) | come
        found = _folders(files)
        twice = [name for name, number in Counter(n for n, _ in found).items() if number > 1]
        assert not twice, (commit, found)
    tip = set(git(site.hub, "ls-tree", "-r", "--name-only", "main", "briefs").splitlines())
    assert files == tip
    there = dict(_folders(tip))
    wanted = _wanted(site, _PLACES)
    assert {name: there.get(name) for name in wanted} == wanted, there


def no_claims(site: KillSite) -> None:
    """Nobody holds anything, no gate and no pushed request is left."""
    left = git(
        site.hub,
        "for-each-ref",
        "--format=%(refname)",
        *(f"refs/orchestrator/{kind}" for kind in ("claims", "held", "gate")),
        "refs/heads/inbox",
    )
    assert left == "", left


def nothing_broken(site: KillSite) -> None:
    """Both repositories of ours are whole, and no lock is left."""
    for repository in (site.hub, site.run_folder / "repo.git"):
        assert_whole(repository)


def deployed(site: KillSite) -> None:
    """What is live is the landing that asked for it, and the deploy ref says so."""
    landing = _landing(site.hub, "sitemap")
    assert (site.live / ".coordinator-revision").read_text().strip() == landing
    assert "example.org/about.html" in (site.live / "public" / "sitemap.xml").read_text()
    said = json.loads(git(site.hub, "cat-file", "blob", "refs/orchestrator/deploys/site"))
    assert (said["state"], said["revision"]) == ("live", landing)
    assert [p.name for p in site.live.parent.glob("site.releases/.new-*")] == []


def answered(site: KillSite) -> None:
    """The inbox is empty, and each brief that was dropped there has its answer."""
    assert [path.name for path in site.inbox.iterdir() if path.name[0] != "."] == []
    said = {
        path.stem: json.loads(path.read_text())["state"]
        for path in (site.inbox / ".replies").glob("*.json")
    }
    wanted = _wanted(site, _REPLIES)
    assert {name: said.get(name) for name in wanted} == wanted, said


def journal(site: KillSite) -> None:
    """Nothing is under way; each attempt that the journal saw was paid for once."""
    with closing(sqlite3.connect(site.run_folder / "journal.sqlite3")) as rows:
        assert rows.execute("SELECT count(*) FROM intents").fetchone() == (0,)
        open_ = rows.execute("SELECT id FROM attempts WHERE brief NOT LIKE 'both-%'").fetchall()
        assert open_ == []
        spent = [id_ for (id_,) in rows.execute("SELECT id FROM spend").fetchall()]
        begun = rows.execute("SELECT id FROM attempts WHERE reason IS NOT NULL").fetchall()
    assert len(spent) == len(set(spent))
    assert {id_ for (id_,) in begun} <= set(spent)


def spent(site: KillSite) -> set[str]:
    """Returns the attempts whose use the journal knows."""
    with closing(sqlite3.connect(site.run_folder / "journal.sqlite3")) as rows:
        return {id_ for (id_,) in rows.execute("SELECT id FROM spend").fetchall()}


def published(site: KillSite) -> set[str]:
    """Returns the attempts on the hub."""
    refs = git(site.hub, "for-each-ref", "--format=%(refname)", "refs/orchestrator/attempts")
    return set(refs.splitlines())


def _wanted(site: KillSite, of: Mapping[str, str]) -> dict[str, str]:
    return {name: what for name, what in of.items() if site.both or name != "both"}


def _steps(repository: Path) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yields each commit that touched briefs, oldest first, with the files that went and those that came."""
    how = ("--reverse", "--name-status", "--no-renames", "--format=%x00%H")
    for step in git(repository, "log", *how, "main", "--", "briefs").split("\0")[1:]:
        commit, *lines = step.split("\n")
        changes = [line.split("\t") for line in lines if line]
        gone, come = ({path for what, path in changes if what == mark} for mark in "DA")
        yield commit, gone, come


def _folders(files: Iterable[str]) -> list[tuple[str, str]]:
    """Returns (name, place) of every folder of a brief."""
    folders = set[tuple[str, ...]]()
    for path in files:
        _, place, *rest = path.split("/")
        depth = 1 if place == "waiting" else 2  # the others have two-hex subfolders
        if len(rest) > depth:
            folders.add((place, *rest[:depth]))
    return [(folder[-1].rpartition("-")[0], folder[0]) for folder in folders]


def _landing(repository: Path, name: str) -> str:
    lines = git(repository, "log", "--format=%H %s", "main").splitlines()
    return next(
        oid for oid, said in (x.split(" ", 1) for x in lines) if said.startswith(f"land {name}-")
    )
