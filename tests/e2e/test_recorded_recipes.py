"""Every recipe with models that answer from a recording, a command and built-in workers, in one repository."""

from pathlib import Path

from tests.recorded.recipes import CONFIG, SITE, WORKERS, Run
from tests.recorded.recording import Recording
from tests.recorded.replay import replaying
from tests.support.repos import git
from tests.support.worked import worked

AGAIN = "what workers are asked has changed: record again, see tests/recorded/README.md"


def test_each_recipe_lands_and_a_person_reads_one_question(tmp_path: Path) -> None:
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
    }
    workers = {name: [a["worker"] for a in one.shown["attempts"]] for name, one in told.items()}
    assert workers == {
        "guide": ["headings", "scout", "scout", "author"],
        "readme": ["author", "author", "critic", "author"],
        "letter": ["critic", *sorted(workers["letter"][1:3], reverse=True), "clerk"],
        "about": ["drafter", "drafter", "drafter"],
        "names": ["scout", "scout", "merge", "merge"],
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
    subjects = git(made.site.hub, "log", "--first-parent", "--format=%s", "main").splitlines()
    brief = told["names"].shown["id"]
    assert subjects[0] == f"land {brief}: 1 row from merge"
    assert subjects[1] == f"accept {brief}: reduce-3 answered"
