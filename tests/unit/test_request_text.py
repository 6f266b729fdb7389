import json

import pytest

from coordinator.domain.errors import BriefError
from coordinator.domain.names import BriefId, Digest, digest
from coordinator.domain.request import Answer, Approve, Cancel, Drop, Origin, Refuse, Request, Retry
from coordinator.domain.request_text import parse_request, requests_file

ORIGIN = Origin(source="folder", name="n", by="A Person <a@example.invalid>", token="t")
LINKS = BriefId("links-3fa29c01")
CHANGESET = Digest("sha256:" + "0" * 64)


@pytest.mark.parametrize(
    "request_",
    [
        Answer(brief=LINKS, question="q1", text='two\nlines "é"', origin=ORIGIN),
        Approve(brief=LINKS, changeset=CHANGESET, origin=ORIGIN),
        Refuse(brief=LINKS, reason="not now", origin=ORIGIN),
        Cancel(brief=LINKS, origin=ORIGIN),
        Retry(brief=LINKS, origin=ORIGIN),
        Drop(name="links", text=b"\xff any bytes", origin=ORIGIN),
    ],
)
def test_a_request_written_as_a_file_is_read_as_the_same_request(request_: Request) -> None:
    name, content = requests_file(request_)
    assert parse_request(name, content, origin=ORIGIN) == request_


def test_the_file_says_its_format_and_who_asked() -> None:
    name, content = requests_file(Cancel(brief=LINKS, origin=ORIGIN))
    assert name == "cancel-links-3fa29c01.request.json"
    assert json.loads(content) == {
        "format": 1,
        "request": "cancel",
        "brief": "links-3fa29c01",
        "by": "A Person <a@example.invalid>",
    }


def test_who_asked_is_the_origins_own_where_the_file_does_not_say() -> None:
    content = b'{"format": 1, "request": "retry", "brief": "links-3fa29c01"}'
    assert parse_request("x.request.json", content, origin=ORIGIN).origin == ORIGIN
    named = content.replace(b"}", b', "by": "B"}')
    assert parse_request("x.request.json", named, origin=ORIGIN).origin.by == "B"


@pytest.mark.parametrize("name", ["links.md", "links.markdown", "links.txt", "links.MD"])
def test_any_bytes_under_the_name_of_a_brief_are_a_drop(name: str) -> None:
    content = b"\x00\xff"
    assert parse_request(name, content, origin=ORIGIN) == Drop(
        name="links", text=content, origin=ORIGIN
    )
    assert digest(content)


@pytest.mark.parametrize("name", ["links", "links.pdf", ".md", "links.json", "links.md.zip", ""])
def test_other_names_are_no_requests(name: str) -> None:
    with pytest.raises(BriefError, match="not a brief and not a request"):
        parse_request(name, b"", origin=ORIGIN)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "file: Invalid JSON"),
        (b"\xff", "file: Invalid JSON"),
        (b"[]", "file: must be an object"),
        (b"{}", "request: must be answer, approve, reject, cancel or retry"),
        (b'{"request": "stop"}', "request: must be answer, approve, reject, cancel or retry"),
        (b'{"format": 2, "request": "cancel", "brief": "a"}', "format: must be 1"),
        (
            b'{"format": 1, "request": "cancel", "brief": "../a", "x": 1}',
            (
                "brief: String should match pattern '^[a-z0-9][a-z0-9-]{0,150}$';"
                " x: Extra inputs are not permitted"
            ),
        ),
        (
            b'{"format": 1, "request": "approve", "brief": "a"}',
            "changeset: Field required",
        ),
    ],
)
def test_every_fault_of_a_request_is_said(content: bytes, said: str) -> None:
    with pytest.raises(BriefError) as error:
        parse_request("x.request.json", content, origin=ORIGIN)
    assert str(error.value).startswith(f"x.request.json: not a request: {said}")
    assert error.value.hint
