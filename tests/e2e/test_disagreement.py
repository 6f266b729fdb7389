"""Two workers contradict each other in one line: a person reads one question, answers, and it lands."""

from pathlib import Path

from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git
from tests.support.worked import Worked, worked

SAYS = """\
---
kind: command
description: writes the first line
capabilities: [{name}]
command: "sed -i -e '1s/.*/# {word}/' -e '{line}s/$/ {word}/' docs/guide.md"
returns: [changes]
---
"""
GUIDE = "# Guide\n\none\n\ntwo\n\nthree\n"
BRIEF = """\
---
worker: [first, second]
---

## TASK

Give the guide a better heading.

## INPUTS

- docs/guide.md

## SCOPE

in: docs/guide.md

## OUTPUT FORMAT

changes

## DO NOT

- new files

## ACCEPTANCE

- matches: /#/
"""


def made(folder: Path) -> Worked:
    workers = {
        "first": SAYS.format(name="first", word="Manual", line=3),
        "second": SAYS.format(name="second", word="Handbook", line=7),
    }
    return worked(folder, workers, files={"docs/guide.md": GUIDE})


def test_a_person_reads_one_question_and_the_answer_lands_with_all_that_is_agreed(
    tmp_path: Path,
) -> None:
    site = made(tmp_path)
    shown = site.done(BRIEF)
    assert (shown["state"], shown["held"]) == ("input_required", "conflict")
    (question,) = shown["questions"]
    assert question["text"] == (
        "The outputs say different things: docs/guide.md line 1 "
        '(first: "# Manual", second: "# Handbook"). Which shall stand?'
    )
    assert question["choices"] == ["first", "second", "neither"]
    conflicts = "\n".join(shown["conflicts"])
    assert 'docs/guide.md line 1: first (attempt 1): "# Manual"; second (attempt 2)' in conflicts
    assert shown["conflicts"][0] == "Agreed: all other lines of docs/guide.md."
    answered = site.run("answer", str(shown["id"]), str(question["id"]), "second")
    assert answered.code == 0, answered.said
    ran = site.run("run", *UNTIL_IDLE)
    assert ran.code == 0, ran.out + ran.said
    assert site.at_tip("docs/guide.md") == ("# Handbook\n\none Manual\n\ntwo\n\nthree Handbook")
    message = git(site.site.hub, "log", "-1", "--format=%B", "main", "--", "docs/guide.md")
    assert "where they contradict each other, a person said what stands." in " ".join(
        message.split()
    )
    assert f"Answered-By: A Person <person@example.invalid> {question['id']}" in message
    assert f"Decided-By: human A Person <person@example.invalid> {question['id']}" in message


def test_words_for_an_answer_reach_one_worker_and_its_next_output_lands(tmp_path: Path) -> None:
    heeds = (
        "if grep -q Booklet {package}; then sed -i '1s/.*/# Booklet/' docs/guide.md; "
        "else sed -i '1s/.*/# Handbook/' docs/guide.md; fi"
    )
    second = SAYS.format(name="second", word="Handbook", line=7).replace(
        "sed -i -e '1s/.*/# Handbook/' -e '7s/$/ Handbook/' docs/guide.md", heeds
    )
    first = SAYS.format(name="first", word="Manual", line=3)
    site = worked(tmp_path, {"first": first, "second": second}, files={"docs/guide.md": GUIDE})
    shown = site.done(BRIEF)
    (question,) = shown["questions"]
    said = site.run("answer", str(shown["id"]), str(question["id"]), "Call it Booklet.")
    assert said.code == 0, said.said
    ran = site.run("run", *UNTIL_IDLE)
    assert ran.code == 0, ran.out + ran.said
    assert site.at_tip("docs/guide.md") == "# Booklet\n\none Manual\n\ntwo\n\nthree"
    tried = site.run("show", str(shown["id"]), "--json").json["attempts"]
    assert [one["worker"] for one in tried] == ["first", "second", "second"]
