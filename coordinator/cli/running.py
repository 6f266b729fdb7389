"""Runs the daemon in the foreground; a service manager or a shell puts it into the background."""

import json
import time
from collections.abc import Mapping
from typing import Any, Literal

import click

from coordinator.cli.answering import SCHEMA, Place, Seconds, plain, shared_options, shown


@click.command()
@click.option("--once", is_flag=True, help="Look once, finish what that starts, and stop.")
@click.option("--until-idle", is_flag=True, help="Stop when nothing is submitted or working.")
@click.option(
    "--timeout",
    "timeout_s",
    type=Seconds(min=0, min_open=True),
    metavar="S",
    help="Give up after so many seconds (exit 1).",
)
@click.option(
    "--accept-rewritten",
    metavar="OID",
    help="Go on although the remote branch was rewritten: take it as it is now, at this commit.",
)
@shared_options
def run(
    *,
    place: Place,
    as_json: bool,
    once: bool,
    until_idle: bool,
    timeout_s: float | None,
    accept_rewritten: str | None,
) -> int:
    """Work: take in briefs, land and deploy them, until stopped"""
    if once and until_idle:
        raise click.UsageError("--once and --until-idle exclude each other")
    from coordinator import daemon  # noqa: PLC0415  loads every adapter and the workers

    mode: Literal["forever", "once", "until-idle"] = "forever"
    if once or until_idle:
        mode = "once" if once else "until-idle"
    say = _event if as_json else _line
    code: int = daemon.run(
        place.path,
        mode=mode,
        timeout_s=timeout_s,
        say=say,
        accept_rewritten=accept_rewritten,
    )
    return code


def _event(event: Mapping[str, Any]) -> None:
    """Prints one event a line, at once: whoever reads the pipe waits for it."""
    click.echo(json.dumps({"schema": SCHEMA, **plain(event)}, ensure_ascii=False))


def _line(event: Mapping[str, Any]) -> None:
    when = time.strftime("%H:%M:%S")
    told = {key: value for key, value in event.items() if key != "event" and value}
    if told.get("about") == told.get("brief"):
        told.pop("about", None)
    if "commit" in told:
        told["commit"] = str(told["commit"])[:12]
    said = " ".join(f"{key}={shown(str(value))}" for key, value in told.items())
    click.echo(f"{when} {event.get('event', '')} {said}".rstrip())
