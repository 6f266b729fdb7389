"""The gate as a rule: which checks a merged product must have passed, and the proof that it did."""

from collections.abc import Sequence

from .changeset import Changeset
from .check import Check, CheckResult
from .names import Oid
from .policy import Policy
from .proof import Gated, Merged
from .tree import matches


def wanted_checks(changeset: Changeset, product: Oid, *, policy: Policy) -> tuple[Check, ...]:
    """Returns the checks that the gate runs on `product` for what `changeset` touches."""
    touched = (*changeset.touched, *(kept.file for kept in changeset.entries))
    return tuple(
        Check(product=product, command=command, confinement=policy.confinement)
        for command in policy.gates
        if not command.paths
        or any(matches(path, glob) for path in touched for glob in command.paths)
    )


def gate(merged: Merged, results: Sequence[CheckResult]) -> Gated:
    """Returns the proof that the gate passed. Raises ValueError when a result is red."""
    red = [result.name for result in results if not result.passed]
    if red:
        raise ValueError(f"the gate did not pass: {', '.join(red)}")
    return Gated(merged=merged, results=tuple(results))
