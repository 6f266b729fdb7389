"""Attempts as refs: kept first, published once, read back, over a real repository and the one in memory."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.git import Git, RefUpdate, Signature
from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.adapters.objects import GitObjects
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.names import (
    EMPTY_TREE,
    BriefId,
    Epoch,
    Oid,
    ProfileName,
    RecordPaths,
    RepoPath,
    TaskId,
)
from coordinator.domain.output import Changes, CouldNot, Edit, Output, RefusedEntry, Report
from coordinator.domain.package import Constraints, ContextPackage, Scope, WantedOutput
from coordinator.domain.tree import Entry
from coordinator.domain.verdict import Accept, Finding, Reject, Trust
from tests.support.fake_git import FakeGit, FakeServer, PushFault, When
from tests.support.patience import PATIENCE_S
from tests.support.repos import git as run_git

BRIEF = BriefId("one-3fa29c01")
OTHER = BriefId("one-3fa29c01-more")
WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)
ACCEPT = Accept(
    trust=Trust.VERIFIED,
    findings=(Finding(code="scope", criterion="", met=True, evidence="é"),),
)


@dataclass
class Desk:
    """One coordinator's clone, with a base commit that the remote has."""

    git: Git
    objects: GitObjects
    attempts: GitAttempts
    base: Oid


Open = Callable[[], Desk]


