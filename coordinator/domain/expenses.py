"""Money and tokens of all attempts in one table, by brief, worker, model or day.

What nobody knows is counted as unknown, and never as zero.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .names import BriefId

By = Literal["brief", "worker", "model", "day"]

NO_MODEL = "none"
UNRECORDED = "unrecorded"  # no commit names the attempt yet, so it has no day


@dataclass(frozen=True, slots=True, kw_only=True)
class Expense:
    """What one attempt used; None is unknown. `day` is that of the first commit that names it."""

    brief: BriefId
    worker: str
    model: str = ""
    day: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Sums of what is known; `usd` is None where there are attempts and nothing of their money is known.

    `unknown` attempts cost nobody knows what, `unmetered` took nobody knows how many tokens.
    `questions` counts those that workers asked about the briefs of the row after they had been accepted.
    """

    key: str
    briefs: int
    attempts: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    unknown: int
    unmetered: int
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedChange:
    """A landing, and whether something that it wrote is still in HEAD as it left it."""

    brief: BriefId
    oid: str
    in_head: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The answer of `cost`.

    `landed_usd_in_head` is the money of the briefs whose change is still in HEAD, and
    `usd_per_landed_in_head` all the money, whatever came of it, over the number of these changes.
    `questioned` counts accepted briefs about which a worker had to ask.
    """

    by: By
    rows: tuple[Row, ...]
    total: Row
    landed: int
    landed_in_head: int
    landed_usd_in_head: float | None
    usd_per_landed_in_head: float | None
    questioned: int


def bill(
    expenses: Sequence[Expense],
    *,
    by: By,
    landed: Sequence[LandedChange],
    questions: Mapping[BriefId, int],
) -> Bill:
    """Returns the table, dearest first, its total, and what the changes in HEAD cost."""
    groups: dict[str, list[Expense]] = {}
    for one in expenses:
        groups.setdefault(_KEYS[by](one), []).append(one)
    rows = [_row(key, group, questions) for key, group in groups.items()]
    if by == "day":
        rows.sort(key=lambda row: row.key)
    else:
        rows.sort(key=lambda row: (-(row.usd or 0.0), -row.tokens_in - row.tokens_out, row.key))
    total = _row("total", expenses, questions)
    stay = {one.brief for one in landed if one.in_head}
    theirs = _row("", [one for one in expenses if one.brief in stay], questions)
    return Bill(
        by=by,
        rows=tuple(rows),
        total=total,
        landed=len({one.brief for one in landed}),
        landed_in_head=len(stay),
        landed_usd_in_head=theirs.usd,
        usd_per_landed_in_head=_each(total.usd, len(stay)),
        questioned=sum(1 for count in questions.values() if count),
    )


def _row(key: str, expenses: Iterable[Expense], questions: Mapping[BriefId, int]) -> Row:
    found = tuple(expenses)
    briefs = {one.brief for one in found}
    known = [one.usd for one in found if one.usd is not None]
    return Row(
        key=key,
        briefs=len(briefs),
        attempts=len(found),
        tokens_in=sum(one.tokens_in or 0 for one in found),
        tokens_out=sum(one.tokens_out or 0 for one in found),
        usd=round(sum(known), 6) if known or not found else None,
        unknown=len(found) - len(known),
        unmetered=sum(one.tokens_in is None or one.tokens_out is None for one in found),
        questions=sum(questions.get(brief, 0) for brief in briefs),
    )


def _each(usd: float | None, count: int) -> float | None:
    return round(usd / count, 6) if usd is not None and count else None


_KEYS: Mapping[By, Callable[[Expense], str]] = {
    "brief": lambda one: one.brief,
    "worker": lambda one: one.worker,
    "model": lambda one: one.model or NO_MODEL,
    "day": lambda one: one.day or UNRECORDED,
}
