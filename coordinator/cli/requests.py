"""What people say about a brief: answer, approve, reject, cancel, retry. Each is one file in the inbox."""

import click

from coordinator.cli.answering import Place, answer, shared_options
from coordinator.desk import Put


@click.command(name="answer")
@click.argument("id_", metavar="ID")
@click.argument("question", metavar="QID")
@click.argument("text")
@shared_options
def answer_(*, place: Place, as_json: bool, id_: str, question: str, text: str) -> None:
    """Answer one question of a brief that waits"""
    if not text.strip():
        raise click.UsageError("the answer is empty")
    _tell(place.desk().answer(id_, question, text), as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID")
@shared_options
def approve(*, place: Place, as_json: bool, id_: str) -> None:
    """Let a held change land, exactly as it is now"""
    _tell(place.desk().approve(id_), as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--reason", required=True, help="Why not; it goes into the commit.")
@shared_options
def reject(*, place: Place, as_json: bool, id_: str, reason: str) -> None:
    """Say no to a brief that waits"""
    if not reason.strip():
        raise click.UsageError("--reason is empty; it goes into the commit")
    _tell(place.desk().reject(id_, reason), as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID")
@shared_options
def cancel(*, place: Place, as_json: bool, id_: str) -> None:
    """Stop a brief that has not landed"""
    _tell(place.desk().cancel(id_), as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID")
@shared_options
def retry(*, place: Place, as_json: bool, id_: str) -> None:
    """Open a failed, rejected or canceled brief again"""
    _tell(place.desk().retry(id_), as_json=as_json)


def _tell(put: Put, *, as_json: bool) -> None:
    if as_json:
        answer({"id": put.id, "state": put.state})
    else:
        click.echo(f"{put.id} is {put.state}; the daemon takes the request at its next look.")