@pytest.fixture(params=["memory", "process"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    server = FakeServer()
    hub = tmp_path / "hub.git"
    made: list[GitProcess] = []
    if request.param == "process":
        run_git(tmp_path, "init", "--quiet", "--bare", str(hub))

    def make() -> Desk:
        if request.param == "memory":
            return desk(FakeGit(server))
        folder = create_private_clone(tmp_path / f"{len(made)}.git", remote_url=str(hub))
        made.append(GitProcess(folder, remote_url=str(hub)))
        return desk(made[-1])

    yield make
    for one in made:
        one.close()


def desk(git: Git, max_bytes: int = 100_000) -> Desk:
    objects = GitObjects(git, paths=RecordPaths)
    entry = Entry("100644", objects.blob(b"1"))
    tree = objects.edit(EMPTY_TREE, {RepoPath("a"): entry, RepoPath("d/x"): entry})
    base = git.commit(tree=tree, parents=[], message="m\n", author=WHO, committer=WHO, sign=False)
    git.push([RefUpdate(ref="refs/heads/main", expected=None, new=base)], timeout_s_max=PATIENCE_S)
    return Desk(git, objects, GitAttempts(git, objects, max_bytes=max_bytes), base)


def package(base: Oid) -> ContextPackage:
    return ContextPackage(
        brief_id=BRIEF,
        task_id=TaskId("t"),
        attempt=1,
        task_type="links",
        description="do é",
        tools_available=(),
        constraints=Constraints(
            deadline_seconds=10,
            max_tokens=10,
            output_format=WantedOutput(kind="report"),
            max_retries=1,
        ),
        input_data=(),
        acceptance_criteria=(),
        base=base,
        scope=Scope(inside=("**",), outside=()),
        do_not=(),
    )


def spec(on: Desk, number: int = 1, brief: BriefId = BRIEF, epoch: str = "e1") -> Spec:
    return Spec(
        id=AttemptId(brief=brief, epoch=Epoch(epoch), number=number),
        round=1,
        task=TaskId("t"),
        profile=ProfileName("links"),
        base=on.base,
        package=on.attempts.package(package(on.base)),
        wall_clock_s_max=10.0,
    )


def report(text: str = "all é fine") -> Output:
    return Output(body=Report(text=text))


def changes(**edits: str | None) -> Output:
    """Makes edits by name; a double underscore is a slash."""
    return Output(
        body=Changes(
            edits=tuple(
                Edit(
                    path=RepoPath(name.replace("__", "/")),
                    content_b64=None if text is None else base64.b64encode(text.encode()).decode(),
                )
                for name, text in edits.items()
            ),
            summary="s",
        )
    )


def remote_refs(on: Desk) -> set[str]:
    assert on.git.fetch(["+refs/*:refs/seen/*"], prune=True) is None
    return {ref.replace("refs/seen/", "refs/", 1) for ref in on.git.refs("refs/seen/")}


def test_an_output_is_kept_as_a_commit_on_its_base(opened: Open) -> None:
    one = opened()
    sent = spec(one)
    commit = one.attempts.keep_output(sent, report())
    tree = one.objects.tree_of(commit)
    assert sorted(one.objects.listing(tree)) == ["output.json", "package.json", "spec.json"]
    assert one.objects.listing(tree)["package.json"].oid == sent.package
    assert one.objects.is_ancestor(one.base, commit)
    assert one.git.refs(sent.id.ref) == {sent.id.ref: commit}
    (kept,) = one.attempts.of(BRIEF)
    assert (kept.spec, kept.commit, kept.output) == (sent, commit, report())
    assert (kept.result, kept.verdict) == (None, None)


def test_changes_are_kept_as_the_whole_resulting_tree(opened: Open) -> None:
    one = opened()
    one.attempts.keep_output(spec(one), changes(d__x=None, d__y="2", new="3"))
    (kept,) = one.attempts.of(BRIEF)
    assert kept.result is not None
    assert {p: one.objects.content(e.oid) for p, e in one.objects.walk(kept.result)} == {
        "a": b"1",
        "d/y": b"2",
        "new": b"3",
    }


def test_keeping_an_output_again_gives_the_same_commit(opened: Open) -> None:
    one, two = opened(), opened()
    first = one.attempts.keep_output(spec(one), changes(a="2"))
    assert one.attempts.keep_output(spec(one), changes(a="2")) == first
    assert two.attempts.keep_output(spec(two), changes(a="2")) == first


def test_the_first_output_of_an_attempt_stays(opened: Open) -> None:
    one = opened()
    first = one.attempts.keep_output(spec(one), report("first"))
    assert one.attempts.keep_output(spec(one), report("second")) == first
    assert [kept.output for kept in one.attempts.of(BRIEF)] == [report("first")]


@pytest.mark.parametrize(
    ("edits", "code", "why"),
    [
        ([("../x", "MQ==")], "unclean-name", "'..'"),
        ([("a/.git/hooks/x", "MQ==")], "protected", "git's own"),
        ([("GIT~1/config", "MQ==")], "protected", "git's own"),
        ([("/etc/x", "MQ==")], "unclean-name", "empty part"),
        ([("a", "MQ=="), ("a", "Mg==")], "malformed", "twice"),
        ([("n", "MQ=="), ("n/x", "MQ==")], "malformed", "a file and a folder"),
        ([("n", "not base64!")], "malformed", "not base64"),
        ([("n", "A" * 200_000)], "too-large", "200"),
    ],
)
def test_edits_that_cannot_be_a_tree_are_kept_as_a_refusal_that_says_so(
    edits: list[tuple[str, str]], code: str, why: str
) -> None:
    one = desk(FakeGit(FakeServer()))
    output = Output(
        body=Changes(
            edits=tuple(Edit(path=RepoPath(path), content_b64=text) for path, text in edits),
            summary="s",
        )
    )
    one.attempts.keep_output(spec(one), output)
    (kept,) = one.attempts.of(BRIEF)
    assert isinstance(kept.output.body, Changes)
    assert (kept.output.body.edits, kept.result) == ((), None)
    (refused,) = kept.output.body.refused
    assert refused.code == code
    assert why in refused.why


def test_a_refused_entry_keeps_the_edits_beside_it_out(opened: Open) -> None:
    one = opened()
    pipe = RefusedEntry(path="pipe", code="fifo", why="a named pipe")
    edit = Edit(path=RepoPath("a"), content_b64="MQ==")
    body = Changes(edits=(edit,), summary="s", refused=(pipe,))
    one.attempts.keep_output(spec(one), Output(body=body))
    (kept,) = one.attempts.of(BRIEF)
    assert kept.output.body == Changes(edits=(), summary="s", refused=(pipe,))
    assert kept.result is None


def test_a_report_that_is_too_large_is_a_could_not(opened: Open) -> None:
    one = opened()
    one.attempts.keep_output(spec(one), report("x" * 200_000))
    (kept,) = one.attempts.of(BRIEF)
    assert isinstance(kept.output.body, CouldNot)
    assert "200" in kept.output.body.text


def test_the_words_of_a_worker_are_cleaned_before_they_are_kept(opened: Open) -> None:
    one = opened()
    nasty = "a\x1b[31mb\x1b]0;title\x07c\u202ed\r\x00\udcff"
    one.attempts.keep_output(
        spec(one), Output(body=Report(text=nasty, data={nasty: [nasty, 1, None]}))
    )
    one.attempts.keep_output(spec(one, 2), Output(body=CouldNot(why="noop", text=nasty)))
    one.attempts.keep_output(
        spec(one, 3), Output(body=Changes(edits=(), summary=nasty), confinement=nasty)
    )
    first, second, third = (kept.output for kept in one.attempts.of(BRIEF))
    assert first.body == Report(text="abcd?", data={"abcd?": ["abcd?", 1, None]})
    assert second.body == CouldNot(why="noop", text="abcd?")
    assert third == Output(body=Changes(edits=(), summary="abcd?"), confinement="abcd?")


def test_a_verdict_is_kept_beside_its_attempt(opened: Open) -> None:
    one = opened()
    sent = spec(one)
    one.attempts.keep_output(sent, report())
    assert [kept.verdict for kept in one.attempts.of(BRIEF)] == [None]
    one.attempts.keep_verdict(sent.id, ACCEPT)
    assert [kept.verdict for kept in one.attempts.of(BRIEF)] == [ACCEPT]
    one.attempts.keep_verdict(sent.id, Reject(code="x", findings=(), feedback=()))
    (kept,) = one.attempts.of(BRIEF)
    assert kept.verdict == ACCEPT


def test_attempts_are_told_apart_by_brief_and_ordered_by_number(opened: Open) -> None:
    one = opened()
    for count, number in enumerate((10, 2, 1)):
        assert len(one.attempts.of(BRIEF)) == count
        one.attempts.keep_output(spec(one, number), report(str(number)))
    one.attempts.keep_output(spec(one, 1, OTHER), report())
    assert [kept.spec.id.number for kept in one.attempts.of(BRIEF)] == [1, 2, 10]
    assert len(one.attempts.of(OTHER)) == 1
    assert one.attempts.of(BriefId("none-00000000")) == ()


def test_what_is_published_is_fetched_by_another(opened: Open) -> None:
    one, two = opened(), opened()
    sent = spec(one)
    one.attempts.keep_output(sent, changes(a="2"))
    one.attempts.keep_verdict(sent.id, ACCEPT)
    one.attempts.keep_output(spec(one, 1, OTHER), report())
    assert one.attempts.unpublished() == {BRIEF, OTHER}
    assert one.attempts.publish(BRIEF)
    assert one.attempts.unpublished() == {OTHER}
    assert two.attempts.fetch(BRIEF)
    assert two.attempts.of(BRIEF) == one.attempts.of(BRIEF)
    assert two.attempts.of(OTHER) == ()
    assert two.attempts.unpublished() == frozenset()
    assert one.attempts.publish(BRIEF)
    assert one.attempts.publish(BriefId("none-00000000"))


def test_what_the_remote_has_already_is_published(opened: Open) -> None:
    one, two = opened(), opened()
    for on in (one, two):
        on.attempts.keep_output(spec(on), report())
    two.attempts.keep_output(spec(two, 2), report())
    assert one.attempts.publish(BRIEF)
    assert two.attempts.publish(BRIEF)
    assert {ref for ref in remote_refs(one) if "attempts" in ref} == {
        spec(one, 1).id.ref,
        spec(one, 2).id.ref,
    }
    assert one.attempts.fetch(BRIEF)
    assert len(one.attempts.of(BRIEF)) == 2


def test_another_output_under_the_same_name_is_never_overwritten(opened: Open) -> None:
    one, two = opened(), opened()
    first = one.attempts.keep_output(spec(one), report("first"))
    two.attempts.keep_output(spec(two), report("second"))
    two.attempts.keep_output(spec(two, 2), report())
    assert one.attempts.publish(BRIEF)
    assert not two.attempts.publish(BRIEF)
    assert two.attempts.unpublished() == {BRIEF}
    assert one.attempts.fetch(BRIEF)
    assert one.attempts.of(BRIEF)[0].commit == first


def test_outputs_that_another_went_on_without_are_set_aside_and_not_published(
    opened: Open,
) -> None:
    one, two = opened(), opened()
    one.attempts.keep_output(spec(one, 1), report())
    assert one.attempts.publish(BRIEF)
    for number in (2, 3):  # nobody knows of these but us
        one.attempts.keep_output(spec(one, number), report("ours"))
        one.attempts.keep_verdict(spec(one, number).id, ACCEPT)
    assert two.attempts.fetch(BRIEF)
    two.attempts.keep_output(spec(two, 2, epoch="e2"), report("theirs"))
    assert two.attempts.publish(BRIEF)

    assert one.attempts.fetch(BRIEF)
    kept = [(a.spec.id.epoch, a.spec.id.number, a.verdict) for a in one.attempts.of(BRIEF)]
    assert kept == [("e1", 1, None), ("e2", 2, None)]
    assert one.attempts.unpublished() == frozenset()
    aside = "refs/mirror/overtaken"
    assert sorted(one.git.refs(f"{aside}/")) == [
        f"{aside}/{kind}/{BRIEF}/e1-{number}"
        for kind in ("attempts", "verdicts")
        for number in (2, 3)
    ]


def test_outputs_that_came_after_what_others_did_stay(opened: Open) -> None:
    one, two = opened(), opened()
    two.attempts.keep_output(spec(two, 1, epoch="e9"), report("theirs"))
    assert two.attempts.publish(BRIEF)
    assert one.attempts.fetch(BRIEF)
    one.attempts.keep_output(spec(one, 2), report("ours"))
    assert one.attempts.fetch(BRIEF)
    assert [a.spec.id.number for a in one.attempts.of(BRIEF)] == [2, 1]
    assert one.attempts.publish(BRIEF)


def test_of_two_verdicts_on_one_output_the_one_on_the_remote_counts(opened: Open) -> None:
    one, two = opened(), opened()
    sent = spec(one)
    one.attempts.keep_output(sent, report())
    assert one.attempts.publish(BRIEF)
    one.attempts.keep_verdict(sent.id, Reject(code="x", findings=(), feedback=("took 1.2 s",)))
    assert two.attempts.fetch(BRIEF)
    two.attempts.keep_verdict(sent.id, ACCEPT)
    assert two.attempts.publish(BRIEF)
    assert one.attempts.publish(BRIEF), "a coordinator that comes back is not stuck with its own"
    assert [kept.verdict for kept in one.attempts.of(BRIEF)] == [ACCEPT]
    assert one.attempts.unpublished() == frozenset()


def test_what_cannot_be_read_is_left_out(opened: Open) -> None:
    one = opened()
    one.attempts.keep_output(spec(one), report())
    blob = one.objects.blob(b"{}")
    newer = one.objects.edit(EMPTY_TREE, {RepoPath("spec.json"): Entry("100644", blob)})
    strange = one.git.commit(
        tree=newer, parents=[], message="m\n", author=WHO, committer=WHO, sign=False
    )
    top = f"refs/orchestrator/attempts/{BRIEF}/"
    assert one.git.set_refs(
        [
            RefUpdate(ref=f"{top}e1-2", expected=None, new=strange),
            RefUpdate(ref=f"{top}e1-3", expected=None, new=blob),
        ]
    )
    assert [kept.spec.id.number for kept in one.attempts.of(BRIEF)] == [1]


def test_another_root_is_used_throughout() -> None:
    git = FakeGit(FakeServer())
    one = desk(git)
    rooted = GitAttempts(git, one.objects, root="refs/heads/orchestrator")
    rooted.keep_output(spec(one), report())
    assert rooted.publish(BRIEF)
    assert f"refs/heads/orchestrator/attempts/{BRIEF}/e1-1" in remote_refs(one)
    assert len(rooted.of(BRIEF)) == 1


class Once:
    """Does one thing to the first push."""

    def __init__(self, fault: PushFault) -> None:
        self.fault: PushFault | None = fault

    def on(self, call_name: str, when: When, git: FakeGit) -> PushFault | None:
        if call_name != "push" or when != "before":
            return None
        fault, self.fault = self.fault, None
        return fault


@pytest.mark.parametrize(
    "fault",
    [
        PushFault(effect="nothing"),
        PushFault(effect="whole", reply="timeout"),
        PushFault(effect="whole", reply="rejected"),
        PushFault(effect="torn", refs=frozenset({f"refs/orchestrator/attempts/{BRIEF}/e1-1"})),
    ],
)
def test_publishing_believes_the_remote_and_not_the_reply(fault: PushFault) -> None:
    git = FakeGit(FakeServer())
    one = desk(git)
    one.attempts.keep_output(spec(one), report())
    one.attempts.keep_verdict(spec(one).id, ACCEPT)
    git.faults = Once(fault)
    assert one.attempts.publish(BRIEF)
    assert one.attempts.unpublished() == frozenset()
    assert len([ref for ref in remote_refs(one) if "orchestrator" in ref]) == 2


def test_an_unreachable_remote_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    url = str(tmp_path / "none.git")
    with GitProcess(
        create_private_clone(tmp_path / "p.git", remote_url=url), remote_url=url
    ) as git:
        one = desk(git)
        one.attempts.keep_output(spec(one), report())
        assert not one.attempts.publish(BRIEF)
        assert not one.attempts.fetch(BRIEF)
        assert one.attempts.unpublished() == {BRIEF}
        assert len(one.attempts.of(BRIEF)) == 1
