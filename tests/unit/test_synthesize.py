import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief, Kind
from coordinator.domain.changeset import Changeset, Disagreement
from coordinator.domain.names import RepoPath
from coordinator.domain.output import CouldNot, Report
from coordinator.domain.verdict import Accept, Trust
from coordinator.services.synthesize import synthesize
from tests.support.judging import Changed, Desk, brief, could_not, report

FILES = {"a.md": "a\n", "b.md": "b\n", "memory/plan.md": "- [ ] x\n"}


@pytest.fixture
def desk() -> Desk:
    return Desk(FILES)


def accepted(
    desk: Desk,
    body: Report | CouldNot | Changed,
    *,
    profile: str,
    number: int,
    trust: Trust = Trust.VERIFIED,
) -> Returned:
    returned = desk.returned(body, profile=profile, number=number)
    return replace(returned, verdict=Accept(trust=trust, findings=()))


def put_together(
    desk: Desk, of: Brief, *bodies: Report | CouldNot | Changed, **plan: Any
) -> Changeset | Disagreement:
    names = ("links", "sitemap", "search")
    attempts = [
        accepted(desk, body, profile=name, number=n)
        for n, (name, body) in enumerate(zip(names, bodies, strict=False), 1)
    ]
    return synthesize(desk.sighting(of, *attempts, **plan), objects=desk.objects)


def together(desk: Desk, of: Brief, *bodies: Report | CouldNot | Changed, **plan: Any) -> Changeset:
    found = put_together(desk, of, *bodies, **plan)
    assert isinstance(found, Changeset), found
    return found


def apart(desk: Desk, of: Brief, *bodies: Report | CouldNot | Changed, **plan: Any) -> Disagreement:
    found = put_together(desk, of, *bodies, **plan)
    assert isinstance(found, Disagreement), found
    return found


def test_one_output_is_what_it_is(desk: Desk) -> None:
    change = desk.changed({"a.md": "A\n"}, summary="mend a link in a.md\n\nAt length.")
    found = together(desk, brief(), change)
    assert (found.base, found.result, found.touched) == (desk.base, change.result, ("a.md",))
    assert (found.report, found.report_path) == (None, None)
    assert (found.summary, found.compared) == ("mend a link in a.md", "one output")


def test_equal_changes_merge_and_disjoint_ones_unite(desk: Desk) -> None:
    one = desk.changed({"a.md": "A\n"}, summary="mend a")
    same = desk.changed({"a.md": "A\n"}, summary="a is mended")
    other = desk.changed({"b.md": "B\n"}, summary="mend b")
    equal = together(desk, brief(), one, same)
    assert (equal.result, equal.summary) == (one.result, "mend a")
    assert equal.compared == "two outputs (links and sitemap) make the same change"
    both = together(desk, brief(), one, other)
    assert both.result == desk.trees.tree({"a.md": "A\n", "b.md": "B\n"}, on=desk.tree)
    assert both.touched == ("a.md", "b.md")
    assert both.summary == "mend a; mend b"
    assert len(both.attempts) == 2


def test_changes_that_contradict_are_one_question_which_an_answer_settles(desk: Desk) -> None:
    mine = desk.changed({"a.md": "A\n", "b.md": "B\n"}, summary="capitals")
    yours = desk.changed({"a.md": "aa\n"}, summary="double it")
    found = apart(desk, brief(), mine, yours)
    assert [(c.where, c.lines) for c in found.conflicts] == [("a.md", "line 1")]
    assert [(s.name, s.text) for s in found.conflicts[0].sides] == [
        ("links", '"A"'),
        ("sitemap", '"aa"'),
    ]
    assert found.options == ("links", "sitemap", "neither")
    assert found.question == (
        'The outputs say different things: a.md line 1 (links: "A", sitemap: "aa"). '
        "Which shall stand?"
    )
    assert found.agreed == "1 path, which nobody contradicts: b.md; and all other lines of a.md."


