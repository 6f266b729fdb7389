"""Shows how paths are coupled: by their files, by imports and links, and by what changed together."""

import click

from coordinator.cli.answering import Place, answer, plain, shared_options, shown

_MOST = 20


@click.command(short_help="Show what is coupled to what")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-n",
    "--max-count",
    type=click.IntRange(1, 1_000),
    default=_MOST,
    show_default=True,
    help="Of one PATH, show at most so many.",
)
@shared_options
def coupling(*, place: Place, as_json: bool, paths: tuple[str, ...], max_count: int) -> None:
    """Show what is coupled to one PATH most, or how each two of several are

    PATH is a file, a folder or a glob, from the top of the repository. The score runs from 0 to 1; tasks
    of a plan whose files reach the threshold run one after the other.
    """
    desk = place.desk()
    pairs = desk.coupling(paths, most=max_count)
    if as_json:
        answer({"tip": desk.tip, "pairs": plain(pairs)})
        return
    if not pairs:
        click.echo("nothing is coupled to it.")
        return
    named = [shown(pair.b if len(paths) == 1 else f"{pair.a}  {pair.b}") for pair in pairs]
    width = max(map(len, named))
    click.echo(f"{'':<{width}}  score  overlap  relation  together")
    for name, pair in zip(named, pairs, strict=True):
        numbers = f"{pair.overlap:>7.2f}  {pair.relation:>8.2f}  {pair.together:>8.2f}"
        click.echo(f"{name:<{width}}  {pair.score:>5.2f}  {numbers}")
        if len(paths) > 1:
            click.echo(f"    {shown(pair.why)}")
