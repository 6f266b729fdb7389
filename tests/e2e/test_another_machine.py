"""Another machine goes on where one was killed, from nothing but what stands on the remote."""

from pathlib import Path

from coordinator.domain.memory_md import parse
from tests.support.repos import git
from tests.support.stations import (
    LINKS_BRIEF,
    PAGES,
    SITEMAP_BRIEF,
    Hub,
    config,
    hub,
    until,
)

SEARCH_BRIEF = """\
TASK: Find every mention of the old product name in the docs.
INPUTS: docs/**/*.md
SCOPE: docs/; everything else is out of bounds
OUTPUT FORMAT: a list
DO NOT: change files
"""


def ends(made: Hub, briefs: list[str]) -> list[str]:
    return [made.place(brief) for brief in briefs]


def test_a_fresh_clone_without_a_run_folder_completes_every_brief_that_another_left_open(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"
    gate = f"until test -e {go}; do sleep 0.05; done"
    with hub(tmp_path / "hub", "file", rules=config(gate=gate, lease_s=2.0), files=PAGES) as made:
        here = made.station("here")
        here.json("init")
        briefs = [
            here.drop("sitemap", SITEMAP_BRIEF),
            here.drop("links", LINKS_BRIEF),
            here.drop("search", SEARCH_BRIEF),
        ]
        daemon = here.start()
        until(lambda: ends(made, briefs) == ["open", "open", "waiting"], "it is in the middle")
        until(lambda: made.refs("gate"), "a change is being gated")
        daemon.kill(clients=True)
        go.touch()
        assert ends(made, briefs) == ["open", "open", "waiting"]
        assert not any(made.landings(brief) for brief in briefs)

        there = made.station("there")
        there.json("init")
        there.start()
        (asked,) = there.brief(briefs[2])["questions"]
        there.json("answer", briefs[2], asked["id"], "Guide")
        until(lambda: ends(made, briefs) == ["done"] * 3, "every brief is done")
        assert [len(made.landings(brief)) for brief in briefs] == [1, 1, 1]
        made.assert_quiet()
        decided = git(made.bare, "show", "main:memory/decisions.md")
        assert [entry.brief for entry in parse(decided).entries] == [briefs[2]]
