"""What is remembered between briefs, and what a newcomer needs to know of it all."""

from typing import Any

import click

from coordinator.cli.answering import EXIT_FAILED, Place, answer, shared_options, shown


@click.group()
@shared_options
@click.pass_context
def memory(ctx: click.Context, *, place: Place, as_json: bool) -> None:
    """Look at decisions, lessons and handoffs"""
    del as_json
    ctx.obj = place


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
@shared_options
def handoff(*, place: Place, as_json: bool) -> None:
    """Print what a newcomer needs, as Markdown"""
    page = place.desk().handoff()
    if as_json:
        answer({"text": page})
    else:
        click.echo(page, nl=False)
