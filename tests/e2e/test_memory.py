"""What one brief leaves for the next, by the command line alone."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from coordinator.domain.memory_md import parse
from tests.support.one_day import on_one_day
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git, push_files
from tests.support.worked import CAPITALS, CHANGE, REPORT, Worked, worked

_QUESTION = {"why": "question", "text": "Which alphabet shall it be?"}
_SCRIPT = (
    'if grep -q \'"answers": *\\[\\]\' "$1"; '
    f"then printf '{json.dumps(_QUESTION)}' > \"$2/could-not.json\"; "
    "else sed -i 's/.*/\\U&/' \"$3\"; fi"
)
ASKS = f"""\
---
kind: command
description: writes files in capitals once it knows which
capabilities: [capitals]
command: [sh, -c, {json.dumps(_SCRIPT)}, sh, "{{package}}", "{{out}}", "{{scope}}"]
returns: [changes]
---
"""
FAILS = """\
---
kind: command
description: never can
capabilities: [breaking]
command: "echo it is broken >&2; exit 7"
returns: [changes]
---
"""
TELLS = """\
---
kind: command
description: prints what it was told
capabilities: [telling]
command: [cat, "{package}"]
returns: [report]
---
"""


def drop(made: Worked, name: str, brief: str) -> str:
    file = made.site.repo.parent / f"{name}.md"
    file.write_text(brief)
    dropped = made.run("brief", "drop", str(file), "--json")
    assert dropped.code == 0, dropped.said
    return str(dropped.json["id"])


def run(made: Worked) -> None:
    ran = made.run("run", *UNTIL_IDLE)
    assert ran.code == 0, ran.out + ran.said
    git(made.site.repo, "fetch", "--quiet")


def landing(made: Worked, brief: str) -> str:
    found = git(made.site.hub, "log", "--format=%H", f"--grep=^land {brief}: ", "main")
    (commit,) = found.splitlines()
    return commit


def memory_of(package: dict[str, Any], file: str) -> list[str]:
    return [text for text in package["memory"] if text.startswith(f"{file}:\n")]


def test_an_answer_lands_as_a_decision_with_the_change_and_the_next_brief_is_told(
    tmp_path: Path,
) -> None:
    made = worked(tmp_path, {"capitals": ASKS, "telling": TELLS})
    brief = drop(made, "guide", CHANGE.format(capability="capitals"))
    run(made)
    (asked,) = made.run("show", brief, "--json").json["questions"]
    assert made.run("answer", brief, asked["id"], "The Latin one, with care.").code == 0
    run(made)

    commit = landing(made, brief)
    changed = git(made.site.hub, "diff", "--name-only", f"{commit}^", commit).splitlines()
    assert {"docs/guide.md", "memory/decisions.md", "memory/lessons.md"} < set(changed)
    (decision,) = parse(made.at_tip("memory/decisions.md")).entries
    assert decision.title == "Which alphabet shall it be?"
    assert decision.paths == ("docs/guide.md",)
    assert decision.brief == brief
    assert "> The Latin one, with care." in decision.prose
    assert re.search(r"Answered by .+ <.+>:", decision.prose)
    (lesson,) = parse(made.at_tip("memory/lessons.md")).entries
    assert lesson.kind == ("capitals",)
    assert "say in INPUTS what was asked: Which alphabet shall it be?" in lesson.title
    message = git(made.site.hub, "show", "--no-patch", "--format=%B", commit)
    assert f"Memory: {decision.id} memory/decisions.md" in message
    assert f"Memory: {lesson.id} memory/lessons.md" in message
    checked = made.run("memory", "check", "--json")
    assert (checked.code, [row["state"] for row in checked.json["entries"]]) == (0, ["fresh"] * 2)

    told = made.done(REPORT.format(capability="telling"), name="tell")
    assert told["state"] == "completed", told
    said = made.run("show", str(told["id"]), "--result").out
    package = json.loads(said[said.index("{") : said.rindex("}") + 1])
    (excerpt,) = memory_of(package, "decisions.md")
    assert "Which alphabet shall it be?" in excerpt
    assert "> The Latin one, with care." in excerpt
    assert "stale" not in excerpt


def test_a_failure_waits_for_the_next_landing_and_survives_the_loss_of_the_run_folder(
    tmp_path: Path,
) -> None:
    made = worked(tmp_path, {"breaking": FAILS, "capitals": CAPITALS})
    failed = made.done(CHANGE.format(capability="breaking"), name="broken")
    assert failed["state"] == "failed"
    assert parse(made.at_tip("memory/lessons.md")).entries == ()

    shutil.rmtree(made.site.repo / ".orchestrator" / "run")
    assert made.run("init").code == 0
    landed = made.done(CHANGE.format(capability="capitals"), name="guide")
    assert landed["state"] == "completed", landed
    (lesson,) = parse(made.at_tip("memory/lessons.md")).entries
    assert lesson.kind == ("breaking",)
    assert lesson.brief == failed["id"]
    assert "it is broken" in lesson.prose

    # A person who removes it has the last word.
    git(made.site.repo, "pull", "--quiet", "--ff-only", "origin", "main")
    push_files(made.site, {"memory/lessons.md": "# Lessons\n", "docs/guide.md": "going\n"}, "tidy")
    again = made.done(CHANGE.format(capability="capitals").replace("Write", "Put"), name="again")
    assert again["state"] == "completed", again
    assert made.at_tip("docs/guide.md") == "GOING"
    assert parse(made.at_tip("memory/lessons.md")).entries == ()


@on_one_day
def test_a_handoff_lands_as_a_page_of_its_own_in_the_name_of_the_one_who_hands_over(
    tmp_path: Path,
) -> None:
    made = worked(tmp_path, {})
    page = made.run("handoff").out
    dry = made.run("handoff", "--write", "--dry-run", "--json").json
    dropped = made.run("handoff", "--write", "--json")
    assert (dropped.code, dropped.json["id"], dropped.json["state"]) == (0, dry["id"], "submitted")
    assert page.startswith("# Handoff")
    again = made.run("handoff", "--write", "--json").json
    assert (again["id"], again["duplicate"]) == (dry["id"], True), "it waits in the inbox"
    run(made)
    shown = made.run("show", str(dry["id"]), "--json").json
    assert shown["state"] == "completed", shown["reply"]
    (kept,) = parse(page).entries
    path = f"memory/handoffs/{kept.date}-{kept.commit[:12]}.md"
    assert made.at_tip(path) == page.strip()
    said = git(made.site.hub, "log", "-1", "--format=%B", landing(made, dry["id"]))
    assert "\nRequested-By: A Person <person@example.invalid>\n" in said
    assert "\nReview: verified\n" in said
    assert made.run("audit", landing(made, dry["id"])).code == 0
    again = made.run("handoff", "--write", "--json").json
    assert again["id"] != dry["id"], "the branch has moved"
