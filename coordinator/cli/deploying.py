"""Ships the newest product change to an environment, or says what it runs."""

import click

from coordinator.cli.answering import Place, answer, plain, shared_options, shown


@click.command()
@click.argument("environment", metavar="ENV")
@click.option("--status", "only_status", is_flag=True, help="Only say what is live.")
@shared_options
def deploy(*, place: Place, as_json: bool, environment: str, only_status: bool) -> None:
    """Ship the newest change to an environment, and look at it"""
    from coordinator import front_desk  # noqa: PLC0415  loads every adapter

    shipper = front_desk.shipper(place.path)
    shipment = shipper.status(environment) if only_status else shipper.ship(environment)
    if as_json:
        answer(plain(shipment))
        return
    seen = "seen live" if shipment.verified else "not seen live"
    click.echo(f"{shown(environment)}: {(shipment.revision or 'nothing')[:12]}, {seen}.")
