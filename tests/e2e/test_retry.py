"""A failed brief that is tried again by the same daemon: the second round has attempts of its own."""

from pathlib import Path

from tests.support.stations import PAGES, SITEMAP_BRIEF, hub, until

OUT_OF_BOUNDS = SITEMAP_BRIEF.replace(
    "SCOPE: public/sitemap.xml; out of bounds: public/*.html", "SCOPE: docs/"
).replace("OUTPUT FORMAT: changes to public/sitemap.xml", "OUTPUT FORMAT: changes")


def test_a_second_round_is_worked_by_the_daemon_that_worked_the_first(tmp_path: Path) -> None:
    with hub(tmp_path, "file", files=PAGES) as made:
        station = made.station("one")
        daemon = station.start()
        brief = station.drop("sitemap", OUT_OF_BOUNDS)
        daemon.event("fail", brief=brief)
        assert station.json("retry", brief)["id"] == brief

        def failures() -> int:
            return sum(e["event"] == "fail" and e["brief"] == brief for e in daemon.events)

        until(lambda: failures() == 2, "the second round ends as the first did")
        assert daemon.stop() == 0
        kept = sorted(ref.rpartition("-")[2] for ref in made.refs("attempts"))
        assert kept == ["1", "2"]  # it lacks the means, so one try a round
        made.assert_quiet()
