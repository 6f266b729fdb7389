"""One machine and one brief, and one kill at a chosen call of a port: what recovery has to get right."""

from coordinator.adapters import faults
from coordinator.domain.attempt import Spec
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage

from .machine import Plant
from .moods import Mood
from .scenario import Day, Outcome

BRIEF = """\
TASK: Write by hand a line into the pages named below.
INPUTS: index.txt
SCOPE: site/a/shared.txt; everything else
OUTPUT FORMAT: changes
DO NOT: rename any page
"""
_BOUND_S = 900.0


class Alone(Day):
    """A quiet day on which the only machine dies before or after its `kill_at`-th writing call (0: never)."""

    def __init__(
        self,
        *,
        kill_at: int = 0,
        wipe: bool = False,
        zombie: bool = False,
        plant: Plant | None = None,
        bound_s: float = _BOUND_S,
        traced: bool = False,
    ) -> None:
        mood = Mood(weather={"zombie": 1.0 if zombie else 0.0}, machines=1)
        super().__init__(1, plant=plant or Plant(), mood=mood, traced=traced)
        self._bound_s = bound_s
        (self.machine,) = self.machines
        self.machine.kills_left = 1 if kill_at else 0
        self.machine.kill_after = lambda: kill_at
        self.machine.wipe_chance = 1.0 if wipe else 0.0
        self.machine.away_s = (0.5,)
        self.machine.dies_at = {point.call for point in faults.points() if point.writes}

    def run(self) -> Outcome:
        """Drops the brief, and waits until it has landed and nothing is claimed."""
        after = self.scheduler.after
        after(0.0, self.machine.boot)
        after(0.5, self.begin)
        after(1.0, self.look)
        self.scheduler.run(self._bound_s)
        self.judge()
        if self.machine.life is not None:
            self.machine.life.bury()
        return self.outcome

    def begin(self) -> None:
        """Drops the brief."""
        self.people.put("brief.md", BRIEF.encode())

    @property
    def is_quiet(self) -> bool:
        """Tells whether the brief has landed, and all is as it was."""
        return bool(self.watch.landed) and super().is_quiet

    def look(self) -> None:
        """Stops the day when the brief has landed, or an invariant is broken."""
        self.scheduler.after(0.5, self.look)
        self.scheduler.stopped = bool(self.watch.broken) or self.is_quiet

    def work(self, spec: Spec, package: ContextPackage) -> Output | NoOutput:
        """Does what was asked."""
        return self.line(spec, package, "site/a/shared.txt", broken=False)
