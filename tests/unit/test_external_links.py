"""External links: how a brief asks for them, who is granted the tool, and what the report says."""

from dataclasses import replace
from typing import Any

import pytest

from coordinator.domain.brief import Brief, Fault, Kind
from coordinator.domain.brief_text import parse, render
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan import Task
from coordinator.domain.policy import Policy
from coordinator.domain.profiles import BUILT_IN
from coordinator.domain.web import CheckedUrl, judged
from coordinator.services.package import pack
from tests.support.inbox_world import POLICY, House
from tests.support.judging import Desk, brief
from tests.support.memory_tools import ALL, MemoryTools, package, rows, text, written
from workers import markdown_links
from workers.external_links import URLS_MAX, url_of
from workers.links import Links

GRANTED = ALL | {"check_url"}
BRIEF = """---
{front}
---
TASK: List every broken link of the guide.
INPUTS: docs/**/*.md
SCOPE: docs/; everything else
OUTPUT FORMAT: {form}
"""
PAGE = """\
[here](https://a.example/) and [gone](https://a.example/gone#part) and <https://a.example/auto>
[moved](https://a.example/old?x=1#part)

https://a.example/bare, (https://a.example/in_(brackets)) and `https://a.example/code`
[no such](nothing.md) ![](//b.example/c.png) [mail](mailto:a@b.example) <me@b.example>
"""


def problem(url: str, problem: Any, why: str = "", moved: str | None = None) -> CheckedUrl:
    return CheckedUrl(url=url, problem=problem, why=why, moved=moved)


FOUND = {
    one.url: one
    for one in (
        problem("https://a.example/gone", "dead", "404 Not Found"),
        problem("https://a.example/auto", "unreachable", "no such host"),
        problem("https://a.example/old?x=1", "moved", "moved", "https://a.example/new"),
        problem("https://a.example/bare", "not-allowed", "a.example is not listed"),
    )
}


def faults(front: str, form: str = "a table", **policy: Any) -> tuple[Fault, ...]:
    rules = replace(POLICY, **{"network_hosts": ("a.example",), **policy})
    return House(policy=rules).check("x", BRIEF.format(front=front, form=form)).faults


def test_a_brief_asks_for_external_links_in_its_front_matter() -> None:
    asked = parse(BRIEF.format(front="external: yes", form="a table").encode(), name="x")
    assert isinstance(asked, Brief)
    assert asked.external
    assert "external: true" in render(asked)
    assert parse(render(asked).encode(), name="x") == asked


def test_the_canonical_text_says_nothing_of_what_is_not_asked() -> None:
    asked = parse(BRIEF.format(front="external: false", form="a table").encode(), name="x")
    assert isinstance(asked, Brief)
    assert "external" not in render(asked)
    assert "retries: 0" in render(asked.model_copy(update={"retries": 0}))


def test_a_brief_that_asks_well_is_accepted() -> None:
    assert faults("external: true") == ()


@pytest.mark.parametrize(
    ("front", "form", "policy", "code", "message"),
    [
        ("external: maybe", "a table", {}, "bad-value", "`external` is not true or false"),
        (
            "external: true\nworker: search",
            "a table",
            {},
            "ungranted-tool",
            "search is not granted the tool 'check_url', which `external` needs",
        ),
        (
            "external: true\ntools: [list, read]",
            "a table",
            {},
            "ungranted-tool",
            "links is not granted the tool 'check_url', which `external` needs",
        ),
        (
            "external: true",
            "changes",
            {},
            "bad-value",
            "external links are looked at for a report, and changes are wanted",
        ),
        (
            "external: true",
            "a table",
            {"network_hosts": ()},
            "ungranted-url",
            "no external link can be looked at: [network] lists no hosts",
        ),
    ],
)
def test_what_cannot_be_looked_at_is_refused_at_its_line(
    front: str, form: str, policy: dict[str, Any], code: str, message: str
) -> None:
    (fault,) = faults(front, form, **policy)
    assert (fault.code, fault.message, fault.line) == (code, message, 2)


def granted(of: Brief, name: str = "links") -> tuple[str, ...]:
    desk = Desk({"a.md": "a"}, Policy(profiles=BUILT_IN))
    return pack(
        desk.sighting(of),
        Task(id=TaskId(name), objective="x", profile=ProfileName(name)),
        attempt=1,
        base=desk.base,
        world=desk.world,
        objects=desk.objects,
        feedback=(),
    ).tools_available


def test_the_tool_is_granted_to_who_asks_for_it_alone() -> None:
    assert granted(brief(Kind.TABLE)) == ("glob", "list", "read")
    assert granted(brief(Kind.TABLE, external=True)) == ("check_url", "glob", "list", "read")
    assert granted(brief(Kind.TABLE, tools=("read", "check_url"))) == ("check_url", "read")
    assert granted(brief(Kind.TABLE, external=True), "search") == ("glob", "list", "read")


def audited(content: str, **asked: Any) -> tuple[list[tuple[Any, ...]], MemoryTools]:
    tools = MemoryTools({"docs/a.md": content}, granted=GRANTED, urls=FOUND)
    asking = package("Audit the links.", kind="json", tools=GRANTED, **asked)
    return [tuple(row.values()) for row in rows(Links().work(asking, tools))], tools


