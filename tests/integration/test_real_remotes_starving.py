"""Records that others write all the time do not keep a landing with a slow gate from getting through."""

import itertools
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S
from tests.support.stations import (
    MALFORMED_BRIEF,
    PAGES,
    SITEMAP_BRIEF,
    Transport,
    config,
    hub,
    until,
)

STATIONS = 4


@pytest.mark.parametrize("transport", ["file", "http"])
def test_four_coordinators_that_record_every_two_seconds_never_starve_a_landing(
    tmp_path: Path, transport: Transport
) -> None:
    door = tmp_path / "open"  # the gate takes until all of them have recorded again
    slow = f"until [ -e {door} ]; do sleep 0.05; done"
    rules = config(gate=slow, lease_s=2 * PATIENCE_S, record_interval_s=2.0)
    with hub(tmp_path, transport, rules=rules, files=PAGES) as made:
        stations = [made.station(f"s{number}") for number in range(STATIONS)]
        for station in stations:
            station.start()
        numbers = itertools.count()

        def recorded() -> int:
            for station in stations:
                if station.inbox_is_empty():  # its last rejection is written: here is the next
                    number = next(numbers)
                    station.put(f"bad-{number}.md", MALFORMED_BRIEF.format(number=number))
            return sum(subject.startswith("reject ") for subject in made.subjects())

        until(lambda: recorded() >= STATIONS, "all of them record")
        brief = stations[0].drop("sitemap", SITEMAP_BRIEF)
        until(lambda: recorded() and made.refs("gate"), "the brief is gated")
        enough = recorded() + STATIONS
        until(lambda: recorded() >= enough, "all of them go on recording")
        door.touch()
        until(lambda: recorded() and made.landings(brief), "the brief lands")

        gated = [station.log().count("check name=gate passed=True") for station in stations]
        assert sum(gated) == 1  # the verdict stood, however often the branch moved under it
        verbs = [subject.split()[0] for subject in made.subjects()]
        during = verbs[verbs.index("accept") : verbs.index("land")]
        assert during.count("reject") >= STATIONS
        assert len(made.landings(brief)) == 1
