"""What an attempt returned, and the typed ways in which it could not."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .names import RepoPath


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(_Frozen):
    """What an attempt used; an unknown cost is None, never zero."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    wall_s: float = 0.0


class Report(_Frozen):
    """Text in the wanted format; `data` is the same as JSON where there is one."""

    kind: Literal["report"] = "report"
    text: str
    data: Any = None


class Edit(_Frozen):
    """One file as it shall be: whole content (base64), or None to delete."""

    path: RepoPath
    mode: Literal["100644", "100755"] = "100644"
    content_b64: str | None


class RefusedEntry(_Frozen):
    """Something in the returned folder that can be no part of a tree (a device, a hard link, ...)."""

    path: str
    code: str
    why: str


class Changes(_Frozen):
    """Edits to the base tree, or a patch of it; what is judged is the tree that results."""

    kind: Literal["changes"] = "changes"
    edits: tuple[Edit, ...]
    summary: str
    patch: str | None = None  # a unified diff, applied to the base instead of edits
    refused: tuple[RefusedEntry, ...] = ()  # any of these keeps the whole output out


class CouldNot(_Frozen):
    """A typed 'no': data, not prose."""

    kind: Literal["could_not"] = "could_not"
    why: Literal["noop", "missing_tool", "missing_data", "question"]
    text: str


Body = Annotated[Report | Changes | CouldNot, Field(discriminator="kind")]


class Output(_Frozen):
    """What came back from one attempt."""

    format: int = 1
    body: Body
    usage: Usage = Usage()
    confinement: str = "none"


class NoOutput(_Frozen):
    """An attempt that ended without an output, and what it used all the same."""

    reason: str
    usage: Usage = Usage()
