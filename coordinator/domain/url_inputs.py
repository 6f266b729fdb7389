"""URLs of INPUTS in a package: what was fetched, and what its author is asked about what could not be."""

import re
from collections.abc import Mapping, Sequence

from .package import PackageInput, QuestionAnswered
from .packing import cut
from .record import clean
from .web import CONTENT_CHARS_MAX, Fetched, FetchOutcome

ALL_CHARS_MAX = 2_000_000  # of all URLs of one package
_QUESTION = "INPUTS names what cannot be fetched: "
_NAMED_MAX = 5
_AGAIN = re.compile(r"\W*(?:please\s+)?(?:try|retry|fetch|again|once more)\b", re.IGNORECASE)


def given(item: PackageInput, outcome: FetchOutcome, *, urls: int) -> PackageInput:
    """Returns the input with what its URL held; the label says what came, or why nothing did.

    `urls` is how many share the room that a package has for them.
    """
    why = lack(outcome)
    if why is not None or not isinstance(outcome, Fetched) or outcome.text is None:
        return item.model_copy(update={"label": f"not fetched: {why}"})
    content = cut(clean(outcome.text), min(CONTENT_CHARS_MAX, ALL_CHARS_MAX // max(1, urls)))
    said = [outcome.answer, outcome.media_type, f"{outcome.size} bytes", str(outcome.digest)]
    if outcome.final_url != item.value:
        said.append(f"from {outcome.final_url}")
    return item.model_copy(
        update={"content": content, "label": ", ".join(part for part in said if part)}
    )


def lack(outcome: FetchOutcome) -> str | None:
    """Returns why a URL gives nothing to read, None when it does."""
    if not isinstance(outcome, Fetched):
        return outcome.reason
    if not outcome.is_there:
        return outcome.answer
    if outcome.text is None:
        return f"it is {outcome.media_type or 'binary'}, not text"
    return None


def question(
    outcomes: Mapping[str, FetchOutcome], answers: Sequence[QuestionAnswered]
) -> str | None:
    """Returns what to ask before a worker starts without an input; None when there is nothing to ask.

    Who has been asked and did not say `try again` wants the work done with what there is.
    """
    lacking = [(url, why) for url, one in outcomes.items() if (why := lack(one)) is not None]
    told = [one.answer for one in answers if one.question.startswith(_QUESTION)]
    if not lacking or (told and not _AGAIN.match(told[-1])):
        return None
    named = "; ".join(f"{url} ({why})" for url, why in lacking[:_NAMED_MAX])
    more = f"; and {len(lacking) - _NAMED_MAX} more" if len(lacking) > _NAMED_MAX else ""
    return f"{_QUESTION}{named}{more}. Shall it be tried again (try again), or left out (go on)?"
