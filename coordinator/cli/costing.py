"""`cost`: the money and the tokens of everything that was tried. It works in a plain clone without a daemon."""

from typing import TYPE_CHECKING

import click

from coordinator.cli.answering import Place, answer, plain, shared_options, shown
from coordinator.cli.fitting import columns, cut

if TYPE_CHECKING:
    from coordinator.domain.expenses import Bill, By, Row

_KEY_CHARS_MIN = 5
_ROOM = 48  # of the columns behind the key, with a margin


@click.command()
@click.option(
    "--by",
    type=click.Choice(["brief", "worker", "model", "day"]),
    default="brief",
    show_default=True,
    help="What a row stands for.",
)
@shared_options
def cost(*, place: Place, as_json: bool, by: "By") -> None:
    """Show what all that was tried has cost, and what won"""
    bill = place.desk().cost(by)
    if as_json:
        answer(plain(bill))
    else:
        click.echo(text(bill, columns=columns()))


def text(bill: "Bill", *, columns: int | None) -> str:
    """Returns the table and what stands below it; a key that does not fit is cut in its middle."""
    if not bill.rows:
        return "nothing has been tried yet, so nothing has cost anything"
    width = max(len(bill.by), *(len(shown(row.key)) for row in bill.rows), _KEY_CHARS_MIN)
    if columns is not None:
        width = max(_KEY_CHARS_MIN, min(width, columns - _ROOM))
    head = f"{bill.by:<{width}} {'briefs':>6} {'attempts':>8} {'tokens':>11} {'USD':>11}"
    lines = [head, *(_line(row, width) for row in bill.rows), _line(bill.total, width), ""]
    lines.append(_landed(bill))
    if bill.usd_per_landed_in_head is not None:
        more = "at least " if bill.total.unknown else ""
        lines.append(
            f"everything, over these: {more}{bill.usd_per_landed_in_head:.4f} USD a change"
        )
    if bill.total.unknown:
        lines.append(f"+n: what n attempts cost is not known ({bill.total.unknown} in all)")
    if bill.questioned:
        briefs = "1 brief" if bill.questioned == 1 else f"{bill.questioned} briefs"
        lines.append(f"workers had to ask about {briefs} after intake had accepted it")
    return "\n".join(lines)


def money(usd: float | None, unknown: int) -> str:
    """Returns a sum with how many parts of it nobody knows."""
    if usd is None:
        return "unknown"
    return f"{usd:.4f}" + (f" +{unknown}" if unknown else "")


def _line(row: "Row", width: int) -> str:
    tokens = f"{row.tokens_in + row.tokens_out:,}"
    key = cut(shown(row.key), width)
    usd = money(row.usd, row.unknown)
    return f"{key:<{width}} {row.briefs:>6} {row.attempts:>8} {tokens:>11} {usd:>11}"


def _landed(bill: "Bill") -> str:
    usd = bill.landed_usd_in_head
    what = "1 change" if bill.landed == 1 else f"{bill.landed} changes"
    cost_ = f", for {usd:.4f} USD" if usd is not None and bill.landed_in_head else ""
    return f"landed: {what}, {bill.landed_in_head} of them still in HEAD{cost_}"