def test_external_links_are_reported_in_their_place_with_why() -> None:
    found, tools = audited(PAGE)
    assert found == [
        ("docs/a.md", 1, "https://a.example/gone#part", "dead", None, "404 Not Found"),
        ("docs/a.md", 1, "https://a.example/auto", "unreachable", None, "no such host"),
        (
            "docs/a.md",
            2,
            "https://a.example/old?x=1#part",
            "moved permanently",
            "https://a.example/new#part",
            "moved",
        ),
        ("docs/a.md", 4, "https://a.example/bare", "not allowed", None, "a.example is not listed"),
        ("docs/a.md", 5, "nothing.md", "missing file", None, None),
    ]
    (asked,) = tools.asked
    assert set(asked) == {
        "https://a.example/",
        "https://a.example/gone",
        "https://a.example/auto",
        "https://a.example/old?x=1",
        "https://a.example/bare",
        "https://a.example/in_(brackets)",
        "https://b.example/c.png",
    }


def test_a_url_is_asked_about_once_however_often_it_is_written() -> None:
    _, tools = audited("[a](https://a.example/#one) [b](https://a.example/#two)\n" * 3)
    assert tools.asked == [("https://a.example/",)]


def test_more_than_can_be_asked_about_are_said_to_be_unchecked() -> None:
    found, tools = audited("\n".join(f"[x](https://a.example/{n})" for n in range(URLS_MAX + 1)))
    assert len(tools.asked[0]) == URLS_MAX
    (row,) = found
    assert row[2:] == (f"https://a.example/{URLS_MAX}", "not checked", None, "more than 5000 URLs")


def test_without_the_tool_nobody_asks_and_the_rows_are_as_they_were() -> None:
    tools = MemoryTools({"a.md": PAGE}, urls=FOUND)
    output = Links().work(package("Audit the links.", kind="json"), tools)
    assert [tuple(row) for row in rows(output)] == [
        ("file", "line", "target", "kind", "suggestion")
    ]
    assert tools.asked == []


def test_a_change_leaves_external_links_alone() -> None:
    tools = MemoryTools(
        {"a.md": "[m](https://a.example/old?x=1) [b](c/B.md)\n", "c/b.md": ""},
        granted=GRANTED,
        urls=FOUND,
    )
    output = Links().work(package("Mend the links.", kind="changes", tools=GRANTED), tools)
    assert written(output) == {"a.md": "[m](https://a.example/old?x=1) [b](c/b.md)\n"}
    assert tools.asked == []


def test_an_item_of_a_list_says_why() -> None:
    tools = MemoryTools({"a.md": "[g](https://a.example/gone)"}, granted=GRANTED, urls=FOUND)
    output = Links().work(package("Audit.", kind="list", tools=GRANTED), tools)
    assert text(output) == "- a.md:1: `https://a.example/gone` (dead: 404 Not Found)\n"


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://a.example/b#c", "https://a.example/b"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("//a.example/b", "https://a.example/b"),
        ("https://a.example/{{ page }}", None),
        ("mailto:a@a.example", None),
        ("docs/a.md", None),
        ("ftp://a.example/", None),
    ],
)
def test_which_url_a_link_means(target: str, url: str | None) -> None:
    assert url_of(target) == url


@pytest.mark.parametrize(
    ("status", "moved", "code", "problem"),
    [
        (200, None, None, ""),
        (200, "https://a.example/b", None, "moved"),
        (204, None, None, ""),
        (404, None, None, "dead"),
        (404, "https://a.example/b", None, "dead"),
        (410, None, None, "dead"),
        (401, None, None, "unreachable"),
        (403, None, None, "unreachable"),
        (429, None, None, "unreachable"),
        (500, None, None, "unreachable"),
        (None, None, "timeout", "unreachable"),
        (None, None, "unreachable", "unreachable"),
        (None, None, "too-many-redirects", "unreachable"),
        (None, None, "not-allowed", "not-allowed"),
        (None, None, "private-address", "not-allowed"),
        (None, None, "bad-url", "dead"),
    ],
)
def test_dead_is_only_what_is_said_not_to_be_there(
    status: int | None, moved: str | None, code: Any, problem: str
) -> None:
    found = judged(
        "https://a.example/", status=status, answer="", moved=moved, code=code, reason="why"
    )
    assert found.problem == problem


def test_urls_in_text_and_in_angle_brackets_are_links_and_code_is_none() -> None:
    source = (
        "see https://a.example/x. Or <https://b.example/?a&amp;b>,\n"
        "[https://c.example](d.md) and **https://e.example/**\n\n"
        "    https://code.example/\n\n`https://code.example/` <http:no> https://f.example/a)b\n"
    )
    found = [(r.target, r.line) for r in markdown_links.parse(source).references]
    assert found == [
        ("https://a.example/x", 1),
        ("https://b.example/?a&amp;b", 1),
        ("d.md", 2),
        ("https://e.example/", 2),
        ("https://f.example/a)b", 6),
    ]
