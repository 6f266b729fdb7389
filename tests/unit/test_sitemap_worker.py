"""The sitemap worker: what it finds, and what it leaves alone."""

import pytest

from tests.support.memory_tools import MemoryTools, package, refusal, rows, text, written
from workers.sitemap import Sitemap

SITEMAP = """\
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url>
    <loc>https://example.org/</loc>
    <lastmod>2024-01-01</lastmod>
  </url>
  <!-- the rest -->
  <url>
    <loc>https://example.org/about.html</loc>
    <priority>0.5</priority>
  </url>
  <url>
    <loc>https://example.org/gone.html</loc>
  </url>
</urlset>
"""
SITE = {
    "public/sitemap.xml": SITEMAP,
    "public/index.html": "<h1>Home</h1>",
    "public/about.html": "<h1>About</h1>",
    "public/docs/index.html": "<h1>Docs</h1>",
    "public/blog/first post.html": "<h1>First</h1>",
    "public/404.html": "<h1>Lost</h1>",
    "public/hidden.html": '<meta name="robots" content="NOINDEX, follow">',
    "public/old.html": '<link rel="canonical" href="https://example.org/about.html">',
    "public/moved.html": '<meta http-equiv="refresh" content="0; url=/about.html">',
    "README.md": "# Site",
    "tools/report.html": "<p>not published</p>",
}
CHANGE = "Update the sitemap so that it lists every page."


def locs(xml: str) -> list[str]:
    return [part.partition("</loc>")[0] for part in xml.split("<loc>")[1:]]


def test_a_report_names_missing_pages_and_dead_entries() -> None:
    output = Sitemap().work(package("Audit the sitemap.", kind="json"), MemoryTools(SITE))
    assert rows(output) == [
        {
            "url": "https://example.org/blog/first%20post.html",
            "kind": "missing",
            "page": "public/blog/first post.html",
            "sitemap": "public/sitemap.xml",
        },
        {
            "url": "https://example.org/docs/",
            "kind": "missing",
            "page": "public/docs/index.html",
            "sitemap": "public/sitemap.xml",
        },
        {
            "url": "https://example.org/gone.html",
            "kind": "dead",
            "page": None,
            "sitemap": "public/sitemap.xml",
        },
    ]


def test_a_task_that_asks_for_missing_pages_gets_no_dead_ones() -> None:
    task = "List every HTML page that is missing from the sitemap."
    output = Sitemap().work(package(task, kind="list"), MemoryTools(SITE))
    assert text(output) == (
        "- https://example.org/blog/first%20post.html: missing (public/blog/first post.html)\n"
        "- https://example.org/docs/: missing (public/docs/index.html)\n"
    )


def test_a_task_that_asks_for_dead_entries_gets_no_missing_ones() -> None:
    output = Sitemap().work(package("Find dead sitemap entries.", kind="table"), MemoryTools(SITE))
    assert text(output) == (
        "| url | kind | page | sitemap |\n"
        "| --- | --- | --- | --- |\n"
        "| https://example.org/gone.html | dead |  | public/sitemap.xml |\n"
    )


def test_a_change_keeps_every_other_byte() -> None:
    output = Sitemap().work(package(CHANGE, kind="changes"), MemoryTools(SITE))
    assert written(output) == {
        "public/sitemap.xml": """\
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
  <url>
    <loc>https://example.org/</loc>
    <lastmod>2024-01-01</lastmod>
  </url>
  <!-- the rest -->
  <url>
    <loc>https://example.org/about.html</loc>
    <priority>0.5</priority>
  </url>
  <url>
    <loc>https://example.org/blog/first%20post.html</loc>
  </url>
  <url>
    <loc>https://example.org/docs/</loc>
  </url>
</urlset>
"""
    }


def test_a_changed_sitemap_needs_no_other_change() -> None:
    asked = package(CHANGE, kind="changes")
    once = written(Sitemap().work(asked, MemoryTools(SITE)))
    assert refusal(Sitemap().work(asked, MemoryTools({**SITE, **once})))[0] == "noop"


def test_what_do_not_forbids_to_remove_stays() -> None:
    asked = package(CHANGE, kind="changes", do_not=("remove existing entries",))
    output = Sitemap().work(asked, MemoryTools(SITE))
    assert "https://example.org/gone.html" in locs(written(output)["public/sitemap.xml"])


