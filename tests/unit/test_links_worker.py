"""The links worker: which links it calls broken, what it suggests, and what it mends."""

from typing import Any

import pytest

from coordinator.domain.names import RepoPath
from tests.support.memory_tools import MemoryTools, package, refusal, rows, text, written
from workers import html_pages, markdown_links
from workers.links import Links

SITE: dict[str, str | bytes] = {
    "README.md": """\
# The Project

[guide](docs/guide.md) [part](docs/guide.md#set-up) [again](docs/guide.md#set-up-1)
[no such](docs/nothing.md) and `[code](nowhere.md)` [case](docs/Guide.md)
[anchor](docs/guide.md#setup) ![image](img/logo.png "Logo")

```
[fenced](nowhere.md)
```

[moved](old/install.md#linux) [reference][r] <https://example.org/> [mail](mailto:a@b.c)

[r]: docs/missing.md
[out]: https://example.org/nothing
""",
    "docs/guide.md": "# Guide\n\n## Set up\n\n## Set up\n\n[up](../README.md#the-project)\n",
    "docs/setup/install.md": "# Install\n\n## Linux\n",
    "img/logo.png": b"\x89PNG",
}


def found(files: dict[str, Any], **asked: Any) -> list[tuple[Any, ...]]:
    output = Links().work(package("Audit the links.", kind="json", **asked), MemoryTools(files))
    return [tuple(row.values()) for row in rows(output)]


def one(source: str, content: str, **files: str | bytes) -> list[tuple[Any, ...]]:
    """Returns what is found in one file: target, kind and suggestion."""
    named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return [row[2:] for row in found({source: content, **named}, inputs=[source])]


def test_a_report_has_a_row_for_each_broken_link() -> None:
    assert found(SITE) == [
        ("README.md", 4, "docs/nothing.md", "missing file", None),
        ("README.md", 4, "docs/Guide.md", "wrong case", "docs/guide.md"),
        ("README.md", 5, "docs/guide.md#setup", "missing anchor", "docs/guide.md#set-up"),
        (
            "README.md",
            11,
            "old/install.md#linux",
            "missing file",
            "docs/setup/install.md#linux",
        ),
        ("README.md", 13, "docs/missing.md", "missing file", None),
    ]


def test_a_list_says_where_what_and_why() -> None:
    output = Links().work(package("Audit.", kind="list", inputs=["README.md"]), MemoryTools(SITE))
    assert text(output).splitlines()[:2] == [
        "- README.md:4: `docs/nothing.md` (missing file)",
        "- README.md:4: `docs/Guide.md` (wrong case; did you mean `docs/guide.md`)",
    ]


def test_only_unambiguous_links_are_mended_and_nothing_else_changes() -> None:
    output = Links().work(package("Mend the links.", kind="changes"), MemoryTools(SITE))
    expected = (
        str(SITE["README.md"])
        .replace("docs/Guide.md", "docs/guide.md")
        .replace("docs/guide.md#setup", "docs/guide.md#set-up")
        .replace("old/install.md#linux", "docs/setup/install.md#linux")
    )
    assert written(output) == {"README.md": expected}
    assert output.body.kind == "changes"
    assert output.body.summary == (
        "Mended 3 links: README.md (3). 2 more: no unambiguous target, left as they are."
    )


def test_what_is_mended_stays_mended() -> None:
    asked = package("Mend the links.", kind="changes")
    once = written(Links().work(asked, MemoryTools(SITE)))
    assert refusal(Links().work(asked, MemoryTools({**SITE, **once})))[0] == "noop"


def test_scope_bounds_what_is_mended() -> None:
    files = {"a.md": "[x](B.md)", "c.md": "[x](B.md)", "b.md": "", "d/e.md": "[x](../B.md)"}
    asked = package("Mend.", kind="changes", inside=("a.md", "d/"), outside=("d/e.md",))
    assert written(Links().work(asked, MemoryTools(files))) == {"a.md": "[x](b.md)"}


def test_the_mode_of_a_mended_file_stays() -> None:
    tools = MemoryTools({"a.md": "[x](B.md)", "b.md": ""}, executables=frozenset({"a.md"}))
    body = Links().work(package("Mend.", kind="changes"), tools).body
    assert body.kind == "changes"
    assert [edit.mode for edit in body.edits] == ["100755"]


def test_nothing_to_mend_is_a_noop() -> None:
    asked = package("Mend.", kind="changes")
    assert refusal(Links().work(asked, MemoryTools({"a.md": "[x](a.md)"})))[0] == "noop"
    assert refusal(Links().work(asked, MemoryTools({"a.md": "[x](b.md)"}))) == (
        "noop",
        "Nothing to mend. 1 more: no unambiguous target, left as they are.",
    )


def test_no_broken_link_is_an_empty_report() -> None:
    output = Links().work(package("Audit.", kind="list"), MemoryTools({"a.md": "[x](a.md)"}))
    assert (rows(output), text(output)) == ([], "")


