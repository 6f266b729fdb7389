"""Killed between any two steps, and gone on with in a fresh clone elsewhere: every open brief ends, once.

Each case kills the daemon of one clone before or after one writing port call, makes a plain clone of the
remote, and runs a daemon there. Which calls there are is in elsewhere.json, in order; KILL_POINTS=all dies at
each of them, else a few are drawn by a seed. KILL_POINTS=write lists them anew.
"""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import elsewhere, elsewhere_course
from tests.support.elsewhere import Course, Kill
from tests.support.elsewhere_scenarios import SCENARIOS
from tests.support.orphans import Orphans, adopting
from tests.support.patience import PATIENCE_S
from tests.support.repos import git

WANTED = os.environ.get("KILL_POINTS", "")
DRAWN = 6
SEED = 20
COURSES = elsewhere.courses()

FIRST_CLONE = ("gone", "left", "back")
"""What becomes of it: thrown away, started again after all is done, or gone on with when the other one died too."""
SECOND_DIES_AT = "attempts.publish:after:1"


def kills(scenario: str) -> list[Kill]:
    """Returns every point of a scenario, in order."""
    return [
        Kill(scenario=scenario, stage=stage, call=call, side=side)
        for stage, calls in enumerate(COURSES[scenario].calls)
        for call in calls
        for side in ("before", "after")
    ]


def chosen() -> list[tuple[Kill, str]]:
    """Returns where to die and what becomes of the first clone; at a call, before and after it differ in that."""
    if WANTED == "all":
        found = [kill for name in COURSES for kill in kills(name)]
    else:
        drawing = random.Random(SEED)
        names = ([*COURSES] * DRAWN)[:DRAWN]
        found = list(dict.fromkeys(drawing.choice(kills(name)) for name in names))
    return [(kill, FIRST_CLONE[number % 3]) for number, kill in enumerate(found)]


@pytest.fixture
def orphans() -> Iterator[Orphans]:
    with adopting() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(("kill", "first"), chosen(), ids=str)
def test_a_fresh_clone_goes_on_wherever_the_first_daemon_died(
    tmp_path: Path, orphans: Orphans, kill: Kill, first: str
) -> None:
    course = COURSES[kill.scenario]
    home = elsewhere.made(kill.scenario, kill.stage, tmp_path)
    home.run(kill.fault)
    assert orphans.left(PATIENCE_S) == {}  # its last push may still have been on its way
    if first == "gone":
        shutil.rmtree(home.repo)
    last = home.elsewhere()
    if first == "back":
        last.run(SECOND_DIES_AT)
        assert orphans.left(PATIENCE_S) == {}
        last = home
    before = elsewhere.attempts(last)
    started = last.goes_on()
    elsewhere.rests(last, course)
    after = elsewhere.attempts(last)
    assert started <= elsewhere.allowed(course, before), (before, after, last.log())
    assert {name: oids for name, (_, oids) in before.items() if oids[1]}.items() <= {
        name: oids for name, (_, oids) in after.items()
    }.items(), "what was kept and judged stays"
    if first != "back":
        elsewhere.journal_rests(last, started)
    if first == "gone":
        assert sorted(said for said, _ in after.values()) == course.attempts
    if first == "left":
        refs = git(home.hub, "for-each-ref")
        assert home.run().started() == Counter()
        assert git(home.hub, "for-each-ref") == refs
    assert orphans.left(PATIENCE_S) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS if WANTED else ["map-reduce"])
def test_the_calls_of_a_scenario_are_those_that_are_listed(tmp_path: Path, name: str) -> None:
    found = elsewhere_course.undisturbed(name, tmp_path)
    if WANTED == "write":
        elsewhere_course.write({name: found})
    listed = elsewhere.courses()[name]
    assert _names(listed) == _names(found)
    assert (listed.records, listed.files) == (found.records, found.files)
    assert (listed.started, listed.attempts) == (found.started, found.attempts)


def _names(course: Course) -> list[set[str]]:
    return [{call.rpartition(":")[0] for call in calls} for calls in course.calls]
