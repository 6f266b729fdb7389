"""Commands as workers, the whole way: dropped, run confined, judged, landed; and what stands in when one cannot."""

from pathlib import Path

from tests.support.worked import CAPITALS, CHANGE, REPORT, worked

FAILS = """\
---
kind: command
description: never can
capabilities: [capitals]
command: "echo it is broken >&2; exit 7"
returns: [changes]
---
"""
COUNTS = """\
---
kind: command
description: counts words
capabilities: [counting]
command: [wc, -w, "{inputs}"]
returns: [report]
---
"""


def test_what_a_command_changed_lands_and_is_what_it_does_by_hand(tmp_path: Path) -> None:
    made = worked(tmp_path, {"capitals": CAPITALS})
    before = made.at_tip("docs/guide.md")
    shown = made.done(CHANGE.format(capability="capitals"))
    assert shown["state"] == "completed", shown
    assert made.at_tip("docs/guide.md") == before.upper()
    (attempt,) = shown["attempts"]
    assert (attempt["worker"], attempt["confinement"], attempt["cost_usd"]) == (
        "capitals",
        "strict",
        0.0,
    )


def test_what_a_command_prints_is_the_report(tmp_path: Path) -> None:
    made = worked(tmp_path, {"counting": COUNTS})
    shown = made.done(REPORT.format(capability="counting"))
    assert shown["state"] == "completed", shown
    result = made.run("show", str(shown["id"]), "--result")
    assert result.out.split() == ["6", "docs/guide.md"]


def test_another_worker_with_the_capability_takes_the_place_of_one_that_fails(
    tmp_path: Path,
) -> None:
    made = worked(tmp_path, {"a-broken": FAILS, "capitals": CAPITALS})
    brief = CHANGE.replace("---\n", "---\nretries: 1\n", 1).format(capability="capitals")
    shown = made.done(brief)
    assert shown["state"] == "completed", shown
    started = [event["worker"] for event in shown["events"] if event["event"] == "started"]
    assert started == ["a-broken", "a-broken", "capitals"]
    tried = [(one["n"], one["worker"], one["verdict"]) for one in shown["attempts"]]
    assert tried == [(1, "a-broken", "lost"), (2, "a-broken", "lost"), (3, "capitals", "accept")]
