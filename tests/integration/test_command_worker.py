"""Command workers: real programs in real cells, and every way in which they can answer or fail to."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters import agents
from coordinator.adapters.agents.placeholders import NoPaths, filled
from coordinator.adapters.sandbox import WORK, Sandbox
from coordinator.domain.output import Changes, CouldNot, NoOutput, Output, Report
from coordinator.domain.package import Scope
from tests.support.assignments import assignment, folder
from tests.support.patience import PATIENCE_S

FILES = {"a.txt": "one\n", "docs/b.md": "two\n", "docs/c.py": "three\n", "-n": "dash\n"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return folder(tmp_path / "tree", FILES)


def work(tmp_path: Path, tree: Path, *argv: str, **said: Any) -> Output | NoOutput:
    """Runs a command worker once, over the tree."""
    told = assignment(tree, *argv, **said)
    return agents.work(told, sandbox=Sandbox(tmp_path / "cells"), beat=lambda: None)


def report(came: Output | NoOutput) -> Report:
    assert isinstance(came, Output), came
    assert isinstance(came.body, Report), came.body
    return came.body


def changes(came: Output | NoOutput) -> Mapping[str, str | None]:
    assert isinstance(came, Output), came
    assert isinstance(came.body, Changes), came.body
    return {
        edit.path: None if edit.content_b64 is None else base64.b64decode(edit.content_b64).decode()
        for edit in came.body.edits
    }


def could_not(came: Output | NoOutput) -> CouldNot:
    assert isinstance(came, Output), came
    assert isinstance(came.body, CouldNot), came.body
    return came.body


def reason(came: Output | NoOutput) -> str:
    assert isinstance(came, NoOutput), came
    return came.reason


def test_a_report_is_what_it_prints_and_the_tree_is_read_only(tmp_path: Path, tree: Path) -> None:
    came = work(tmp_path, tree, "sh", "-c", "cat a.txt; touch new || echo refused")
    assert report(came).text == "one\nrefused\n"
    assert isinstance(came, Output)
    assert came.confinement == "strict"
    assert came.usage.wall_s > 0


def test_the_package_is_on_a_file_and_on_standard_input(tmp_path: Path, tree: Path) -> None:
    came = work(tmp_path, tree, "sh", "-c", 'cmp - "$1" && cat "$1"', "sh", "{package}")
    assert json.loads(report(came).text)["description"] == "Tidy the pages."


def test_paths_are_whole_arguments_that_no_shell_reads(tmp_path: Path) -> None:
    odd = "$(touch x) `id` ;rm *.txt"
    tree = folder(tmp_path / "tree", {**FILES, odd: "odd\n"})
    came = work(
        tmp_path, tree, "printf", "%s\\n", "{scope}", scope=Scope(inside=("**",), outside=())
    )
    assert sorted(report(came).text.splitlines()) == sorted(
        [odd, "./-n", "a.txt", "docs/b.md", "docs/c.py"]
    )


@pytest.mark.parametrize(
    ("argv", "inputs", "expected"),
    [
        (("{scope}",), (), ["docs/b.md", "docs/c.py"]),
        (("{scope:**/*.py}", "x"), (), ["docs/c.py", "x"]),
        (("{inputs}",), ("a.txt",), ["a.txt"]),
        (("{inputs:*.txt}", "--out={out}/x"), ("a.txt", "docs"), ["a.txt", "--out=/out/x"]),
        (("a{scope}", "{nobody}", "{work}"), (), ["a{scope}", "{nobody}", WORK]),
    ],
)
def test_arguments_are_filled_in(
    tree: Path, argv: tuple[str, ...], inputs: tuple[str, ...], expected: list[str]
) -> None:
    scope = Scope(inside=("docs/",), outside=("docs/d.md",))
    asked = assignment(tree, inputs=inputs, scope=scope)
    assert list(filled(argv, asked.package, tree)) == expected


def test_links_are_no_arguments_and_what_is_out_of_scope_is_none(tree: Path) -> None:
    (tree / "link").symlink_to("a.txt")
    asked = assignment(tree, scope=Scope(inside=("**",), outside=("docs/",)))
    assert list(filled(("{scope}",), asked.package, tree)) == ["./-n", "a.txt"]


def test_paths_that_do_not_fit_are_told_and_not_cut_off(tmp_path: Path) -> None:
    deep = "/".join(["x" * 200] * 10)
    tree = folder(tmp_path / "tree", {f"{deep}/{n}": "" for n in range(600)})
    with pytest.raises(NoPaths, match="more paths than fit"):
        filled(("{scope}",), assignment(tree).package, tree)
    assert could_not(work(tmp_path, tree, "true", "{scope}")).why == "missing_data"


def test_no_path_is_nothing_to_do_for_changes_and_missing_data_for_a_report(
    tmp_path: Path, tree: Path
) -> None:
    nowhere = Scope(inside=("nowhere/",), outside=())
    asked: dict[str, Any] = {"scope": nowhere}
    assert (
        could_not(work(tmp_path, tree, "false", "{scope}", kind="changes", **asked)).why == "noop"
    )
    said = could_not(work(tmp_path, tree, "false", "{scope}", **asked))
    assert (said.why, said.text) == ("missing_data", "{scope} names no file at the base")


def test_changes_are_what_it_did_to_the_folder(tmp_path: Path, tree: Path) -> None:
    line = "echo more >>a.txt; rm docs/b.md; echo new >docs/new"
    came = work(tmp_path, tree, "sh", "-c", line, kind="changes")
    assert changes(came) == {"a.txt": "one\nmore\n", "docs/b.md": None, "docs/new": "new\n"}
    assert isinstance(came, Output)
    assert isinstance(came.body, Changes)
    assert came.body.summary == "tool changed 3 files."
    assert (tree / "a.txt").read_text() == "one\n", "the pristine tree stays as it was"


def test_entries_that_can_be_no_part_of_a_tree_are_told(tmp_path: Path, tree: Path) -> None:
    came = work(tmp_path, tree, "sh", "-c", "mkfifo pipe", kind="changes")
    assert isinstance(came, Output)
    assert isinstance(came.body, Changes)
    assert [entry.path for entry in came.body.refused] == ["pipe"]


def test_a_patch_is_an_answer_too(tmp_path: Path, tree: Path) -> None:
    diff = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+eins\n"
    came = work(tmp_path, tree, "printf", "%s", diff, kind="changes", changes="patch")
    assert isinstance(came, Output)
    assert isinstance(came.body, Changes)
    assert (came.body.edits, came.body.patch) == ((), diff)
    nothing = work(tmp_path, tree, "true", kind="changes", changes="patch")
    assert could_not(nothing).why == "noop"


def test_nothing_changed_is_a_typed_noop_with_what_it_said(tmp_path: Path, tree: Path) -> None:
    came = work(tmp_path, tree, "echo", "all \x1b[31mfine\x1b[0m", kind="changes")
    assert could_not(came) == CouldNot(why="noop", text="tool changed nothing: all fine")


def test_an_answer_may_be_in_a_file_and_below_a_pointer(tmp_path: Path, tree: Path) -> None:
    answer = {"found": [{"text": "hello"}, {"n/m": 7}], "cost": {"usd": 0.25, "in": 9}}
    line = f"echo noise; printf %s '{json.dumps(answer)}' >\"$1\"/answer.json"
    argv = ("sh", "-c", line, "sh", "{out}")
    told = work(
        tmp_path,
        tree,
        *argv,
        answer="answer.json",
        answer_pointer="/found/0/text",
        usage_pointers=(
            ("cost_usd", "/cost/usd"),
            ("tokens_in", "/cost/in"),
            ("tokens_out", "/no"),
        ),
    )
    assert report(told).text == "hello"
    assert (told.usage.cost_usd, told.usage.tokens_in, told.usage.tokens_out) == (0.25, 9, 0)
    part = work(tmp_path, tree, *argv, kind="json", answer="answer.json", answer_pointer="/found/1")
    assert report(part).data == {"n/m": 7}
    escaped = work(
        tmp_path, tree, *argv, kind="json", answer="answer.json", answer_pointer="/found/1/n~1m"
    )
    assert report(escaped).data == 7
    lost = work(tmp_path, tree, *argv, answer="answer.json", answer_pointer="/found/2")
    assert reason(lost).startswith("the worker failed: its answer has no /found/2: there is no '2'")
    none = work(tmp_path, tree, "echo", "x", answer="answer.json")
    assert reason(none) == "the worker failed: it left no file answer.json"


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (
            "report",
            {"kind": "report", "text": "It is fine.", "why": ""},
            Report(text="It is fine.\n"),
        ),
        (
            "report",
            {"kind": "could_not", "why": "missing_data", "text": "no log"},
            CouldNot(why="missing_data", text="no log"),
        ),
        (
            "changes",
            {"kind": "could_not", "why": "question", "text": "which?"},
            CouldNot(why="question", text="which?"),
        ),
    ],
)
def test_a_typed_json_answer_means_what_it_says(
    tmp_path: Path, tree: Path, kind: Any, answer: Any, expected: Any
) -> None:
    came = work(tmp_path, tree, "printf", "%s", json.dumps(answer), kind=kind)
    assert isinstance(came, Output)
    assert came.body == expected


def test_edits_may_be_in_a_json_answer(tmp_path: Path, tree: Path) -> None:
    edits = [{"path": "a.txt", "content": "eins\n"}, {"path": "docs/b.md", "content": None}]
    answer = {"kind": "changes", "summary": "Translated.", "edits": edits}
    came = work(tmp_path, tree, "printf", "%s", json.dumps(answer), kind="changes")
    assert changes(came) == {"a.txt": "eins\n", "docs/b.md": None}


def test_could_not_in_its_file_counts_whatever_the_exit_status(tmp_path: Path, tree: Path) -> None:
    said = '{"why": "missing_tool", "text": "no compiler here"}'
    line = f"printf %s '{said}' >/out/could-not.json; exit 3"
    came = work(tmp_path, tree, "sh", "-c", line)
    assert could_not(came) == CouldNot(why="missing_tool", text="no compiler here")
    bad = work(tmp_path, tree, "sh", "-c", "echo '[]' >/out/could-not.json")
    assert reason(bad) == "the worker failed: could-not.json is not a JSON object"


def test_a_status_that_is_not_ok_fails_with_the_last_lines_cleaned(
    tmp_path: Path, tree: Path
) -> None:
    line = "printf 'first\\n\\033[1mlast\\033[0m\\n' >&2; exit 2"
    assert (
        reason(work(tmp_path, tree, "sh", "-c", line)) == "the worker failed: exit 2: first / last"
    )
    assert report(work(tmp_path, tree, "sh", "-c", "echo found; exit 1", ok_codes=(0, 1))).text


@pytest.mark.parametrize(
    ("line", "limits", "wall_s", "why"),
    [
        ("sleep 1000", {}, 0.6, "killed: longer than 0.6 s"),
        ("sleep 1000", {"idle_s_max": 0.5}, PATIENCE_S, "killed: silent for longer than 0.5 s"),
        ("yes", {"output_bytes_max": 100_000}, PATIENCE_S, "killed: more output than 100000 bytes"),
    ],
)
def test_limits_end_a_command(
    tmp_path: Path, tree: Path, line: str, limits: Any, wall_s: float, why: str
) -> None:
    assert reason(work(tmp_path, tree, "sh", "-c", line, limits=limits, wall_s=wall_s)) == why


def test_a_program_that_is_not_there_is_told(tmp_path: Path, tree: Path) -> None:
    assert "no-such-program" in reason(work(tmp_path, tree, "sh", "-c", "no-such-program"))


def test_where_nothing_can_be_confined_nothing_runs_and_the_reason_says_what_to_do(
    tmp_path: Path, tree: Path
) -> None:
    sandbox = Sandbox(tmp_path / "cells", bwrap="no-bwrap-here")
    canary = tmp_path / "canary"
    told = assignment(tree, "touch", str(canary))
    came = agents.work(told, sandbox=sandbox, beat=lambda: None)
    assert reason(came).startswith("it could not be confined: ")
    assert "bubblewrap" in reason(came)
    assert not canary.exists()


def test_unconfined_it_works_alike_and_the_output_says_so(tmp_path: Path, tree: Path) -> None:
    loose = {"confinement": "none"}
    came = work(tmp_path, tree, "sh", "-c", "echo x >>a.txt", kind="changes", profile=loose)
    assert changes(came) == {"a.txt": "one\nx\n"}
    assert isinstance(came, Output)
    assert came.confinement == "none"
    copied = ("sh", "-c", 'cp "$1" "$2"/copy.json', "sh", "{package}", "{out}")
    there = work(tmp_path, tree, *copied, kind="json", answer="copy.json", profile=loose)
    assert report(there).data["task_type"]


def test_every_chunk_that_it_prints_is_a_sign_of_life(tmp_path: Path, tree: Path) -> None:
    beats: list[int] = []
    told = assignment(tree, "echo", "hello")
    agents.work(told, sandbox=Sandbox(tmp_path / "cells"), beat=lambda: beats.append(1))
    assert beats


def test_an_edit_by_hand_is_the_same(tmp_path: Path, tree: Path) -> None:
    by_hand = folder(tmp_path / "hand", FILES)
    argv = ["sed", "-i", "s/o/0/g", "docs/b.md", "a.txt"]
    subprocess.run(argv, cwd=by_hand, check=True)
    found = changes(work(tmp_path, tree, *argv, kind="changes"))
    assert found == {name: (by_hand / name).read_text() for name in ("a.txt", "docs/b.md")}


def test_a_program_or_a_folder_that_this_machine_lacks_is_said_before_anything_runs(
    tmp_path: Path, tree: Path
) -> None:
    unseen = tmp_path / "tools"
    for argv, read, told in (
        (("no-such-program", "{scope}"), (), "there is no program 'no-such-program' here"),
        ((str(unseen / "tool"),), (), f"there is no program '{unseen}/tool' here"),
        (("true",), (str(unseen),), f"{unseen}, which it shall see, is not there"),
    ):
        came = work(tmp_path, tree, *argv, profile={"read": read})
        said = could_not(came)
        assert isinstance(came, Output)
        assert (said.why, came.confinement) == ("missing_tool", "strict")
        assert told in said.text
        assert "coordinator workers test tool" in said.text


def test_a_program_may_be_a_script_of_the_repository(tmp_path: Path, tree: Path) -> None:
    script = folder(tree, {"scripts/say.sh": "#!/bin/sh\necho said\n"}) / "scripts/say.sh"
    script.chmod(0o755)
    for name in ("./scripts/say.sh", "scripts/say.sh", f"{WORK}/scripts/say.sh"):
        assert report(work(tmp_path, tree, name)).text == "said\n"
