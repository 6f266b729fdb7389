"""Agents as programs: found on PATH, started in a cell, ended when they hang; played by small scripts."""

import json
from pathlib import Path

import pytest

from coordinator.adapters import agents
from coordinator.adapters.agents import programs
from coordinator.adapters.sandbox import Sandbox
from coordinator.domain.errors import WorkerError
from coordinator.domain.names import ProfileName
from coordinator.domain.output import Changes, NoOutput, Output, Report
from coordinator.domain.policy import CommandLine, Confinement, Profile
from tests.support.assignments import assignment, folder
from tests.support.patience import PATIENCE_S, with_enough

RESULT = {"type": "result", "subtype": "success", "is_error": False, "total_cost_usd": 0.02}
TOLD = {**RESULT, "structured_output": {"kind": "report", "text": "Fine.", "why": ""}}
DONE = {
    **RESULT,
    "structured_output": {"kind": "changes", "summary": "New.", "text": "", "why": ""},
}
CUT = {**RESULT, "subtype": "error_during_execution"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return folder(tmp_path / "tree", {"a.txt": "one\n"})


def played(place: Path, script: str) -> Path:
    """Returns a program that plays an agent."""
    program = place / "bin" / "claude"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def work(
    place: Path, tree: Path, script: str, *, changes: bool = False, wall_s: float = PATIENCE_S
) -> Output | NoOutput:
    program = played(place / f"for-{wall_s:g}", script)
    told = assignment(
        tree, str(program), by="claude-code", kind="changes" if changes else "report", wall_s=wall_s
    )
    return agents.work(told, sandbox=Sandbox(place / "cells"), beat=lambda: None)


def test_an_agent_reads_the_prompt_and_answers(tmp_path: Path, tree: Path) -> None:
    script = f"grep -q 'Tidy the pages' && cat a.txt >/dev/null && echo '{json.dumps(TOLD)}'"
    came = work(tmp_path, tree, script)
    assert isinstance(came, Output), came
    assert came.body == Report(text="Fine.\n")
    assert came.confinement == "strict"


def test_an_agent_that_never_ends_after_its_result_has_answered_all_the_same(
    tmp_path: Path, tree: Path
) -> None:
    script = f"echo changed >a.txt; echo '{json.dumps(DONE)}'; exec sleep 1000"
    came = work(tmp_path, tree, script, changes=True)
    assert isinstance(came, Output), came
    assert isinstance(came.body, Changes)
    assert [edit.path for edit in came.body.edits] == ["a.txt"]
    assert came.usage.wall_s < PATIENCE_S


def test_an_interrupt_at_the_limit_keeps_what_the_agent_says_of_its_cost(
    tmp_path: Path, tree: Path
) -> None:
    script = f"trap \"echo '{json.dumps(CUT)}'; exit 0\" INT\nwhile :; do sleep 0.05; done"
    script = script.replace("\"echo '", "'echo \"").replace("'; exit 0\"", "\"; exit 0'")
    script = script.replace(json.dumps(CUT), json.dumps(CUT).replace('"', '\\"'))
    limit_s, came = with_enough(
        lambda wall_s: work(tmp_path, tree, script, wall_s=wall_s),
        lambda came: came.usage.cost_usd,
        limits_s=(1, 10, 60),
    )
    assert isinstance(came, NoOutput), came
    assert came.reason == f"killed: longer than {limit_s:g} s"
    assert came.usage.cost_usd == 0.02


def test_a_report_agent_cannot_change_the_tree(tmp_path: Path, tree: Path) -> None:
    script = f"echo x >a.txt 2>/dev/null && exit 9; echo '{json.dumps(TOLD)}'"
    came = work(tmp_path, tree, script)
    assert isinstance(came, Output), came
    assert (tree / "a.txt").read_text() == "one\n"


def _profile(*command: str) -> Profile:
    said = CommandLine(argv=command)
    return Profile(name=ProfileName("agent"), kind="claude-code", command=said)


def test_a_program_is_found_where_the_house_says_and_its_folder_is_seen(tmp_path: Path) -> None:
    program = played(tmp_path, "true")
    house = Confinement(path=(str(program.parent),))
    found = programs.find(_profile(), house)
    assert found.argv == ("/usr/bin/dash", str(program)) or found.argv[-1] == str(program)
    assert found.read == (program.parent,)


def test_links_are_followed_and_a_package_of_node_is_seen_whole(tmp_path: Path) -> None:
    script = tmp_path / "lib/node_modules/@some/agent/bin/agent.js"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (tmp_path / "agent").symlink_to(script)
    found = programs.find(_profile(str(tmp_path / "agent"), "--more"), Confinement())
    assert found.argv[-2:] == (str(script), "--more")
    assert found.read == (tmp_path / "lib/node_modules",)


def test_what_is_not_here_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="no program 'no-such-agent'") as told:
        programs.find(_profile("no-such-agent"), Confinement())
    assert told.value.hint is not None
    script = tmp_path / "agent"
    script.write_text("#!/usr/bin/env no-such-interpreter\n")
    script.chmod(0o755)
    with pytest.raises(WorkerError, match="no-such-interpreter"):
        programs.find(_profile(str(script)), Confinement())
