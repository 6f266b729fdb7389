"""The workers that may be dispatched: what each takes, gives and may use, and whether it could run here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from coordinator import proving_ground
from coordinator.cli.answering import (
    EXIT_FAILED,
    Place,
    answer,
    plain,
    say,
    shared_options,
    shown,
)
from coordinator.domain.errors import WorkerError
from coordinator.domain.policy import Policy, Profile

if TYPE_CHECKING:
    from coordinator.adapters.trial import Trial
    from coordinator.domain.world import LeftAlone

_TEXT_CHARS_MAX = 400


@click.group()
@shared_options
def workers(*, place: Place, as_json: bool) -> None:
    """List, describe, try and add workers"""
    del place, as_json


@workers.command(name="list")
@shared_options
def list_(*, place: Place, as_json: bool) -> None:
    """List the workers that a brief may name, and whether they could run here"""
    desk = place.desk()
    policy, alone = desk.policy, desk.left_alone()
    lacks = proving_ground.workers_lack(policy)
    if as_json:
        said = (_said(p, lacks[p.name], alone.get(p.name)) for p in policy.profiles)
        answer({"workers": list(said)})
        return
    for profile in policy.profiles:
        missing = lacks[profile.name]
        how = f"{profile.kind}, {_confined(profile)}"
        ready = "ready" if not missing else "cannot run here"
        click.echo(f"{profile.name} ({how}; {ready}): {shown(profile.description)}")
        for one in missing:
            click.echo(f"  lacks: {shown(one)}")
        if profile.name in alone:
            click.echo(f"  failing: {shown(alone[profile.name].why)}")


@workers.command(name="show")
@click.argument("name")
@shared_options
def show_(*, place: Place, as_json: bool, name: str) -> None:
    """Describe one worker: what it can do, its tools and its limits"""
    desk = place.desk()
    policy = desk.policy
    if policy.profile(name) is None and name in proving_ground.policy_with_drafts(place.path)[1]:
        raise WorkerError(
            f"no worker is called {name!r} yet: its file is here, and not at the tip of the remote",
            hint=f"commit and push it; `coordinator workers test {name}` tries it as it is",
        )
    profile = _named(name, policy)
    lacks = proving_ground.workers_lack(policy)[profile.name]
    if as_json:
        answer({"worker": _said(profile, lacks, desk.left_alone().get(profile.name))})
        return
    click.echo(f"{profile.name} ({profile.kind}): {shown(profile.description)}")
    click.echo(f"  can: {', '.join(sorted(profile.capabilities)) or 'anything'}")
    click.echo(f"  returns: {', '.join(sorted(profile.output_kinds))}")
    click.echo(f"  tools: {', '.join(sorted(profile.tools))}")
    click.echo(f"  confinement: {_confined(profile)}")
    if profile.model:
        click.echo(f"  model: {shown(profile.model)} at {profile.endpoint}")
    if profile.command.argv:
        click.echo(f"  command: {shown(' '.join(profile.command.argv))}")
    limits = profile.limits
    click.echo(f"  at most: {limits.wall_clock_s_max:g} s, {limits.tokens_max} tokens")
    for one in lacks:
        click.echo(f"  lacks: {shown(one)}")


@workers.command(name="test")
@click.argument("name")
@shared_options
def test_(*, place: Place, as_json: bool, name: str) -> int:
    """Try one worker on a small task in a scratch repository; its file need not be committed"""
    policy, drafts = proving_ground.policy_with_drafts(place.path)
    profile = _named(name, policy)
    if name in drafts and not as_json:
        say(f"{name}: the file of this checkout, which is not at the tip of the remote")
    lacks = proving_ground.workers_lack(policy)[profile.name]
    if lacks:
        if as_json:
            answer({"worker": name, "outcome": "not run", "lacks": lacks})
        else:
            for one in lacks:
                click.echo(f"{name} cannot run here: {shown(one)}")
        return EXIT_FAILED
    tried = proving_ground.try_worker(profile, policy)
    told = _told(name, tried)
    if as_json:
        answer(told)
    else:
        _print(told)
    return 0 if told["outcome"] != "failed" else EXIT_FAILED


@workers.command(name="add")
@click.argument("name")
@shared_options
def add_(*, place: Place, as_json: bool, name: str) -> None:
    """Write a worker file that comes with the coordinator into .orchestrator/workers"""
    added = proving_ground.add_worker(place.path, name)
    if as_json:
        answer(
            {"name": name, "file": str(added.file), "program": added.program, "read": added.read}
        )
        return
    click.echo(f"written: {added.file}")
    if not added.program:
        say(f"its program is not on PATH here: install it, then `coordinator workers test {name}`")
    elif added.read:
        say(f"filled in: {added.program}, and what a confined program has to see of this machine")
    say(f"try it: coordinator workers test {name}; then commit and push the file")


def _named(name: str, policy: Policy) -> Profile:
    profile = policy.profile(name)
    if profile is None:
        known = ", ".join(sorted(p.name for p in policy.profiles)) or "none"
        raise WorkerError(f"no worker is called {name!r}", hint=f"there is: {known}")
    return profile


def _confined(profile: Profile) -> str:
    """Returns what holds it: nothing has to hold what has no hands."""
    if profile.kind in ("command", "claude-code", "codex"):
        return profile.confinement
    return "no program of its own"


def _told(name: str, tried: "Trial") -> dict[str, Any]:
    from coordinator.domain.output import (  # noqa: PLC0415  only a trial has one
        Changes,
        CouldNot,
        NoOutput,
    )

    outcome = tried.outcome
    said: dict[str, Any] = {"worker": name, "asked": tried.asked, "wanted": tried.kind}
    said["usage"] = outcome.usage.model_dump()
    if isinstance(outcome, NoOutput):
        return {**said, "outcome": "failed", "reason": outcome.reason}
    said["confinement"] = outcome.confinement
    match outcome.body:
        case Changes(summary=summary, edits=edits, refused=refused):
            changed = [edit.path for edit in edits]
            return {
                **said,
                "outcome": "changes",
                "text": summary,
                "changed": changed,
                "refused": [f"{entry.path}: {entry.why}" for entry in refused],
            }
        case CouldNot(why=why, text=text):
            return {**said, "outcome": f"could not: {why}", "text": text}
        case report:
            return {**said, "outcome": "report", "text": report.text}


def _print(told: dict[str, Any]) -> None:
    usage = told["usage"]
    cost = "unknown" if usage["cost_usd"] is None else f"{usage['cost_usd']:.4f} USD"
    click.echo(f"asked: {shown(told['asked'])}")
    click.echo(f"{told['worker']}: {told['outcome']} in {usage['wall_s']:.1f} s, cost {cost}")
    lines: Sequence[str] = [*told.get("changed", ()), *told.get("refused", ())]
    text = told.get("reason") or told.get("text", "")
    for line in [*lines, *text[:_TEXT_CHARS_MAX].splitlines()]:
        click.echo(f"  {shown(line)}")


def _said(profile: Profile, lacks: tuple[str, ...], alone: "LeftAlone | None") -> object:
    """Returns it with its sets in order, so that the same answer is the same text."""
    return plain(
        {
            **plain(profile),
            "capabilities": sorted(profile.capabilities),
            "output_kinds": sorted(profile.output_kinds),
            "tools": sorted(profile.tools),
            "ready": not lacks,
            "lacks": lacks,
            "failing": alone.why if alone is not None else None,
        }
    )
