"""Briefs of several tasks, the whole way: planned, worked side by side, handed on, landed."""

from pathlib import Path

from tests.support.repos import git
from tests.support.worked import REPORT, worked

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


MAP_REDUCE = """\
---
recipe: map-reduce
---

## TASK

Find every /Guide|site/ in these files.

## INPUTS

- docs/
- README.md
- public/

## SCOPE

in: docs/, README.md, public/

## OUTPUT FORMAT

a list

## DO NOT

- change anything

## ACCEPTANCE

- matches: /README/
- matches: /guide/
"""
SOLOIST = """\
---
kind: command
description: does everything alone
capabilities: [everything]
command: [sed, -n, "s/^./- &/p", "{inputs}"]
returns: [report, list]
---
"""


BROKEN = """\
---
kind: command
description: finds nothing, ever
capabilities: [finding]
command: [sh, -c, "exit 3"]
returns: [list]
---
"""
LONE_GLOB = """\
---
recipe: map-reduce
recipe_with: {parts: 2, mapper: [finding, search]}
retries: 0
---

## TASK

Find every `#` in these files.

## INPUTS

- docs/**/*.md

## SCOPE

in: docs/

## OUTPUT FORMAT

a list

## DO NOT

- change anything
"""


def test_a_lone_glob_is_divided_and_another_worker_makes_what_one_could_not(
    tmp_path: Path,
) -> None:
    pages = {f"docs/{name}.md": f"# {name}\n" for name in ("one", "two", "three")}
    made = worked(tmp_path, {"broken": BROKEN}, files=pages)
    shown = made.done(LONE_GLOB)
    assert shown["state"] == "completed", shown["reply"]
    parts = [[one["value"] for one in t["part"]["inputs"]] for t in shown["plan"]["tasks"]]
    assert parts[:2] == [["docs/one.md"], ["docs/three.md", "docs/two.md"]]
    tried = sorted(f"{one['task']} {one['worker']}" for one in shown["attempts"])
    alike = [f"part-{n} {who}" for n in (1, 2) for who in ("broken", "search")]
    assert tried == [*alike, "reduce merge"], "the landing says at which task each was lost"
    assert " broken at part-1 lost: " in made.run("show", str(shown["id"])).out
    assert shown["effort"]["lift"]["first"] < shown["effort"]["lift"]["landed"]
    assert made.run("show", str(shown["id"]), "--result").out == (
        "- docs/one.md:1: # one\n- docs/three.md:1: # three\n- docs/two.md:1: # two\n"
    )


def test_the_inputs_are_divided_and_what_is_found_in_them_is_one_list(tmp_path: Path) -> None:
    made = worked(tmp_path, {})
    shown = made.done(MAP_REDUCE)
    assert shown["state"] == "completed", shown["reply"]
    tried = [one["worker"] for one in shown["attempts"]]
    assert tried == ["search", "search", "search", "search", "merge"], "a part for each few files"
    assert (shown["plan"]["rule"], shown["plan"]["shape"]) == ("recipe.map-reduce", "fan-out")
    assert made.run("show", str(shown["id"]), "--result").out == (
        "- docs/guide.md:1: # Guide\n- README.md:1: # A site\n"
        "- public/sitemap.xml:1: <urlset><url><loc>https://site.example/</loc></url></urlset>\n"
    )


def test_one_worker_alone_plans_works_and_reviews_and_the_landing_says_so(tmp_path: Path) -> None:
    made = worked(tmp_path, {"alone": SOLOIST})
    brief = REPORT.replace("---\n", "---\nrecipe: solo\n", 1).format(capability="everything")
    shown = made.done(brief)
    assert shown["state"] == "completed", shown["reply"]
    assert (shown["plan"]["rule"], shown["plan"]["shape"]) == ("recipe.solo", "chain")
    assert [one["worker"] for one in shown["attempts"]] == ["alone"] * 3
    landing = git(made.site.hub, "log", "-1", "--format=%B", "main")
    assert "\nReview: self\n" in landing
    result = made.run("show", str(shown["id"]), "--result").out
    assert result == "- # Guide\n- Back to [the start](../README.md).\n"


AUTHOR = """\
---
kind: command
description: writes, and keeps to what a review found
capabilities: [writing]
command: "echo The guide.; grep -o 'FOUND [a-z0-9 -]*' {package}; true"
returns: [report]
---
"""
CRITIC = """\
---
kind: command
description: finds the same thing each time
capabilities: [review]
command: "echo FOUND a word too many in component-1"
returns: [report]
---
"""


def test_a_second_worker_reviews_and_what_it_found_reaches_the_assembly(tmp_path: Path) -> None:
    made = worked(tmp_path, {"author": AUTHOR, "critic": CRITIC})
    front = "---\nrecipe: generate-review\nrecipe_with: {components: [Start, End]}\n"
    brief = REPORT.format(capability="writing").replace("---\n", front, 1)
    shown = made.done(brief)
    assert shown["state"] == "completed", shown["reply"]
    workers = [one["worker"] for one in shown["attempts"]]
    assert workers == ["author", "author", "critic", "author"]
    result = made.run("show", str(shown["id"]), "--result").out
    assert result == "The guide.\nFOUND a word too many in component-1\n"
