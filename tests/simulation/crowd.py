"""A day of hundreds of briefs whose workers fail, lie, hang, disagree and spend all that they get.

The machine is killed now and then; the remote behaves. What is judged is orchestration: every brief comes to
one end or waits for a person, money stays within its budgets, no conflict is dropped, nothing lands against
the house's rule on what nobody could check, nothing runs on a failed dependency, and nobody starves.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random

from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.failure_policy import Limit, Speculation
from coordinator.domain.names import BriefId, Place, ProfileName
from coordinator.domain.output import CouldNot, NoOutput, Output, Report, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Limits, Policy, Price, Profile
from coordinator.domain.record import Record, Verb

from .fakes import BEGAN_S, SimJournal
from .machine import Plant
from .meter import Meter
from .moods import POLICY, Mood
from .scenario import Day, Outcome

BRIEFS = 60
GRAPHS = 0.25
_KINDS = frozenset({"list", "json", "table", "report", "changes"})
_EARLIER = ("left", "right")  # and what a revision makes of them
_BOUND_S = 20_000.0
_HANG_S = 90.0
_PLAIN = """\
{front}TASK: Write by hand a line of number {number} into the pages named below.
INPUTS: index.txt
SCOPE: {scope}; everything else
OUTPUT FORMAT: changes
DO NOT: rename any page
"""
_TABLE = """\
{front}TASK: Count by hand what is in the pages of number {number} below.
INPUTS: index.txt
SCOPE: site/; everything else
OUTPUT FORMAT: a markdown table
DO NOT: change anything
"""
_GRAPH = """\
---
{front}tasks:
  - id: left
    task: Count by hand what the left pages of number {number} hold.
    inputs: index.txt
    scope: site/a/
    output: a markdown table
    guidance: read the pages
    worker: hand
  - id: right
    task: Count by hand what the right pages of number {number} hold.
    inputs: index.txt
    scope: site/b/
    output: a markdown table
    guidance: read the pages
    worker: other
  - id: both
    task: Put by hand what both counted for number {number} together.
    inputs: index.txt
    scope: site/
    output: a markdown table
    guidance: join the two
    after: [left, right]
    worker: hand
