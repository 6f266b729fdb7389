"""Briefs of several tasks, the whole way: planned, worked side by side, handed on, landed."""

from pathlib import Path

from tests.support.worked import worked

COUNTS = """\
---
kind: command
description: counts words
capabilities: [counting]
command: [wc, -w, "{inputs}"]
returns: [report]
---
"""
GATHERS = """\
---
kind: command
description: prints what the tasks before it returned
capabilities: [gathering]
command: "echo '# Gathered'; grep -o '\\"content\\": *\\"[^\\"]*' {package}"
returns: [report]
---
"""
TASKS = """\
---
tasks:
  - id: words
    task: Count the words of the guide.
    inputs: docs/guide.md
    scope: docs/
    output: a report
    guidance: wc is enough.
    do_not: change anything
    worker: counting
    acceptance: ["matches: /guide/"]
  - id: marks
    task: Find the lines that hold `Guide`.
    inputs: docs/
    scope: docs/
    output: a list
    guidance: Use grep.
    do_not: change anything
    worker: search
    acceptance: ["matches: /docs/"]
  - id: both
    task: Put both into one report.
    inputs:
      - from: task:words as report
    scope: docs/
    output: a report
    guidance: Everything is in the inputs.
    do_not: change anything
    after: [words, marks]
    worker: gathering
---

## TASK

Say what the guide is about and where it is named.

## INPUTS

- docs/

## SCOPE

in: docs/

## OUTPUT FORMAT

report

## DO NOT

- change anything

## ACCEPTANCE

- matches: /Gathered/
"""


def test_two_tasks_side_by_side_and_a_third_that_takes_what_both_returned(tmp_path: Path) -> None:
    made = worked(tmp_path, {"counting": COUNTS, "gathering": GATHERS})
    shown = made.done(TASKS)
    assert shown["state"] == "completed", shown["reply"]
    assert (shown["plan"]["rule"], shown["plan"]["shape"]) == ("plan.tasks", "fan-out")
    tried = [(one["worker"], one["verdict"]) for one in shown["attempts"]]
    assert sorted(tried[:2]) == [("counting", "accept"), ("search", "accept")]
    assert tried[2:] == [("gathering", "accept")]
    result = made.run("show", str(shown["id"]), "--result").out
    assert "6 docs/guide.md" in result
    assert "docs/guide.md:1: # Guide" in result
