import pytest

from coordinator.domain.link_criterion import differs
from coordinator.domain.verdict import Trust
from tests.support.judging import Desk, brief

PAGE = "# Guide\n\nSee [the start](strat.md) for more.\n"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.md", "[a](b.md)", "[a](c.md)"),
        ("a.md", "[a](b.md#x)", "[a](b.md#y)"),
        ("a.md", '[a](b.md "title")', '[a](c.md "title")'),
        ("a.md", "[a](<b c.md>)", "[a](d.md)"),
        ("a.md", "[![alt](i.png)](b.md)", "[![alt](j.png)](c.md)"),
        ("a.md", "[a](b(1).md) x", "[a](c.md) x"),
        ("a.md", "[a]: b.md 'T'\n", "[a]: c.md 'T'\n"),
        ("a.md", '<a href="b.html">x</a>', '<a href="c.html">x</a>'),
        ("a.md", "`code`\n[a](b.md) `more`", "`code`\n[a](c.md) `more`"),
        ("a.html", "<a class='x' HREF='b'>t</a>", "<a class='x' HREF='c'>t</a>"),
        ("a.html", "<img src=b.png alt=x>", "<img src=c.png alt=x>"),
        ("a.html", '<script src="a.js">1</script>', '<script src="b.js">1</script>'),
        ("a.md", "[a](http://x.example/b)", "[a](https://x.example/c)"),
    ],
)
def test_a_changed_target_is_all_that_a_link_fixer_may_change(
    name: str, before: str, after: str
) -> None:
    assert differs(name, before.encode(), after.encode()) is None


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.md", PAGE, PAGE.replace("for more", "for a lot more")),
        ("a.md", PAGE, PAGE.replace("strat", "start").replace("the start", "the beginning")),
        ("a.md", PAGE, PAGE.replace("strat", "start") + "\n"),
        ("a.md", PAGE, PAGE.replace("strat.md)", "start.md) and so on")),
        ("a.md", PAGE, PAGE.replace("\n", "\r\n")),
        ("a.md", '[a](b.md "title")', '[a](b.md "prose instead")'),
        ("a.md", "[a](b.md)", "[a](b.md) [c](d.md)"),
        ("a.md", "[a](b.md)", "a"),
        ("a.md", "```\n[a](b.md)\n```\n", "```\n[a](c.md)\n```\n"),
        ("a.md", "`[a](b.md)`", "`[a](c.md)`"),
        ("a.md", "[a]: b.md", "[z]: b.md"),
        ("a.html", "<p>href='b'</p>", "<p>href='c'</p>"),
        ("a.html", "<a data-href='b'>t</a>", "<a data-href='c'>t</a>"),
        ("a.html", "<!-- <a href='b'> -->", "<!-- <a href='c'> -->"),
        ("a.html", "<script>x='<a href=1>'</script>", "<script>x='<a href=2>'</script>"),
        ("a.html", "<a href='b'>t</a>", "<a href='b' onclick='x()'>t</a>"),
        ("a.html", "<a href='b'>t</a>", "<a href='javascript:x()'>t</a>"),
        ("a.html", "<a href='b'>t</a>", "<a href='java&#115;cript&colon;x()'>t</a>"),
        ("a.html", "<a href='b'>t</a>", "<a href='//evil.example/'>t</a>"),
        ("a.html", "<a href='b'>t</a>", "<a href='/\\evil.example/'>t</a>"),
        ("a.md", "[a](b.md)", "[a](https://evil.example/b.md)"),
        ("a.md", "[a](<b.md>)", "[a](<https://evil.example/b.md>)"),
        ("a.txt", "[a](b.md)", "[a](c.md)"),
    ],
)
def test_anything_else_is_seen(name: str, before: str, after: str) -> None:
    assert differs(name, before.encode(), after.encode()) is not None


def test_a_hundred_thousand_openings_take_no_time_to_read() -> None:
    for piece in ("<!--", "<script", "](", "`", "<a '", "[", "](a(", "~~~\n", '<a href="'):
        text = (piece * 100_000).encode()
        assert differs("a.md", text, text) is None
        assert differs("a.html", text, text) is None


def test_a_link_fixer_that_also_edits_prose_is_rejected() -> None:
    desk = Desk({"docs/guide.md": PAGE, "docs/start.md": "# Start\n"})
    wanted = brief(scope_in=("docs",))
    mended = PAGE.replace("strat", "start")
    good = desk.changed({"docs/guide.md": mended})
    assert desk.trusted(wanted, good, profile="links") is Trust.VERIFIED
    greedy = desk.changed({"docs/guide.md": mended.replace("for more", "to begin")})
    assert desk.rejected(wanted, greedy, profile="links") == "out-of-scope"
    made = desk.changed({"docs/guide.md": mended, "docs/strat.md": "# Start\n"})
    assert desk.rejected(wanted, made, profile="links") == "out-of-scope"


def test_the_line_that_differs_is_said() -> None:
    told = differs("a.md", PAGE.encode(), PAGE.replace("for more", "later").encode())
    assert told is not None
    assert "line 3" in told
