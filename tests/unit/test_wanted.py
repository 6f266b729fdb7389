"""Rule D2: what an environment should run, and what is said of it."""

from dataclasses import replace

import pytest

from coordinator.domain.brief import Brief
from coordinator.domain.names import BriefId, Environment, Oid, Place, digest
from coordinator.domain.note import MoveBrief, PutFile, SayLive
from coordinator.domain.policy import CommitPolicy, Policy, Target
from coordinator.domain.record import parse, render
from coordinator.domain.reply import Reply
from coordinator.domain.reply import parse as parse_reply
from coordinator.domain.world import Filed, LiveState, Sighting, World
from coordinator.ports import Objects
from coordinator.services.wanted import Desired, Ship, WriteDown, desired, wanted
from tests.support.judging import Desk
from tests.support.trees import Content, Trees

PROD = Environment("prod")
TARGET = Target(environment=PROD, kind="directory", path="www")


class Branch:
    """A first-parent line of commits, each with its files."""

    def __init__(self) -> None:
        self.trees = Trees()
        self.files: dict[str, Content] = {}
        self.commits: list[Oid] = []

    def commit(self, **files: str | None) -> Oid:
        for name, content in files.items():
            self.files[name.replace("__", "/")] = content
        kept = {name: content for name, content in self.files.items() if content is not None}
        oid = self.trees.commit(
            self.trees.tree(kept), *self.commits[-1:], message=f"{len(self.commits)}\n"
        )
        self.commits.append(oid)
        return oid

    def desired(self, before: Desired | None = None) -> Desired:
        return desired(self.commits[-1], before=before, objects=self.trees.objects)


@pytest.fixture
def branch() -> Branch:
    return Branch()


def test_rule_d2_records_never_ask_for_a_deploy(branch: Branch) -> None:
    product = branch.commit(a="1")
    branch.commit(briefs__open__b="brief")
    branch.commit(memory__state="x")  # a product path: not state.md
    last = branch.commit(a="2")
    branch.files["memory/state.md"] = "state"
    branch.commit(briefs__done__b="brief")
    assert branch.desired().revision == last
    first = desired(branch.commits[1], before=None, objects=branch.trees.objects)
    assert first.revision == product


def test_what_is_worked_out_step_by_step_is_what_a_fresh_look_says(branch: Branch) -> None:
    before: Desired | None = None
    steps: list[dict[str, str | None]] = [
        {"briefs__b": "1"},
        {"a": "1"},
        {"briefs__b": "2"},
        {"a": "2"},
        {"a": "1"},
        {"briefs__c": "2"},
        {"a": None},
        {"briefs__c": "3"},
    ]
    for step in steps:
        branch.commit(**step)
        before = branch.desired(before)
        assert branch.desired() == before


def test_a_return_to_an_older_product_is_a_change(branch: Branch) -> None:
    branch.commit(a="1")
    branch.commit(a="2")
    back = branch.commit(a="1")
    assert branch.desired().revision == back


def test_a_long_run_of_records_is_looked_through(branch: Branch) -> None:
    branch.commit(a="1")
    product = branch.commit(a="2")
    for number in range(300):
        branch.commit(briefs__b=str(number))
    assert branch.desired().revision == product


def test_a_rewritten_branch_is_looked_at_anew(branch: Branch) -> None:
    branch.commit(a="1")
    before = branch.desired()
    other = Branch()
    other.trees = branch.trees
    tip = other.commit(a="9")
    found = desired(tip, before=before, objects=branch.trees.objects)
    assert found.revision == tip


def filed(name: str, *, place: Place = Place.LANDED, deploy: Environment | None = PROD) -> Filed:
    return Filed(
        id=BriefId(f"{name}-3fa29c01"),
        place=place,
        folder=Oid("0" * 40),
        blob=Oid("0" * 40),
        digest=digest(name.encode()),
        brief=Brief(name=name, deploy=deploy),
        plan=None,
        reply=Reply(state="working", verified="verified", name=name, text="Added 4 pages."),
    )


def world(
    *briefs: Filed, state: LiveState | None = None, targets: tuple[Target, ...] = (TARGET,)
) -> World:
    sightings = {
        brief.id: Sighting(filed=brief, order=order, age_s=0, attempts=(), claim=None)
        for order, brief in enumerate(briefs)
    }
    policy = Policy(environments=targets, digest="d" * 64, commit=CommitPolicy(skip_ci=True))
    return replace(
        Desk({"a": "a"}, policy).world,
        briefs=sightings,
        environments={PROD: state} if state else {},
    )


class Line:
    """Three commits on one branch, the last of them wanted."""

    def __init__(self) -> None:
        branch = Branch()
        self.old, self.new, self.newest = (branch.commit(a=str(n)) for n in range(3))
        self.objects: Objects = branch.trees.objects
        self.desired = desired(self.new, before=None, objects=self.objects)

    def state(self, state: str, revision: Oid, *, reason: str = "") -> LiveState:
        return LiveState(
            environment=PROD,
            oid=Oid("e" * 40),
            revision=revision,
            generation=7,
            state=state,
            holder="one",
            previous=self.old,
            looks=2,
            reason=reason,
        )

    def wanted(self, world: World, *, stale: str | None = None) -> Ship | WriteDown | None:
        return wanted(world, PROD, desired=self.desired, objects=self.objects, stale=stale)


