"""python -m tests.simulation [crowd] SEED [SEED...]: replays a seed with everything that happened, readable.

A day of many briefs has 60; `crowd SEED:BRIEFS` says another number.
"""

import logging
import os
import sys
import time

import click

from .crowd import BRIEFS, Crowd
from .scenario import run


def main(arguments: list[str]) -> int:
    """Replays seeds; `N-M` runs a range quietly and prints what breaks."""
    bad = 0
    logging.getLogger("coordinator").addHandler(logging.NullHandler())
    begun_s = time.process_time()
    if arguments[:1] == ["crowd"]:
        return _crowd(arguments[1:])
    for argument in arguments:
        first, dash, last = argument.partition("-")
        seeds = range(int(first), int(last or first) + 1)
        for seed in seeds:
            outcome = run(seed, traced=not dash)
            bad += bool(outcome.broken)
            for line in outcome.trace:
                click.echo(line)
            if outcome.broken or not dash:
                click.echo(outcome.told() if outcome.broken else f"seed {seed} holds")
        click.echo(
            f"{len(seeds)} seeds, {bad} broken, {time.process_time() - begun_s:.1f} s of CPU"
        )
    return 1 if bad else 0


def _crowd(days: list[str]) -> int:
    """Replays days of many briefs."""
    bad = 0
    for day in days:
        seed, _, briefs = day.partition(":")
        outcome = Crowd(int(seed), briefs=int(briefs or BRIEFS), traced=True).run()
        bad += bool(outcome.broken)
        for line in outcome.trace:
            click.echo(line)
        click.echo(outcome.told() if outcome.broken else f"crowd {day} holds")
    return 1 if bad else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets iterate in the same order in every replay
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    sys.exit(main(sys.argv[1:]))
