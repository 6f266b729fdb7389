"""What is remembered between briefs, and what a newcomer needs to know of it all."""

from typing import TYPE_CHECKING, Any

import click

from coordinator.cli.answering import EXIT_FAILED, Place, answer, say, shared_options, shown

if TYPE_CHECKING:
    from coordinator.desk import Desk


@click.group()
@shared_options
def memory(*, place: Place, as_json: bool) -> None:
    """Look at decisions, lessons and handoffs"""
    del place, as_json


@memory.command(name="check")
@shared_options
def check(*, place: Place, as_json: bool) -> int:
    """Say which entries no longer hold; exit code 1 when any does not"""
    found = place.desk().remembered()
    if as_json:
        rows: list[dict[str, Any]] = [
            {
                "file": one.file,
                "id": one.entry.id,
                "date": one.entry.date,
                "commit": one.entry.commit,
                "paths": list(one.entry.paths),
                "state": one.state,
                "why": one.why,
            }
            for one in found.entries
        ]
        faults = [
            {"file": file, "line": fault.line, "message": fault.message, "hint": fault.hint}
            for file, fault in found.faults
        ]
        answer({"entries": rows, "faults": faults})
        return 0 if found.is_fresh else EXIT_FAILED
    for one in found.entries:
        why = f": {one.why}" if one.why else ""
        click.echo(f"{one.state:<10}  {shown(one.file)}  {one.entry.id}{shown(why)}")
    for file, fault in found.faults:
        click.echo(f"unreadable  {shown(file)}:{fault.line}  {shown(fault.message)}")
    if not found.entries and not found.faults:
        click.echo("nothing is remembered yet.")
    return 0 if found.is_fresh else EXIT_FAILED


@click.command()
@click.option("--write", is_flag=True, help="Keep it in memory/handoffs: drop a brief that does.")
@click.option("--remote", is_flag=True, help="With --write: push it as an inbox/* branch instead.")
@click.option(
    "--dry-run", is_flag=True, help="With --write: print the brief that would be dropped."
)
@shared_options
def handoff(*, place: Place, as_json: bool, write: bool, remote: bool, dry_run: bool) -> None:
    """Print what a newcomer needs, as Markdown"""
    desk = place.desk()
    page = desk.handoff()
    if write:
        _write(place, desk, page, as_json=as_json, remote=remote, dry_run=dry_run)
    elif remote or dry_run:
        raise click.UsageError("--remote and --dry-run go with --write")
    elif as_json:
        answer({"text": page})
    else:
        click.echo(page, nl=False)


def _write(
    place: Place, desk: "Desk", page: str, *, as_json: bool, remote: bool, dry_run: bool
) -> None:
    from coordinator.desk import handing  # noqa: PLC0415  lazy by design

    name, text = handing.brief(page, desk.policy.paths)
    if dry_run and not as_json:
        click.echo(text.decode(), nl=False)
        return
    if dry_run:
        put = desk.would_drop(name, text)
    elif remote:
        from coordinator import front_desk  # noqa: PLC0415  loads every adapter

        put = front_desk.drop_remote(place.path, name, text)
    else:
        put = desk.drop(name, text)
    if as_json:
        answer({"text": page, "id": put.id, "state": put.state, "duplicate": put.duplicate})
        return
    known = ", which was dropped before" if put.duplicate else ""
    click.echo(f"{put.id} is {put.state}{known}.")
    if not put.duplicate:
        say("the daemon lands it like any brief: `coordinator show` it")