@pytest.mark.parametrize(
    ("answer", "a"), [(" Sitemap ", "aa\n"), ("links", "A\n"), ("neither", "a\n")]
)
def test_an_answer_settles_what_it_was_asked_about_and_keeps_what_is_agreed(
    desk: Desk, answer: str, a: str
) -> None:
    mine = desk.changed({"a.md": "A\n", "b.md": "B\n"})
    yours = desk.changed({"a.md": "aa\n"})
    said = {"answers": {"disagreement-2": answer}, "answered_by": {"disagreement-2": "A Person"}}
    settled = together(desk, brief(), mine, yours, **said)
    assert settled.result == desk.trees.tree({"a.md": a, "b.md": "B\n"}, on=desk.tree)
    assert len(settled.attempts) == 2
    assert settled.answered == (("disagreement-2", "A Person"),)
    assert together(desk, brief(), mine, mine, **said).answered == ()


def test_an_answer_of_an_older_version_settles_every_place(desk: Desk) -> None:
    mine, yours = desk.changed({"a.md": "A\n"}), desk.changed({"a.md": "aa\n"})
    settled = together(desk, brief(), mine, yours, answers={"conflict": "sitemap"})
    assert settled.result == yours.result
    apart(desk, brief(), mine, yours, answers={"conflict": "both"})


def test_what_contradicts_elsewhere_after_an_answer_is_asked_anew(desk: Desk) -> None:
    mine = accepted(desk, desk.changed({"a.md": "A\n"}), profile="links", number=1)
    yours = accepted(desk, desk.changed({"a.md": "aa\n"}), profile="sitemap", number=2)
    again = desk.changed({"a.md": "A\n", "b.md": "B\n"})
    newer = accepted(desk, again, profile="links", number=3)
    other = accepted(
        desk, desk.changed({"a.md": "aa\n", "b.md": "bb\n"}), profile="sitemap", number=4
    )
    sighting = desk.sighting(
        brief(), mine, yours, newer, other, answers={"disagreement-2": "links"}
    )
    found = synthesize(sighting, objects=desk.objects)
    assert isinstance(found, Disagreement)
    assert [c.where for c in found.conflicts] == ["b.md"]
    assert found.id == "disagreement-4"


def test_words_for_an_answer_go_to_one_worker_whose_next_output_stands(desk: Desk) -> None:
    mine = accepted(desk, desk.changed({"a.md": "A\n", "b.md": "B\n"}), profile="links", number=1)
    yours = accepted(desk, desk.changed({"a.md": "aa\n"}), profile="sitemap", number=2)
    for said, task in (("Write AAA.", "sitemap"), ("let links say it", "links")):
        sighting = desk.sighting(brief(), mine, yours, answers={"disagreement-2": said})
        found = synthesize(sighting, objects=desk.objects)
        assert isinstance(found, Disagreement)
        assert found.again == task
    newer = accepted(desk, desk.changed({"a.md": "AAA\n"}), profile="sitemap", number=3)
    sighting = desk.sighting(brief(), mine, yours, newer, answers={"disagreement-2": "Write AAA."})
    settled = synthesize(sighting, objects=desk.objects)
    assert isinstance(settled, Changeset)
    assert settled.result == desk.trees.tree({"a.md": "AAA\n", "b.md": "B\n"}, on=desk.tree)


def test_an_answer_that_settles_one_place_of_two_leads_to_a_question_of_its_own(desk: Desk) -> None:
    bodies = (
        desk.changed({"a.md": "1\n"}),
        desk.changed({"a.md": "2\n", "b.md": "2\n"}),
        desk.changed({"b.md": "3\n"}),
    )
    first = apart(desk, brief(), *bodies)
    assert (first.id, [c.where for c in first.conflicts]) == ("disagreement-3", ["a.md", "b.md"])
    second = apart(desk, brief(), *bodies, answers={"disagreement-3": "links"})
    assert (second.id, [c.where for c in second.conflicts]) == ("disagreement-3.2", ["b.md"])
    answers = {"disagreement-3": "links", "disagreement-3.2": "sitemap"}
    settled = together(desk, brief(), *bodies, answers=answers)
    assert settled.result == desk.trees.tree({"a.md": "1\n", "b.md": "2\n"}, on=desk.tree)


