"""What a landing writes into memory, and how: on trees in memory."""

from dataclasses import replace

from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Brief, Kind
from coordinator.domain.brief_text import render
from coordinator.domain.changeset import Changeset
from coordinator.domain.entries import Source
from coordinator.domain.memory_md import KeptEntry, MemoryEntry, parse, rendered
from coordinator.domain.names import (
    BriefId,
    Digest,
    Oid,
    Place,
    ProfileName,
    RecordPaths,
    RepoPath,
    TaskId,
)
from coordinator.domain.plan import Plan, Task
from coordinator.domain.proof import Merged, Synced
from coordinator.domain.record import Verb
from coordinator.domain.verdict import Trust
from coordinator.services import land, remember
from tests.support.judging import BRIEF, Desk, brief, report

DECISIONS, LESSONS = RepoPath("memory/decisions.md"), RepoPath("memory/lessons.md")
FILES = {"docs/a.md": "a\n", DECISIONS: "# Decisions\n", LESSONS: "# Lessons\n"}
OTHER = BriefId("links-0a0b0c0d")
TASK = Task(id=TaskId("only"), objective="Mend it.", profile=ProfileName("links"))


def changeset(desk: Desk, result: Oid, *, entries: tuple[KeptEntry, ...] = ()) -> Changeset:
    touched = tuple(change.path for change in desk.objects.diff(desk.tree, result))
    return Changeset(
        brief=BRIEF,
        base=desk.base,
        base_tree=desk.tree,
        result=result,
        touched=touched,
        report=None,
        report_extension="md",
        report_path=None,
        digest=Digest("sha256:0"),
        attempts=(),
        trust=Trust.VERIFIED,
        summary="Mended.",
        compared="one output",
        entries=entries,
    )


def entry(name: str, *, day: str = "2026-03-01") -> MemoryEntry:
    return MemoryEntry(id=name, title="So", date=day, commit=Oid("1" * 40), prose="Because.")


def to(file: RepoPath, *names: str) -> tuple[KeptEntry, ...]:
    return tuple(KeptEntry(file=file, entry=entry(name)) for name in names)


def test_entries_of_two_landings_at_once_both_stand_and_none_stands_twice() -> None:
    desk = Desk(FILES)
    first = changeset(
        desk, desk.trees.tree({"docs/a.md": "b\n"}, on=desk.tree), entries=to(DECISIONS, "one")
    )
    merged = desk.objects.merge(first, claim=None, synced=Synced(desk.base))
    assert isinstance(merged, Merged)
    tip = desk.trees.commit(merged.product, desk.base)
    entries = (*to(DECISIONS, "one", "two"), *to(RepoPath("memory/none.md"), "three"))
    second = changeset(desk, desk.trees.tree({"docs/b.md": "b\n"}, on=desk.tree), entries=entries)
    again = desk.objects.merge(second, claim=None, synced=Synced(tip))
    assert isinstance(again, Merged)
    text = (desk.objects.read(again.product, DECISIONS) or b"").decode()
    assert text.startswith("# Decisions\n")
    assert [one.id for one in parse(text).entries] == ["one", "two"]
    assert desk.objects.read(again.product, RepoPath("memory/none.md")) is None
    assert first.key != first.digest == second.digest != second.key


def test_a_link_in_the_place_of_a_file_of_memory_stays_one_and_modes_stay() -> None:
    desk = Desk({**FILES, DECISIONS: ("120000", b"../docs/a.md"), LESSONS: ("100755", b"# L\n")})
    result = desk.trees.tree({"docs/a.md": "b\n"}, on=desk.tree)
    entries = (*to(DECISIONS, "one"), *to(LESSONS, "two"))
    merged = desk.objects.merge(
        changeset(desk, result, entries=entries), claim=None, synced=Synced(desk.base)
    )
    assert isinstance(merged, Merged)
    link, lessons = (desk.objects.entry(merged.product, file) for file in (DECISIONS, LESSONS))
    assert link == desk.objects.entry(desk.tree, DECISIONS)
    assert lessons is not None
    assert lessons.mode == "100755"
    asked = brief(Kind.CHANGES, scope_in=("docs/a.md",), task_type="links")
    there = {file for file, _ in carried(desk, changeset(desk, result), failed(desk, asked, "no"))}
    assert there == {LESSONS}, "nothing is said to be in a link"
    plan = {"answers": {"only-1": "all of them"}, "questions": {"only-1": "Which?"}}
    assert {file for file, _ in carried(desk, changeset(desk, result), plan=plan)} == set()


