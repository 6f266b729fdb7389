"""How good review is: planted outputs through the real thing, and precision and recall of what it lets pass."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from coordinator.cli.answering import EXIT_FAILED, Place, answer, shared_options, shown
from coordinator.domain.errors import WorkerError
from coordinator.domain.names import ProfileName

if TYPE_CHECKING:
    from coordinator.domain.planted import Examined
    from coordinator.domain.policy import Policy

SEED = 20


@click.command(name="eval")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Draw the outputs by it.")
@click.option(
    "--evaluator",
    metavar="PROFILE",
    help="Also ask this worker about what rules leave open; its file need not be committed.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 50),
    default=2,
    show_default=True,
    help="Draw each kind of brief so often.",
)
@shared_options
def eval_(*, place: Place, as_json: bool, seed: int, evaluator: str | None, rounds: int) -> int:
    """Put planted outputs through review: how good is it?

    They are drawn by a seed and judged in a scratch repository: right ones, and wrong ones of every class. It ends
    with 1 when one passes that breaks a rule.
    """
    policy = _policy(place, evaluator)
    told = _examined(policy, seed=seed, evaluator=evaluator, rounds=rounds)
    if as_json:
        answer(told)
    else:
        _show(told)
    return EXIT_FAILED if told["deterministic"]["missed"] else 0


def _policy(place: Place, evaluator: str | None) -> "Policy":
    from coordinator import config, proving_ground  # noqa: PLC0415  lazy by design

    if evaluator is None:
        return config.read_policy(None)
    policy, _ = proving_ground.policy_with_drafts(place.path)
    profile = policy.profile(evaluator)
    if profile is None or profile.kind == "tool":
        known = ", ".join(p.name for p in policy.profiles if p.kind != "tool") or "none"
        raise WorkerError(
            f"no worker of the house is called {evaluator!r}", hint=f"there is: {known}"
        )
    lacks = proving_ground.workers_lack(policy)[profile.name]
    if lacks:
        raise WorkerError(
            f"{evaluator} cannot run here: {lacks[0]}", hint="`coordinator workers list`"
        )
    return policy


def _examined(policy: "Policy", *, seed: int, evaluator: str | None, rounds: int) -> dict[str, Any]:
    from coordinator.adapters import planted  # noqa: PLC0415  loads every adapter
    from coordinator.adapters.scratch import scratch  # noqa: PLC0415
    from coordinator.desk.examining import Examiner  # noqa: PLC0415
    from coordinator.domain.planted import figures  # noqa: PLC0415

    examined: list[Examined] = []
    with (
        TemporaryDirectory(prefix="coordinator-") as folder,
        scratch(Path(folder), policy, environment=os.environ) as here,
    ):
        examiner = Examiner(
            objects=here.objects,
            attempts=here.attempts,
            policy=policy,
            evaluator=ProfileName(evaluator) if evaluator else None,
            ask=here.ask if evaluator else None,
        )
        for site, cases in planted.corpus(seed, rounds=rounds):
            examined += examiner.examine(cases, here.commit(site.files))
    return figures(examined, seed=seed, evaluator=evaluator)


def _show(told: Mapping[str, Any]) -> None:
    click.echo(f"{told['cases']} planted outputs, seed {told['seed']}; what rules alone accept:")
    click.echo(
        f"{'class':<16} {'cases':>5} {'right':>5} {'accepted':>8} {'precision':>9} {'recall':>6}"
    )
    for row in (*told["by_class"], {"class": "all", **told["overall"]}):
        click.echo(
            f"{row['class']:<16} {row['cases']:>5} {row['right']:>5} {row['accepted']:>8}"
            f" {_rate(row['precision']):>9} {_rate(row['recall']):>6}"
        )
    rules = told["deterministic"]
    click.echo(f"\nbroken rules: {rules['caught']} of {rules['violations']} caught.")
    for name in rules["missed"]:
        click.echo(f"  missed: {shown(name)}")
    heard = told["evaluator"]
    if heard is not None:
        click.echo(
            f"{shown(heard['profile'])}: accepted {heard['accepted']} of {heard['cases']} that rules left"
            f" open, of which {heard['right']} are right: precision {_rate(heard['precision'])},"
            f" recall {_rate(heard['recall'])}; {heard['void']} answers were void."
        )


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
