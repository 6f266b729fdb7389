import json
from typing import Any

import pytest

from coordinator.domain.brief import Kind
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import digest
from coordinator.domain.policy import Policy
from coordinator.domain.verdict import Accept, Reject, Revise, Trust
from tests.support.judging import (
    CHECKS,
    PROFILES,
    Desk,
    brief,
    could_not,
    criterion,
    prohibition,
    report,
)

SITEMAP = "<urlset><url><loc>https://site.example/</loc></url></urlset>\n"
MORE = SITEMAP.replace("</urlset>", "<url><loc>https://site.example/b</loc></url></urlset>")
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["path"],
        "properties": {"path": {"type": "string", "pattern": "^docs/"}},
    },
}


@pytest.fixture
def desk() -> Desk:
    return Desk(
        {
            "docs/a.md": "# A\n",
            "sitemap.xml": SITEMAP,
            "feed.xml": "<rss/>\n",
            "schemas/pages.json": json.dumps(SCHEMA),
            "memory/state.md": "x",
        }
    )


def test_an_auditor_that_writes_a_sitemap_is_rejected(desk: Desk) -> None:
    audit = brief(Kind.LIST, scope_in=("sitemap.xml", "docs"))
    assert desk.rejected(audit, desk.changed({"sitemap.xml": MORE}), profile="sitemap") == (
        "out-of-scope"
    )
    to_a_path = brief(Kind.LIST, path="docs/audit.md", scope_in=("sitemap.xml", "docs"))
    written = desk.changed({"sitemap.xml": MORE, "docs/audit.md": "- b\n"})
    assert desk.rejected(to_a_path, written, profile="sitemap") == "out-of-scope"
    assert desk.trusted(to_a_path, report("- b\n"), profile="sitemap") is Trust.VERIFIED


@pytest.mark.parametrize(
    ("files", "accepted"),
    [
        ({"sitemap.xml": MORE}, True),
        ({"maps/sitemap-2.xml": "<?xml version='1.0'?>\n<!-- x -->" + SITEMAP}, True),
        ({"sitemap.xml": MORE, "docs/a.md": "x"}, False),
        ({"feed.xml": SITEMAP}, False),
        ({"sitemap.xml": "<rss/>"}, False),
        ({"sitemap.xml": MORE.replace("</urlset>", "")}, False),
        ({"sitemap.xml": None}, False),
        ({"new.xml": '<!DOCTYPE x [<!ENTITY a "b">]>' + SITEMAP}, False),
        ({"sitemap.xml": MORE + '<!DOCTYPE x [<!ENTITY a "b">]>'}, False),
    ],
)
def test_a_sitemap_worker_changes_sitemaps_only(
    desk: Desk, files: dict[str, str | None], accepted: bool
) -> None:
    verdict = desk.judged(brief(), desk.changed(files), profile="sitemap")
    assert isinstance(verdict, Accept if accepted else Reject)


@pytest.mark.parametrize(
    ("kind", "text", "good"),
    [
        (Kind.LIST, "- a\n- b\n", True),
        (Kind.LIST, "1. a\n2. b\n   goes on\n", True),
        (Kind.LIST, '["a", "b"]', True),
        (Kind.LIST, "", True),
        (Kind.LIST, "Here is the list:\n- a\n", False),
        (Kind.JSON, '{"a": 1}', True),
        (Kind.JSON, "{a: 1}", False),
        (Kind.JSON, "NaN", False),
        (Kind.JSON, "[" * 100_000, False),
        (Kind.TABLE, "| a | b |\n|---|:-:|\n| 1 | x\\|y |\n", True),
        (Kind.TABLE, "| a | b |\n|---|---|\n", True),
        (Kind.TABLE, "| a | b |\n|---|---|\n| 1 |\n", False),
        (Kind.TABLE, "a, b\n1, 2\n", False),
        (Kind.REPORT, "Prose.", True),
        (Kind.REPORT, " \n", False),
    ],
)
def test_the_shape_is_what_output_format_asks_for(
    desk: Desk, kind: Kind, text: str, good: bool
) -> None:
    verdict = desk.judged(brief(kind), report(text))
    assert isinstance(verdict, Accept if good else Revise)


def test_a_report_where_changes_were_asked_for_is_to_be_done_again(desk: Desk) -> None:
    assert "changes were asked for" in desk.revised(brief(), report("I changed it."))[0]
    assert "nothing changes" in desk.revised(brief(), desk.changed({"docs/a.md": "# A\n"}))[0]


@pytest.mark.parametrize(
    ("item", "good", "bad"),
    [
        (criterion("matches", "/^- docs/"), "- docs/a\n", "- a\n"),
        (criterion("schema", json.dumps(SCHEMA)), '[{"path": "docs/a"}]', '[{"path": "a"}]'),
        (criterion("schema", "schemas/pages.json"), '[{"path": "docs/a"}]', '[{"pat": "docs/"}]'),
        (criterion("exists", "docs/out.md"), "anything", ""),
    ],
)
def test_acceptance_of_a_report_is_checked(desk: Desk, item: object, good: str, bad: str) -> None:
    wanted = brief(Kind.REPORT, path="docs/out.md", acceptance=(item,))
    assert desk.trusted(wanted, report(good)) is Trust.VERIFIED
    assert desk.revised(wanted, report(bad))


