"""What is in force, and where a test may kill: config and faults."""

import click

from coordinator.cli.answering import Place, answer, plain, shared_options, shown


@click.command()
@shared_options
def config(*, place: Place, as_json: bool) -> None:
    """Print the settings in force and where each came from"""
    from coordinator import front_desk  # noqa: PLC0415  loads every adapter

    settings, source = front_desk.settings(place.path)
    if as_json:
        answer({"source": source, "settings": plain(settings)})
        return
    click.echo(f"# {source}")
    for key, said in settings.items():
        click.echo(f"{key} = {shown(repr(said['value']))}  # {said['source']}")


@click.command(short_help="List the calls at which a test can kill it")
@shared_options
def faults(*, place: Place, as_json: bool) -> None:
    """List the calls that COORDINATOR_FAULT=<port>.<call>:before|after[:n] can die at"""
    from coordinator.adapters.faults import points  # noqa: PLC0415  not needed by `config`

    del place
    if as_json:
        answer(
            {
                "faults": [
                    {
                        "point": f"{p.port}.{p.call}",
                        "port": p.port,
                        "call": p.call,
                        "writes": p.writes,
                    }
                    for p in points()
                ]
            }
        )
        return
    for point in points():
        click.echo(f"{point.port}.{point.call}{'  (writes)' if point.writes else ''}")
