"""Requests as files: a brief is itself, everything else is `<name>.request.json`."""

import json
from dataclasses import replace
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .errors import BriefError
from .names import BriefId, Digest, slug
from .request import Answer, Approve, Cancel, Drop, Origin, Refuse, Request, Retry

FORMAT = 1
BRIEF_ENDINGS = (".md", ".markdown", ".txt")
REQUEST_ENDING = ".request.json"
_TEXT_CHARS_MAX = 100_000

_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,150}$")]
_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_Text = Annotated[str, Field(max_length=_TEXT_CHARS_MAX)]
_By = Annotated[str, Field(max_length=300)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    format: Literal[1]
    brief: _Id
    by: _By = ""

    def request(self, origin: Origin) -> Request:
        """Returns it as a value."""
        raise NotImplementedError


class _Answer(_Said):
    request_: Literal["answer"] = Field(alias="request")
    question: Annotated[str, Field(min_length=1, max_length=200)]
    text: _Text

    def request(self, origin: Origin) -> Request:
        return Answer(
            brief=BriefId(self.brief), question=self.question, text=self.text, origin=origin
        )


class _Approve(_Said):
    request_: Literal["approve"] = Field(alias="request")
    changeset: _Digest

    def request(self, origin: Origin) -> Request:
        return Approve(brief=BriefId(self.brief), changeset=Digest(self.changeset), origin=origin)


class _Refuse(_Said):
    request_: Literal["reject"] = Field(alias="request")
    reason: _Text

    def request(self, origin: Origin) -> Request:
        return Refuse(brief=BriefId(self.brief), reason=self.reason, origin=origin)


class _Cancel(_Said):
    request_: Literal["cancel"] = Field(alias="request")

    def request(self, origin: Origin) -> Request:
        return Cancel(brief=BriefId(self.brief), origin=origin)


class _Retry(_Said):
    request_: Literal["retry"] = Field(alias="request")

    def request(self, origin: Origin) -> Request:
        return Retry(brief=BriefId(self.brief), origin=origin)


_AnySaid = Annotated[
    _Answer | _Approve | _Refuse | _Cancel | _Retry, Field(discriminator="request_")
]
_ADAPTER: TypeAdapter[_Answer | _Approve | _Refuse | _Cancel | _Retry] = TypeAdapter(_AnySaid)


def stem(name: str) -> str | None:
    """Returns the file name without its ending, or None when it is no kind of request."""
    for ending in (REQUEST_ENDING, *BRIEF_ENDINGS):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return None


def parse_request(name: str, content: bytes, *, origin: Origin) -> Request:
    """Returns the request that the file `name` is; any bytes are a Drop, which intake judges.

    Raises BriefError for what can be no request at all, naming every fault of its JSON.
    """
    bare = stem(name)
    if bare is None:
        raise BriefError(
            f"{name}: not a brief and not a request",
            hint=f"name it *.md, *.markdown or *.txt, or *{REQUEST_ENDING} for a request",
        )
    if not name.lower().endswith(REQUEST_ENDING):
        return Drop(name=bare, text=content, origin=origin)
    try:
        said = _ADAPTER.validate_json(content)
    except ValidationError as error:
        faults = "; ".join(_fault(detail["type"], detail) for detail in error.errors())
        raise BriefError(
            f"{name}: not a request: {faults}",
            hint='a request is {"format": 1, "request": "answer", "brief": ID, ...}; '
            "the commands answer, approve, reject, cancel and retry write it for you",
        ) from error
    return said.request(replace(origin, by=said.by) if said.by else origin)


def requests_file(request: Request) -> tuple[str, bytes]:
    """Returns the file that says `request`: a name that is safe anywhere, and its bytes."""
    match request:
        case Drop(name=name, text=text):
            return f"{slug(name)}.md", text
        case Answer(brief=brief, question=question, text=text):
            return _file("answer", brief, request.origin, question=question, text=text)
        case Approve(brief=brief, changeset=changeset):
            return _file("approve", brief, request.origin, changeset=changeset)
        case Refuse(brief=brief, reason=reason):
            return _file("reject", brief, request.origin, reason=reason)
        case Cancel(brief=brief):
            return _file("cancel", brief, request.origin)
        case Retry(brief=brief):
            return _file("retry", brief, request.origin)
        case _:
            assert_never(request)


def _fault(kind: str, detail: Any) -> str:
    if kind.startswith("union_tag"):
        return "request: must be answer, approve, reject, cancel or retry"
    key = ".".join(str(part) for part in detail["loc"][1:]) or "file"
    return f"{key}: {detail['msg'].replace('Input should', 'must')}"


def _file(verb: str, brief: BriefId, origin: Origin, **fields: str) -> tuple[str, bytes]:
    said: dict[str, Any] = {"format": FORMAT, "request": verb, "brief": brief, **fields}
    if origin.by:
        said["by"] = origin.by
    text = json.dumps(said, indent=2, ensure_ascii=True) + "\n"
    return f"{verb}-{brief}{REQUEST_ENDING}", text.encode()
