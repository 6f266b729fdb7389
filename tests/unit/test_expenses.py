"""The table of what everything cost: sums, what is unknown, and what is still in HEAD."""

from typing import Any

from coordinator.cli import costing
from coordinator.domain.expenses import Bill, By, Expense, LandedChange, bill
from coordinator.domain.names import BriefId

ONE, TWO = BriefId("one-3fa29c01"), BriefId("two-77777777")
SPENT = (
    Expense(brief=ONE, worker="thinker", model="big", day="2026-01-02", tokens_in=10, tokens_out=5, usd=0.5),
    Expense(brief=ONE, worker="links", day="2026-01-02", tokens_in=0, tokens_out=0, usd=0.0),
    Expense(brief=TWO, worker="thinker", model="big", day="2026-01-01", tokens_in=3, tokens_out=1, usd=0.25),
    Expense(brief=TWO, worker="thinker", model="big"),
)  # fmt: skip


def billed(*spent: Expense, by: By = "brief", **given: Any) -> Bill:
    return bill(spent, by=by, landed=given.get("landed", ()), questions=given.get("questions", {}))


def test_rows_are_sums_and_unknown_costs_are_counted_beside_them() -> None:
    found = billed(*SPENT, questions={TWO: 2})
    assert [
        (r.key, r.briefs, r.attempts, r.tokens_in, r.tokens_out, r.usd, r.unknown, r.questions)
        for r in (*found.rows, found.total)
    ] == [
        (ONE, 1, 2, 10, 5, 0.5, 0, 0),
        (TWO, 1, 2, 3, 1, 0.25, 1, 2),
        ("total", 2, 4, 13, 6, 0.75, 1, 2),
    ]
    assert (found.total.unmetered, found.questioned) == (1, 1)


def test_rows_by_worker_model_and_day() -> None:
    assert [row.key for row in billed(*SPENT, by="worker").rows] == ["thinker", "links"]
    assert [row.key for row in billed(*SPENT, by="model").rows] == ["big", "none"]
    by_day = billed(*SPENT, by="day").rows
    assert [row.key for row in by_day] == ["2026-01-01", "2026-01-02", "unrecorded"]
    assert by_day[-1].usd is None  # not zero: nobody knows
    assert by_day[-1].unknown == 1


def test_all_the_money_is_divided_by_the_changes_that_are_still_there() -> None:
    landed = (
        LandedChange(brief=ONE, oid="a" * 40, in_head=True),
        LandedChange(brief=TWO, oid="b" * 40, in_head=False),
    )
    found = billed(*SPENT, landed=landed)
    assert (found.landed, found.landed_in_head) == (2, 1)
    assert (found.landed_usd_in_head, found.usd_per_landed_in_head) == (0.5, 0.75)
    nothing = billed(*SPENT, landed=landed[1:])
    assert (nothing.landed_usd_in_head, nothing.usd_per_landed_in_head) == (0.0, None)


def test_the_table_fits_a_narrow_terminal_and_says_what_is_unknown() -> None:
    landed = (LandedChange(brief=ONE, oid="a" * 40, in_head=True),)
    found = billed(*SPENT, landed=landed, questions={TWO: 2})
    assert costing.text(found, columns=80).splitlines() == [
        "brief        briefs attempts      tokens         USD",
        "one-3fa29c01      1        2          15      0.5000",
        "two-77777777      1        2           4   0.2500 +1",
        "total             2        4          19   0.7500 +1",
        "",
        "landed: 1 change, 1 of them still in HEAD, for 0.5000 USD",
        "everything, over these: at least 0.7500 USD a change",
        "+n: what n attempts cost is not known (1 in all)",
        "workers had to ask about 1 brief after intake had accepted it",
    ]
    narrow = costing.text(found, columns=54).splitlines()
    assert narrow[1] == "one…01      1        2          15      0.5000"


def test_without_attempts_the_answer_is_a_sentence() -> None:
    found = billed()
    assert (found.rows, found.total.usd, found.total.unknown) == ((), 0.0, 0)
    assert costing.text(found, columns=80) == (
        "nothing has been tried yet, so nothing has cost anything"
    )
