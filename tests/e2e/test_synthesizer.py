"""Two reports in free text, put into words by a third worker that must leave nothing out."""

from pathlib import Path

from tests.support.repos import git
from tests.support.worked import REPORT, worked

SAYS = """\
---
kind: command
capabilities: [describing]
command: "echo '# The guide'; echo '- {item}'"
returns: [report]
---
"""
SCRIBE = """\
---
kind: command
capabilities: [writing]
command: |
  if grep -q "is missing"; then echo "# The guide"; echo "It is short, and it is old."
  else echo "# The guide"; echo "It is short." ; fi
returns: [report]
---
"""
BRIEF = REPORT.format(capability="describing").replace(
    "task_type: describing", "worker: [first, second]"
)
BRAIN = '[brain]\nsynthesizer = "scribe"\n'


def test_what_the_synthesizer_left_out_is_said_to_it_and_its_second_report_lands(
    tmp_path: Path,
) -> None:
    workers = {
        "first": SAYS.format(item="short"),
        "second": SAYS.format(item="old"),
        "scribe": SCRIBE,
    }
    made = worked(tmp_path, workers, config=BRAIN)
    shown = made.done(BRIEF)
    assert shown["state"] == "completed", shown
    tried = [(one["worker"], one["role"], one["verdict"]) for one in shown["attempts"]]
    assert tried[2:] == [("scribe", "synthesizer", "revise"), ("scribe", "synthesizer", "accept")]
    assert "the item 'old' of second is missing" in shown["attempts"][2]["reasons"][0]
    result = made.run("show", str(shown["id"]), "--result").out
    assert result == "# The guide\nIt is short, and it is old.\n"
    said = git(made.site.hub, "log", "-1", "--format=%B", "--grep", "^land", "main")
    assert "put into words by scribe" in said
    words = [line.partition(" refs/")[0] for line in said.splitlines() if " as " in line]
    assert words[-2:] == [
        "Attempt: scribe/3 rejected not-met as synthesizer",
        "Attempt: scribe/4 accepted as synthesizer",
    ]
    landing = git(made.site.hub, "rev-parse", "main")
    assert "scribe/4 accepted as synthesizer" in made.run("audit", landing).out
