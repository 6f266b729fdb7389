"""What the daemon remembers between ticks stays small, whatever comes and goes."""

from dataclasses import replace

from coordinator.domain.names import BriefId, Digest, Oid, RepoPath
from coordinator.domain.proof import Clash, Merged
from coordinator.domain.request import Drop, Origin
from coordinator.reconcile.kit import Memory
from coordinator.services.observe import Prepared
from tests.support.sightings import BRIEF, changeset, oid, sighting, world

GONE = BriefId("gone-00000001")
DROPPED = Drop(name="x", text=b"", origin=Origin(source="folder", name="x.md", by="", token="t"))


def clash(number: int) -> Clash:
    return Clash(changeset=changeset(), paths=(RepoPath(f"{number}.md"),))


def test_what_was_worked_out_for_an_ended_brief_is_dropped() -> None:
    prepared = Prepared(
        synthesis={(BRIEF, ("a",)): changeset(), (GONE, ("b",)): changeset()},
        refused={(BRIEF, oid(1)): "why", (GONE, oid(2)): "why"},
    )
    prepared.forget({BRIEF})
    assert list(prepared.synthesis) == [(BRIEF, ("a",))]
    assert list(prepared.refused) == [(BRIEF, oid(1))]


def test_of_what_was_worked_out_by_content_the_newest_stay() -> None:
    change = changeset()
    merged: dict[tuple[Digest, Oid, Oid], Merged | Clash] = {
        (change.digest, oid(n), oid(n)): clash(n) for n in range(600)
    }
    prepared = Prepared(merged=merged, gates={oid(n): () for n in range(600)})
    prepared.forget({BRIEF})
    assert list(prepared.gates) == [oid(n) for n in range(88, 600)]
    assert list(prepared.merged.values()) == [clash(n) for n in range(88, 600)]


def test_memory_keeps_what_is_about_live_briefs_waiting_requests_and_recent_ends() -> None:
    memory = Memory(
        regated={BRIEF: 1, GONE: 3},
        irrevertible={GONE: "why", BRIEF: "why"},
        later={"x.md": "the queue is full", "y.md": "the queue is full"},
        backoff={"records": (3, 1000.0), f"claim:{GONE}": (2, 300.0)},
    )
    look = world(sighting(), inbox=(DROPPED,), now_s=1000.0)
    memory.forget(look)
    assert memory.regated == {BRIEF: 1}
    assert memory.irrevertible == {BRIEF: "why"}
    assert memory.later == {"x.md": "the queue is full"}
    assert memory.backoff == {"records": (3, 1000.0)}
    memory.later.clear()
    memory.forget(replace(look, now_s=2000.0))
    assert memory.backoff == {}
