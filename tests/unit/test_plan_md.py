import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain import plan_md
from coordinator.domain.plan_md import PlanLine

PLAN = """\
# Plan

Prose: with a colon.

- [x] pages: briefs/pages.md (pages-3fa29c01)
- [ ] links: briefs/links.md, after: pages
* [ ] `old name`:   `docs/my briefs/old name.md` ; After: links, `pages`
- [ ] Buy milk
- [ ] Remember: call the dentist tomorrow
- a line without a box: briefs/none.md

```
- [ ] shown: briefs/shown.md
```
<!-- - [ ] hidden: briefs/hidden.md -->
"""


def test_lines_are_read_in_order_and_prose_is_left_alone() -> None:
    plan = plan_md.parse(PLAN)
    assert plan.faults == ()
    assert plan.lines == (
        PlanLine(name="pages", path="briefs/pages.md", after=(), line=5, done=True),
        PlanLine(name="links", path="briefs/links.md", after=("pages",), line=6),
        PlanLine(
            name="old name", path="docs/my briefs/old name.md", after=("links", "pages"), line=7
        ),
    )


def test_a_line_is_ready_when_all_that_it_comes_after_is_ticked() -> None:
    assert [line.name for line in plan_md.ready(PLAN)] == ["links"]
    ticked = plan_md.tick(PLAN, "links", "links-00c0ffee")
    assert [line.name for line in plan_md.ready(ticked)] == ["old name"]


def test_a_name_that_is_no_line_of_the_plan_does_not_hold_it_back() -> None:
    (line,) = plan_md.ready("- [ ] a: briefs/a.md, after: elsewhere-3fa29c01\n")
    assert line.after == ("elsewhere-3fa29c01",)


def test_ticking_changes_one_box_notes_the_id_and_keeps_every_other_byte() -> None:
    text = "\ufeff# Plan\r\n  * [ ]  a: x.md  \r\n- [ ] b: `y z.md`\r\n\udcff tail"
    once = plan_md.tick(text, "a", "a-3fa29c01")
    assert (
        once
        == "\ufeff# Plan\r\n  * [x]  a: x.md (a-3fa29c01)  \r\n- [ ] b: `y z.md`\r\n\udcff tail"
    )
    twice = plan_md.tick(once, "b", "b-00000000")
    assert twice == once.replace("- [ ] b: `y z.md`", "- [x] b: `y z.md` (b-00000000)")


@pytest.mark.parametrize("name", ["missing", "pages", "shown", "hidden", "Buy milk", ""])
def test_ticking_what_is_not_an_open_line_changes_nothing(name: str) -> None:
    assert plan_md.tick(PLAN, name, "x-3fa29c01") == PLAN


def test_a_line_that_is_unticked_again_is_ready_under_its_own_path() -> None:
    ticked = plan_md.tick("- [ ] a: a.md, after: b", "a", "a-3fa29c01")
    (line,) = plan_md.ready(ticked.replace("[x]", "[ ]"))
    assert (line.path, line.after) == ("a.md", ("b",))
    again = plan_md.tick(ticked.replace("[x]", "[ ]"), "a", "a-00c0ffee")
    assert again == "- [x] a: a.md, after: b (a-00c0ffee)"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("- [ ] a: ../a.md", "cannot be a path in the repository"),
        ("- [ ] a: /etc/a.md", "cannot be a path in the repository"),
        ("- [ ] a: .git/a.md", "is inside .git"),
        ("- [ ] a: briefs/a", "is not the path of a Markdown file"),
        ("- [ ] : briefs/a.md", "its name is empty"),
        ("- [ ] a,b: briefs/a.md", "its name is empty, longer than"),
        ("- [ ] a: briefs/a.md, after: a", "a waits for itself"),
    ],
)
def test_a_malformed_line_is_a_fault_with_its_number(line: str, said: str) -> None:
    (fault,) = plan_md.parse(f"# Plan\n{line}\n").faults
    assert (fault.code, fault.line) == ("plan_line", 2)
    assert said in fault.message
    assert fault.hint


def test_two_lines_of_one_name_and_circles_are_faults() -> None:
    plan = plan_md.parse(
        "- [ ] a: a.md, after: b\n- [ ] b: b.md, after: c\n- [ ] c: c.md, after: a\n- [ ] a: d.md\n"
        "- [ ] e: e.md, after: a\n"
    )
    assert [(fault.line, fault.message) for fault in plan.faults] == [
        (4, "there is another line named a"),
        (1, "a waits for itself"),
        (2, "b waits for itself"),
        (3, "c waits for itself"),
    ]
    assert plan_md.ready("- [ ] a: a.md, after: b\n- [ ] b: b.md, after: a\n") == ()


def test_a_very_long_line_costs_nothing() -> None:
    assert plan_md.parse("- [ ] a: " + " " * 1_000_000 + "x").lines == ()


def test_the_template_plans_nothing() -> None:
    assert plan_md.parse(plan_md.PLAN_TEMPLATE) == plan_md.PlanFile(lines=(), faults=())


LINES = st.builds(
    "{}[{}] {}: {}{}{}".format,
    st.sampled_from(["- ", "* ", "  + ", "-", "```\n- ", "<!-- - "]),
    st.sampled_from([" ", "x", "X", ""]),
    st.sampled_from(["a", "b", "`c`", "a b", ""]),
    st.sampled_from(["a.md", "`b c.md`", "../d.md", "prose it is", ""]),
    st.sampled_from(["", ", after: b", " ;After:`c`", ", after: a"]),
    st.sampled_from(["", "  ", "\r", " (a-3fa29c01)"]),
)


@given(st.lists(LINES, max_size=6).map("\n".join))
def test_ticking_any_plan_makes_exactly_that_line_done(text: str) -> None:
    for line in plan_md.ready(text):
        ticked = plan_md.tick(text, line.name, "a-3fa29c01")
        assert ticked.count("\n") == text.count("\n")
        done = {one.name for one in plan_md.parse(text).lines if one.done}
        assert {one.name for one in plan_md.parse(ticked).lines if one.done} == {*done, line.name}