def test_the_last_accepted_output_of_each_task_counts(desk: Desk) -> None:
    old = accepted(desk, desk.changed({"a.md": "old\n"}), profile="links", number=1)
    new = accepted(desk, desk.changed({"a.md": "new\n"}), profile="links", number=2)
    rejected = desk.returned(desk.changed({"a.md": "bad\n"}), profile="links", number=3)
    sighting = desk.sighting(brief(), old, new, rejected)
    found = synthesize(sighting, objects=desk.objects)
    assert isinstance(found, Changeset)
    assert found.attempts == (new.spec.id,)


def test_a_retry_on_a_later_base_unites_where_the_branch_left_its_files_alone(desk: Desk) -> None:
    first = accepted(desk, desk.changed({"a.md": "A\n"}), profile="links", number=1)
    old_base = desk.base
    desk.tree = desk.trees.tree({"b.md": "moved\n"}, on=desk.tree)
    desk.base = desk.trees.commit(desk.tree, old_base)
    second = accepted(desk, desk.changed({"c.md": "C\n"}), profile="sitemap", number=2)
    found = synthesize(desk.sighting(brief(), first, second), objects=desk.objects)
    assert isinstance(found, Changeset)
    assert (found.base, found.touched) == (desk.base, ("a.md", "c.md"))
    assert desk.objects.read(found.result, RepoPath("b.md")) == b"moved\n"

    desk.tree = desk.trees.tree({"a.md": "moved too\n"}, on=desk.tree)
    desk.base = desk.trees.commit(desk.tree, desk.base)
    third = accepted(desk, desk.changed({"c.md": "C\n"}), profile="sitemap", number=3)
    asked = synthesize(desk.sighting(brief(), first, third), objects=desk.objects)
    assert isinstance(asked, Disagreement)
    assert [c.where for c in asked.conflicts] == ["a.md"]


def test_the_digest_is_of_the_content_and_not_of_the_base(desk: Desk) -> None:
    here = together(desk, brief(), desk.changed({"a.md": "A\n"}))
    elsewhere = Desk({**FILES, "other.md": "x"})
    there = together(elsewhere, brief(), elsewhere.changed({"a.md": "A\n"}))
    assert here.digest == there.digest
    assert here.result != there.result
    digests = {
        here.digest,
        together(desk, brief(), desk.changed({"a.md": "B\n"})).digest,
        together(desk, brief(), desk.changed({"a.md": None})).digest,
        together(desk, brief(), desk.changed({"a.md": ("100755", b"A\n")})).digest,
        together(desk, brief(Kind.REPORT), report("A")).digest,
        together(desk, brief(Kind.REPORT), report("B")).digest,
        together(desk, brief(Kind.REPORT, path="r.md"), report("B")).digest,
    }
    assert len(digests) == 7


def test_nothing_to_do_completes_with_a_report_and_changes_nothing(desk: Desk) -> None:
    found = together(desk, brief(), could_not("noop", "Every link is good."))
    assert (found.result, found.touched) == (desk.tree, ())
    assert (found.report, found.report_extension) == (b"Every link is good.\n", "md")


@pytest.mark.parametrize(
    ("kind", "full", "empty"),
    [(Kind.CHANGES, None, b"It is good.\n"), (Kind.LIST, report("- a\n"), b"It is good.\n")],
)
def test_one_that_finds_nothing_to_do_contradicts_one_that_does_something(
    desk: Desk, kind: Kind, full: Report | None, empty: bytes
) -> None:
    busy = full or desk.changed({"a.md": "A\n"}, summary="mend")
    idle = could_not("noop", "It is good.")
    found = apart(desk, brief(kind), idle, busy)
    assert [c.where for c in found.conflicts] == ["whether there is anything to do"]
    nothing = together(desk, brief(kind), idle, busy, answers={"disagreement-2": "links"})
    assert (nothing.touched, nothing.report) == ((), empty)
    something = together(desk, brief(kind), idle, busy, answers={"disagreement-2": "sitemap"})
    assert something.touched == (("a.md",) if kind is Kind.CHANGES else ())
    assert something.report == (None if kind is Kind.CHANGES else b"- a\n")
    assert found.options == ("links", "sitemap")
    apart(desk, brief(kind), idle, busy, answers={"disagreement-2": "neither"})


