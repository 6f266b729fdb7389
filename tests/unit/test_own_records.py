"""This repository coordinates itself: what it says to the coordinator must be readable by it."""

from pathlib import Path

import pytest

from coordinator.adapters.starting_files import starting_files
from coordinator.config import read_policy
from coordinator.domain import brief_text, plan_md, rules, state_md
from coordinator.domain.brief import Brief
from coordinator.domain.names import RecordPaths

ROOT = Path(__file__).resolve().parents[2]

# A gate runs these tests too, on the product tree: there the record paths are absent by design.
records = pytest.mark.skipif(
    not (ROOT / "memory").is_dir(), reason="this is a gate's checkout, without record paths"
)


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_house_rules_have_a_gate_that_runs_what_people_run() -> None:
    policy = read_policy((ROOT / ".orchestrator/config.toml").read_bytes())
    targets = {line.split(":")[0] for line in text("Makefile").splitlines() if ":" in line}
    commands = [c.run for c in (*policy.checks, *policy.gates)]
    assert commands, "there is something to run"
    for command in commands:
        make, *wanted = command.split()
        assert make == "make"
        assert set(wanted) <= targets, f"{command!r} names what the Makefile has"


@records
def test_every_open_line_of_the_plan_names_a_brief_that_is_there() -> None:
    plan = plan_md.parse(text("memory/plan.md"))
    assert plan.faults == ()
    assert plan.lines, "there is something to do, or done"
    for line in plan.lines:
        if not line.done:
            read = brief_text.parse((ROOT / line.path).read_bytes(), name=line.name)
            assert isinstance(read, Brief), f"{line.path}: {read}"
            assert read.output_format.kind, f"{line.path} says what it wants back"


@records
def test_the_state_page_has_a_section_of_the_coordinator_and_one_of_people() -> None:
    page = text("memory/state.md")
    assert page.count(state_md.BEGIN) == page.count(state_md.END) == 1
    assert "docs/glossary.md" in state_md.hand_written(page), "workers are told where the words are"


def test_the_constitution_has_the_rules_of_the_coordinator_and_then_our_own() -> None:
    assert text(".orchestrator/constitution.md").startswith(rules.render())


@records
def test_what_init_would_write_here_is_what_is_here() -> None:
    said = starting_files(
        RecordPaths(), remote="origin", branch="main", refs_root="refs/orchestrator"
    )
    for path in ("briefs/README.md", ".orchestrator/.gitignore"):
        assert text(path) == said[path].decode(), f"{path} is as init writes it"
    assert [path for path in said if not (ROOT / path).is_file()] == []