@pytest.mark.parametrize(
    ("item", "good", "bad"),
    [
        (criterion("matches", "/^# /"), {"docs/a.md": "# B\n"}, {"docs/a.md": "B\n"}),
        (criterion("only", "docs/*.md, x"), {"docs/a.md": "b"}, {"docs/b/c.md": "c", "y": "z"}),
        (criterion("exists", "docs/new.md"), {"docs/new.md": "x"}, {"docs/old.md": "x"}),
        (criterion("exists", "new/**/*.md"), {"new/b/c.md": "x"}, {"docs/old.md": "x"}),
        (criterion("schema", '{"type": "object"}'), {"x.json": "{}"}, {"x.json": "[]"}),
    ],
)
def test_acceptance_of_changes_is_checked_on_the_tree_that_results(
    desk: Desk, item: object, good: dict[str, str], bad: dict[str, str]
) -> None:
    wanted = brief(acceptance=(item,))
    assert desk.trusted(wanted, desk.changed(good)) is Trust.VERIFIED
    assert desk.revised(wanted, desk.changed(bad))


def test_the_schema_is_the_one_of_the_base_and_not_what_the_worker_makes_of_it(
    desk: Desk,
) -> None:
    wanted = brief(acceptance=(criterion("schema", "schemas/pages.json"),))
    cheat = desk.changed({"schemas/pages.json": "{}", "x.json": '"anything"'})
    assert desk.revised(wanted, cheat)


