"""Beginning, ending and examining: init, deinit, doctor."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coordinator.cli.answering import EXIT_FAILED, Place, answer, plain, say, shared_options, shown
from coordinator.domain.errors import RepositoryError

if TYPE_CHECKING:
    from coordinator.adapters.doctor import Checked
    from coordinator.adapters.escapes.attacking import Row


@click.command()
@click.option(
    "--hub",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Make a bare repository there and use it as the remote.",
)
@click.option(
    "--branch", metavar="NAME", help="Coordinate this branch (default: the one checked out)."
)
@click.option("--briefs", metavar="DIR", help="Keep briefs there instead of in briefs/.")
@click.option(
    "--memory", metavar="DIR", help="Keep plan.md and state.md there instead of in memory/."
)
@click.option("--dry-run", is_flag=True, help="Show what it would add.")
@shared_options
def init(
    *,
    place: Place,
    as_json: bool,
    hub: Path | None,
    branch: str | None,
    briefs: str | None,
    memory: str | None,
    dry_run: bool,
) -> int:
    """Begin to coordinate this repository; overwrites nothing"""
    from coordinator.adapters import repository, setup  # noqa: PLC0415  lazy by design

    checkout = repository.find(place.path)
    where = place.path / hub if hub else None
    wanted = setup.Wanted(
        hub=where.resolve() if where else None, branch=branch, briefs=briefs, memory=memory
    )
    begun = setup.preview(checkout, wanted) if dry_run else setup.begin(checkout, wanted)
    refused = begun.probe.branch_push is False
    if refused:
        raise RepositoryError("; ".join(begun.notes[-1:]), hint="; ".join(begun.notes[:-1]) or None)
    if as_json:
        answer(
            {
                "created": begun.created,
                "kept": begun.kept,
                "probe": {
                    "atomic": begun.probe.atomic,
                    "custom_refs": begun.probe.custom_refs,
                    "deletion": begun.probe.deletion,
                    "branch_push": begun.probe.branch_push,
                },
                "remote": begun.remote,
                "branch": begun.branch,
                "hub": begun.hub,
                "commit": begun.commit,
                "dry_run": dry_run,
                "notes": begun.notes,
            }
        )
        return 0
    for path in begun.created:
        click.echo(f"{'would add' if dry_run else 'added'} {shown(path)}")
    for path in begun.kept:
        click.echo(f"kept {shown(path)}")
    for note in begun.notes:
        say(note)
    return 0


@click.command()
@click.option(
    "--force", is_flag=True, help="Also when the inbox holds briefs; they stay where they are."
)
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@shared_options
def deinit(*, place: Place, as_json: bool, force: bool, dry_run: bool) -> None:
    """Stop coordinating: remove refs and the run folder, leave history"""
    from coordinator.adapters import repository, teardown  # noqa: PLC0415  lazy by design

    checkout = repository.find(place.path)
    remove = teardown.preview if dry_run else teardown.end
    removed = remove(checkout, force=force)
    if as_json:
        answer({"removed": removed, "dry_run": dry_run})
        return
    for name in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {shown(name)}")
    if not removed:
        click.echo("nothing to remove.")
    say("commits, .orchestrator/config.toml, briefs and memory stay; so do remotes.")


@click.command()
@click.option("--quick", is_flag=True, help="Look only; try no escapes.")
@click.option(
    "--only", multiple=True, metavar="ESCAPE", help="Try this one alone, by its id (see --json)."
)
@click.option("--without", multiple=True, metavar="LAYER", hidden=True)
@shared_options
def doctor(
    *, place: Place, as_json: bool, quick: bool, only: tuple[str, ...], without: tuple[str, ...]
) -> int:
    """Look for what would stop it here, and attack its confinement

    Every escape is tried as a worker, confined as workers here are, and again unconfined in a scratch place, where
    it must succeed to prove anything.
    """
    from coordinator import proving_ground  # noqa: PLC0415  loads every adapter

    checks = proving_ground.examine(place.path)
    rows = () if quick else proving_ground.attack(place.path, checks, only=only, without=without)
    through = [row.id for row in rows if row.through]
    if as_json:
        answer({"checks": plain(checks), "escapes": plain(rows), "through": through})
    else:
        _show_checks(checks)
        _show_escapes(rows)
    return 0 if all(one.ok for one in checks) and not through else EXIT_FAILED


def _show_checks(checks: "Sequence[Checked]") -> None:
    for one in checks:
        mark = click.style("ok", fg="green") if one.ok else click.style("not ok", fg="red")
        click.echo(f"{one.name}: {mark}, {shown(one.detail)}")
        if not one.ok and one.hint:
            click.echo(f"  hint: {shown(one.hint)}")


def _show_escapes(rows: "Sequence[Row]") -> None:
    """Prints one line for each escape, and the arms in which it got through."""
    if not rows:
        return
    click.echo()
    wide = max(len(row.tries) for row in rows)
    for row in rows:
        if row.stopped:
            said = click.style(f"stopped: {row.by}", fg="green")
        elif not row.through:
            said = click.style("known limit: it needs a cgroup", fg="yellow")
        else:
            said = click.style("GOT THROUGH", fg="red", bold=True)
        bite = "" if row.bites else "; does not bite here"
        if row.stopped and row.known_limit:
            bite += "; known limit: a burst between two looks is not seen"
        click.echo(f"{row.tries:<{wide}}  {said}{bite}")
        if row.through:
            for arm in row.arms:
                if not arm.stopped:
                    how = "got through" if arm.ran else "was not tried"
                    click.echo(f"  {how} ({arm.arm}): {shown(arm.told)}")
    stopped = sum(row.stopped for row in rows)
    click.echo()
    click.echo(
        f"{len(rows)} escapes: {stopped} stopped, {sum(row.through for row in rows)} got through, "
        f"{sum(row.known_limit for row in rows)} known limit; "
        f"{sum(row.bites for row in rows)} succeed where nothing confines them."
    )
