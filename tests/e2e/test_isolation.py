"""Tasks whose files change together run in sequence, the others apart; plan, `show` and audit say by which numbers."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.repos import SITE, git, push_files
from tests.support.worked import Worked, worked

# Those that have nothing to do with the notes wait for each other: only at once do they come to an end.
WRITER = """\
---
kind: command
description: adds a word to each line
capabilities: [adding]
confinement: none
command:
  - sh
  - -c
  - |
    if ! test "$1" = notes/two.txt; then
      touch "PLACE/$(basename "$1")"
      until test -e PLACE/one.txt -a -e PLACE/guide.md; do sleep 0.05; done
    fi
    sed -i "s/$/ more/" "$1"
  - sh
  - "{scope}"
returns: [changes]
---
"""
TASK = """\
  - id: {name}
    task: Add a word to each line of {path}.
    inputs: {path}
    scope: {path}
    output: changes
    guidance: Nothing but that file matters.
    do_not: new files
    worker: adds
"""
PATHS = {"first": "data/one.txt", "aside": "docs/guide.md", "second": "notes/two.txt"}
BRIEF = f"""\
---
tasks:
{"".join(TASK.format(name=name, path=path) for name, path in PATHS.items())}---

## TASK

Add a word to each line of three files.

## INPUTS

{"".join(f"- {path}{chr(10)}" for path in PATHS.values())}
## SCOPE

in: {", ".join(PATHS.values())}

## OUTPUT FORMAT

changes

## DO NOT

- new files
"""


def began_and_done(made: Worked) -> dict[str, tuple[float, float]]:
    """Returns when the attempt at each task began, and when it was done."""
    with closing(sqlite3.connect(made.site.repo / ".orchestrator/run/journal.sqlite3")) as journal:
        rows = journal.execute("SELECT spec, began, done FROM spend").fetchall()
    return {json.loads(spec)["task"]: (began, done) for spec, began, done in rows}


def test_what_changes_together_runs_in_sequence_and_the_rest_apart(tmp_path: Path) -> None:
    made = worked(
        tmp_path,
        {"adds": WRITER.replace("PLACE", str(tmp_path))},
        files={**SITE, "data/one.txt": "0\n", "notes/two.txt": "0\n"},
    )
    for number in range(1, 9):
        pair = {"data/one.txt": f"{number}\n", "notes/two.txt": f"{number}\n"}
        push_files(made.site, pair, f"both {number}")
    shown = made.done(BRIEF)
    assert shown["state"] == "completed", shown
    assert made.at_tip("data/one.txt") == made.at_tip("notes/two.txt") == "8 more"

    plan = shown["plan"]
    assert {task["id"]: task["after"] for task in plan["tasks"]} == {
        "first": [],
        "aside": [],
        "second": ["first"],
    }
    assert [(edge["earlier"], edge["later"]) for edge in plan["edges"]] == [("first", "second")]
    notes = [note for note in plan["notes"] if note.startswith("coupling ")]
    assert [note.partition(": ")[0] for note in notes] == [
        "coupling first aside",
        "coupling first second",
        "coupling aside second",
    ]
    assert "second after first; together" in notes[1]
    assert "9 commits with both, 9 and 9 with each" in notes[1]
    assert all("apart and at once" in note for note in (notes[0], notes[2]))

    times = began_and_done(made)
    assert times["first"][1] <= times["second"][0]

    assert notes[1] in made.run("show", str(shown["id"])).out
    commit = git(made.site.hub, "log", "--format=%H", "--grep", "^land", "main")
    audited = made.run("audit", commit, "--json").json
    assert audited["complete"] is True
    assert [link["why"] for link in audited["chain"] if link["kind"] == "plan"] == plan["notes"]
    kept = json.loads((made.site.repo / ".orchestrator/run/memo/co-change.json").read_text())
    assert len(kept["commits"]) >= 8
