"""A fan-out whose parts are put together without a model: mapped, merged, landed."""

from pathlib import Path

from tests.support.worked import worked

BRIEF = """\
---
tasks:
  - id: heads
    task: Find `Guide` in the documentation.
    inputs: docs/
    scope: docs/
    output: a list
    guidance: Each line counts.
    do_not: change anything
    worker: search
  - id: links
    task: Find `start` in the documentation.
    inputs: docs/
    scope: docs/
    output: a list
    guidance: Each line counts.
    do_not: change anything
    worker: search
  - id: all
    task: One list of both.
    inputs:
      - from: task:heads as list
      - from: task:links as list
    scope: docs/
    output: a list
    guidance: Each line once.
    do_not: change anything
    worker: merge
---

## TASK

List where the guide names itself and where it names the start.

## INPUTS

- docs/

## SCOPE

in: docs/

## OUTPUT FORMAT

a list

## DO NOT

- change anything

## ACCEPTANCE

- matches: /Guide/
"""


def test_the_parts_of_a_fan_out_are_one_list(tmp_path: Path) -> None:
    site = worked(tmp_path, {})
    shown = site.done(BRIEF)
    assert shown["state"] == "completed", shown
    assert [one["worker"] for one in shown["attempts"]] == ["search", "search", "merge"]
    result = site.run("show", str(shown["id"]), "--result").out
    assert result == (
        "- docs/guide.md:1: # Guide\n- docs/guide.md:3: Back to [the start](../README.md).\n"
    )
