"""What one coordinator asks of the remote on a quiet day: nothing that can only be refused, and nothing twice.

With a host far away each way there and back takes a second or more, and the lane to it is one.
"""

import pytest

from .alone import BRIEF, Alone

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


def test_briefs_that_want_the_same_ask_the_remote_for_it_one_after_the_other() -> None:
    day = Together(traced=True)
    outcome = day.run()
    assert not outcome.broken, outcome.told()
    pushes = [line for line in outcome.trace if " push " in line]
    assert [line for line in pushes if not line.endswith("-> ok")] == []
    # For each: its claim, the attempt, the verdict, the proof that it is held still, the landing.
    assert len(pushes) / _BRIEFS <= 8, "\n".join(pushes)
    looks = [line for line in outcome.trace if line.endswith(" fetch")]
    assert len(looks) / _BRIEFS <= 10, len(looks)
