"""Which checks a gate runs, and the proof that they passed."""

import pytest

from coordinator.domain import batch
from coordinator.domain.names import RepoPath
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


def test_l3_a_green_gate_is_a_proof_about_exactly_this_product() -> None:
    passed = result(check())
    gated = batch.gate(merged(), [passed])
    assert (gated.merged.product, gated.results) == (PRODUCT, (passed,))


def test_l3_a_red_gate_is_none() -> None:
    with pytest.raises(ValueError, match="the gate did not pass: lint"):
        batch.gate(merged(), [result(check()), result(check("lint"), passed=False)])
