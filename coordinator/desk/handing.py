"""What a newcomer needs, as one page of Markdown: the same look gives the same page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from coordinator.domain import brief_text, memory_md, state_md
from coordinator.domain.brief import Brief, Criterion, Input, Kind, OutputFormat
from coordinator.domain.markdown_lines import without_fence
from coordinator.domain.names import ProfileName, RecordPaths, RepoPath
from coordinator.domain.record import Verb, one_line
from coordinator.domain.status import State

if TYPE_CHECKING:
    from coordinator.desk.remembering import CheckedEntry, CheckedMemory
    from coordinator.domain.names import Oid
    from coordinator.domain.policy import Policy
    from coordinator.domain.saying import Saying
    from coordinator.domain.status import BriefStatus, Status

LISTED_MAX = 50
LANDINGS_MAX = 10

_NOTHING = "Nothing."
_RUN = """\
- `coordinator init` once in a clone, then `coordinator run`; everything that is open goes on from the branch alone.
- `coordinator status` says what waits, `coordinator show ID` what became of one brief, `coordinator audit COMMIT` why.
- `coordinator answer ID QUESTION TEXT`, `approve ID`, `reject ID --reason TEXT`, `retry ID` are a person's."""


def page(
    tip: Oid,
    day: str,
    *,
    look: Status,
    remembered: CheckedMemory,
    sayings: Sequence[Saying],
    state: str,
    policy: Policy,
) -> str:
    """Returns the page: an entry of memory of its own, so that it can be kept in the folder of handoffs."""
    # What lies in an inbox is on one machine alone: nobody else could go on with it.
    on_branch = (brief for brief in look.briefs if brief.state is not State.SUBMITTED)
    live = [brief for brief in on_branch if not brief.state.terminal]
    landings = [said for said in sayings if said.verb == Verb.LAND][:LANDINGS_MAX]
    asked = [brief for brief in live if brief.state is State.INPUT_REQUIRED]
    sections = [
        (
            "State",
            [*([f"Paused: {look.paused}", ""] if look.paused else []), _nested(state) or _NOTHING],
        ),
        ("Open questions", _listed(line for brief in asked for line in _questions(brief))),
        ("Open briefs", _listed(_brief(brief) for brief in live)),
        (
            "Landed last",
            _listed(f"{said.oid[:12]} {said.about}: {said.subject}" for said in landings),
        ),
        ("Decisions in force", _listed(_entries(remembered, policy.paths.decisions_file))),
        ("Lessons", _listed(_entries(remembered, policy.paths.lessons_file))),
        ("How to go on", [_RUN]),
    ]
    prose = "\n\n".join(f"### {title}\n\n" + "\n".join(lines) for title, lines in sections)
    entry = memory_md.MemoryEntry(
        id=f"handoff-{day}", title=f"Handoff of {day}", date=day, commit=tip, prose=prose.strip()
    )
    return "# Handoff\n\n" + memory_md.rendered(entry)


def brief(text: str, paths: RecordPaths) -> tuple[str, bytes]:
    """Returns the name and the text of the brief that keeps a page among the handoffs.

    The page is its data, and lands word for word (see `screen`): the one who drops it is who hands over.
    """
    entry = memory_md.parse(text).entries[0]
    path = RepoPath(f"{paths.handoffs}/{entry.date}-{entry.commit[:12]}.md")
    said = Brief(
        name=entry.id,
        task=f"Keep what a newcomer needs to know, as it was on {entry.date}.",
        inputs=(Input(kind="data", value=text, label="markdown"),),
        scope_in=(path,),
        output_format=OutputFormat(text=f"a report in {path}", kind=Kind.REPORT),
        acceptance=(Criterion(kind="exists", value=path, text=f"exists: {path}"),),
        worker=(ProfileName("copy"),),
    )
    return entry.id, brief_text.render(said).encode()


def _listed(lines: Iterable[str]) -> list[str]:
    said = [f"- {without_fence(one_line(line))}" for line in lines]
    more = len(said) - LISTED_MAX
    shown = [*said[:LISTED_MAX], f"- and {more} more"] if more > 0 else said
    return shown or [_NOTHING]


def _brief(brief: BriefStatus) -> str:
    why = f": {brief.reasons[0]}" if brief.reasons else ""
    return f"{brief.id} ({brief.state}): next is {brief.phase}{why}"


def _questions(brief: BriefStatus) -> list[str]:
    if not brief.questions:
        return [f"{brief.id} is held ({brief.held}): approve or reject it"]
    return [f"{brief.id}, {question.id}: {question.text}" for question in brief.questions]


def _entries(remembered: CheckedMemory, file: str) -> list[str]:
    return [
        _entry(one) for one in remembered.entries if one.file == file and one.state != "superseded"
    ]


def _entry(one: CheckedEntry) -> str:
    paths = f"; on {', '.join(one.entry.paths)}" if one.entry.paths else ""
    mark = f" ({one.state}: {one.why})" if one.state != "fresh" else ""
    return f"{one.entry.title} ({one.entry.id}, {one.entry.date}{paths}){mark}"


def _nested(state: str) -> str:
    """Returns what people wrote in state.md, quoted: its headings stay below those of the page."""
    return memory_md.quoted(state_md.hand_written(state), chars_max=4_000)
