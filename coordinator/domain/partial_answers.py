"""What a person said about a brief of which tasks were lost: land what there is, try again, or give up."""

from dataclasses import dataclass

from .plan import Plan

LAND, AGAIN, GIVE_UP = "land", "try again", "give up"
CHOICES = (LAND, AGAIN, GIVE_UP)

_PREFIX = "partial."  # with a full stop, which keeps it apart from the questions of workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Insisted:
    """A person wants lost tasks tried again: attempts up to `since` do not count, and `told` goes along."""

    since: int = 0
    told: tuple[str, ...] = ()


def is_one(question: str) -> bool:
    """Tells whether a question of this id is about lost tasks."""
    return question.startswith(_PREFIX)


def insisted(plan: Plan | None) -> Insisted:
    """Returns what the last answer that wants more tries says; whatever names no choice is such a one."""
    found = Insisted()
    for question, answer in plan.answers.items() if plan is not None else ():
        number = _number(question)
        if number is not None and number >= found.since and said(answer) == AGAIN:
            plain = answer.strip()
            found = Insisted(since=number, told=() if plain.casefold() == AGAIN else (plain,))
    return found


def said(answer: str) -> str:
    """Returns which of the choices an answer is; one in other words is a reason to try again."""
    plain = answer.strip().casefold()
    if plain in (LAND, "land what there is"):
        return LAND
    return GIVE_UP if plain == GIVE_UP else AGAIN


def next_id(plan: Plan, number: int) -> str:
    """Returns the id of the question after attempt `number`: no answer that changed nothing has it."""
    wanted, again = f"{_PREFIX}{number}", 1
    while wanted in plan.answers and said(plan.answers[wanted]) == AGAIN:
        again += 1
        wanted = f"{_PREFIX}{number}.{again}"
    return wanted


def _number(question: str) -> int | None:
    number = question.removeprefix(_PREFIX).partition(".")[0]
    return int(number) if is_one(question) and number.isdecimal() else None