def test_a_report_leaves_the_tree_alone_and_says_where_it_goes(desk: Desk) -> None:
    found = together(desk, brief(Kind.JSON, path="docs/out.json"), report("[1]"))
    assert (found.result, found.touched) == (desk.tree, ("docs/out.json",))
    assert (found.report, found.report_path) == (b"[1]", "docs/out.json")
    assert found.report_extension == "json"


@pytest.mark.parametrize(
    ("kind", "one", "two", "both"),
    [
        (Kind.LIST, "- a\n- b\n", "* b\n- c\n", "- a\n- b\n- c\n"),
        (Kind.LIST, "- a\n", "- none\n", "- a\n"),
        (Kind.LIST, "- a\n  more\n", "- b\n", "- a\n  more\n- b\n"),
        (Kind.JSON, "[1, 2]", "[2, 3]", "[\n  1,\n  2,\n  3\n]\n"),
        (Kind.JSON, '{"a": 1}', '{"b": 2}', '{\n  "a": 1,\n  "b": 2\n}\n'),
        (
            Kind.TABLE,
            "| p | n |\n|---|---|\n| a | 1 |\n",
            "| p | n |\n|---|---|\n|  b  | 2 |\n| a | 1 |\n",
            "| p | n |\n|---|---|\n| a | 1 |\n|  b  | 2 |\n",
        ),
        # A first cell that names several rows is no key: the whole row is.
        (
            Kind.TABLE,
            "| p | n |\n|---|---|\n| a | 1 |\n| a | 2 |\n",
            "| p | n |\n|---|---|\n| a | 3 |\n",
            "| p | n |\n|---|---|\n| a | 1 |\n| a | 2 |\n| a | 3 |\n",
        ),
        (Kind.REPORT, "Same.\n", "Same.", "Same.\n"),
    ],
)
def test_rows_unite_by_what_they_are_about(
    desk: Desk, kind: Kind, one: str, two: str, both: str
) -> None:
    found = together(desk, brief(kind), report(one), report(two))
    assert (found.report or b"").decode() == both


def test_who_found_a_row_that_others_did_not_is_said(desk: Desk) -> None:
    found = together(desk, brief(Kind.LIST), report("- a\n- b\n"), report("- b\n- c\n- d\n"))
    assert found.summary == "4 rows from links and sitemap"
    assert found.compared == (
        "1 row shared by links and sitemap; 1 row only from links; 2 rows only from sitemap"
    )


@pytest.mark.parametrize(
    ("kind", "one", "two", "where"),
    [
        (Kind.LIST, "- a: 404\n- b: 500\n", "- a: ok\n- b: 500\n", ["a"]),
        (Kind.JSON, '[{"p": "a", "n": 1}]', '[{"p": "a", "n": 2}]', ["a"]),
        (Kind.JSON, '{"a": 1, "b": 2}', '{"a": 2, "b": 2}', ["a"]),
        (Kind.JSON, "1", "2", ["the value"]),
        (Kind.JSON, "[1]", '{"a": 1}', ["the report"]),
        (Kind.TABLE, "|p|n|\n|-|-|\n|a|1|\n", "|p|n|\n|-|-|\n|a|2|\n", ["a"]),
        (Kind.TABLE, "|p|n|\n|-|-|\n|a|1|\n", "|p|m|\n|-|-|\n|a|1|\n", ["the report"]),
        (Kind.REPORT, "It is good.", "It is bad.", ["the report"]),
    ],
)
def test_reports_that_contradict_are_one_question(
    desk: Desk, kind: Kind, one: str, two: str, where: list[str]
) -> None:
    found = apart(desk, brief(kind), report(one), report(two))
    assert [conflict.where for conflict in found.conflicts] == where
    assert [len(conflict.sides) for conflict in found.conflicts] == [2]
    picked = together(
        desk, brief(kind), report(one), report(two), answers={"disagreement-2": "links"}
    )
    assert (picked.report or b"").decode() == one


