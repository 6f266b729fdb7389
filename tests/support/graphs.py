"""Briefs of several tasks as they stand open on the branch, with a plan that a test has written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.domain.brief import Brief, Criterion, Kind, OutputFormat
from coordinator.domain.brief_text import identify, parse
from coordinator.domain.names import BriefId, Place, ProfileName, RecordPaths, TaskId
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.planning import content
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git, push_files
from tests.support.worked import Worked

TEXT = """\
TASK: Write the three pages.
INPUTS: docs/guide.md
SCOPE: docs/; everything else is out of bounds
OUTPUT FORMAT: changes
DO NOT: change the guide itself
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A brief of several tasks in a site."""

    made: Worked
    id: BriefId

    def ran(self) -> dict[str, Any]:
        """Runs the daemon until it is idle, and returns the brief as `show` has it."""
        ran = self.made.run("run", *UNTIL_IDLE, "--json")
        assert ran.code == 0, ran.out + ran.said
        git(self.made.site.repo, "fetch", "--quiet")
        shown = self.made.run("show", self.id, "--json")
        assert shown.code == 0, shown.said
        return {**shown.json, "events": [json.loads(line) for line in ran.out.splitlines()]}

    def answer(self, question: str, text: str) -> None:
        """Answers a question of the brief."""
        answered = self.made.run("answer", self.id, question, text)
        assert answered.code == 0, answered.said

    def landing(self) -> str:
        """Returns the message of the newest landing."""
        return git(self.made.site.hub, "log", "-1", "--format=%B", "--grep=^land ", "main")


def changing(name: str, path: str, *after: str, profile: str, says: str = "") -> Task:
    """Returns a task that changes one file, which must then match `says`."""
    wanted = OutputFormat(text="changes", kind=Kind.CHANGES)
    matches = Criterion(kind="matches", value=f"/{says}/", text=f"matches: /{says}/")
    return Task(
        id=TaskId(name),
        objective=f"Write {path}.",
        profile=ProfileName(profile),
        after=tuple(map(TaskId, after)),
        part=Part(
            output_format=wanted,
            guidance="write the file",
            scope_in=(path,),
            acceptance=(matches,) if says else (),
        ),
    )


def opened(made: Worked, text: str, tasks: Sequence[Task], **plan: Any) -> Opened:
    """Returns a brief that has been pushed as accepted, with a plan of these tasks."""
    brief = parse(text.encode(), name="graph")
    assert isinstance(brief, Brief), brief
    brief_id = identify(brief).id
    folder = RecordPaths().folder(Place.OPEN, brief_id)
    git(made.site.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    stored = Plan(shape="graph", rule="plan.hand", tasks=tuple(tasks), name="graph", **plan)
    files = {
        f"{folder}/{BRIEF_FILE}": text,
        f"{folder}/{PLAN_FILE}": content(stored).decode(),
    }
    push_files(made.site, files, "a brief of several tasks")
    return Opened(made, brief_id)
