"""A worker's question and its answer, by the command line alone."""

from pathlib import Path

from tests.support.command_line import in_a_process
from tests.support.patience import UNTIL_IDLE
from tests.support.repos import git, make_site

UNCLEAR = b"""\
TASK: Find every mention of the old product name in the docs.
INPUTS: **/*.md
SCOPE: docs/; everything else is out of bounds
OUTPUT FORMAT: a list
DO NOT: change files
"""


def test_an_answer_reaches_the_worker_that_asked_and_one_that_does_not_settle_it_is_asked_again(
    tmp_path: Path,
) -> None:
    site = make_site(tmp_path / "site")
    assert in_a_process(site.repo, "init").code == 0
    file = tmp_path / "mentions.md"
    file.write_bytes(UNCLEAR)
    dropped = in_a_process(site.repo, "brief", "drop", str(file), "--json").json
    run = ("run", *UNTIL_IDLE)

    def question() -> tuple[str, str]:
        ran = in_a_process(site.repo, *run)
        assert ran.code == 0, ran.out + ran.said
        git(site.repo, "fetch", "--quiet")
        (brief,) = in_a_process(site.repo, "status", "--json").json["briefs"]
        assert (brief["state"], brief["held"]) == ("input_required", "question")
        (asked,) = brief["questions"]
        return asked["id"], asked["text"]

    first, text = question()
    assert text.startswith("Which pattern? TASK names none.")
    answer = ("answer", dropped["id"], first, "the name we had before")
    assert in_a_process(site.repo, *answer).code == 0
    second, text = question()
    assert second != first
    assert text.startswith("Which pattern? The answer 'the name we had before' is none.")
    assert in_a_process(site.repo, "answer", dropped["id"], second, "Back").code == 0
    ran = in_a_process(site.repo, *run)
    assert ran.code == 0, ran.out + ran.said
    git(site.repo, "fetch", "--quiet")
    result = in_a_process(site.repo, "show", dropped["id"], "--result")
    assert result.out.startswith("- docs/guide.md:3: Back to")
    landing = git(site.repo, "log", "-1", "--grep=^land ", "--format=%B", "origin/main")
    for asked in (first, second):
        assert f"Answered-By: A Person <person@example.invalid> {asked}" in landing.splitlines()
