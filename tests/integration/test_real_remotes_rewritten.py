"""A branch of the remote that was rewritten: everything stops, everything is kept, a person decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.patience import UNTIL_IDLE
from tests.support.stations import (
    LINKS_BRIEF,
    PAGES,
    SITEMAP_BRIEF,
    Hub,
    Station,
    Transport,
    config,
    hub,
    until,
)

pytestmark = pytest.mark.parametrize("transport", ["file", "http"])


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A brief at work and one in the inbox when somebody pushed another history with force."""

    hub: Hub
    station: Station
    door: Path
    working: str
    submitted: str
    known: str
    found: str


@pytest.fixture
def scene(tmp_path: Path, transport: Transport) -> Iterator[Scene]:
    """A daemon was killed while its gate ran; then the branch was rewritten."""
    door = tmp_path / "open"
    rules = config(gate=f"until [ -e {door} ]; do sleep 0.05; done")
    with hub(tmp_path, transport, rules=rules, files=PAGES) as made:
        station = made.station("one")
        working = station.drop("sitemap", SITEMAP_BRIEF)
        daemon = station.start()
        until(lambda: made.refs("gate"), "the gate runs")
        daemon.kill(clients=True)
        made.wait_for_clients()  # a sign of life may be on its way
        submitted = station.drop("links", LINKS_BRIEF)
        known = made.tip
        tree = made.git("rev-parse", "main~1^{tree}")
        found = made.git("commit-tree", "-m", "another beginning", tree)
        made.git("update-ref", "refs/heads/main", found)
        yield Scene(
            hub=made,
            station=station,
            door=door,
            working=working,
            submitted=submitted,
            known=known,
            found=found,
        )
        door.touch()


def test_everything_stops_and_is_kept_and_goes_on_once_the_branch_is_put_back(
    scene: Scene,
) -> None:
    refs = scene.hub.refs()
    stopped = scene.station.start(*UNTIL_IDLE)

    assert stopped.wait() == 1
    reason = stopped.event_seen("cannot")["reason"]
    assert scene.known[:12] in reason
    assert f"coordinator run --accept-rewritten {scene.found[:12]}" in reason
    assert scene.hub.tip == scene.found
    assert scene.hub.refs() == refs
    assert (scene.station.repo / "briefs" / "inbox" / "links.md").read_text() == LINKS_BRIEF
    status = scene.station.brief(scene.working)
    assert (status["state"], status["held"]) == ("working", "rewritten")
    assert scene.known[:12] in status["reasons"][0]
    assert scene.station.brief(scene.submitted)["state"] == "submitted"

    waiting = scene.station.start()
    waiting.event("rewritten", known=scene.known, found=scene.found)
    scene.hub.git("update-ref", "refs/heads/main", scene.known)
    waiting.event("online")
    scene.door.touch()
    for brief in (scene.working, scene.submitted):
        waiting.event("land", brief=brief)
        assert len(scene.hub.landings(brief)) == 1
    assert scene.station.brief(scene.working)["held"] is None
    scene.hub.assert_quiet()


def test_a_person_accepts_the_commit_that_they_looked_at_and_work_goes_on_there(
    scene: Scene,
) -> None:
    refused = scene.station.run("run", "--until-idle", "--accept-rewritten", scene.known)
    assert refused.returncode == 1
    assert f"is at {scene.found[:12]}, not at {scene.known}" in refused.stderr
    assert scene.hub.tip == scene.found

    scene.door.touch()
    accept = ("--accept-rewritten", scene.found[:12])
    daemon = scene.station.start(*UNTIL_IDLE, *accept)
    assert daemon.wait() == 0

    daemon.event_seen("rewritten-accepted")
    verbs = [subject.split()[0] for subject in scene.hub.subjects()]
    assert verbs == ["another", "accept", "land"]
    assert len(scene.hub.landings(scene.submitted)) == 1
    assert scene.station.brief(scene.submitted)["state"] == "completed"
    scene.hub.assert_quiet()
    again = scene.station.run("run", "--until-idle", *accept)
    assert (again.returncode, "is not rewritten" in again.stderr) == (1, True)