def test_a_revert_takes_the_change_back_and_leaves_what_was_remembered() -> None:
    desk = Desk(FILES)
    said = f"# Decisions\n\n{rendered(entry('one'))}"
    after = desk.trees.tree({"docs/a.md": "b\n", DECISIONS: said}, on=desk.tree)
    message = f"land {BRIEF}: mended\n\nBrief-Id: {BRIEF}\nMemory: one {DECISIONS}\nFormat: 1\n"
    landing = desk.trees.commit(after, desk.base, message=message)
    later = f"{said}\n{rendered(entry('two'))}"
    tip = desk.trees.commit(desk.trees.tree({DECISIONS: later}, on=after), landing)
    back = land.take_back(landing, BRIEF, objects=desk.objects)
    merged = desk.objects.merge(back, claim=None, synced=Synced(tip))
    assert isinstance(merged, Merged)
    assert desk.objects.read(merged.product, RepoPath("docs/a.md")) == b"a\n"
    assert desk.objects.read(merged.product, DECISIONS) == later.encode()


def failed(desk: Desk, asked: Brief, reason: str) -> Source:
    """Returns a failure of another brief, as the branch has it."""
    folder = RecordPaths().folder(Place.REJECTED, OTHER)
    files = {
        f"{folder}/brief.md": render(asked),
        f"{folder}/plan.json": Plan(tasks=(TASK,)).model_dump_json(),
    }
    commit = desk.trees.commit(desk.trees.tree(files, on=desk.tree), desk.base)
    return Source(commit=commit, brief=OTHER, verb=Verb.FAIL, said=(reason,))


def carried(
    desk: Desk,
    made: Changeset,
    *sources: Source,
    told: frozenset[str] = frozenset(),
    attempts: tuple[Returned, ...] = (),
    plan: dict[str, dict[str, str]] | None = None,
) -> list[tuple[str, str]]:
    """Returns file and title of each entry that a landing carries."""
    tried = attempts or (desk.returned(report("r")),)
    found = remember.with_entries(
        made,
        desk.sighting(brief(Kind.CHANGES, scope_in=("docs",)), *tried, **(plan or {})),
        tip=desk.base,
        sources=sources,
        told=told,
        policy=desk.policy,
        objects=desk.objects,
        timestamp=1_772_323_200,
    )
    assert all(kept.entry.date == "2026-03-01" for kept in found.entries)
    return [(kept.file, kept.entry.title) for kept in found.entries]


def test_what_others_left_goes_with_a_change_and_never_with_a_mere_report() -> None:
    desk = Desk(FILES)
    source = failed(desk, brief(Kind.LIST, scope_in=("docs",)), "no page has a title")
    changed = changeset(desk, desk.trees.tree({"docs/a.md": "b\n"}, on=desk.tree))
    said = [(LESSONS, "links: failed: no page has a title")]
    assert carried(desk, changed, source) == said
    assert carried(desk, changed, source, source) == said
    assert carried(desk, changeset(desk, desk.tree), source) == []
    answered = {"questions": {"only-1": "Which?"}, "answers": {"only-1": "All."}}
    own = [(DECISIONS, "Which?")]
    assert carried(desk, changeset(desk, desk.tree), source, plan=answered) == own
    assert carried(desk, changed, source, plan=answered) == [*own, *said]


def test_what_was_written_once_is_not_written_again_though_it_was_removed() -> None:
    desk = Desk(FILES)
    source = failed(desk, brief(Kind.LIST), "no page has a title")
    changed = changeset(desk, desk.trees.tree({"docs/a.md": "b\n"}, on=desk.tree))
    (kept,) = remember.remembered(
        source, policy=desk.policy, objects=desk.objects, day="2026-03-01"
    )
    assert carried(desk, changed, source, told=frozenset({kept.entry.id})) == []


def test_without_the_files_nothing_is_written_and_a_commit_that_is_gone_says_nothing() -> None:
    bare = Desk({"docs/a.md": "a\n"})
    source = failed(bare, brief(Kind.LIST), "no page has a title")
    changed = changeset(bare, bare.trees.tree({"docs/a.md": "b\n"}, on=bare.tree))
    assert carried(bare, changed, source) == []
    desk = Desk(FILES)
    lost = replace(source, commit=Oid("0" * 40))
    changed = changeset(desk, desk.trees.tree({"docs/a.md": "b\n"}, on=desk.tree))
    assert carried(desk, changed, lost) == []


def test_a_landing_carries_so_many_and_the_oldest_of_others_first() -> None:
    desk = Desk(FILES)
    sources = [failed(desk, brief(Kind.LIST), f"reason {n}") for n in range(30)]
    changed = changeset(desk, desk.trees.tree({"docs/a.md": "b\n"}, on=desk.tree))
    titles = [title for _, title in carried(desk, changed, *sources)]
    assert titles == [f"links: failed: reason {n}" for n in range(remember.ENTRIES_MAX)]