def test_unsorted_sitemaps_get_new_pages_at_the_end_in_their_own_style() -> None:
    one_line = (
        "<urlset>\r\n\t<url><loc>https://e.org/z.html</loc></url>\r\n"
        "\t<url><loc>https://e.org/b.html</loc></url>\r\n</urlset>"
    )
    files = {"sitemap.xml": one_line, "z.html": "", "b.html": "", "c.html": "", "a.html": ""}
    output = Sitemap().work(package(CHANGE, kind="changes"), MemoryTools(files))
    assert written(output)["sitemap.xml"] == (
        "<urlset>\r\n\t<url><loc>https://e.org/z.html</loc></url>\r\n"
        "\t<url><loc>https://e.org/b.html</loc></url>\r\n"
        "\t<url><loc>https://e.org/a.html</loc></url>\r\n"
        "\t<url><loc>https://e.org/c.html</loc></url>\r\n</urlset>"
    )


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["about", "docs"], ["https://e.org/p/blog", "https://e.org/p/new"]),
        (["about/", "docs/"], ["https://e.org/p/blog/", "https://e.org/p/new/"]),
        (
            ["about.html", "docs/index.html"],
            ["https://e.org/p/blog/index.html", "https://e.org/p/new.html"],
        ),
    ],
)
def test_urls_follow_the_style_and_the_base_of_the_others(
    listed: list[str], expected: list[str]
) -> None:
    urls = "".join(f"<url><loc>https://e.org/p/{path}</loc></url>" for path in ["", *listed])
    pages = ["index", "about", "new", "docs/index", "blog/index"]
    files = {"site/sitemap.xml": f"<urlset>{urls}</urlset>"}
    files |= {f"site/{page}.html": "" for page in pages}
    output = Sitemap().work(package("Audit it.", kind="json"), MemoryTools(files))
    assert [row["url"] for row in rows(output)] == expected


def test_an_index_is_followed_and_a_page_goes_where_its_folder_is() -> None:
    files = {
        "sitemap.xml": (
            "<sitemapindex><sitemap><loc>https://e.org/maps/pages.xml</loc></sitemap>\n"
            "<sitemap><loc>https://e.org/maps/posts.xml</loc></sitemap></sitemapindex>"
        ),
        "maps/pages.xml": "<urlset><url><loc>https://e.org/</loc></url></urlset>",
        "maps/posts.xml": (
            "<urlset><url><loc>https://e.org/blog/one.html</loc></url>"
            "<url><loc>https://e.org/blog/gone.html</loc></url></urlset>"
        ),
        "index.html": "",
        "blog/one.html": "",
        "blog/two.html": "",
        "terms.html": "",
    }
    output = Sitemap().work(package(CHANGE, kind="changes"), MemoryTools(files))
    contents = written(output)
    assert sorted(contents) == ["maps/pages.xml", "maps/posts.xml"]
    assert locs(contents["maps/pages.xml"]) == ["https://e.org/", "https://e.org/terms.html"]
    assert locs(contents["maps/posts.xml"]) == [
        "https://e.org/blog/one.html",
        "https://e.org/blog/two.html",
    ]


def test_a_child_that_is_not_there_is_reported_as_dead() -> None:
    files = {
        "sitemap.xml": "<sitemapindex><sitemap><loc>https://e.org/no.xml</loc></sitemap></sitemapindex>",
        "index.html": "",
    }
    output = Sitemap().work(package("Audit it.", kind="json"), MemoryTools(files))
    assert [(row["url"], row["kind"]) for row in rows(output)] == [
        ("https://e.org/", "missing"),
        ("https://e.org/no.xml", "dead"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"CNAME": "e.org\n"},
        {"index.html": '<link rel="canonical" href="https://e.org/">'},
        {"robots.txt": "User-agent: *\nSitemap: https://e.org/sitemap.xml\n"},
    ],
)
def test_an_empty_sitemap_finds_its_base_elsewhere(other: dict[str, str]) -> None:
    files = {"sitemap.xml": "<urlset>\n</urlset>\n", "index.html": "", **other}
    output = Sitemap().work(package(CHANGE, kind="changes"), MemoryTools(files))
    assert written(output)["sitemap.xml"] == (
        "<urlset>\n  <url><loc>https://e.org/</loc></url>\n</urlset>\n"
    )


