"""python -m tests.recorded eval|recipes|show|take: recorded models, and how to record one; README.md tells how."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.conftest import GIT_CONFIG, environment
from tests.recorded import asking, judge, recipes
from tests.recorded.recording import Recording, read_wanted, write_wanted
from tests.recorded.replay import replaying
from tests.support.command_line import coordinator
from tests.support.repos import Site, git, make_site
from tests.support.worked import worked_at

WANTED = Path("wanted.jsonl")


@click.group()
def main() -> None:
    """Runs the program with models that answer from a recording."""


@main.command(name="eval")
@click.option("--rounds", type=int, default=judge.ROUNDS, show_default=True)
def eval_(rounds: int) -> None:
    """Tells the figures of the recorded evaluator: `coordinator eval --evaluator judge`."""
    recording = Recording.of(judge.ANSWERS)
    with _elsewhere() as folder, replaying(recording) as url:
        site = make_site(folder)
        workers = site.repo / ".orchestrator/workers"
        workers.mkdir(parents=True)
        (workers / "judge.md").write_text(judge.JUDGE)
        endpoint = f'[endpoints.recorded]\napi = "openai"\nbase_url = "{url}/v1"\n'
        (site.repo / ".orchestrator/config.toml").write_text(f"schema = 1\n{endpoint}")
        how = ("--seed", str(judge.SEED), "--rounds", str(rounds), "--evaluator", "judge")
        told = coordinator(site.repo, "eval", *how)
    click.echo(told.out + told.said, nl=False)
    ended(recording)


@main.command(name="recipes")
@click.argument("repository", required=False)
@click.option("--record", is_flag=True, help="Wait for the answers that are missing.")
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this folder, and leave it.")
def recipes_(repository: str | None, record: bool, keep: Path | None) -> None:
    """Works briefs of every recipe: on a clone of psf/requests that is at REPOSITORY, else on a small site."""
    scene = recipes.REQUESTS if repository else recipes.SITE
    recording = Recording.of(scene.recording)
    source = Path(repository).resolve() if repository else None
    wanted_file = WANTED.resolve() if record else None
    with _elsewhere(keep) as folder, replaying(recording, wanted_file=wanted_file) as url:
        site = make_site(folder / "site") if source is None else _cloned(source, folder)
        begin = site.tip
        made = worked_at(site, recipes.WORKERS, config=recipes.CONFIG.format(url=url))
        for told in recipes.Run(made=made, scene=scene, timeout_s=3_600 if record else 600).go():
            click.echo(f"{told.name}: {told.shown['state']} {told.shown['reply'] or ''}")
            for question in told.asked:
                click.echo(f"  asked: {question['text']}")
        click.echo(git(site.hub, "log", "--first-parent", "--format=%h %s", f"{begin}..main"))
    ended(recording)


@main.command()
@click.argument("wanted", type=click.Path(path_type=Path, exists=True))
@click.option("--seed", type=int, default=1, help="The order.")
def show(wanted: Path, seed: int) -> None:
    """Shows what was wanted, in an order that tells nothing."""
    for text in asking.shown(read_wanted(wanted), seed=seed):
        click.echo(text)


@main.command()
@click.argument("wanted", type=click.Path(path_type=Path, exists=True))
@click.argument("answers", type=click.Path(path_type=Path, exists=True))
@click.argument("recording", type=click.Path(path_type=Path))
def take(wanted: Path, answers: Path, recording: Path) -> None:
    """Puts ANSWERS to what was WANTED into RECORDING."""
    given = [json.loads(line) for line in answers.read_text("utf-8").splitlines() if line]
    for digest in asking.taken(given, read_wanted(wanted), recording):
        click.echo(f"no answer to {digest}")


def ended(recording: Recording) -> None:
    """Says what nobody asked for and what had no answer, and ends the program when there is any of that."""
    for digest in sorted(recording.unused()):
        click.echo(f"nobody asked for the answer {digest}", err=True)
    if recording.missed:
        write_wanted(WANTED, tuple(recording.missed.values()))
        click.echo(f"{len(recording.missed)} requests have no answer: see {WANTED}", err=True)
        sys.exit(1)


def _cloned(source: Path, folder: Path) -> Site:
    """Returns a hub and a checkout with the history of `source` up to the commit of the briefs."""
    site = Site(repo=folder / "repo", hub=folder / "hub.git")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(site.hub))
    git(site.hub, "fetch", "--quiet", "--no-tags", str(source), "refs/tags/*:refs/tags/*")
    git(site.hub, "update-ref", "refs/heads/main", recipes.COMMIT)
    git(folder, "clone", "--quiet", str(site.hub), str(site.repo))
    return site


@contextmanager
def _elsewhere(keep: Path | None = None) -> Iterator[Path]:
    """Yields a folder; meanwhile nothing of the user's settings and keys is seen."""
    with TemporaryDirectory(prefix="recorded-") as name:
        home = Path(name) / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(GIT_CONFIG, encoding="utf-8")
        os.environ.update(environment(home))
        folder = Path(name) if keep is None else keep.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


if __name__ == "__main__":
    main()
