"""The checklist as executed: what cannot be shown is not ticked."""

from coordinator.domain.checklist import Judged, Landing, Shipped, checklist
from coordinator.domain.names import Oid
from coordinator.domain.record import Record, Verb
from coordinator.domain.status import CheckItem
from coordinator.domain.verdict import Finding

A, B, C, D = (Oid(c * 40) for c in "abcd")


def landing(*trailers: tuple[str, str], product: Oid = C, parent_product: Oid = D) -> Landing:
    record = Record(verb=Verb.LAND, about="x", subject="two rows", trailers=trailers)
    return Landing(oid=A, parent=B, product=product, parent_product=parent_product, record=record)


def judged(*, accepted: bool = True, met: bool | None = True) -> Judged:
    finding = Finding(code="scope", criterion="SCOPE", met=met, evidence="1 path inside")
    return Judged(oid=D, accepted=accepted, findings=(finding,))


def items(found: tuple[CheckItem, ...]) -> dict[str, bool | None]:
    return {item.item: item.done for item in found}


def test_a_brief_that_has_not_landed_has_nothing_ticked() -> None:
    assert set(items(checklist(None, [], [], deploy=None)).values()) == {None}


def test_the_seven_lines_come_in_the_order_of_the_protocol() -> None:
    assert list(items(checklist(None, [], [], deploy=None))) == [
        "scope respected",
        "outputs compared",
        "claims held",
        "sync-checked",
        "gated",
        "landed",
        "live",
    ]


def test_a_whole_landing_is_ticked_with_its_object_ids() -> None:
    whole = landing(
        ("Base", B), ("Gated-Tree", C), ("Claim", f"a path {D}"), ("Checks", "passed 2 of 2")
    )
    shipped = Shipped(oid=A, environment="live", revision=A, live="seen 2 times")
    found = checklist(whole, [judged()], [shipped], deploy="live")
    assert set(items(found).values()) == {True}
    by_name = {item.item: item for item in found}
    assert by_name["claims held"].oids == (D,)
    assert by_name["claims held"].evidence == "a path"
    assert by_name["gated"].oids == (C,)
    assert by_name["landed"].oids == (A,)


def test_a_commit_that_is_not_the_gated_tree_is_not_gated() -> None:
    found = items(checklist(landing(("Base", B), ("Gated-Tree", D)), [judged()], [], deploy=None))
    assert found["gated"] is False


def test_a_landing_that_no_gate_ran_on_says_why() -> None:
    trailers = (("Base", B), ("Gated-Tree", C), ("Checks", "passed 0 of 0"))
    for parent_product, why in (
        (C, "the product tree did not change: there was nothing to run"),
        (D, "no gate is set for what changed: there was nothing to run"),
    ):
        found = checklist(
            landing(*trailers, parent_product=parent_product), [judged()], [], deploy=None
        )
        (gated,) = [item for item in found if item.item == "gated"]
        assert (gated.done, gated.evidence) == (True, why)


def test_a_product_change_without_a_claim_is_said() -> None:
    found = items(checklist(landing(("Base", B), ("Gated-Tree", C)), [judged()], [], deploy=None))
    assert found["claims held"] is False


def test_a_report_that_changes_no_product_path_needs_no_path_claim() -> None:
    report = landing(("Base", B), ("Gated-Tree", C), parent_product=C)
    assert items(checklist(report, [judged()], [], deploy=None))["claims held"] is True


def test_a_scope_finding_that_is_not_met_is_not_ticked() -> None:
    found = items(checklist(landing(), [judged(met=False)], [], deploy=None))
    assert found["scope respected"] is False


def test_a_deploy_that_nobody_looked_at_is_not_live() -> None:
    shipped = Shipped(oid=A, environment="live", revision=A, live="")
    assert items(checklist(landing(), [], [shipped], deploy="live"))["live"] is False
