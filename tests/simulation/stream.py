"""A day on which urgent briefs never stop coming, faster than they can be worked on, and one old brief waits."""

from dataclasses import replace
from functools import partial

from coordinator.domain.attempt import Spec
from coordinator.domain.names import BriefId
from coordinator.domain.output import NoOutput, Output, Report, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Policy

from .machine import Plant
from .moods import POLICY, Mood
from .scenario import Day, Outcome

URGENCY = 9
STEP_S = 2.0  # of aging
_EVERY_S = 1.0  # one more comes
_BOUND_S = 90.0
_SLACK_S = 2 * STEP_S  # a wait is counted from the look that sees it begin, and in whole steps
_BRIEF = """\
---
priority: {priority}
---
TASK: Look by hand at the pages below and say what number {number} would add to them.
INPUTS: index.txt
SCOPE: {scope}; everything else
OUTPUT FORMAT: {output}
DO NOT: rename any page
"""


class Stream(Day):
    """The old brief has to begin before any urgent one that came when it had waited for as long as urgency weighs.

    With `overlapping` its SCOPE holds those of all others, and at every moment one of those is claimed.
    """

    def __init__(self, seed: int, *, overlapping: bool) -> None:
        super().__init__(seed, plant=Plant(), mood=Mood(weather={}, machines=1), traced=False)
        self.overtaken = 0  # how many went first
        self._overlapping = overlapping
        self._opened: dict[BriefId, float] = {}
        self._begun: list[BriefId] = []
        self.watch.changed = self._changed
        (self.machine,) = self.machines

    @property
    def policy(self) -> Policy:
        """A small house, in which time passes quickly."""
        return replace(
            POLICY,
            attempts_parallel_max=2,
            aging_step_s=STEP_S,
            aging_s=URGENCY * STEP_S,
            environments=(),
        )

    def run(self) -> Outcome:
        """Goes on until the old brief begins, or has waited for far too long."""
        after = self.scheduler.after
        after(0.0, self.machine.boot)
        after(8.0, partial(self._drop, 0))
        for number in range(1, int(_BOUND_S / _EVERY_S)):
            after(number * _EVERY_S, partial(self._drop, number))
        self.scheduler.run(_BOUND_S)
        self.judge()
        if self.machine.life is not None:
            self.machine.life.bury()
        return self.outcome

    def began(self, spec: Spec) -> None:
        """An attempt begins."""
        super().began(spec)
        if spec.id.brief not in self._begun:
            self._begun.append(spec.id.brief)
        self.scheduler.stopped = spec.id.brief.startswith("old-")

    def lasts_s(self, spec: Spec) -> float:
        """Returns how long an attempt takes: two at once are less than what comes."""
        del spec
        return self.random.choice((3.0, 4.0))

    def work(self, spec: Spec, package: ContextPackage) -> Output | NoOutput:
        """Does what was asked."""
        if package.constraints.output_format.kind != "changes":
            return Output(body=Report(text=f"{package.brief_id} adds a line"), usage=Usage())
        folder = package.scope.inside[0].rstrip("/")
        return self.line(spec, package, f"{folder}/{package.brief_id}.txt", broken=False)

    def judge(self) -> None:
        """Says who began before the old one although it came too late for that."""
        old = next((b for b in self._opened if b.startswith("old-")), None)
        first = self._begun[: self._begun.index(old)] if old in self._begun else self._begun
        last_s = self._opened[old] + URGENCY * STEP_S + _SLACK_S if old else 0.0
        self.overtaken = len(first)
        for brief in first:
            if self._opened[brief] > last_s:
                self.watch.fault(f"{brief} came too late to overtake {old}")
        if old not in self._begun:
            self.watch.fault(f"{old} has not begun in {_BOUND_S:g} s")
        self.outcome.broken = self.watch.broken

    def _changed(self, verb: str, brief: BriefId | None) -> None:
        if verb == "accept" and brief is not None:
            self._opened[brief] = self.scheduler.now_s

    def _drop(self, number: int) -> None:
        if not number:
            scope, name, priority = ("site/", "old", 0)
        else:
            scope, name, priority = (f"site/{'ab'[number % 2]}/", f"urgent-{number}", URGENCY)
        output = "changes" if self._overlapping else "a report"
        text = _BRIEF.format(priority=priority, number=number, scope=scope, output=output)
        self.people.put(f"{name}.md", text.encode())
