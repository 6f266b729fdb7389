"""Several real daemons on one real remote: who works, who waits, who takes over, and who was too late."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.patience import UNTIL_IDLE, with_enough
from tests.support.stations import (
    LINKS_BRIEF,
    PAGES,
    SITEMAP_BRIEF,
    Hub,
    Transport,
    config,
    hub,
    until,
)

OTHER_LINKS_BRIEF = LINKS_BRIEF.replace("links of the pages", "links of all pages")
TRANSPORTS = pytest.mark.parametrize("transport", ["file", "http"])
ONE_TRANSPORT = pytest.mark.parametrize("transport", ["file"])  # nothing in it is the transport's


@pytest.fixture
def door(tmp_path: Path) -> Path:
    """A file: while it is not there, no gate ends."""
    return tmp_path / "open"


@pytest.fixture
def gated(tmp_path: Path, transport: Transport, door: Path) -> Iterator[Hub]:
    """A hub whose gate ends when the door is opened, and whose leases last two seconds."""
    with a_gated_hub(tmp_path, transport, door, lease_s=2.0) as made:
        yield made


@contextmanager
def a_gated_hub(folder: Path, transport: Transport, door: Path, *, lease_s: float) -> Iterator[Hub]:
    wait = f"until [ -e {door} ]; do sleep 0.05; done"
    rules = config(gate=wait, lease_s=lease_s)
    with hub(folder, transport, rules=rules, files=PAGES) as made:
        try:
            yield made
        finally:
            door.touch()  # a daemon that is asked to stop lets its gate end


def bases(made: Hub, commits: list[str]) -> list[str]:
    """Returns the commit that each landing was worked out on."""
    wanted = "--format=%(trailers:key=Base,valueonly,separator=)"
    return [made.git("log", "-1", wanted, commit) for commit in commits]


def epoch_of(made: Hub, brief: str) -> str:
    """Returns the epoch that holds `brief`."""
    said: str = made.said(f"refs/orchestrator/held/{brief}").get("epoch", "")
    return said


@TRANSPORTS
def test_of_two_coordinators_one_wins_the_paths_and_the_other_waits_and_then_lands(
    tmp_path: Path, transport: Transport
) -> None:
    with hub(tmp_path, transport, files=PAGES) as made:
        one, other = made.station("one"), made.station("other")
        briefs = [one.drop("sitemap", SITEMAP_BRIEF), other.drop("links", LINKS_BRIEF)]
        briefs.append(other.drop("again", OTHER_LINKS_BRIEF))

        daemons = [station.start(*UNTIL_IDLE) for station in (one, other)]
        assert [daemon.wait() for daemon in daemons] == [0, 0]

        landed = [made.landings(brief) for brief in briefs]
        assert [len(commits) for commits in landed] == [1, 1, 1]
        # Whoever came later worked on what the earlier ones had landed: their claims overlap.
        order = made.git("rev-list", "--reverse", "--first-parent", "main").splitlines()
        in_order = sorted((c for (c,) in landed), key=order.index)
        for earlier, base in zip(in_order, bases(made, in_order)[1:], strict=False):
            assert order.index(base) >= order.index(earlier)
        made.assert_quiet()


@TRANSPORTS
def test_a_stale_holder_is_taken_over_by_counter_and_what_it_had_published_is_used(
    gated: Hub, door: Path
) -> None:
    first, second = gated.station("first"), gated.station("second")
    brief = first.drop("sitemap", SITEMAP_BRIEF)
    dying = first.start()
    until(lambda: gated.refs("gate"), "the first one gates")
    dying.kill(clients=True)
    before = gated.said(f"refs/orchestrator/held/{brief}")

    heir = second.start()
    until(lambda: epoch_of(gated, brief) != before["epoch"], "the second one takes over")
    held = gated.said(f"refs/orchestrator/held/{brief}")
    door.touch()
    heir.event("land", brief=brief)

    assert held["acq"] == before["acq"]
    assert held["counter"] > before["counter"]
    assert held["nonce"] != before["nonce"]
    assert not [event for event in heir.events if event["event"] == "started"]
    assert len(gated.landings(brief)) == 1
    gated.assert_quiet()


@ONE_TRANSPORT
def test_a_holder_that_gives_signs_of_life_is_not_taken_over_however_long_its_gate_takes(
    tmp_path: Path, transport: Transport
) -> None:
    def is_left_alone(lease_s: float) -> bool:
        folder = tmp_path / f"{lease_s:g}"
        folder.mkdir()
        door = folder / "open"
        with a_gated_hub(folder, transport, door, lease_s=lease_s) as made:
            first, second = made.station("first"), made.station("second")
            brief = first.drop("sitemap", SITEMAP_BRIEF)
            busy = first.start()
            until(lambda: made.refs("gate"), "the first one gates")
            epoch = epoch_of(made, brief)
            second.start()

            # Renewed at each quarter of the lease, so this is longer than a whole one.
            held = f"refs/orchestrator/held/{brief}"
            wanted = made.said(held)["counter"] + 6
            until(lambda: made.said(held)["counter"] >= wanted, "the holder renews")
            last = epoch_of(made, brief)
            door.touch()
            busy.event("land", brief=brief)

            assert len(made.landings(brief)) == 1
            made.assert_quiet()
            return last == epoch and "outcome=Claim" not in second.log()

    # On a busy machine the holder itself may get no processor for as long as a short lease.
    assert with_enough(is_left_alone, bool, limits_s=(2, 10, 40))[1]


@ONE_TRANSPORT
def test_a_coordinator_that_slept_through_its_lease_does_no_harm_when_it_wakes(
    gated: Hub, door: Path
) -> None:
    first, second = gated.station("first"), gated.station("second")
    brief = first.drop("sitemap", SITEMAP_BRIEF)
    sleeper = first.start()
    until(lambda: gated.refs("gate"), "the first one gates")
    sleeper.freeze()
    door.touch()
    heir = second.start()
    heir.event("land", brief=brief)
    landed = gated.tip

    sleeper.thaw()
    sleeper.event("land", brief=brief)  # seen, not done
    assert sleeper.stop() == 0

    assert gated.tip == landed
    assert len(gated.landings(brief)) == 1
    gated.assert_quiet()


@TRANSPORTS
def test_orphaned_claims_are_swept_and_who_waited_for_their_paths_goes_on(
    tmp_path: Path, transport: Transport
) -> None:
    with hub(tmp_path, transport, rules=config(lease_s=1.0), files=PAGES) as made:
        station = made.station("one")
        root = "refs/orchestrator"
        # A path whose held/ is gone, one whose held/ is another acquisition's, and a held/ of nothing.
        gone = {"format": 1, "path": "public", "brief": "gone-1", "acq": "a1", "nonce": "n1"}
        made.put_blob(f"{root}/claims/public", gone)
        torn = {"format": 1, "path": "docs", "brief": "torn-2", "acq": "a2", "nonce": "n2"}
        made.put_blob(f"{root}/claims/docs", torn)
        held = {"format": 1, "brief": "torn-2", "digest": "d", "epoch": "e", "counter": 1}
        made.put_blob(f"{root}/held/torn-2", {**held, "acq": "a3", "refs": [], "nonce": "n3"})
        person = {"format": 1, "path": "src", "person": "A", "acq": "a4", "nonce": "n4"}
        made.put_blob(f"{root}/claims/src", person)
        brief = station.drop("sitemap", SITEMAP_BRIEF)

        daemon = station.start()
        daemon.event("land", brief=brief)
        until(lambda: made.claims() == [f"{root}/claims/src"], "only the person's claim is left")

        assert len(made.landings(brief)) == 1