def test_what_is_agreed_is_said_with_the_question(desk: Desk) -> None:
    found = apart(desk, brief(Kind.LIST), report("- a: 1\n- b: 2\n"), report("- a: 1\n- b: 3\n"))
    assert found.agreed == "1 of 2 rows, which nobody contradicts: a."
    assert [side.text for side in found.conflicts[0].sides] == ["b: 2", "b: 3"]


def test_the_whole_is_trusted_no_more_than_its_least_trusted_part(desk: Desk) -> None:
    good = accepted(desk, report("- a\n"), profile="links", number=1)
    poor = accepted(desk, report("- b\n"), profile="search", number=2, trust=Trust.PARTLY)
    found = synthesize(desk.sighting(brief(Kind.LIST), good, poor), objects=desk.objects)
    assert isinstance(found, Changeset)
    assert found.trust is Trust.PARTLY


def test_united_json_is_json(desk: Desk) -> None:
    rows = [[{"path": "ü", "n": 1}], [{"path": "b", "n": 2}]]
    texts = [report(json.dumps(one)) for one in rows]
    found = together(desk, brief(Kind.JSON), *texts)
    assert json.loads(found.report or b"") == rows[0] + rows[1]


def test_rows_that_break_together_what_each_of_them_kept_to_are_asked_about(desk: Desk) -> None:
    schema = {"type": "array", "maxItems": 2}
    of = brief(Kind.JSON, json_schema=schema)
    found = apart(desk, of, report("[1, 2]"), report("[2, 3]"))
    assert [c.where for c in found.conflicts] == ["the rows together"]
    assert found.agreed.startswith("Every row; but together they break OUTPUT FORMAT: the JSON")
    assert found.options == ("links", "sitemap")
    answers = {"disagreement-2": "sitemap"}
    picked = together(desk, of, report("[1, 2]"), report("[2, 3]"), answers=answers)
    assert picked.report == b"[2, 3]"


def test_whose_each_row_is_stands_beside_the_result(desk: Desk) -> None:
    found = together(desk, brief(Kind.LIST), report("- a\n- b\n"), report("- b\n- c\n"))
    assert found.sources == ("a: links", "b: links, sitemap", "c: sitemap")
    assert found.whose == "\n\nWhose each row is:\n- a: links\n- b: links, sitemap\n- c: sitemap"
    same = together(desk, brief(Kind.LIST), report("- a\n- b\n"), report("- b\n- a\n"))
    assert (same.sources, same.whose) == ((), "")


def test_findings_that_differ_in_case_white_space_slash_or_quotes_are_one(desk: Desk) -> None:
    found = together(desk, brief(Kind.LIST), report("- `docs/`: gone\n"), report("* Docs:  Gone\n"))
    assert found.report == b"- `docs/`: gone\n"
    apart(desk, brief(Kind.LIST), report("- a: met\n"), report("- a: not met\n"))


@given(
    st.permutations(range(3)), st.lists(st.sampled_from(["", "1\n", "2\n"]), min_size=3, max_size=3)
)
def test_the_order_in_which_outputs_come_back_changes_nothing(
    order: list[int], contents: list[str]
) -> None:
    desk = Desk(FILES)
    names = ("links", "sitemap", "search")
    bodies = [desk.changed({"a.md": text, f"{n}.md": "x\n"}) for n, text in enumerate(contents)]
    attempts = [
        accepted(desk, body, profile=name, number=n)
        for n, (name, body) in enumerate(zip(names, bodies, strict=True), 1)
    ]
    sighting = desk.sighting(brief(), *attempts)
    other = replace(sighting, attempts=tuple(attempts[i] for i in order))
    one = synthesize(sighting, objects=desk.objects)
    assert synthesize(other, objects=desk.objects) == one
