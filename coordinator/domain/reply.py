"""reply.md: what the author of a brief is told, for people (prose) and programs (front matter)."""

from functools import lru_cache
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from .brief import Fault, Question

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KNOWN_MAX = 64
"""How many replies are remembered: each is looked at many times while its brief waits, or is asked about."""


class Reply(BaseModel):
    """What came of a brief, as it stands in its folder on the branch.

    `held` says why a waiting brief waits; `changeset` is what an approval must bind to.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    state: Literal["working", "input_required", "completed", "failed", "canceled", "rejected"]
    held: (
        Literal["unverified", "protected", "review", "conflict", "question", "rewritten"] | None
    ) = None
    reasons: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    questions: tuple[Question, ...] = ()
    changeset: str | None = None
    changeset_base: str | None = None
    changeset_result: str | None = None
    verified: str | None = None
    name: str = ""
    digest: str = ""  # of the brief, where no brief.md stands beside this
    requests: tuple[str, ...] = ()  # tokens of the requests that led here
    text: str = ""  # the prose below the front matter


@lru_cache(maxsize=_KNOWN_MAX)
def render(reply: Reply) -> bytes:
    """Returns the bytes of reply.md."""
    head: dict[str, Any] = reply.model_dump(mode="json", exclude={"text"}, exclude_defaults=True)
    head["state"] = reply.state
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{front}---\n\n{reply.text.strip()}\n".encode("utf-8", "replace")


@lru_cache(maxsize=_KNOWN_MAX)
def parse(content: bytes) -> Reply | None:
    """Returns the reply, or None when `content` is not one (it may have been edited by hand)."""
    text = content.decode("utf-8", "replace")
    if not text.startswith("---\n"):
        return None
    front, _, body = text[4:].partition("\n---\n")
    try:
        head = yaml.load(front, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
        return Reply(**head, text=body.strip())
    except (yaml.YAMLError, TypeError, ValueError):
        return None
