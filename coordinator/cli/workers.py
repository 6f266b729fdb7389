"""The workers that may be dispatched: what each takes, gives and may use."""

import click

from coordinator.cli.answering import Place, answer, plain, shared_options, shown
from coordinator.domain.errors import WorkerError
from coordinator.domain.policy import Profile


@click.group()
def workers() -> None:
    """List and describe workers"""


@workers.command(name="list")
@shared_options
def list_(*, place: Place, as_json: bool) -> None:
    """List the workers that a brief may name"""
    profiles = place.desk().policy.profiles
    if as_json:
        answer({"workers": [_said(profile) for profile in profiles]})
        return
    for profile in profiles:
        click.echo(f"{profile.name}: {shown(profile.description)}")


@workers.command(name="show")
@click.argument("name")
@shared_options
def show_(*, place: Place, as_json: bool, name: str) -> None:
    """Describe one worker: what it can do, its tools and its limits"""
    policy = place.desk().policy
    profile = policy.profile(name)
    if profile is None:
        known = ", ".join(sorted(p.name for p in policy.profiles)) or "none"
        raise WorkerError(f"no worker is called {name!r}", hint=f"there is: {known}")
    if as_json:
        answer({"worker": _said(profile)})
        return
    click.echo(f"{profile.name} ({profile.kind}): {shown(profile.description)}")
    click.echo(f"  can: {', '.join(sorted(profile.capabilities)) or 'anything'}")
    click.echo(f"  returns: {', '.join(sorted(profile.output_kinds))}")
    click.echo(f"  tools: {', '.join(sorted(profile.tools))}")
    limits = profile.limits
    click.echo(f"  at most: {limits.wall_clock_s_max:g} s, {limits.tokens_max} tokens")


def _said(profile: Profile) -> object:
    """Returns it with its sets in order, so that the same answer is the same text."""
    return plain(
        {
            **plain(profile),
            "capabilities": sorted(profile.capabilities),
            "output_kinds": sorted(profile.output_kinds),
            "tools": sorted(profile.tools),
        }
    )
