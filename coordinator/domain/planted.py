"""Outputs planted to examine review with: what each one is, what should become of it, and the figures that result."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coordinator.domain.output import Body

Class = Literal[
    "good",
    "subtly wrong",
    "fluent nonsense",
    "out of scope",
    "prohibited",
    "malformed",
    "injected",
]
CLASSES: tuple[Class, ...] = (
    "good",
    "subtly wrong",
    "fluent nonsense",
    "out of scope",
    "prohibited",
    "malformed",
    "injected",
)
Decider = Literal["rules", "evaluator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One planted output; `by` says who can tell that it is wrong, None that it is right."""

    name: str
    of: Class
    brief: str  # the text of the brief
    body: Body
    by: Decider | None
    worker: str = "author"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What became of a case: by rules alone, and with the evaluator where one was asked."""

    case: Case
    accepted: bool
    is_open: bool  # the rules left something open
    evaluated: bool | None = None  # accepted after evaluation; None: nobody was asked
    void: int = 0  # evaluations of it that were void, malformed or lost


def figures(examined: Sequence[Examined], *, seed: int, evaluator: str | None) -> dict[str, Any]:
    """Returns precision and recall of acceptance, overall and by class, as JSON has them."""
    broken = [one for one in examined if one.case.by == "rules"]
    return {
        "seed": seed,
        "cases": len(examined),
        "overall": _rates(examined, _by_rules),
        "by_class": [
            {"class": of, **_rates([one for one in examined if one.case.of == of], _by_rules)}
            for of in CLASSES
        ],
        "deterministic": {
            "violations": len(broken),
            "caught": sum(not one.accepted for one in broken),
            "missed": [one.case.name for one in broken if one.accepted],
        },
        "evaluator": _evaluator(examined, evaluator) if evaluator is not None else None,
    }


def _evaluator(examined: Iterable[Examined], profile: str) -> dict[str, Any]:
    asked = [one for one in examined if one.evaluated is not None]
    rates = _rates(asked, lambda one: bool(one.evaluated))
    return {"profile": profile, **rates, "void": sum(one.void for one in asked)}


def _by_rules(one: Examined) -> bool:
    return one.accepted


def _rates(examined: Sequence[Examined], accepted: Callable[[Examined], bool]) -> dict[str, Any]:
    """Returns how many there are, are right, and were accepted; a rate of nothing is None."""
    right = [one for one in examined if one.case.by is None]
    taken = [one for one in examined if accepted(one)]
    both = sum(one.case.by is None for one in taken)
    return {
        "cases": len(examined),
        "right": len(right),
        "accepted": len(taken),
        "precision": round(both / len(taken), 4) if taken else None,
        "recall": round(both / len(right), 4) if right else None,
    }