def test_record_paths_and_packages_are_left_out_unless_named() -> None:
    files = {"briefs/open/ab/x/brief.md": "[a](no.md)", "node_modules/x/README.md": "[a](no.md)"}
    assert found({**files, "a.md": ""}) == []
    assert len(found(files, inputs=["node_modules/x/README.md"])) == 1


def test_inputs_without_documents_are_missing_data() -> None:
    output = Links().work(package("Audit.", inputs=["src/**"]), MemoryTools(SITE))
    assert refusal(output)[0] == "missing_data"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/x",
        "//example.org/x",
        "mailto:a@example.org",
        "tel:1",
        "data:image/png;base64,AA==",
        "",
        "#",
        "#top",
        "{{ site.url }}/x.md",
        "b.md#:~:text=word",
        "c.py#L10-L20",
        "b%20c.md",
        "./b.md?plain=1",
        "folder",
        "folder/",
        "/b.md",
        "../../issues/7",
        "/owner/name/blob/main/docs/style.md",
        "/owner/name/issues/7#issuecomment-1",
    ],
)
def test_what_leads_somewhere_or_away_is_no_finding(link: str) -> None:
    files = {"a.md": f"[x](<{link}>)", "b.md": "", "b c.md": "", "c.py": "", "folder/x.txt": ""}
    assert found(files) == []


def test_no_link_of_a_page_leads_above_the_top_of_its_site() -> None:
    page = '<img src="../../../static/a.png"> <img src="../../../static/b.png">'
    files = {"site/deep/page/index.html": page, "site/static/a.png": b"\x89PNG"}
    inputs = ["site/deep/page/index.html"]
    found_there = found(files, inputs=inputs, data={"": "root: site"})
    assert [row[2] for row in found_there] == ["../../../static/b.png"]
    at_the_top = {path.removeprefix("site/"): content for path, content in files.items()}
    assert [row[2] for row in found(at_the_top)] == ["../../../static/b.png"]
    # Without the root the site is the repository, and `static` is not at its top.
    assert [row[2] for row in found(files, inputs=inputs)] == [
        "../../../static/a.png",
        "../../../static/b.png",
    ]
    markdown = {"docs/a.md": "[up](../../static/a.png)", "static/a.png": b"\x89PNG"}
    assert [row[2] for row in found(markdown)] == ["../../static/a.png"], "no browser in between"


def test_a_link_that_looks_like_a_page_of_the_host_is_followed_where_it_is_a_file() -> None:
    files = {"README.md": "[x](/own/er/tree/x.md#no) [y](/a/b/c.md)", "own/er/tree/x.md": "# X\n"}
    assert [row[2:4] for row in found(files, inputs=["README.md"])] == [
        ("/own/er/tree/x.md#no", "missing anchor"),
        ("/a/b/c.md", "missing file"),
    ]


def test_absolute_links_start_at_the_root_that_data_sets() -> None:
    files = {"site/a.html": '<a href="/b.html">', "site/b.html": "", "b.html": ""}
    del files["b.html"]
    assert [row[2] for row in found(files)] == ["/b.html"]
    assert found(files, data={"": "root: site"}) == []


def test_html_links_images_and_frames_are_looked_at() -> None:
    page = (
        "<!-- <a href='no1'> -->\n<script>'<a href=\"no2\">'</script>\n"
        '<a href=a.html#x>1</a><img alt="" src="no3.png"\n srcset="no4.png 1x, a.png 2x">'
        "<a href='a.html#y'>2</a><link rel=stylesheet href=no5.css>"
    )
    assert one("b.html", page, a_html='<p id="x">', a_png=b"") == [
        ("no3.png", "missing file", None),
        ("no4.png", "missing file", None),
        ("a.html#y", "missing anchor", None),
        ("no5.css", "missing file", None),
    ]


def test_html_pages_may_leave_the_suffix_out_and_folders_need_an_index() -> None:
    page = '<a href="a">1</a><a href="d/">2</a><a href="e/">3</a>'
    files = {"b.html": page, "a.html": "", "d/index.html": "", "e/x.html": ""}
    assert [row[2] for row in found(files)] == ["e/"]


def test_a_base_href_moves_relative_links() -> None:
    assert one("p/b.html", '<base href="/q/"><a href="x.html">', q__x_html="") == []
    assert one("p/b.html", '<base href="https://e.org/"><a href="x.html">') == []


def test_a_name_that_several_files_have_is_not_guessed() -> None:
    files = {"a.md": "[x](old/b.md)", "p/b.md": "", "q/b.md": ""}
    assert found(files) == [("a.md", 1, "old/b.md", "missing file", None)]


@pytest.mark.parametrize("name", ["README.md", "index.html"])
def test_a_name_that_says_nothing_is_not_guessed(name: str) -> None:
    files = {"a.md": f"[x](old/{name})", f"p/{name}": ""}
    assert found(files) == [("a.md", 1, f"old/{name}", "missing file", None)]