---
TASK: Count by hand what all the pages of number {number} hold.
INPUTS: index.txt
SCOPE: site/; everything else
OUTPUT FORMAT: a markdown table
DO NOT: change anything
"""


def profile(name: str, **more: object) -> Profile:
    """Returns a worker of this house."""
    return Profile(
        name=ProfileName(name),
        capabilities=frozenset({"hand"}),
        output_kinds=_KINDS,
        tools=frozenset({"read", "list"}),
        **more,  # type: ignore[arg-type]  # fields of a Profile
    )


CROWD: Policy = replace(
    POLICY,
    retries=1,
    attempts_parallel_max=6,
    environments=(),
    usd_per_brief=0.25,
    profiles=(
        profile("hand", limits=Limits(wall_clock_s_max=_HANG_S, tokens_max=20_000)),
        profile("other", kind="codex", limits=Limits(wall_clock_s_max=_HANG_S, tokens_max=20_000)),
        profile(
            "dear",
            kind="openai-compatible",
            endpoint="here",
            model="m-1",
            price=Price(input_usd=1.0, output_usd=1.0),
            limits=Limits(wall_clock_s_max=_HANG_S, cost_usd_max=0.2, tokens_max=40_000),
        ),
    ),
)
LIMITS = (
    Limit(of="hand", parallel=4, requests_per_minute=16),
    Limit(of="codex", requests_per_minute=6),
    Limit(of="m-1", tokens_per_minute=100_000),
)
SPECULATION = Speculation(enabled=True, share_max=0.34)  # two at once


class CrowdJournal(SimJournal):
    """A journal that keeps what was spent, as the real one does."""

    def __init__(self, day: "Crowd") -> None:
        super().__init__()
        self._day = day
        self._spend: dict[str, tuple[BriefId, Usage, int]] = {}

    def end(self, attempt: AttemptId, *, usage: Usage, reason: str) -> None:
        """Ends an attempt once, with what it used."""
        ended = {a.id: said for a, said in self.begun()}.get(attempt)
        super().end(attempt, usage=usage, reason=reason)
        if ended is None:
            self._spend.setdefault(attempt.ref, (attempt.brief, usage, self._day.timestamp))

    def spent(self, brief: BriefId) -> Mapping[str, Usage]:
        """Returns what each attempt at a brief used."""
        return {ref: usage for ref, (of, usage, _) in self._spend.items() if of == brief}

    def spent_since(self, timestamp: int) -> float:
        """Returns the dollars since then."""
        kept = (usage for _, usage, when in self._spend.values() if when >= timestamp)
        return sum(usage.cost_usd or 0.0 for usage in kept)


class Crowd(Day):
    """One seed of it."""

    def __init__(self, seed: int, *, briefs: int = BRIEFS, traced: bool = False) -> None:
        random = Random(seed)
        self.briefs = briefs
        mood = Mood(weather={}, machines=1, kills=random.choice((0, 1, 2)), holds=seed % 3 == 0)
        super().__init__(seed, plant=Plant(), mood=mood, traced=traced)
        (self.machine,) = self.machines
        self.machine.disk.journal = CrowdJournal(self)
        self.machine.kill_after = lambda: self.random.randint(200, 20_000)
        self.told: dict[AttemptId, dict[str, str]] = {}
        self.hanging: set[AttemptId] = set()
        self.specs: list[Spec] = []
        self.fate = Random(seed + 1)  # of workers, whatever else is drawn
        self.meter = Meter(
            self.policy, now_s=lambda: self.scheduler.now_s, began_s=BEGAN_S, fate=self.fate
        )
        self.meter.broken = self.watch.fault
        self.machine.died = self.meter.died

    @property
    def policy(self) -> Policy:
        """The rules of this house."""
        return replace(
            CROWD,
            unverified="hold" if self.mood.holds else "land",
            # What is too little for all of them leaves some to wait for tomorrow, which no day here has.
            usd_per_day=(2.0, 4.0, 50.0)[self.outcome.seed % 3] * max(1, self.briefs / BRIEFS),
            limits=LIMITS if self.outcome.seed % 3 == 1 else (),
            speculation=SPECULATION if self.outcome.seed % 2 == 0 else Speculation(),
        )

    @property
    def timestamp(self) -> int:
        """Returns unix seconds, as every clock here has them."""
        return BEGAN_S + int(self.scheduler.now_s)

    def run(self) -> Outcome:
        """Drops everything over some minutes, newer ones with a higher priority, and waits for quiet."""
        after = self.scheduler.after
        self.machine.kills_left = self.mood.kills
        after(0.0, self.machine.boot)
        for number in range(self.briefs):
            text = self._brief(number)
            put = partial(self.people.put, f"brief-{number}.md", text.encode())
            after(self.random.uniform(0.0, 300.0), put)
        self.people.begin(0, deploys=False)
        after(400.0, self._clear_up)
        after(10.0, self.look)
        self.scheduler.run(_BOUND_S)
        self.judge()
        if self.machine.life is not None:
            self.machine.life.bury()
        return self.outcome

    @property
    def is_quiet(self) -> bool:
        """Tells whether nothing goes on: a brief that lies until the day has money does not."""
        if self.people.planned or not self.machine.is_quiet or self.machine.disk.journal.running:
            return False
        if self.watch.left():
            return False
        return not any(f.place is not Place.WAITING for f in self.watch.live().values())

    def began(self, spec: Spec) -> None:
        """Nothing runs on a failed dependency."""
        super().began(spec)
        self.meter.began(spec)
        self.specs.append(spec)
        live, brief = self.watch.live(), spec.id.brief
        filed = live.get(brief)
        if filed is None or filed.plan is None:
            return
        for name in filed.brief.after:
            if not any(
                b.rpartition("-")[0] == name and p is Place.DONE for b, p in self.watch.seen
            ):
                self.watch.fault(f"{brief} runs, and {name}, which it comes after, is not done")
        task = filed.plan.task(spec.task)
        for earlier in task.after if task is not None else ():
            if not self._is_accepted(brief, earlier):
                self.watch.fault(f"{brief}: {spec.task} runs before {earlier} is accepted")

    def lasts_s(self, spec: Spec) -> float:
        """Returns how long an attempt takes; one in fifteen hangs until its time is up."""
        if self.fate.random() < 1 / 15:
            self.hanging.add(spec.id)
            return spec.wall_clock_s_max
        return self.fate.choice((0.5, 2.0, 6.0))

    def stopped(self, spec: Spec) -> Usage:
        """Returns what an attempt has used that is stopped: it counts like any other."""
        return self.meter.ended(spec)

    def work(self, spec: Spec, package: ContextPackage) -> Output | NoOutput:
        """What a worker comes to: what was asked, less often nothing, a lie, or a contradiction."""
        usage = self.meter.ended(spec)
        drawn, brief = self.fate.random(), package.brief_id
        if spec.id in self.hanging:
            return NoOutput(reason=f"killed: longer than {spec.wall_clock_s_max:g} s", usage=usage)
        if drawn < 0.08:
            return NoOutput(reason="the worker failed: out of memory", usage=usage)
        if drawn < 0.11:
            body = CouldNot(why=self.fate.choice(("missing_data", "question")), text="which page?")
            return Output(body=body, usage=usage)
        if package.constraints.output_format.kind == "changes":
            path = "index.txt" if drawn < 0.16 else self._within(package)
            done = self.line(spec, package, path, broken=drawn > 0.97)
            return done.model_copy(update={"usage": usage})
        if drawn < 0.16:  # it says that it is done, and it is not
            return Output(body=Report(text="All pages are counted."), usage=usage)
        counts = {"a": "1", "b": "2", spec.profile: "3"}
        if drawn < 0.3:
            counts["a"] = self.fate.choice(("7", "8"))
        if not spec.task.startswith(
            _EARLIER
        ):  # what those say is weighed by the task that comes after them
            self.told[spec.id] = counts
        rows = "\n".join(f"| {page} | {count} |" for page, count in counts.items())
        text = f"| page | count |\n|---|---|\n{rows}\n"
        del brief
        return Output(body=Report(text=text), usage=usage)

    def judge(self) -> None:
        """Judges the day as any other, and what orchestration owes."""
        super().judge()
        many = "" if self.briefs == BRIEFS else f":{self.briefs}"
        self.outcome.command = f"crowd {self.outcome.seed}{many}"
        self.meter.judge()
        for record in self.watch.commits.values():
            if record is not None and record.verb is Verb.LAND:
                self._landed(record)

    def _landed(self, record: Record) -> None:
        """Nothing lands against the rule on what nobody could check, and no contradiction is dropped."""
        by_human = any(said.startswith("human") for said in record.values("Decided-By"))
        if self.mood.holds and "unverified" in record.values("Review") and not by_human:
            self.watch.fault(f"{record.brief} landed unverified, and nobody approved it")
        for said in record.values("Attempt"):
            self._said(record, said)
        accepted = [said for said in record.values("Attempt") if " accepted " in said]
        told = [counts for one, counts in self.told.items() if f" {one.ref} " in " ".join(accepted)]
        differ = any(a[key] != b[key] for a in told for b in told for key in a.keys() & b.keys())
        asked = any(
            one is not None and one.brief == record.brief and one.values("Question")
            for one in self.watch.commits.values()
        )
        if differ and not asked:
            self.watch.fault(f"{record.brief} landed although its workers contradict each other")

    def _said(self, record: Record, said: str) -> None:
        """A landing says of each attempt what became of it: those beside the one that won were stopped."""
        if said.endswith(" running"):
            self.watch.fault(f"{record.brief} landed while {said}")
        ref = next((word for word in said.split() if "/attempts/" in word), "")
        verdict = self.machine.disk.refs.get(ref.replace("/attempts/", "/verdicts/"))
        if " rejected " in said and verdict is None:
            self.watch.fault(f"{record.brief} landed and says {said}, which nobody has judged")

    def _within(self, package: ContextPackage) -> str:
        inside = package.scope.inside[0]
        folder = inside.rstrip("/*")
        return inside if inside.endswith(".txt") else f"{folder}/{package.brief_id}.txt"

    def _is_accepted(self, brief: BriefId, task: str) -> bool:
        """Tells whether an output of a task has been judged good, by the verdicts on the machine's disk."""
        for spec in self.specs:
            if spec.id.brief == brief and spec.task == task:
                oid = self.machine.disk.refs.get(spec.id.ref.replace("/attempts/", "/verdicts/"))
                if oid is not None and b'"accept"' in self.server.objects.read(oid)[1]:
                    return True
        return False

    def _brief(self, number: int) -> str:
        random = self.random
        front = f"priority: {random.choice((0, 0, 1, min(9, number // 20)))}\n"
        if number and random.random() < 0.15:
            front += f"after: brief-{random.randrange(number)}\n"
        drawn = random.random()
        if drawn < GRAPHS:
            return _GRAPH.format(front=front, number=number)
        if drawn < 0.5:
            workers = random.choice(("[hand, other]", "[hand, dear]", "dear"))
            return _TABLE.format(front=f"---\n{front}worker: {workers}\n---\n", number=number)
        scope = random.choice(("site/a/", "site/a/shared.txt", "site/b/", f"site/c{number % 9}/"))
        if random.random() < 0.3:
            front += "worker: dear\n"
        return _PLAIN.format(front=f"---\n{front}---\n", number=number, scope=scope)
