"""What one coordinator asks of the remote on a quiet day: nothing that can only be refused, and nothing twice.

With a host far away each way there and back takes a second or more, and the lane to it is one.
"""

import pytest

from coordinator.domain.attempt import Spec
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage

from .alone import BRIEF, Alone
from .scenario import Day

_BRIEFS = 4

pytestmark = pytest.mark.usefixtures("quiet")


class Together(Alone):
    """A day without faults on which briefs arrive together that all want the same file."""

    def begin(self) -> None:
        """Drops all of them."""
        for number in range(_BRIEFS):
            self.people.put(
                f"brief-{number}.md", f"---\nagain: {number + 1}\n---\n{BRIEF}".encode()
            )

    @property
    def is_quiet(self) -> bool:
        """Tells whether each has landed."""
        return len(self.watch.landed) == _BRIEFS and super().is_quiet


class Failing(Together):
    """Such a day whose worker always writes out of bounds: each brief fails, and its claim is let go of."""

    worked = 0

    @property
    def is_quiet(self) -> bool:
        """Tells whether each has been tried, and nothing is left of it."""
        return self.worked >= _BRIEFS and Day.is_quiet.__get__(self)

    def work(self, spec: Spec, package: ContextPackage) -> Output | NoOutput:
        """Does what was not asked."""
        self.worked += 1
        return self.line(spec, package, "index.txt", broken=False)


def refused(trace: list[str]) -> list[str]:
    return [line for line in trace if " push " in line and not line.endswith("-> ok")]


def test_briefs_that_want_the_same_ask_the_remote_for_it_one_after_the_other() -> None:
    day = Together(traced=True)
    outcome = day.run()
    assert not outcome.broken, outcome.told()
    pushes = [line for line in outcome.trace if " push " in line]
    assert refused(outcome.trace) == []
    # For each: its claim, the attempt, the verdict, the proof that it is held still, the landing.
    assert len(pushes) / _BRIEFS <= 8, "\n".join(pushes)
    looks = [line for line in outcome.trace if line.endswith(" fetch")]
    assert len(looks) / _BRIEFS <= 10, len(looks)


def test_what_is_being_let_go_of_is_not_swept_as_well() -> None:
    day = Failing(traced=True)
    outcome = day.run()
    assert not outcome.broken, outcome.told()
    assert day.worked >= _BRIEFS
    assert not day.watch.landed
    assert refused(outcome.trace) == []
