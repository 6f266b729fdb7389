"""Which checks a gate runs, and the proof that they passed."""

import pytest

from coordinator.domain import batch
from coordinator.domain.memory_md import KeptEntry, MemoryEntry
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.policy import Command, Policy
from tests.support.sightings import PRODUCT, changeset, check, merged, result

ALWAYS = Command(name="test", run="make test")
STYLES = Command(name="css", run="make css", paths=("css/**", "*.scss"))


@pytest.mark.parametrize(
    ("touched", "names"),
    [
        (("docs/guide.md",), ["test"]),
        (("docs/guide.md", "css/a/b.css"), ["test", "css"]),
        ((), ["test"]),
    ],
)
def test_a_gate_runs_what_the_changed_paths_call_for(
    touched: tuple[RepoPath, ...], names: list[str]
) -> None:
    policy = Policy(gates=(ALWAYS, STYLES))
    found = batch.wanted_checks(changeset(touched=touched), PRODUCT, policy=policy)
    assert [c.command.name for c in found] == names
    assert {c.product for c in found} == {PRODUCT}


def test_a_gate_runs_for_what_a_landing_writes_into_memory_too() -> None:
    notes = Command(name="notes", run="make notes", paths=("memory/**",))
    entry = MemoryEntry(id="one", title="One", date="2026-03-01", commit=Oid("1" * 40))
    kept = KeptEntry(file=RepoPath("memory/lessons.md"), entry=entry)
    policy = Policy(gates=(notes,))
    for entries, names in (((), []), ((kept,), ["notes"])):
        found = batch.wanted_checks(changeset(entries=entries), PRODUCT, policy=policy)
        assert [one.command.name for one in found] == names


def test_l3_a_green_gate_is_a_proof_about_exactly_this_product() -> None:
    passed = result(check())
    gated = batch.gate(merged(), [passed])
    assert (gated.merged.product, gated.results) == (PRODUCT, (passed,))


def test_l3_a_red_gate_is_none() -> None:
    with pytest.raises(ValueError, match="the gate did not pass: lint"):
        batch.gate(merged(), [result(check()), result(check("lint"), passed=False)])
