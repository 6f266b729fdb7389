"""The checklist of one brief as it was executed: seven lines, each with its evidence and object ids.

It is read back from commits and kept attempts, never from memory: what cannot be shown is not ticked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain.names import Oid
from coordinator.domain.record import Record
from coordinator.domain.status import CheckItem
from coordinator.domain.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A landing commit with what was recomputed from its objects."""

    oid: Oid
    parent: Oid
    product: Oid  # ProductTree of the commit, recomputed
    parent_product: Oid
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One kept attempt: its commit and what its verdict found."""

    oid: Oid
    accepted: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A deploy commit of the brief; `live` is what its trailer says was seen."""

    oid: Oid
    environment: str
    revision: str
    live: str


def checklist(
    landing: Landing | None,
    judged: Sequence[Judged],
    shipped: Sequence[Shipped],
    *,
    deploy: str | None,
) -> tuple[CheckItem, ...]:
    """Returns the seven lines; `deploy` is the environment the brief asked for, if any."""
    return (
        _scope(judged),
        _compared(landing, judged),
        _claims(landing),
        _synced(landing),
        _gated(landing),
        _landed(landing),
        _live(shipped, deploy),
    )


def _scope(judged: Sequence[Judged]) -> CheckItem:
    accepted = [one for one in judged if one.accepted]
    findings = [f for one in accepted for f in one.findings if f.code == "scope"]
    oids = tuple(one.oid for one in accepted)
    if not accepted:
        return CheckItem(item="scope respected", done=None, evidence="nothing is accepted yet")
    if not findings:
        text = "accepted; the verdict has no finding about scope"
        return CheckItem(item="scope respected", done=None, evidence=text, oids=oids)
    done = all(f.met is True for f in findings)
    return CheckItem(
        item="scope respected",
        done=done,
        evidence="; ".join(dict.fromkeys(f.evidence for f in findings)),
        oids=oids,
    )


def _compared(landing: Landing | None, judged: Sequence[Judged]) -> CheckItem:
    accepted = tuple(one.oid for one in judged if one.accepted)
    said = landing.record.values("Attempt") if landing else ()
    # Who planned or put into words is named after the verdict: theirs are no outputs to compare.
    words = [value.split() for value in said]
    count = len(accepted) or sum(w[1:2] == ["accepted"] and w[2:3] != ["as"] for w in words)
    turned_down = max(len(judged) - len(accepted), sum(" rejected " in v for v in said))
    if not count:
        return CheckItem(item="outputs compared", done=None, evidence="no accepted output yet")
    several = "one accepted output" if count == 1 else f"{count} accepted outputs"
    return CheckItem(
        item="outputs compared",
        done=True if landing else None,
        evidence=f"{several}, {turned_down} turned down",
        oids=accepted,
    )


def _claims(landing: Landing | None) -> CheckItem:
    if landing is None:
        return CheckItem(item="claims held", done=None, evidence="not landed")
    claims = landing.record.values("Claim")
    if claims:
        paths = [value.rpartition(" ")[0] for value in claims]
        oids = tuple(value.rpartition(" ")[2] for value in claims)
        return CheckItem(item="claims held", done=True, evidence=", ".join(paths), oids=oids)
    if landing.product == landing.parent_product:
        text = "no product path changed, so only the brief itself was claimed"
        return CheckItem(item="claims held", done=True, evidence=text)
    return CheckItem(item="claims held", done=False, evidence="paths changed without a claim")


def _synced(landing: Landing | None) -> CheckItem:
    if landing is None:
        return CheckItem(item="sync-checked", done=None, evidence="not landed")
    bases = landing.record.values("Base")
    if not bases:
        return CheckItem(item="sync-checked", done=False, evidence="the landing names no base")
    same = (
        "the tip had not moved" if bases[0] == landing.parent else "put on the tip that had moved"
    )
    text = f"worked on {bases[0][:12]}, landed on {landing.parent[:12]}: {same}"
    return CheckItem(
        item="sync-checked", done=True, evidence=text, oids=(bases[0], str(landing.parent))
    )


def _gated(landing: Landing | None) -> CheckItem:
    if landing is None:
        return CheckItem(item="gated", done=None, evidence="not landed")
    trees = landing.record.values("Gated-Tree")
    checks = "; ".join(landing.record.values("Checks"))
    if not checks or checks.startswith("passed 0 of 0"):
        same = landing.product == landing.parent_product
        why = "the product tree did not change" if same else "no gate is set for what changed"
        checks = f"{why}: there was nothing to run"
    if not trees:
        return CheckItem(item="gated", done=False, evidence="the landing names no gated tree")
    if trees[0] != landing.product:
        text = f"gated {trees[0][:12]}, but the commit holds {landing.product[:12]}"
        return CheckItem(item="gated", done=False, evidence=text, oids=(trees[0], landing.product))
    return CheckItem(item="gated", done=True, evidence=checks, oids=(trees[0],))


def _landed(landing: Landing | None) -> CheckItem:
    if landing is None:
        return CheckItem(item="landed", done=None, evidence="not landed")
    return CheckItem(
        item="landed", done=True, evidence=landing.record.subject, oids=(str(landing.oid),)
    )


def _live(shipped: Sequence[Shipped], deploy: str | None) -> CheckItem:
    if not shipped:
        text = f"not live in {deploy} yet" if deploy else "no deployment was asked for"
        return CheckItem(item="live", done=None, evidence=text)
    last = shipped[-1]
    seen = last.live or "nothing was read back"
    return CheckItem(
        item="live",
        done=bool(last.live),
        evidence=f"{last.environment}: {seen}",
        oids=(str(last.oid), last.revision),
    )