def test_a_schema_neither_calls_the_network_nor_hangs(desk: Desk) -> None:
    for schema, said in [
        ({"$ref": "http://127.0.0.1:1/schema.json"}, "refers to what is not in it"),
        ({"$ref": "#"}, "refers to itself"),
        ({"type": 7}, "the schema is none"),
        ({"pattern": r"(a)\1"}, "cannot be used"),
        ({"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False}, "cannot be used"),
        ({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False}, ""),
    ]:
        wanted = brief(Kind.JSON, json_schema=schema)
        if said:
            assert said in desk.revised(wanted, report('"aa"'))[0]
        else:
            assert desk.trusted(wanted, report('{"xy": "z"}')) is Trust.VERIFIED
            assert desk.revised(wanted, report('{"y": "z"}'))
    slow = brief(Kind.JSON, json_schema={"pattern": "^(a+)+$"})
    assert desk.revised(slow, report(json.dumps("a" * 5_000 + "!")))


def test_checks_run_on_the_product_tree_that_results_and_are_asked_for_once(desk: Desk) -> None:
    wanted = brief(acceptance=(criterion("check", "links"),))
    change = desk.changed({"docs/a.md": "# B\n"})
    asked = desk.judged(wanted, change)
    check = Check(product=desk.objects.product(change.result), command=CHECKS[0])
    assert asked == (check,)
    assert check.product != change.result  # without record paths

    failed = CheckResult(
        key=check.key, name="links", passed=False, tail="b.md: 404", log=digest(b""), wall_s=1
    )
    desk.checks[check.key] = failed
    assert "b.md: 404" in desk.revised(wanted, change)[0]
    desk.checks[check.key] = CheckResult(
        key=check.key, name="links", passed=True, tail="", log=digest(b""), wall_s=1
    )
    assert desk.trusted(wanted, change) is Trust.VERIFIED


def test_a_check_of_other_paths_is_not_run_and_one_that_is_gone_is_said(desk: Desk) -> None:
    change = desk.changed({"docs/a.md": "# B\n"})
    elsewhere = brief(acceptance=(criterion("check", "css"),))
    assert desk.trusted(elsewhere, change) is Trust.VERIFIED
    gone = brief(acceptance=(criterion("check", "spelling"),))
    assert "no [checks.spelling]" in desk.revised(gone, change)[0]


def test_no_command_runs_for_what_needs_another_try_anyway(desk: Desk) -> None:
    wanted = brief(acceptance=(criterion("check", "links"), criterion("exists", "missing.md")))
    feedback = desk.revised(wanted, desk.changed({"docs/a.md": "# B\n"}))
    assert feedback == ("exists: missing.md: missing.md",)


@pytest.mark.parametrize(
    ("fields", "profile", "trust"),
    [
        ({}, "links", Trust.VERIFIED),
        ({}, "stranger", Trust.UNVERIFIED),
        ({"do_not": (prohibition("prose", "be clever"),)}, "links", Trust.PARTLY),
        ({"do_not": (prohibition("new_files"),)}, "stranger", Trust.VERIFIED),
        ({"scope_prose": "the guide; not the rest"}, "links", Trust.PARTLY),
        ({"acceptance": (criterion("prose", "reads well"),)}, "links", Trust.PARTLY),
        ({"acceptance": (criterion("prose", "reads well"),)}, "stranger", Trust.UNVERIFIED),
        ({"acceptance": (criterion("exists", "docs/a.md"),)}, "stranger", Trust.VERIFIED),
        (
            {"acceptance": (criterion("exists", "docs/a.md"), criterion("prose", "reads well"))},
            "stranger",
            Trust.PARTLY,
        ),
    ],
)
def test_trust_says_how_much_of_what_was_asked_has_been_checked(
    fields: dict[str, Any], profile: str, trust: Trust
) -> None:
    desk = Desk({"docs/a.md": "[a](b.md)\n"})
    change = desk.changed({"docs/a.md": "[a](c.md)\n"})
    assert desk.trusted(brief(**fields), change, profile=profile) is trust


def test_free_text_of_a_built_in_worker_is_partly_and_of_a_stranger_not_verified(
    desk: Desk,
) -> None:
    assert desk.trusted(brief(Kind.REPORT), report("All is well."), profile="links") is Trust.PARTLY
    assert desk.trusted(brief(Kind.REPORT), report("All is well.")) is Trust.UNVERIFIED
    assert desk.trusted(brief(Kind.LIST), report("- a\n"), profile="links") is Trust.VERIFIED


def test_what_a_worker_could_not_do_is_typed(desk: Desk) -> None:
    assert desk.rejected(brief(), could_not("missing_tool")) == "missing-tool"
    assert desk.rejected(brief(), could_not("missing_data")) == "missing-data"
    asked = desk.judged(brief(), could_not("question", "Which of two?"))
    assert asked == Reject(code="question", findings=(), feedback=("Which of two?",))


def test_nothing_to_do_is_accepted_where_the_base_meets_what_was_asked(desk: Desk) -> None:
    nothing = could_not("noop", "Every link is good.")
    assert desk.trusted(brief(), nothing) is Trust.VERIFIED
    met = brief(acceptance=(criterion("exists", "docs/a.md"), criterion("matches", "/x/")))
    assert desk.trusted(met, nothing) is Trust.VERIFIED
    prose = brief(acceptance=(criterion("prose", "reads well"),))
    assert desk.trusted(prose, nothing) is not Trust.UNVERIFIED
    assert desk.revised(brief(acceptance=(criterion("exists", "docs/b.md"),)), nothing)
    assert desk.revised(brief(Kind.JSON), nothing)
    assert desk.trusted(brief(Kind.REPORT), nothing) is Trust.VERIFIED


def test_nothing_to_do_does_not_pass_a_check_that_fails_on_the_base(desk: Desk) -> None:
    wanted = brief(acceptance=(criterion("check", "links"),))
    asked = desk.judged(wanted, could_not("noop"))
    assert asked == (Check(product=desk.objects.product(desk.tree), command=CHECKS[0]),)


def test_a_report_is_judged_at_the_path_where_it_will_be(desk: Desk) -> None:
    text = report("- a\n")
    for path, code in [
        (".orchestrator/x.md", "protected"),
        ("memory/x.md", "protected"),
        (".gitattributes", "attributes"),
        ("DOCS/x.md", "collision"),
        ("../x.md", "unclean-name"),
        (".git/x.md", "unclean-name"),
        ("docs", "out-of-scope"),
    ]:
        assert desk.rejected(brief(Kind.LIST, path=path), text) == code, path
    no_new = brief(Kind.LIST, path="docs/out.md", do_not=(prohibition("new_files"),))
    assert desk.trusted(no_new, text) is Trust.VERIFIED


def test_every_reason_of_a_rejection_goes_to_the_next_attempt(desk: Desk) -> None:
    bad = desk.changed({"memory/state.md": "y", "other.md": "x", "docs/a.md": "# A\n\n"})
    verdict = desk.judged(brief(scope_in=("docs",)), bad)
    assert isinstance(verdict, Reject)
    assert [line.partition(":")[0] for line in verdict.feedback] == ["protected", "out-of-scope"]
    assert "other.md" in verdict.feedback[1]


def test_a_profile_that_the_config_no_longer_has_is_judged_without_its_promise() -> None:
    desk = Desk({"a.md": "x"}, Policy(profiles=PROFILES[:1]))
    assert desk.trusted(brief(), desk.changed({"a.md": "y"}), profile="links") is Trust.UNVERIFIED


def test_names_that_are_no_text_can_be_said_in_a_verdict() -> None:
    desk = Desk({"docs/\udcff.md": "x"})
    verdict = desk.judged(brief(scope_in=("a",)), desk.changed({"docs/\udcff.md": "y"}))
    assert isinstance(verdict, Reject)
    assert "docs/\\udcff.md" in verdict.model_dump_json().replace("\\\\", "\\")
