"""Recipes by name: ways to make a graph of tasks of one brief; docs/recipes.md shows each."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from coordinator.domain import recipes_sorted, recipes_written
from coordinator.domain.brief import Brief, BriefTask, Kind
from coordinator.domain.plan_faults import PlanFault
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.recipe_given import Files, Given

PARTS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One recipe. A parameter without a default, here or in the doctrine, is the brief's to say."""

    make: Callable[[Given], tuple[BriefTask, ...]]
    roles: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...] | None]
    review: Literal["", "self"] = ""

    @property
    def known(self) -> tuple[str, ...]:
        """Returns everything that `recipe_with` may say."""
        return (*self.parameters, *self.roles, "guidance")


RECIPES: Mapping[str, Recipe] = {
    "research-report": Recipe(
        make=recipes_written.research_report,
        roles=("planner", "researcher", "writer"),
        parameters={"sections": ("What is there", "What follows from it")},
    ),
    "generate-review": Recipe(
        make=recipes_written.generate_review,
        roles=("writer", "reviewer"),
        parameters={"components": None},
    ),
    "route": Recipe(
        make=recipes_sorted.route,
        roles=("classifier", "finder", "keeper", "writer"),
        parameters={"kinds": ("question", "problem", "request")},
    ),
    "map-reduce": Recipe(
        make=recipes_sorted.map_reduce,
        roles=("mapper", "reducer"),
        parameters={"parts": ("4",)},
    ),
    "solo": Recipe(make=recipes_written.solo, roles=("solo",), parameters={}, review="self"),
}


def tasks(brief: Brief, policy: Policy, files: Files | None = None) -> tuple[BriefTask, ...]:
    """Returns the tasks that the recipe of a brief makes of it; () where it is used wrongly (see `faults`)."""
    if faults(brief, policy, files):
        return ()
    assert brief.recipe is not None
    return RECIPES[brief.recipe].make(_given(brief, policy, files))


def divides(brief: Brief) -> bool:
    """Tells whether the recipe of a brief divides INPUTS, for which somebody has to look what they name."""
    recipe = RECIPES.get(brief.recipe or "")
    return recipe is not None and "parts" in recipe.parameters


def faults(brief: Brief, policy: Policy, files: Files | None = None) -> tuple[PlanFault, ...]:
    """Returns what is wrong with the use of a recipe."""
    if brief.recipe is None:
        return ()
    recipe = RECIPES.get(brief.recipe)
    if recipe is None:
        message, hint = f"there is no recipe {brief.recipe!r}", _near(brief.recipe, tuple(RECIPES))
        return (PlanFault("unknown-recipe", None, message, hint),)
    given = _given(brief, policy, files)
    found = [*_parameters(recipe, brief, given)]
    return tuple(found or _sense(recipe, given))


def _given(brief: Brief, policy: Policy, files: Files | None) -> Given:
    name = brief.recipe or ""
    own = {k: v for k, v in RECIPES[name].parameters.items() if v is not None}
    said = {**own, **policy.doctrine.recipes.get(name, {}), **brief.recipe_with}
    return Given(brief=brief, policy=policy, said=said, files=files)


def _parameters(recipe: Recipe, brief: Brief, given: Given) -> Iterator[PlanFault]:
    if brief.tasks:
        message = "the brief names both tasks and a recipe, which makes them"
        yield PlanFault("two-plans", None, message, "leave one of the two out")
    for name in (name for name in brief.recipe_with if name not in recipe.known):
        message = f"the recipe {brief.recipe} has no parameter {name!r}"
        yield PlanFault("unknown-parameter", None, message, _near(name, recipe.known))
    for name in (name for name in recipe.parameters if name not in given.said):
        message = f"the recipe {brief.recipe} has to be told its {name}"
        yield PlanFault("missing-parameter", None, message, f"write `{name}:` in `recipe_with`")
    for role in recipe.roles:
        for name in (n for n in given.said.get(role, ()) if not given.is_known(n)):
            message = f"{role!r} names {name!r}, which is no worker and no capability"
            listed = tuple(str(p.name) for p in given.policy.profiles)
            yield PlanFault("unknown-worker", None, message, _near(name, listed))
    if len(given.said.get("parts", ())) > 1:
        message = f"'parts' is one number, and has {len(given.said['parts'])}"
        yield PlanFault("bad-parameter", None, message, "keep one of them")
    if (parts := given.said.get("parts")) and "parts" in recipe.parameters:
        whole = parts[0].isascii() and parts[0].isdecimal() and len(parts[0]) < 4
        if not whole or not 2 <= int(parts[0]) <= PARTS_MAX:
            message = f"'parts' is {parts[0]!r}"
            yield PlanFault("bad-parameter", None, message, f"write a number from 2 to {PARTS_MAX}")


def _sense(recipe: Recipe, given: Given) -> Iterator[PlanFault]:
    """What makes no sense of this brief, whatever the parameters say."""
    if "parts" in recipe.parameters:
        yield from _parts(given)
    if "reducer" in recipe.roles and given.kind is not Kind.CHANGES:
        named = (given.policy.profile(name) for name in given.who("reducer", given.kind))
        found = next((p for p in named if p and not _reduces(p)), None)
        if found is not None:
            message = f"{found.name} cannot make one {given.kind.value} of several"
            hint = "ask for a list, a table or JSON, or name a `reducer` in `recipe_with`"
            yield PlanFault("bad-parameter", None, message, hint)
    if "reviewer" in recipe.roles:
        writer = given.who("writer", Kind.REPORT)
        if not given.another("reviewer", Kind.REPORT, than=writer):
            message = f"nobody but {next(iter(writer), 'the writer')} can review"
            hint = "name another worker as `reviewer` in `recipe_with`"
            yield PlanFault("self-review", None, message, hint)


def _parts(given: Given) -> Iterator[PlanFault]:
    """What INPUTS name cannot be divided, or not in as many parts as the brief says."""
    found, wanted = recipes_sorted.items(given), int(given.said["parts"][0])
    asked = given.files is not None and "parts" in given.brief.recipe_with
    alone = len(found) < 2 and not recipes_sorted.may_be_several(given)
    if len(found) >= wanted or not (asked or alone):
        return
    empty = recipes_sorted.empty(given)
    if empty is not None:
        message = f"INPUTS has nothing to divide in {empty}: no file is there"
        hint = "name files that are there"
    elif recipes_sorted.is_too_much(given):
        message = f"INPUTS names more than {recipes_sorted.FILES_MAX:,} files: too many to divide"
        hint = "name folders or globs, at least as many as there shall be parts"
    elif alone:
        message = "INPUTS has nothing to divide: one file or URL is one part"
        hint = "name several, or a folder or a glob with several files"
    else:
        message = f"'parts' is {wanted}, and INPUTS names {len(found)} files and URLs"
        hint = f"write `parts: {len(found)}`, or leave it out"
    yield PlanFault("bad-parameter", None, message, hint)


def _reduces(profile: Profile) -> bool:
    return profile.kind != "tool" or "merge" in profile.capabilities


def _near(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