def test_a_moved_file_without_the_anchor_is_not_guessed() -> None:
    files = {"a.md": "[x](old/b.md#part)", "p/b.md": "# Other\n"}
    assert found(files) == [("a.md", 1, "old/b.md#part", "missing file", None)]


@pytest.mark.parametrize(
    ("fragment", "meant"),
    [
        ("Set-Up", "set-up"),
        ("instalation-guide", "installation-guide"),
        ("v1-2-1", None),
        ("nothing-like-it", None),
    ],
)
def test_an_anchor_is_suggested_only_for_a_slip(fragment: str, meant: str | None) -> None:
    target = "# Set up\n# Installation guide\n# v1-2-0\n"
    expected = f"b.md#{meant}" if meant else None
    assert one("a.md", f"[x](b.md#{fragment})", b_md=target) == [
        (f"b.md#{fragment}", "missing anchor", expected)
    ]


def test_suggestions_are_relative_like_the_link_was_and_encoded() -> None:
    assert one("d/a.md", "[x](./old.txt) [y](/old.txt)", d__new__old_txt="") == [
        ("./old.txt", "missing file", "./new/old.txt"),
        ("/old.txt", "missing file", "/d/new/old.txt"),
    ]
    files = {"a.md": "[x](old/f&%20(1).md)", "d/f& (1).md": ""}
    assert [row[4] for row in found(files)] == ["d/f%26%20%281%29.md"]


def test_bytes_that_are_no_utf8_survive_a_mending() -> None:
    tools = MemoryTools({"a.md": b"\xff\xfe [x](B.md)\r\n\xff", "b.md": ""})
    body = Links().work(package("Mend.", kind="changes"), tools).body
    assert body.kind == "changes"
    assert body.edits[0].content_b64 == "//4gW3hdKGIubWQpDQr/"


@pytest.mark.parametrize(
    "markdown",
    [
        "- item\n  > quote [x](B.md)\n",
        "| a | b |\n|---|---|\n| [y](b.md) | [x](B.md) |\n",
        "Title [x](B.md)\n=====\n",
        '[x][r]\n\n[r]: B.md "title"\n',
        "[![x](b.md)](B.md)\n",
        '<p>\n  <a href="B.md">x</a>\n</p>\n',
        'Text <a href="B.md">x</a>\n',
        "\ufeff---\ntitle: t\n---\r\n[x](B.md)\r\n",
        "[two\nlines](B.md) `[x](B.md`\n",
    ],
)
def test_a_link_is_mended_wherever_it_stands(markdown: str) -> None:
    tools = MemoryTools({"a.md": markdown, "b.md": ""})
    output = Links().work(package("Mend.", kind="changes"), tools)
    assert written(output) == {"a.md": markdown.replace("B.md", "b.md", 1)}


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  `code` and_more — dash", "code-and_more--dash"),
        ("Über 3.5 § 2", "über-35--2"),
        ("日本語 見出し", "日本語-見出し"),
        ("C++ / C#", "c--c"),
    ],
)
def test_headings_get_the_anchor_that_github_gives(heading: str, slug: str) -> None:
    assert markdown_links.parse(f"# {heading}\n").anchors == {slug}


def test_equal_headings_are_numbered_past_taken_names() -> None:
    text = "# A\n# A\n# A-1\n# A\n<h2>A</h2>\n"
    assert markdown_links.parse(text).anchors == {"a", "a-1", "a-1-1", "a-2", "a-3"}


def test_a_heading_may_name_its_anchor() -> None:
    assert "mine" in markdown_links.parse("# A heading {#mine .wide}\n").anchors


def test_front_matter_and_footnotes_hold_no_links() -> None:
    text = "---\na: '[x](no.md)'\n---\n\n[^1]\n\n[^1]: word\n"
    assert markdown_links.parse(text).references == ()


def test_a_place_is_where_the_target_is() -> None:
    text = "x\r\n> - [a](<b c.md> 't') ![i](d.png)\r\n"
    spans = [r.span for r in markdown_links.parse(text).references]
    assert [text[s[0] : s[1]] for s in spans if s] == ["b c.md", "d.png"]


def test_a_page_says_what_crawlers_read() -> None:
    page = html_pages.parse(
        '<head><META NAME="Robots" CONTENT="nofollow, NoIndex"><link href="/x" rel="Canonical">'
    )
    assert (page.noindex, page.canonical, page.redirects) == (True, "/x", False)


def test_a_link_into_a_submodule_is_left_to_the_tools() -> None:
    class WithSubmodule(MemoryTools):
        def exists(self, path: RepoPath) -> bool:
            return path.startswith("vendor/") or super().exists(path)

    tools = WithSubmodule({"a.md": "[x](vendor/lib/README.md)"})
    assert rows(Links().work(package("Audit.", kind="json"), tools)) == []
