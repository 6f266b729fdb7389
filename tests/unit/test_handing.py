"""The page for newcomers, whatever entries and state say."""

from coordinator.desk import handing
from coordinator.desk.remembering import CheckedEntry, CheckedMemory
from coordinator.domain.memory_md import MemoryEntry, parse
from coordinator.domain.names import Oid
from coordinator.domain.policy import Policy
from coordinator.domain.status import Status

TIP = Oid("1f3c9ab0" * 5)
LOOK = Status(tip=TIP, daemon=None, paused=None, briefs=(), claims=(), environments=())


def test_a_list_is_bounded_and_says_how_much_more_there_is() -> None:
    policy = Policy()
    entries = tuple(
        CheckedEntry(
            file=policy.paths.lessons_file,
            entry=MemoryEntry(id=f"n-{n}", title=f"No {n}", date="2026-03-01", commit=TIP),
            state="fresh",
            why="",
        )
        for n in range(handing.LISTED_MAX + 7)
    )
    page = handing.page(
        TIP,
        "2026-03-02",
        look=LOOK,
        remembered=CheckedMemory(entries=entries, faults=()),
        sayings=(),
        state="",
        policy=policy,
    )
    assert "- and 7 more" in page
    assert page.count("- No ") == handing.LISTED_MAX


def test_a_title_that_begins_as_code_does_leaves_nothing_open() -> None:
    policy = Policy()
    file = policy.paths.decisions_file
    entry = MemoryEntry(id="one", title="```python", date="2026-03-01", commit=TIP)
    checked = CheckedEntry(file=file, entry=entry, state="fresh", why="")
    page = handing.page(
        TIP,
        "2026-03-02",
        look=LOOK,
        remembered=CheckedMemory(entries=(checked,), faults=()),
        sayings=(),
        state="",
        policy=policy,
    )
    (read,) = parse(page).entries
    assert read.id == "handoff-2026-03-02"
    assert "- python (one, 2026-03-01)" in read.prose
    assert "How to go on" in read.prose
