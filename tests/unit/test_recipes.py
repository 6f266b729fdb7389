"""What each recipe makes of a brief, and what is wrong with the use of one."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.domain import planning, recipes, tasks
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import parse
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.names import ProfileName
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.profiles import BUILT_IN
from coordinator.domain.recipe_given import Files
from tests.support.inbox_world import House

DOCS = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
EXAMPLES: dict[str, str] = {
    str(re.search(r"^recipe: (\S+)$", text, re.MULTILINE)[1]): text  # type: ignore[index]
    for text in re.findall(r"^```recipe\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)
}


def profile(name: str, *capabilities: str) -> Profile:
    return Profile(
        name=ProfileName(name),
        kind="claude",
        tools=frozenset({"read"}),
        capabilities=frozenset(capabilities),
    )


POLICY = Policy(profiles=(profile("author"), profile("scout"), profile("critic"), *BUILT_IN))


def brief(text: str) -> Brief:
    found = parse(text.encode(), name="x")
    assert isinstance(found, Brief), found
    return found


def plan(text: str, policy: Policy = POLICY) -> Plan:
    asked = brief(text)
    assert planning.faults(asked, policy) == ()
    return planning.make(asked, policy=policy)


def graph(made: Plan) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {str(task.id): (str(task.profile), tuple(task.after)) for task in made.tasks}


def codes(text: str, policy: Policy = POLICY) -> list[str]:
    found = planning.faults(brief(text), policy)
    assert all(fault.message and fault.hint for fault in found)
    return [fault.code for fault in found]


def test_every_recipe_has_an_example() -> None:
    assert EXAMPLES.keys() == recipes.RECIPES.keys()


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_intake_accepts_the_example_and_its_plan_has_no_fault(name: str) -> None:
    house = House(policy=replace(House().policy, profiles=POLICY.profiles))
    said = house.check("example", EXAMPLES[name])
    assert said.verdict == "accepted", said
    made = plan(EXAMPLES[name])
    assert made.rule == f"recipe.{name}"
    assert all(task.part and task.part.guidance and task.objective for task in made.tasks)
    assert {(e.later, e.earlier) for e in made.edges} == {
        (task.id, name) for task in made.tasks for name in task.after
    }


def test_a_report_has_an_outline_a_task_for_each_section_and_one_document() -> None:
    made = plan(EXAMPLES["research-report"])
    sections = ("section-1", "section-2")
    assert graph(made) == {
        "outline": ("author", ()),
        "section-1": ("scout", ("outline",)),
        "section-2": ("scout", ("outline",)),
        "report": ("author", sections),
    }
    assert made.shape == "fan-out"
    assert "Who reads the guide" in made.tasks[1].objective


def test_sections_that_no_brief_names_are_those_of_the_doctrine_or_of_the_recipe() -> None:
    text = EXAMPLES["research-report"].replace("  sections: [Who", "  guidance: [Who")
    assert len(plan(text).tasks) == 4
    doctrine = Doctrine(recipes={"research-report": {"sections": ("A", "B", "C")}})
    assert len(plan(text, replace(POLICY, doctrine=doctrine)).tasks) == 5


def test_components_are_reviewed_by_another_worker_than_their_own() -> None:
    made = graph(plan(EXAMPLES["generate-review"]))
    parts = ("component-1", "component-2")
    assert made["review"] == ("critic", parts)
    assert made["assembly"] == ("author", (*parts, "review"))
    assert {made[name][0] for name in parts} == {"author"}


def test_a_second_worker_of_the_brief_or_one_with_the_capability_is_the_reviewer() -> None:
    text = EXAMPLES["generate-review"].replace("  reviewer: critic\n", "")
    assert codes(text) == ["self-review"]
    both = text.replace("---\n", "---\nworker: [author, scout]\n", 1)
    assert graph(plan(both))["review"][0] == "scout"
    able = replace(POLICY, profiles=(*POLICY.profiles, profile("judge", "review")))
    assert graph(plan(text, able))["review"][0] == "judge"


def test_a_role_may_be_given_to_a_capability_or_to_several_who_stand_in_in_order() -> None:
    able = (profile("ann", "writing"), profile("ben", "writing"), *POLICY.profiles)
    text = said("generate-review", "writer: author", "writer: [scout, writing]")
    made = plan(text, replace(POLICY, profiles=able))
    first = made.tasks[0]
    assert first.profile == "scout"
    assert first.part is not None
    assert first.part.workers == ("scout", "ann", "ben")
    assert tasks.substitutes(brief(text), first, POLICY) == ("scout",), "who is no worker any more"
    assert made.tasks[2].part is not None
    assert (made.tasks[2].profile, made.tasks[2].part.workers) == ("critic", ())
    nobody = said("generate-review", "writer: author", "writer: [author, nobody]")
    assert codes(nobody) == ["unknown-worker"]


def test_who_stands_in_for_the_writer_is_not_who_reviews_nor_the_other_way_round() -> None:
    text = said("generate-review", "  writer: author\n  reviewer: critic\n", "")
    able = [profile(name, "writing", "review") for name in ("ann", "ben", "cat")]
    made = plan(text, replace(POLICY, profiles=(*able, *BUILT_IN)))
    writing, review = made.tasks[0], made.tasks[2]
    assert writing.part is not None
    assert review.part is not None
    assert writing.part.workers == ("ann", "cat")
    assert (review.profile, review.part.workers) == ("ben", ())
    assert review.part.apart == ("component-1", "component-2")


def test_whoever_stands_in_returns_what_is_wanted_and_may_use_the_tools() -> None:
    grep = replace(profile("ann", "writing"), tools=frozenset(("grep",)))
    lists = replace(profile("ben", "writing"), output_kinds=frozenset(("list",)))
    house = replace(POLICY, profiles=(profile("cat", "writing"), grep, lists, *POLICY.profiles))
    text = said("research-report", "  writer: author\n", "").replace(
        "---\n", "---\ntools: [read]\n", 1
    )
    made = plan(text, house)
    assert made.tasks[-1].part is not None
    assert (made.tasks[-1].profile, made.tasks[-1].part.workers) == ("cat", ())
    named = text.replace("recipe_with:\n", "recipe_with:\n  writer: [cat, ben]\n")
    assert codes(named, house) == ["wrong-output"]


def test_a_reply_is_made_of_what_is_known_and_what_is_allowed() -> None:
    made = plan(EXAMPLES["route"])
    assert {name: after for name, (_, after) in graph(made).items()} == {
        "classify": (),
        "lookup": ("classify",),
        "policy": ("classify",),
        "reply": ("classify", "lookup", "policy"),
    }
    assert made.edges[0].output_schema["properties"]["kind"] == {
        "enum": ["refund", "delivery", "other"]
    }


def test_inputs_are_divided_in_order_and_data_goes_to_every_part() -> None:
    text = EXAMPLES["map-reduce"].replace(
        "INPUTS: docs/, public/index.html, public/about.html\n",
        "INPUTS:\n- docs/\n- public/index.html\n- public/about.html\n```\nx\n```\n",
    )
    made = plan(text)
    given = [[i.value for i in task.part.inputs] for task in made.tasks if task.part]
    assert given == [
        ["docs", "x"],
        ["public/index.html", "public/about.html", "x"],
        ["part-1", "part-2"],
    ]
    assert graph(made)["reduce"] == ("merge", ("part-1", "part-2"))
    assert graph(made)["part-1"] == ("search", ())


def test_changes_of_the_parts_need_no_reduction_and_each_has_its_own_scope() -> None:
    text = (
        EXAMPLES["map-reduce"]
        .replace("a list", "changes")
        .replace("---\n", "---\nworker: author\n", 1)
    ) + "ACCEPTANCE: matches: /about/\n"
    made = plan(text)
    asked = [[one.text for one in task.part.acceptance] for task in made.tasks if task.part]
    assert asked == [["matches: /about/"]] * 2, "each part answers for its own files"
    assert [task.part.scope_in for task in made.tasks if task.part] == [
        ("docs",),
        ("public/index.html", "public/about.html"),
    ]


def test_one_alone_plans_works_and_reviews_and_the_plan_says_so() -> None:
    made = plan(EXAMPLES["solo"])
    assert graph(made) == {
        "plan": ("author", ()),
        "work": ("author", ("plan",)),
        "review": ("author", ("plan", "work")),
    }
    assert (made.shape, made.review, plan(EXAMPLES["route"]).review) == ("chain", "self", "")


def said(name: str, old: str, new: str) -> str:
    assert old in EXAMPLES[name]
    return EXAMPLES[name].replace(old, new, 1)


WRONG = {
    "unknown-recipe": said("solo", "recipe: solo", "recipe: sole"),
    "unknown-parameter": said("route", "  kinds", "  kind"),
    "missing-parameter": said("generate-review", "  components", "  guidance"),
    "bad-parameter": said("map-reduce", "parts: 2", "parts: 1"),
    "two-plans": said("solo", "---\n", "---\ntasks: [{id: a}]\n"),
    "self-review": said("generate-review", "reviewer: critic", "reviewer: author"),
}


@pytest.mark.parametrize("code", WRONG)
def test_a_recipe_used_wrongly_says_what_is_wrong(code: str) -> None:
    assert codes(WRONG[code]) == [code]
    assert f"`{code}`" in DOCS


def divided(inputs: str, files: Files | None, parts: str = "2") -> list[list[str]]:
    """Returns what each part is given."""
    text = said("map-reduce", "docs/, public/index.html, public/about.html", inputs)
    asked = brief(text.replace("{parts: 2}", f"{{parts: {parts}}}"))
    assert planning.faults(asked, POLICY, files) == ()
    made = planning.make(asked, policy=POLICY, files=files)
    return [[i.value for i in t.part.inputs] for t in made.tasks[:-1] if t.part]


def test_a_folder_or_a_glob_is_divided_by_its_files_where_there_are_fewer_things_than_parts() -> (
    None
):
    found = {"docs": ("docs/a.md", "docs/b.md", "docs/c/d.md")}
    assert divided("docs/", found) == [["docs/a.md"], ["docs/b.md", "docs/c/d.md"]]
    both = {"docs/**/*.md": found["docs"], "docs/b.md": ("docs/b.md",)}
    assert divided("docs/**/*.md, docs/b.md", both, "3") == [
        ["docs/a.md"],
        ["docs/b.md"],
        ["docs/c/d.md"],
    ]
    assert divided("docs/**/*.md, docs/b.md", both) == [["docs/**/*.md"], ["docs/b.md"]]
    odd = {"docs": ("docs/a.md", "docs/[1].md"), "public": ("public/x.html", "public/y.html")}
    assert divided("docs/, public/", odd, "3") == [["docs"], ["public/x.html"], ["public/y.html"]]


def test_a_part_of_changes_has_the_files_it_is_given_in_bounds() -> None:
    text = said("map-reduce", "docs/, public/index.html, public/about.html", "docs/")
    text = text.replace("a list", "changes").replace("---\n", "---\nworker: author\n", 1)
    files = {"docs": tuple(f"docs/{n:04}.md" for n in range(2_000))}
    asked = brief(text.replace("SCOPE: docs/, public/", "SCOPE: docs/"))
    assert planning.faults(asked, POLICY, files) == ()
    made = planning.make(asked, policy=POLICY, files=files)
    scopes = [task.part.scope_in for task in made.tasks if task.part]
    assert [len(scope) for scope in scopes] == [1_000, 1_000]
    assert scopes[1][0] == "docs/1000.md"


@pytest.mark.parametrize(
    ("inputs", "files", "parts", "why"),
    [
        ("docs/a.md", ("docs/a.md",), "", "one file or URL is one part"),
        ("docs/*.rst", (), "", "no file is there"),
        ("docs/*.md", ("docs/a.md", "docs/b.md"), "3", "'parts' is 3, and INPUTS names 2 files"),
        ("docs/*.md", ("docs/a.md",) * 2_001, "", "more than 2,000 files"),
        ("https://a.example/", None, "", "one file or URL is one part"),
    ],
)
def test_too_few_files_or_too_many_cannot_be_divided(
    inputs: str, files: tuple[str, ...] | None, parts: str, why: str
) -> None:
    text = said("map-reduce", "docs/, public/index.html, public/about.html", inputs)
    asked = brief(text.replace("{parts: 2}", f"{{parts: {parts}}}" if parts else "{guidance: x}"))
    found = recipes.faults(asked, POLICY, None if files is None else {inputs: files})
    assert [fault.code for fault in found] == ["bad-parameter"]
    assert why in found[0].message
    assert found[0].hint


def test_what_nobody_has_looked_at_may_be_several_files() -> None:
    text = said("map-reduce", "docs/, public/index.html, public/about.html", "docs/")
    assert codes(text) == []


def test_rows_are_merged_and_prose_needs_somebody_who_can_read_it() -> None:
    text = said("map-reduce", "a list", "a report")
    assert codes(text) == ["bad-parameter"]
    named = text.replace("{parts: 2}", "{parts: 2, reducer: author}")
    assert graph(plan(named))["reduce"][0] == "author"


def test_a_role_that_nobody_can_take_is_a_fault_of_the_plan() -> None:
    text = said("route", "worker: author\n", "")
    assert set(codes(text)) == {"no-worker"}
    assert set(codes(said("route", "worker: author", "worker: nobody"))) == {"unknown-worker"}