def test_the_base_may_be_given_as_data() -> None:
    files = {"sitemap.xml": "<urlset/>\n", "a&b.html": ""}
    asked = package(CHANGE, kind="changes", data={"": "base: https://e.org/x"})
    output = Sitemap().work(asked, MemoryTools(files))
    assert written(output)["sitemap.xml"] == (
        "<urlset>\n  <url><loc>https://e.org/x/a&amp;b.html</loc></url>\n</urlset>\n"
    )


def test_an_unknown_base_is_a_question() -> None:
    files = {"sitemap.xml": "<urlset/>", "index.html": ""}
    why, said = refusal(Sitemap().work(package(CHANGE, kind="changes"), MemoryTools(files)))
    assert why == "question"
    assert said.startswith("What is the base URL of the site?")


def test_the_answer_to_that_question_gives_the_base() -> None:
    files = {"sitemap.xml": "<urlset/>\n", "index.html": ""}
    tools = MemoryTools(files)
    _, question = refusal(Sitemap().work(package(CHANGE, kind="changes"), tools))
    asked = package(
        CHANGE, kind="changes", answers=[(question, "It is <https://e.org/x>, I think.")]
    )
    assert "https://e.org/x/</loc>" in written(Sitemap().work(asked, tools))["sitemap.xml"]


def test_an_answer_without_an_url_is_asked_again_and_the_next_one_counts() -> None:
    files = {"sitemap.xml": "<urlset/>\n", "index.html": ""}
    tools = MemoryTools(files)
    first = ("What is the base URL of the site?", "e.org")
    asked = package(CHANGE, kind="changes", answers=[first])
    why, again = refusal(Sitemap().work(asked, tools))
    assert (why, again) == (
        "question",
        (
            "What is the base URL of the site? "
            "The answer 'e.org' holds no URL that begins with http:// or https://."
        ),
    )
    asked = package(CHANGE, kind="changes", answers=[first, (again, "https://e.org")])
    assert "https://e.org/</loc>" in written(Sitemap().work(asked, tools))["sitemap.xml"]


def test_two_sitemaps_are_a_question_until_one_is_named() -> None:
    files = {
        "a/sitemap.xml": "<urlset><url><loc>https://a.org/</loc></url></urlset>",
        "b/sitemap.xml": "<urlset><url><loc>https://b.org/</loc></url></urlset>",
        "a/index.html": "",
        "b/index.html": "",
        "b/new.html": "",
    }
    tools = MemoryTools(files)
    why, said = refusal(Sitemap().work(package("Audit it."), tools))
    assert (why, said) == (
        "question",
        "Which sitemap is meant: a/sitemap.xml, b/sitemap.xml? Answer with its path.",
    )
    named = package("Audit it.", kind="json", inputs=["b/sitemap.xml"])
    assert [row["url"] for row in rows(Sitemap().work(named, tools))] == ["https://b.org/new.html"]
    scoped = package(CHANGE, kind="changes", inside=("b/sitemap.xml",))
    assert list(written(Sitemap().work(scoped, tools))) == ["b/sitemap.xml"]


TWO = {
    "a/sitemap.xml": "<urlset><url><loc>https://a.org/</loc></url></urlset>",
    "b/sitemap.xml": "<urlset><url><loc>https://b.org/</loc></url></urlset>",
    "b/sitemap-2.xml": "<urlset><url><loc>https://b.org/2</loc></url></urlset>",
    "b/feed.xml": "<rss/>",
    "a/new.html": "",
    "b/new.html": "",
}
WHICH = "Which sitemap is meant: a/sitemap.xml, b/sitemap-2.xml, b/sitemap.xml?"


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        ("a/sitemap.xml", "https://a.org/new.html"),
        ("`./b/sitemap.xml`, please", "https://b.org/new.html"),
        ("sitemap-2.xml", "https://b.org/new.html"),
        ("b/sitemap.xml and b/sitemap-2.xml", "https://b.org/new.html"),
    ],
)
def test_an_answer_says_which_sitemap_is_meant(answer: str, url: str) -> None:
    asked = package("List missing pages.", kind="json", answers=[(WHICH, answer)])
    assert [row["url"] for row in rows(Sitemap().work(asked, MemoryTools(TWO)))] == [url]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("the big one", "The answer 'the big one' names none that is there."),
        ("sitemap.xml", "The answer 'sitemap.xml' names 2 in different folders."),
        (
            "b/feed.xml",
            (
                "The answer 'b/feed.xml' does not settle it: b/feed.xml cannot be read as a sitemap: "
                "its root element is neither urlset nor sitemapindex."
            ),
        ),
    ],
)
def test_an_answer_that_names_no_sitemap_is_asked_again(answer: str, why: str) -> None:
    asked = package("List missing pages.", kind="json", answers=[(WHICH, answer)])
    assert refusal(Sitemap().work(asked, MemoryTools(TWO))) == ("question", f"{WHICH} {why}")


