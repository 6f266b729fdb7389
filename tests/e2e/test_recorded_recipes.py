"""Every recipe, and a planner: recorded models, a command and built-in workers, in one repository."""

from pathlib import Path
from typing import Any

from tests.recorded.recipes import CONFIG, SITE, WORKERS, Run
from tests.recorded.recording import Recording
from tests.recorded.replay import replaying
from tests.support.repos import git
from tests.support.worked import Worked, worked

AGAIN = "what workers are asked has changed: record again, see tests/recorded/README.md"


def test_each_recipe_and_a_planned_brief_lands_and_a_person_reads_one_question(
    tmp_path: Path,
) -> None:
    recording = Recording.of(SITE.recording)
    with replaying(recording) as url:
        made = worked(tmp_path, WORKERS, config=CONFIG.format(url=url))
        told = {one.name: one for one in Run(made=made, scene=SITE).go()}
    assert not recording.missed, AGAIN
    assert not recording.unused(), AGAIN
    assert {one.shown["state"] for one in told.values()} == {"completed"}
    planned = {
        name: one.shown["plan"]["rule"].removeprefix("recipe.") for name, one in told.items()
    }
    assert planned == {
        "guide": "research-report",
        "readme": "generate-review",
        "letter": "route",
        "about": "solo",
        "names": "map-reduce",
        "plan": "plan.model",
    }
    workers = {name: [a["worker"] for a in one.shown["attempts"]] for name, one in told.items()}
    assert workers == {
        "guide": ["headings", "scout", "scout", "author"],
        "readme": ["author", "author", "critic", "author"],
        "letter": ["critic", *sorted(workers["letter"][1:3], reverse=True), "clerk"],
        "about": ["drafter", "drafter", "drafter"],
        "names": ["scout", "scout", "merge", "merge"],
        "plan": ["mind", "mind", *workers["plan"][2:4], "clerk"],
    }
    assert sorted(workers["letter"][1:3]) == ["scout", "search"]
    assert [name for name, one in told.items() if one.asked] == ["names"]
    (question,) = told["names"].asked
    assert "start | the start" in question["text"]
    result = made.run("show", str(told["names"].shown["id"]), "--result").out
    assert result == "| page | name |\n|---|---|\n| start | the start |\n"
    assert made.at_tip("public/about.html").startswith("<h1>About</h1>\n")
    landings = git(made.site.hub, "log", "--format=%B", "--grep=^land ", "main")
    assert landings.count("\nReview: self\n") == 1
    log = git(made.site.hub, "log", "--first-parent", "--format=%s", "main").splitlines()
    brief = told["names"].shown["id"]
    subjects = [line for line in log if brief in line]
    assert subjects[0] == f"land {brief}: 1 row from merge"
    assert subjects[1] == f"accept {brief}: reduce-3 answered"
    _plan_is_the_second_answer(made, told["plan"].shown)


def _plan_is_the_second_answer(made: Worked, shown: dict[str, Any]) -> None:
    """The first answer is refused with all that is wrong with it; the second is stored, carried out and named."""
    first, second, *authors = shown["attempts"]
    codes = [reason.partition(":")[0] for reason in first["reasons"]]
    assert (first["role"], first["verdict"]) == ("planner", "reject")
    assert codes == ["outside", "overlap", "uncovered", "uncovered"]
    assert (second["role"], second["verdict"]) == ("planner", "accept")
    stored = shown["plan"]
    assert (stored["planned_by"], stored["revision"], stored["shape"]) == ("mind/2", 1, "fan-out")
    assert {task["id"]: (task["profile"], task["after"]) for task in stored["tasks"]} == {
        "front": ("drafter", []),
        "guide": ("author", []),
        "contents": ("clerk", ["front", "guide"]),
    }
    assert {one["worker"] for one in authors[:2]} == {"drafter", "author"}
    revision = git(made.site.hub, "log", "-1", "--format=%B", "--grep=revision 1 of", "main")
    kept = f"refs/orchestrator/attempts/{shown['id']}/"
    assert f"\nAttempt: mind/1 planner refused {kept}" in revision
    assert f"\nAttempt: mind/2 planner {kept}" in revision
    assert "\nDecided-By: rule plan.model@" in revision
    # What comes after others begins on the tree that they changed.
    listed = [line.partition("): ")[2] for line in made.at_tip("docs/contents.md").splitlines()[2:]]
    pages = (made.at_tip("public/index.html"), made.at_tip("docs/guide.md"))
    assert all(listed)
    assert all(sentence in page for sentence, page in zip(listed, pages, strict=True))
