"""Claims of people: keep paths to yourself while you work on them by hand."""

import click

from coordinator.cli import answering, texts
from coordinator.cli.answering import Place, shared_options, shown


@click.group(invoke_without_command=True)
@shared_options
@click.pass_context
def claims(ctx: click.Context, *, place: Place, as_json: bool) -> None:
    """List, take and release claims on paths"""
    if ctx.invoked_subcommand is None:
        _list(place, as_json=as_json)


@claims.command(name="list")
@shared_options
def list_(*, place: Place, as_json: bool) -> None:
    """List every claim, read from the remote now"""
    _list(place, as_json=as_json)


@claims.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--reason", required=True, help="Why; others read it while they wait.")
@shared_options
def take(*, place: Place, as_json: bool, paths: tuple[str, ...], reason: str) -> None:
    """Claim paths, so that no brief changes them"""
    if not reason.strip():
        raise click.UsageError("--reason is empty; others read it while they wait")
    token, held = place.desk().take(paths, reason)
    if as_json:
        rows = [{"path": c.path, "ref": c.ref, "oid": c.oid, "holder": c.holder} for c in held]
        answering.answer({"claim": rows, "token": token})
        return
    for one in held:
        click.echo(f"claimed {shown(one.path)}")
    click.echo(f"give it back with: coordinator claims release {token}")


@claims.command()
@click.argument("token")
@shared_options
def release(*, place: Place, as_json: bool, token: str) -> None:
    """Give a claim back"""
    place.desk().release(token)
    if as_json:
        answering.answer({"claim": [], "token": token})
    else:
        click.echo("released.")


def _list(place: Place, *, as_json: bool) -> None:
    found = place.desk().claims()
    if as_json:
        answering.answer({"claims": answering.plain(found)})
        return
    if not found:
        click.echo("nothing is claimed.")
    for one in found:
        click.echo(f"{texts.claim(one)}  {one.ref}")
