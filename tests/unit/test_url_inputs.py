"""URLs of INPUTS: which are refused at intake, what a package says of them, and when their author is asked."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain.brief import Brief, Input
from coordinator.domain.intake_rules import URLS_MAX
from coordinator.domain.names import ProfileName, TaskId, digest
from coordinator.domain.package import PackageInput, QuestionAnswered
from coordinator.domain.plan import Task
from coordinator.domain.policy import Policy
from coordinator.domain.url_inputs import ALL_CHARS_MAX, given, lack, question
from coordinator.domain.web import Fetched, FetchOutcome, NotFetched
from coordinator.services import package as package_service
from tests.support.inbox_world import POLICY, House
from tests.support.judging import PROFILES, Desk, brief

URL = "https://example.org/a"
BRIEF = """TASK: List every HTML page that public/sitemap.xml does not name.
INPUTS: public/sitemap.xml, {urls}
SCOPE: public/; everything else
OUTPUT FORMAT: a table
"""


def fetched(text: str | None, **fields: Any) -> Fetched:
    said: dict[str, Any] = {
        "url": URL,
        "final_url": URL,
        "status": 200,
        "phrase": "OK",
        "moved": None,
        "media_type": "text/html",
        "size": len(text or ""),
        "digest": digest((text or "").encode()),
        "text": text,
    }
    return Fetched(**{**said, **fields})


def failed(reason: str) -> NotFetched:
    return NotFetched(url=URL, final_url=URL, code="unreachable", reason=reason)


def item(outcome: FetchOutcome, *, urls: int = 1) -> PackageInput:
    return given(PackageInput(kind="url", value=URL), outcome, urls=urls)


def test_a_url_of_a_host_that_is_not_listed_is_refused_with_what_to_do() -> None:
    house = House(policy=replace(POLICY, network_hosts=("example.org",)))
    urls = "https://example.org/a, https://example.org:8443/, https://me:x@example.org/"
    said = house.check("urls", BRIEF.format(urls=urls))
    assert [(f.code, f.line, f.section) for f in said.faults] == [
        ("ungranted-url", 2, "INPUTS")
    ] * 2
    first, second = said.faults
    assert first.message == (
        "https://example.org:8443/ cannot be fetched: example.org:8443 is not in [network] hosts"
    )
    assert first.hint.startswith(
        "add the host to `hosts` of [network] in .orchestrator/config.toml"
    )
    assert second.message.endswith("it holds a user name or a password")
    assert second.hint == "write it as https://host/path"


def test_without_a_list_no_url_is_fetched_and_with_it_the_brief_is_accepted() -> None:
    text = BRIEF.format(urls=URL)
    assert House().check("url", text).verdict == "rejected"
    listed = House(policy=replace(POLICY, network_hosts=("example.org",)))
    assert listed.check("url", text).verdict == "accepted"


def test_more_urls_than_can_be_fetched_for_one_attempt_are_refused() -> None:
    house = House(policy=replace(POLICY, network_hosts=("example.org",)))
    urls = ", ".join(f"{URL}{n}" for n in range(URLS_MAX + 1))
    (fault,) = house.check("urls", BRIEF.format(urls=urls)).faults
    assert (fault.code, fault.message) == ("too-long", "INPUTS names 51 URLs; 50 is the most")


def test_what_a_url_held_is_given_with_its_status_digest_and_origin() -> None:
    said = item(fetched("hello", final_url="https://example.org/b"))
    assert said.content == "hello"
    assert said.label == (
        f"200 OK, text/html, 5 bytes, {digest(b'hello')}, from https://example.org/b"
    )


def test_what_was_fetched_is_cleaned_and_cut_to_its_share() -> None:
    assert item(fetched("a\x1b[31mb\u202ec\n")).content == "abc\n"
    long = item(fetched("x" * 3_000_000), urls=20).content or ""
    assert "characters left out" in long
    assert len(long) < ALL_CHARS_MAX / 20 + 100


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (fetched("gone", status=404, phrase="Not Found"), "404 Not Found"),
        (fetched(None, media_type="application/pdf"), "it is application/pdf, not text"),
        (fetched(None, media_type=""), "it is binary, not text"),
        (failed("no such host"), "no such host"),
    ],
)
def test_what_gives_nothing_to_read_says_why_in_its_label(outcome: FetchOutcome, why: str) -> None:
    assert lack(outcome) == why
    assert (item(outcome).content, item(outcome).label) == (None, f"not fetched: {why}")


def test_an_empty_page_is_something_to_read() -> None:
    assert lack(fetched("")) is None
    assert item(fetched("")).content == ""


def test_its_author_is_asked_before_a_worker_starts_without_an_input() -> None:
    outcomes: dict[str, FetchOutcome] = {URL: fetched("x"), f"{URL}b": failed("no such host")}
    asked = question(outcomes, ())
    assert asked == (
        "INPUTS names what cannot be fetched: https://example.org/ab (no such host). "
        "Shall it be tried again (try again), or left out (go on)?"
    )
    assert question({URL: fetched("x")}, ()) is None
    assert question({}, ()) is None


@pytest.mark.parametrize(
    ("told", "is_asked"),
    [
        (("go on",), False),
        (("leave it out, please",), False),
        (("try again",), True),
        (("Please try it again",), True),
        (("go on", "Try again."), True),
        (("try again", "go on"), False),
    ],
)
def test_the_last_answer_counts(told: tuple[str, ...], is_asked: bool) -> None:
    first = question({URL: failed("no such host")}, ())
    assert first is not None
    answers = [QuestionAnswered(question=first, answer=answer) for answer in told]
    assert (question({URL: failed("a time-out")}, answers) is not None) is is_asked


def test_answers_to_other_questions_are_no_answers_to_this_one() -> None:
    other = QuestionAnswered(question="Which pattern?", answer="go on")
    assert question({URL: failed("no such host")}, [other]) is not None


def test_many_that_lack_are_named_in_part() -> None:
    said = question({f"{URL}{n}": failed("gone") for n in range(8)}, ()) or ""
    assert said.count("(gone)") == 5
    assert "; and 3 more." in said


class Fake:
    """The port Web over a mapping."""

    def __init__(self, answers: Mapping[str, FetchOutcome]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def fetch_all(self, urls: Any, *, hosts: Any) -> tuple[FetchOutcome, ...]:
        self.asked += [(url, tuple(hosts)) for url in urls]
        return tuple(self.answers[url] for url in urls)

    def fetch(self, url: str, *, hosts: Any, reach: Any = "listed") -> FetchOutcome:
        return self.answers[url]

    def check(self, url: str, *, hosts: Any) -> FetchOutcome:
        return self.answers[url]


def asking(*urls: str) -> Brief:
    inputs = (Input(kind="data", value="x: y"), *(Input(kind="url", value=url) for url in urls))
    return brief(inputs=inputs)


def test_each_url_is_fetched_with_the_hosts_of_the_house_and_put_into_the_package() -> None:
    desk = Desk({"a.md": "a"}, Policy(profiles=PROFILES, network_hosts=("example.org",)))
    web = Fake({URL: fetched("hello"), f"{URL}b": failed("no such host")})
    of = asking(URL, f"{URL}b")
    said = package_service.pack(
        desk.sighting(of),
        Task(id=TaskId("links"), objective="x", profile=ProfileName("links")),
        attempt=1,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=(),
        fetched=package_service.fetch(of, desk.policy, web=web),
    )
    assert web.asked == [(URL, ("example.org",)), (f"{URL}b", ("example.org",))]
    assert [one.content for one in said.input_data] == ["x: y", "hello", None]
    assert said.input_data[2].label == "not fetched: no such host"


def test_nothing_is_asked_for_without_a_url() -> None:
    web = Fake({})
    assert package_service.fetch(asking(), Policy(), web=web) == {}
    assert web.asked == []
