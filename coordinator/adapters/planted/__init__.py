"""A seeded corpus of planted outputs, for `coordinator eval`: right ones, and wrong ones of every class."""

import random
from dataclasses import replace

from coordinator.domain.planted import Case

from . import changes, reports
from .site import Site, drawn

__all__ = ["Site", "corpus"]


def corpus(seed: int, *, rounds: int) -> tuple[tuple[Site, tuple[Case, ...]], ...]:
    """Returns `rounds` sites and the cases on each, each over other numbers; a seed gives the same ones again."""
    chance = random.Random(seed)  # noqa: S311  a seed that can be repeated is the point
    found = []
    for number in range(1, rounds + 1):
        site = drawn(chance)
        cases = (*reports.cases(site, chance), *changes.cases(site, chance))
        found.append((site, tuple(_numbered(case, number) for case in cases)))
    return tuple(found)


def _numbered(case: Case, number: int) -> Case:
    return replace(case, name=f"{case.name} #{number}")