def test_no_sitemap_is_missing_data() -> None:
    why, said = refusal(Sitemap().work(package("Audit it."), MemoryTools({"index.html": ""})))
    assert why == "missing_data"
    assert "no sitemap" in said


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>', "DOCTYPE"),
        ("<urlset>", "not well-formed"),
        ("<rss/>", "neither urlset nor sitemapindex"),
    ],
)
def test_what_is_no_sitemap_is_said(content: str, fault: str) -> None:
    why, said = refusal(Sitemap().work(package("Audit it."), MemoryTools({"sitemap.xml": content})))
    assert why == "missing_data"
    assert fault in said


def test_nothing_to_do_is_a_noop_for_a_change_and_an_empty_list_for_a_report() -> None:
    files = {
        "sitemap.xml": "<urlset><url><loc>https://e.org/</loc></url></urlset>",
        "index.html": "",
    }
    changing = Sitemap().work(package(CHANGE, kind="changes"), MemoryTools(files))
    assert refusal(changing)[0] == "noop"
    listing = Sitemap().work(package("Audit it.", kind="json"), MemoryTools(files))
    assert (rows(listing), text(listing)) == ([], "[]\n")


def test_a_sitemap_outside_scope_is_not_changed() -> None:
    asked = package(CHANGE, kind="changes", inside=("docs/",), inputs=["public/sitemap.xml"])
    why, said = refusal(Sitemap().work(asked, MemoryTools(SITE)))
    assert (why, said) == (
        "missing_tool",  # no answer can widen SCOPE: review holds the brief to it
        (
            "public/sitemap.xml would change, which SCOPE leaves out. "
            "Name it in SCOPE and drop the brief again."
        ),
    )


def test_inputs_say_which_pages_count() -> None:
    asked = package("Audit it.", kind="json", inputs=["public/sitemap.xml", "public/docs/**"])
    found = rows(Sitemap().work(asked, MemoryTools(SITE)))
    assert [row["page"] for row in found if row["kind"] == "missing"] == ["public/docs/index.html"]


def test_other_hosts_are_nobodys_business_and_http_is_the_same_site() -> None:
    files = {
        "sitemap.xml": (
            "<urlset><url><loc>https://e.org/</loc></url><url><loc>https://e.org/a.html</loc></url>"
            "<url><loc>http://e.org/b.html</loc></url><url><loc>https://x.org/c.html</loc></url></urlset>"
        ),
        "index.html": "",
        "a.html": "",
        "b.html": "",
    }
    assert rows(Sitemap().work(package("Audit it.", kind="json"), MemoryTools(files))) == []


def test_a_schema_with_an_array_for_each_group_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "missing": {"type": "array", "items": {"type": "string"}},
            "dead": {"type": "array", "items": {"type": "string"}},
            "total": {"type": "integer"},
        },
    }
    output = Sitemap().work(package("Audit it.", kind="json", schema=schema), MemoryTools(SITE))
    assert rows(output) == {
        "missing": [
            "https://example.org/blog/first%20post.html",
            "https://example.org/docs/",
        ],
        "dead": ["https://example.org/gone.html"],
        "total": 3,
    }


def test_the_same_package_gives_the_same_bytes() -> None:
    asked = package("Audit it.", kind="report")
    once, again = (
        Sitemap().work(asked, MemoryTools(files))
        for files in (SITE, dict(reversed(list(SITE.items()))))
    )
    assert text(once) == text(again)
