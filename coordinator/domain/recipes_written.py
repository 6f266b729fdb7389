"""Recipes for what is written: in sections, with a second pair of eyes, or by one alone."""

from collections.abc import Sequence

from coordinator.domain.brief import BriefTask, Kind
from coordinator.domain.recipe_given import Given, of_kind


def research_report(given: Given) -> tuple[BriefTask, ...]:
    """Returns an outline, a task for each section, and one that makes a document of them."""
    brief, titles = given.brief, given.said["sections"]
    outline = given.task(
        "outline",
        f"Say for each section what it has to answer, and from which of the inputs. "
        f"The sections: {_listed(titles)}. What they are for: {brief.task}",
        workers=given.who("planner", Kind.LIST),
        output=of_kind(Kind.LIST, "a list: one item for each section, its title first"),
        guidance="Look at the inputs with the tools that list and read. Write nothing of the sections.",
    )
    sections = tuple(
        given.task(
            f"section-{number}",
            f'Write the section "{title}" as the outline has it, and no other. '
            f"What it is for: {brief.task}",
            workers=given.who("researcher", Kind.REPORT),
            output=of_kind(Kind.REPORT, f"a report in Markdown under the heading {title}"),
            guidance="Read the inputs, and name the file and line of what is said of them.",
            takes=[("outline", "list")],
        )
        for number, title in enumerate(titles, 1)
    )
    report = given.task(
        "report",
        f"Make one document of the sections, in their order: {brief.task}",
        workers=given.who("writer", given.kind),
        output=given.output,
        guidance="All of it is in the inputs that come from tasks: bring nothing new, and say "
        "nothing twice. Where two sections contradict each other, say so.",
        takes=[(str(section.id), "report") for section in sections],
    )
    return (outline, *sections, report)


def generate_review(given: Given) -> tuple[BriefTask, ...]:
    """Returns a task for each component, a review of all by another worker, and one that assembles."""
    brief, names = given.brief, given.said["components"]
    writer = given.who("writer", Kind.REPORT)
    reviewer = given.another("reviewer", Kind.REPORT, than=writer)
    # Who stands in must not come to review what is their own either.
    writer = writer[:1] + tuple(name for name in writer[1:] if name not in reviewer[:1])
    reviewer = tuple(name for name in reviewer if name not in writer)
    components = tuple(
        given.task(
            f"component-{number}",
            f'Write the component "{name}", and no other, of what is asked here: {brief.task}',
            workers=writer,
            output=of_kind(Kind.REPORT, "a report: the whole text of the component"),
            guidance="Read the inputs. The other components are written at the same time.",
        )
        for number, name in enumerate(names, 1)
    )
    parts = [(str(component.id), "report") for component in components]
    review = given.task(
        "review",
        f"Review the components ({_listed(names)}) of what was asked: {brief.task}",
        workers=reviewer,
        output=of_kind(Kind.REPORT, "a report: each finding with its component and a quotation"),
        guidance="Hold every component against what was asked and against the inputs. Mend nothing.",
        takes=parts,
        apart=[name for name, _ in parts],
    )
    assembly = given.task(
        "assembly",
        f"Put the components together, with what the review found mended: {brief.task}",
        workers=given.who("writer", given.kind),
        output=given.output,
        guidance="The components and the review are inputs that come from tasks. Mend what the "
        "review found, and leave the rest of the components as it is.",
        takes=[*parts, ("review", "report")],
    )
    return (*components, review, assembly)


def solo(given: Given) -> tuple[BriefTask, ...]:
    """Returns plan, work and review by one worker, one after the other, each with a context of its own."""
    brief = given.brief
    worker = given.who("solo", given.kind)
    plan = given.task(
        "plan",
        f"Say in which steps this is to be done, and what each of them has to keep to: {brief.task}",
        workers=worker,
        output=of_kind(Kind.LIST, "a list of steps"),
        guidance="Look at the inputs with the tools that list and read. Do nothing of it yet.",
    )
    work = given.task(
        "work",
        brief.task,
        workers=worker,
        output=given.draft,
        guidance="The steps are an input that comes from the task before. Keep to them, or say why not.",
        takes=[("plan", "list")],
        acceptance=brief.acceptance,
    )
    review = given.task(
        "review",
        f"Look at what was made as if somebody else had made it, and mend what is wrong: {brief.task}",
        workers=worker,
        output=given.output,
        guidance="Hold every step and every criterion against what was made. Return the whole of it, "
        "with what was wrong mended; where nothing was, return it as it is.",
        takes=[("plan", "list"), ("work", given.kind.value)],
    )
    return (plan, work, review)


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)
