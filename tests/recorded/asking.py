"""How a recording is made: what was wanted is shown without labels and out of order, and answers are taken in."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.recorded.recording import Wanted


def shown(wanted: Sequence[Wanted], *, seed: int) -> Iterator[str]:
    """Yields each request as text, in an order that tells nothing."""
    mixed = sorted(wanted, key=lambda one: one.digest)
    random.Random(seed).shuffle(mixed)
    for one in mixed:
        said = "\n".join(f"--- {who}\n{text}" for who, text in one.said)
        yield f"===== {one.digest} {one.model}\n{said}\n"


def taken(
    answers: Sequence[dict[str, Any]], wanted: Sequence[Wanted], recording: Path
) -> list[str]:
    """Puts answers into a recording, behind those that are there; returns the digests without one.

    An answer has its `digest`, and `text` (a text, or an object that is written as JSON) or `calls`.
    """
    by_digest = {one.digest: one for one in wanted}
    lines = []
    for answer in answers:
        one = by_digest.pop(answer["digest"], None)
        if one is not None:
            entry = {"digest": one.digest, "model": one.model, "about": one.about, **answer}
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    recording.parent.mkdir(parents=True, exist_ok=True)
    with recording.open("a", encoding="utf-8") as file:
        file.writelines(lines)
    return sorted(by_digest)
