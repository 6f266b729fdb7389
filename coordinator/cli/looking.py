"""Commands that only look: status, show, log, audit. They work in a plain clone without a daemon."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from coordinator.cli import story_texts, texts
from coordinator.cli.answering import EXIT_FAILED, Place, answer, plain, shared_options
from coordinator.cli.fitting import columns
from coordinator.domain.errors import BriefError

_WATCH_EVERY_S = 1.0


@click.command()
@click.option("--watch", is_flag=True, help="Go on showing it until Ctrl-C.")
@click.option(
    "--all", "everything", is_flag=True, help="List every finished brief, not the newest 200."
)
@shared_options
def status(*, place: Place, as_json: bool, watch: bool, everything: bool) -> None:
    """Show briefs, claims and environments"""

    def once() -> str:
        desk = place.desk()
        look = desk.look(terminal_max=None) if everything else desk.look()
        if as_json:
            answer(plain(look))
            return ""
        return texts.status(look, columns=columns())

    if watch:
        _watch(once)
    else:
        text = once()
        if text:
            click.echo(text)


@click.command(short_help="Show one brief: plan, attempts and checklist")
@click.argument("id_", metavar="ID")
@click.option("--result", is_flag=True, help="Print the bytes of the report and nothing else.")
@click.option(
    "--package",
    "number",
    type=click.IntRange(1),
    metavar="N",
    help="Print what attempt N was told, and what takes how many tokens.",
)
@click.option("--why", is_flag=True, help="Answer five questions about how it was done.")
@click.option("--diff", is_flag=True, help="Print the whole change that waits for you.")
@shared_options
def show(
    *,
    place: Place,
    as_json: bool,
    id_: str,
    result: bool,
    number: int | None,
    why: bool,
    diff: bool,
) -> None:
    """Show one brief: plan, attempts, commits and its checklist as executed"""
    desk = place.desk()
    brief = desk.find(id_)
    if number is not None:
        _package(desk.package(brief.id, number), as_json=as_json)
        return
    if result:
        content = desk.result(brief.id)
        click.echo(content, nl=False)  # bytes go out as they are
        return
    story = desk.show(brief.id)
    if why or diff:
        _part(brief.id, story, why=why, as_json=as_json)
        return
    if story is not None:
        brief = replace(brief, effort=story.effort)
    if as_json:
        answer(_story(plain(brief), story))
    else:
        click.echo(story_texts.story(brief, story, columns=columns()))


@click.command()
@click.option(
    "-n", "--max-count", type=click.IntRange(1), default=None, help="Show at most so many."
)
@shared_options
def log(*, place: Place, as_json: bool, max_count: int | None) -> None:
    """List what the coordinator committed, newest first"""
    said = place.desk().log()[:max_count]
    if as_json:
        rows = [
            {
                "oid": one.oid,
                "verb": one.verb,
                "about": one.about,
                "subject": one.subject,
                "timestamp": one.timestamp,
                "briefs": plain(one.briefs),
            }
            for one in said
        ]
        answer({"commits": rows})
    else:
        for one in said:
            click.echo(texts.saying(one))


@click.command()
@click.argument("commit")
@shared_options
def audit(*, place: Place, as_json: bool, commit: str) -> int:
    """Walk a commit back to the brief, its attempts and who asked"""
    from coordinator.adapters import repository  # noqa: PLC0415  lazy by design

    found, chain = place.desk().audit(repository.commit_named(repository.find(place.path), commit))
    missing = [link for link in chain if link.missing]
    if as_json:
        answer({"commit": found.oid, "chain": plain(chain), "complete": not missing})
    else:
        click.echo(texts.audit(found, chain))
    return EXIT_FAILED if missing else 0


def _part(brief: str, story: Any, *, why: bool, as_json: bool) -> None:
    """Prints the five answers, or the whole of what waits for a human."""
    if story is None:
        raise BriefError(f"{brief}: still in the inbox", hint="wait until it is accepted")
    if why:
        if as_json:
            answer({"why": plain(story.why)})
        else:
            click.echo(story_texts.why(story.why, columns=columns()))
        return
    if story.change is None:
        raise BriefError(
            f"{brief}: no change of it waits for a human here",
            hint=f"`coordinator show {brief}` tells what came of it",
        )
    if as_json:
        answer({"diff": plain(story.change)})
    else:
        click.echo("\n".join(story_texts.change(story.change, lines_max=None)))


def _package(content: bytes, *, as_json: bool) -> None:
    """Prints a stored package byte for byte, and its tokens by source below it."""
    from coordinator.domain import package_tokens  # noqa: PLC0415  lazy by design

    said = json.loads(content)
    sources = package_tokens.by_source(said)
    total = package_tokens.total(sources)
    if as_json:
        answer({"package": said, "tokens": plain(sources), "total": total})
        return
    click.echo(content, nl=not content.endswith(b"\n"))
    click.echo(story_texts.sources(sources, total))


def _watch(once: Callable[[], str]) -> None:
    while True:
        text = once()
        if text:
            click.clear()
            click.echo(text)
        time.sleep(_WATCH_EVERY_S)


def _story(brief: dict[str, Any], story: Any) -> dict[str, Any]:
    """Returns the answer of `show`; the keys of the status are there too."""
    if story is None:
        empty: dict[str, Any] = {"text": "", "place": "inbox"}
        nothing: dict[str, Any] = {
            name: [] for name in ("conflicts", "commits", "checklist", "faults", "graph")
        }
        nothing |= {"plan": None, "change": None, "attempts": []}
        return {**brief, "brief": {**brief, **empty}, **nothing}
    return {
        **brief,
        "brief": {**brief, "text": plain(story.text), "place": str(story.place)},
        "plan": story.plan.model_dump(mode="json") if story.plan else None,
        "attempts": plain(story.attempts),
        "conflicts": plain(story.conflicts),
        "faults": plain(story.faults),
        "commits": [{"verb": str(said.verb), "oid": said.oid} for said in story.commits],
        "checklist": plain(story.checklist),
        "reply": plain(story.reply),
        "graph": plain(story.tasks),
        "change": plain(story.change),
    }