@pytest.fixture
def line() -> Line:
    return Line()


def test_only_a_landed_brief_that_names_the_environment_starts_a_deploy(line: Line) -> None:
    others = (
        filed("open", place=Place.OPEN),
        filed("elsewhere", deploy=Environment("test")),
        filed("nowhere", deploy=None),
    )
    assert line.wanted(world(*others)) is None
    assert line.wanted(world(*others, filed("mine"))) == Ship(target=TARGET, desired=line.desired)


@pytest.mark.parametrize("state", ["live", "failed", "deploying", "unreadable"])
def test_an_older_state_is_shipped_over(line: Line, state: str) -> None:
    found = line.wanted(world(filed("mine"), state=line.state(state, line.old)))
    assert isinstance(found, Ship)


def test_one_that_is_under_way_is_gone_on_with(line: Line) -> None:
    found = line.wanted(world(filed("mine"), state=line.state("deploying", line.new)))
    assert isinstance(found, Ship)


def test_what_somebody_shipped_beyond_what_we_know_is_waited_for(line: Line) -> None:
    assert line.wanted(world(filed("mine"), state=line.state("live", line.newest))) is None


def test_what_is_live_is_written_down_for_all_who_wait(line: Line) -> None:
    found = line.wanted(world(filed("one"), filed("two"), state=line.state("live", line.new)))
    assert isinstance(found, WriteDown)
    (note,) = found.notes
    assert [p.place for p in note.when] == [Place.LANDED, Place.LANDED]
    assert note.operations[0] == SayLive(environment="prod", revision=line.new, generation=7)
    moves = [o for o in note.operations if isinstance(o, MoveBrief)]
    assert [(m.brief, m.to) for m in moves] == [
        ("one-3fa29c01", Place.DONE),
        ("two-3fa29c01", Place.DONE),
    ]
    replies = [o for o in note.operations if isinstance(o, PutFile)]
    reply = parse_reply(replies[0].content or b"")
    assert reply is not None
    assert (reply.state, reply.verified) == ("completed", "verified")
    assert reply.text == f"Added 4 pages.\n\nLive in prod: {line.new}, seen 2 times in a row."
    assert render(note.record) == (
        f"deploy prod: {line.new[:12]} is live\n\n"
        f"Generation 7 runs in place of {line.old[:12]}; what is live was read back 2 times in a row.\n\n"
        "[skip ci]\n\n"
        "Environment: prod\n"
        f"Revision: {line.new}\n"
        "Generation: 7\n"
        f"Previous: {line.old}\n"
        "Brief-Id: one-3fa29c01\n"
        "Brief-Id: two-3fa29c01\n"
        "Live: seen 2 times\n"
        f"Decided-By: rule deliver.live@{'d' * 12}\n"
        "Rule: 9\n"
        "Format: 1\n"
    )


def test_a_failure_is_told_to_each_with_what_to_do(line: Line) -> None:
    reason = "the deploy command ended with 4\nCannot connect\nLive: seen 99 times"
    state = line.state("failed", line.new, reason=reason)
    found = line.wanted(world(filed("one"), filed("two"), state=state))
    assert isinstance(found, WriteDown)
    assert [note.record.about for note in found.notes] == ["one-3fa29c01", "two-3fa29c01"]
    note = found.notes[0]
    assert note.operations[0] == MoveBrief(brief=BriefId("one-3fa29c01"), to=Place.REJECTED)
    (put,) = (o for o in note.operations if isinstance(o, PutFile))
    reply = parse_reply(put.content or b"")
    assert reply is not None
    assert reply.state == "failed"
    assert reply.reasons == (
        "the deploy command ended with 4; see to the cause, then run `coordinator deploy prod`",
    )
    assert "    Cannot connect" in reply.text
    read_back = parse(render(note.record))
    assert read_back is not None
    assert read_back.values("Live") == ()  # the output is quoted: it can carry no trailer
    assert read_back.values("Revision") == (line.new,)
    assert read_back.brief == "one-3fa29c01"


def test_a_refusal_to_go_backwards_is_told(line: Line) -> None:
    state = line.state("live", line.old)
    found = line.wanted(world(filed("one"), state=state), stale="prod runs something else")
    assert isinstance(found, WriteDown)
    record = found.notes[0].record
    assert record.values("Environment") == ("prod",)
    assert record.values("Revision") == ()
    assert "prod runs something else" in record.subject


def test_an_environment_that_left_the_config_is_told(line: Line) -> None:
    found = line.wanted(world(filed("one"), targets=()))
    assert isinstance(found, WriteDown)
    assert "the config has no environment prod" in found.notes[0].record.subject
