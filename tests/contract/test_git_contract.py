"""One suite over the real git and the one in memory: what a simulation believes of git is true."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.adapters.git import Git, RefUpdate, Signature
from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.domain import overlap
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import EMPTY_TREE, Oid, RepoPath
from coordinator.domain.tree import Change, Entry, encode
from tests.support.fake_git import FakeGit, FakeServer
from tests.support.patience import PATIENCE_S
from tests.support.repos import git as run_git

Clone = Callable[[], Git]

ABSENT = Oid("1" * 40)
WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)
CLAIMS = "+refs/orchestrator/claims*:refs/mirror/orchestrator/claims*"
MAIN = "refs/heads/main"


@pytest.fixture(params=["memory", "process"])
def clone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clone]:
    """Returns what makes clones of one remote."""
    if request.param == "memory":
        server = FakeServer()
        yield lambda: FakeGit(server)
        return
    hub = tmp_path / "hub.git"
    run_git(tmp_path, "init", "--quiet", "--bare", str(hub))
    made: list[GitProcess] = []

    def make() -> Git:
        folder = create_private_clone(tmp_path / f"{len(made)}.git", remote_url=str(hub))
        made.append(GitProcess(folder, remote_url=str(hub)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def git(clone: Clone) -> Git:
    return clone()


def tree(git: Git, files: dict[str, str]) -> Oid:
    """Writes a tree of files; a name may hold slashes."""
    entries: dict[str, Entry] = {}
    below: dict[str, dict[str, str]] = {}
    for path, text in files.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = text
        else:
            entries[name] = Entry("100644", git.write("blob", text.encode()))
    for name, inside in below.items():
        entries[name] = Entry("040000", tree(git, inside))
    return git.write("tree", encode(entries))


def commit(git: Git, files: dict[str, str], *parents: Oid, message: str = "change\n") -> Oid:
    return git.commit(
        tree=tree(git, files),
        parents=parents,
        message=message,
        author=WHO,
        committer=WHO,
        sign=False,
    )


def create(ref: str, oid: Oid) -> RefUpdate:
    return RefUpdate(ref=ref, expected=None, new=oid)


def push(git: Git, *updates: RefUpdate) -> str:
    return git.push(updates, timeout_s_max=PATIENCE_S).kind


def remote_refs(git: Git) -> dict[str, Oid]:
    assert git.fetch(["+refs/*:refs/seen/*"], prune=True) is None
    return {
        ref.replace("refs/seen/", "refs/", 1): oid for ref, oid in git.refs("refs/seen/").items()
    }


# Objects


def test_an_object_has_the_name_that_git_gives_it(git: Git) -> None:
    assert git.write("blob", b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert git.write("tree", b"") == EMPTY_TREE
    made = git.commit(
        tree=EMPTY_TREE, parents=[], message="x\n", author=WHO, committer=WHO, sign=False
    )
    assert made == "26ddc7ceeef277ccb6990f302f874d6f0becfecd"


def test_what_was_written_is_read_back(git: Git) -> None:
    blob = git.write("blob", b"a\0b\r\n\xff")
    assert git.read(blob) == ("blob", b"a\0b\r\n\xff")
    assert git.read(git.write("blob", b"")) == ("blob", b"")
    assert git.read(EMPTY_TREE) == ("tree", b"")


@pytest.mark.parametrize("oid", [ABSENT, "not-an-oid", "", "HEAD"])
def test_an_object_that_is_not_there_is_a_missing_object(git: Git, oid: str) -> None:
    with pytest.raises(MissingObject):
        git.read(Oid(oid))


def test_the_same_commit_made_twice_is_one(git: Git) -> None:
    assert commit(git, {"a": "1"}) == commit(git, {"a": "1"})
    assert commit(git, {"a": "1"}) != commit(git, {"a": "2"})


def test_a_message_is_kept_to_the_letter(git: Git) -> None:
    message = "land x: y\n\n# not a comment\n\n  indented, é\n\nTrailer: value\n\n\n"
    made = commit(git, {"a": "1"}, message=message)
    assert git.log(None, made) == [(made, message)]


def test_an_identity_is_written_as_git_writes_it(git: Git) -> None:
    who = Signature(name=" A <b> C. ", email="x@y.example", timestamp=1_700_000_000)
    made = git.commit(
        tree=EMPTY_TREE, parents=[], message="m\n", author=who, committer=WHO, sign=False
    )
    said = git.read(made)[1].decode()
    assert "author A b C <x@y.example> 1700000000 +0000\n" in said.replace("A b> C", "A b C")
    assert "committer A Person <person@example.invalid> 0 +0000\n" in said


def test_a_commit_of_something_that_is_not_there_is_refused(git: Git) -> None:
    for bad_tree, parents in ((ABSENT, []), (EMPTY_TREE, [ABSENT])):
        with pytest.raises(RepositoryError):
            git.commit(
                tree=bad_tree, parents=parents, message="m", author=WHO, committer=WHO, sign=False
            )


def test_an_empty_name_is_refused(git: Git) -> None:
    nobody = Signature(name="", email="a@b.example", timestamp=0)
    with pytest.raises(RepositoryError):
        git.commit(
            tree=EMPTY_TREE, parents=[], message="m", author=nobody, committer=nobody, sign=False
        )


# History


def test_ancestry_is_told(git: Git) -> None:
    first = commit(git, {"a": "1"})
    second = commit(git, {"a": "2"}, first)
    other = commit(git, {"a": "3"}, first)
    merge = commit(git, {"a": "4"}, second, other)
    assert git.is_ancestor(first, first)
    assert git.is_ancestor(first, merge)
    assert git.is_ancestor(other, merge)
    assert not git.is_ancestor(second, first)
    assert not git.is_ancestor(second, other)


def test_what_is_not_here_is_nobodys_ancestor(git: Git) -> None:
    first = commit(git, {"a": "1"})
    assert not git.is_ancestor(ABSENT, first)
    assert not git.is_ancestor(first, ABSENT)


def test_the_log_follows_first_parents_oldest_first(git: Git) -> None:
    first = commit(git, {"a": "1"}, message="one\n")
    side = commit(git, {"a": "2"}, first, message="side\n")
    second = commit(git, {"a": "3"}, first, message="two\n")
    merge = commit(git, {"a": "4"}, second, side, message="three\n")
    assert git.log(None, merge) == [(first, "one\n"), (second, "two\n"), (merge, "three\n")]
    assert git.log(first, merge) == [(second, "two\n"), (merge, "three\n")]
    assert git.log(merge, merge) == []
    assert git.log(None, merge, count_max=1) == [(merge, "three\n")]
    assert git.log(first, merge, count_max=5) == [(second, "two\n"), (merge, "three\n")]


def test_the_log_of_a_commit_that_is_not_here_is_a_missing_object(git: Git) -> None:
    with pytest.raises(MissingObject):
        git.log(None, ABSENT)


# Trees


def test_a_diff_names_each_file_before_and_after(git: Git) -> None:
    before = tree(git, {"a": "1", "d/x": "1", "d/y": "1", "same/z": "1"})
    after = tree(git, {"b": "1", "d/x": "2", "d/y": "1", "same/z": "1"})
    one, two = (Entry("100644", git.write("blob", text)) for text in (b"1", b"2"))
    assert git.diff(before, after) == (
        Change(path=RepoPath("a"), before=one, after=None),
        Change(path=RepoPath("b"), before=None, after=one),
        Change(path=RepoPath("d/x"), before=one, after=two),
    )
    assert git.diff(before, before) == ()


def test_a_file_that_became_a_folder_is_a_deletion_and_an_addition(git: Git) -> None:
    before = tree(git, {"a": "1", "a.b": "1"})
    after = tree(git, {"a/x": "1", "a.b": "2"})
    changes = git.diff(before, after)
    assert [change.path for change in changes] == ["a", "a.b", "a/x"]
    assert changes[0].after is None
    assert changes[2].before is None


def test_a_mode_alone_is_a_change(git: Git) -> None:
    blob = git.write("blob", b"1")
    plain = git.write("tree", encode({"a": Entry("100644", blob)}))
    for mode in ("100755", "120000"):
        other = git.write("tree", encode({"a": Entry(mode, blob)}))
        (change,) = git.diff(plain, other)
        assert (change.before, change.after) == (
            Entry("100644", blob),
            Entry(mode, blob),
        )


def test_a_diff_with_what_is_no_tree_here_is_a_missing_object(git: Git) -> None:
    with pytest.raises(MissingObject):
        git.diff(EMPTY_TREE, ABSENT)


def test_changes_to_different_files_merge(git: Git) -> None:
    base = tree(git, {"a": "1", "d/x": "1", "d/y": "1"})
    ours = tree(git, {"a": "2", "d/x": "1", "d/y": "1"})
    theirs = tree(git, {"a": "1", "d/x": "3", "new/z": "4"})
    wanted = tree(git, {"a": "2", "d/x": "3", "new/z": "4"})
    assert git.merge_trees(base, ours, theirs) == wanted


def test_the_same_change_on_both_sides_merges(git: Git) -> None:
    base = tree(git, {"a": "1", "b": "1"})
    ours = tree(git, {"a": "2", "b": "1"})
    theirs = tree(git, {"a": "2", "b": "3"})
    assert git.merge_trees(base, ours, theirs) == theirs
    assert git.merge_trees(base, ours, ours) == ours
    assert git.merge_trees(base, base, theirs) == theirs
    assert git.merge_trees(base, ours, base) == ours


def test_deleting_everything_on_both_sides_gives_the_empty_tree(git: Git) -> None:
    base = tree(git, {"a": "1", "b": "1"})
    ours = tree(git, {"a": "1"})
    theirs = tree(git, {"b": "1"})
    assert git.merge_trees(base, ours, theirs) == EMPTY_TREE


def test_different_changes_to_one_file_clash(git: Git) -> None:
    base = tree(git, {"a": "1\n", "d/b": "1\n", "c": "1\n"})
    ours = tree(git, {"a": "2\n", "d/b": "2\n", "c": "2\n"})
    theirs = tree(git, {"a": "3\n", "d/b": "3\n", "c": "1\n"})
    assert git.merge_trees(base, ours, theirs) == ("a", "d/b")


def test_a_folder_that_one_side_left_alone_is_taken_whole(git: Git) -> None:
    base = tree(git, {"d/a": "1", "d/b": "1", "e/f/g": "1"})
    ours = tree(git, {"d/a": "1", "d/b": "2", "e/f/g": "1"})
    theirs = tree(git, {"d/a": "3", "d/b": "1"})
    assert git.merge_trees(base, ours, theirs) == tree(git, {"d/a": "3", "d/b": "2"})


def test_a_file_on_one_side_and_a_folder_on_the_other_clash(git: Git) -> None:
    base = tree(git, {"b": "1"})
    ours, theirs = tree(git, {"b": "1", "n": "2"}), tree(git, {"b": "1", "n/x": "3"})
    assert git.merge_trees(base, ours, theirs) == ("n",)


def test_a_change_to_a_deleted_file_clashes(git: Git) -> None:
    base = tree(git, {"d/a": "1\n", "b": "1"})
    ours = tree(git, {"d/a": "2\n", "b": "1"})
    theirs = tree(git, {"b": "1"})
    assert git.merge_trees(base, ours, theirs) == ("d/a",)
    assert git.merge_trees(base, theirs, ours) == ("d/a",)


def test_lines_that_both_sides_changed_stand_between_marks(git: Git) -> None:
    marked = git.merge_lines(b" 1\n", b" 2\n", b" 3\n")
    assert overlap.parts(marked) == (
        overlap.Clashing(line=1, base=b"1\n", ours=b"2\n", theirs=b"3\n"),
    )
    assert git.merge_lines(b" 1\n", b" 2\n", b" 1\n") == b" 2\n"
    assert git.merge_lines(b" 1\n", b" 1\n", b"") == b""
    assert git.merge_lines(b"", b" 2\n", b" 2\n") == b" 2\n"


def test_a_file_added_differently_on_both_sides_clashes(git: Git) -> None:
    base = tree(git, {"b": "1"})
    assert git.merge_trees(
        base, tree(git, {"b": "1", "n": "2\n"}), tree(git, {"b": "1", "n": "3\n"})
    ) == ("n",)


def test_a_rename_does_not_carry_changes_to_another_path(git: Git) -> None:
    text = "".join(f"line {i}\n" for i in range(20))
    base = tree(git, {"a": text})
    renamed = tree(git, {"b": text})
    changed = tree(git, {"a": text + "more\n"})
    assert git.merge_trees(base, renamed, changed) == ("a",)


def test_a_merge_with_what_is_not_here_is_an_error_and_no_clash(git: Git) -> None:
    base, ours = tree(git, {"a": "1"}), tree(git, {"a": "2"})
    with pytest.raises(RepositoryError):
        git.merge_trees(base, ours, ABSENT)


# Local refs


def test_refs_are_listed_below_a_prefix(git: Git) -> None:
    blob = git.write("blob", b"x")
    assert git.set_refs([create(ref, blob) for ref in ("refs/x/b", "refs/x/a/c", "refs/xy")])
    assert git.refs("refs/x/") == {"refs/x/a/c": blob, "refs/x/b": blob}
    assert git.refs("refs/xy") == {"refs/xy": blob}
    assert git.refs("refs/x") == {}
    assert git.refs("refs/none/") == {}


def test_refs_move_by_compare_and_swap_all_or_none(git: Git) -> None:
    one, two = git.write("blob", b"1"), git.write("blob", b"2")
    assert git.set_refs([create("refs/x/a", one), create("refs/x/b", one)])
    assert not git.set_refs([create("refs/x/a", two)])
    moved = RefUpdate(ref="refs/x/a", expected=one, new=two)
    assert not git.set_refs([moved, RefUpdate(ref="refs/x/b", expected=two, new=None)])
    assert git.refs("refs/x/") == {"refs/x/a": one, "refs/x/b": one}
    assert git.set_refs([moved, RefUpdate(ref="refs/x/b", expected=one, new=None)])
    assert git.refs("refs/x/") == {"refs/x/a": two}
    assert git.set_refs([])


def test_a_ref_that_must_not_exist_can_be_demanded_with_others(git: Git) -> None:
    one = git.write("blob", b"1")
    absent = RefUpdate(ref="refs/x/none", expected=None, new=None)
    assert git.set_refs([absent, create("refs/x/a", one)])
    assert not git.set_refs(
        [RefUpdate(ref="refs/x/a", expected=None, new=None), create("refs/x/b", one)]
    )
    assert git.refs("refs/x/") == {"refs/x/a": one}


def test_a_ref_cannot_be_a_file_and_a_folder(git: Git) -> None:
    one = git.write("blob", b"1")
    assert git.set_refs([create("refs/x/a", one)])
    assert not git.set_refs([create("refs/x/a/b", one)])
    assert not git.set_refs(
        [RefUpdate(ref="refs/x/a", expected=one, new=None), create("refs/x/a/b", one)]
    )
    assert git.set_refs([RefUpdate(ref="refs/x/a", expected=one, new=None)])
    assert git.set_refs([create("refs/x/a/b", one)])
    assert not git.set_refs([create("refs/x/a", one)])


def test_a_ref_to_what_is_not_here_is_a_missing_object(git: Git) -> None:
    with pytest.raises(MissingObject):
        git.set_refs([create("refs/x/a", ABSENT)])


# Push


def test_a_push_moves_all_its_refs_or_none(clone: Clone) -> None:
    git, other = clone(), clone()
    first = commit(git, {"a": "1"})
    second = commit(git, {"a": "2"}, first)
    held = git.write("blob", b"held")
    assert push(git, create(MAIN, first), create("refs/o/held", held)) == "ok"
    move = RefUpdate(ref=MAIN, expected=first, new=second)
    wrong = RefUpdate(ref="refs/o/held", expected=first, new=None)
    reply = git.push([move, wrong], timeout_s_max=PATIENCE_S)
    assert reply.kind == "rejected"
    assert reply.lines["refs/o/held"] == "! [rejected] (stale info)"
    assert reply.lines[MAIN].startswith("! [rejected] (atomic push failed")
    assert remote_refs(other) == {MAIN: first, "refs/o/held": held}
    assert push(git, move, RefUpdate(ref="refs/o/held", expected=held, new=None)) == "ok"
    assert remote_refs(other) == {MAIN: second}


def test_creating_what_exists_is_refused(clone: Clone) -> None:
    git, other = clone(), clone()
    assert push(git, create("refs/o/a", git.write("blob", b"1"))) == "ok"
    mine = other.write("blob", b"2")
    assert push(other, create("refs/o/a", mine)) == "rejected"
    assert push(other, RefUpdate(ref="refs/o/a", expected=mine, new=None)) == "rejected"


def test_the_identical_push_repeated_is_ok(git: Git) -> None:
    first = commit(git, {"a": "1"})
    assert push(git, create(MAIN, first)) == "ok"
    reply = git.push([create(MAIN, first)], timeout_s_max=PATIENCE_S)
    assert reply.kind == "ok"
    assert reply.lines == {MAIN: "= [up to date]"}
    second = commit(git, {"a": "2"}, first)
    landing = [
        RefUpdate(ref=MAIN, expected=first, new=second),
        RefUpdate(ref="refs/o/held", expected=first, new=None),
    ]
    assert push(git, create("refs/o/held", first)) == "ok"
    assert push(git, *landing) == "ok"
    reply = git.push(landing, timeout_s_max=PATIENCE_S)
    assert (reply.kind, reply.lines[MAIN]) == ("rejected", "= [up to date]")


def test_an_unchanged_ref_guards_nothing(clone: Clone) -> None:
    git, other = clone(), clone()
    first = commit(git, {"a": "1"})
    assert push(git, create(MAIN, first)) == "ok"
    assert commit(other, {"a": "1"}) == first
    # The lease on main does not hold any more, but as nothing would change it is not looked at.
    assert push(other, create(MAIN, first), create("refs/o/a", first)) == "ok"


def test_a_lease_permits_a_rewind(git: Git) -> None:
    first = commit(git, {"a": "1"})
    second = commit(git, {"a": "2"}, first)
    assert push(git, create(MAIN, second)) == "ok"
    assert push(git, RefUpdate(ref=MAIN, expected=second, new=first)) == "ok"
    assert remote_refs(git) == {MAIN: first}


def test_files_and_folders_exclude_each_other_on_the_remote(clone: Clone) -> None:
    git, other = clone(), clone()
    blob = git.write("blob", b"1")
    assert push(git, create("refs/orchestrator/claims/a/b", blob)) == "ok"
    for taken in ("refs/orchestrator/claims/a", "refs/orchestrator/claims", "refs/orchestrator"):
        assert push(other, create(taken, other.write("blob", b"2"))) == "rejected"
    other.write("blob", b"1")
    assert push(other, create("refs/orchestrator/claims/a/b/c", blob)) == "rejected"
    assert push(other, create("refs/orchestrator/claims/ab", blob)) == "ok"
    swapped = [
        RefUpdate(ref="refs/orchestrator/claims/a/b", expected=blob, new=None),
        create("refs/orchestrator/claims/a", blob),
    ]
    assert push(git, *swapped) == "rejected"
    for one in swapped:
        assert push(git, one) == "ok"


def test_a_name_that_git_refuses_does_not_get_to_the_remote(git: Git) -> None:
    blob = git.write("blob", b"1")
    for name in ("refs/o/a..b", "refs/o/a b", "refs/o/a.lock", "refs/o/.a"):
        with pytest.raises(RepositoryError):
            push(git, create(name, blob))


@pytest.mark.parametrize("part", ["x" * 250, "%2e%2e", "@", "-x", "x" * 200 + "%+" + "0" * 48])
def test_a_name_that_a_claim_may_have_can_be_pushed(git: Git, part: str) -> None:
    ref = f"refs/orchestrator/claims/{part}"
    blob = git.write("blob", b"1")
    assert push(git, create(ref, blob)) == "ok"
    assert remote_refs(git) == {ref: blob}


def test_a_name_that_is_too_long_is_rejected(git: Git) -> None:
    blob = git.write("blob", b"1")
    assert push(git, create(f"refs/orchestrator/claims/{'x' * 251}", blob)) == "rejected"
    assert remote_refs(git) == {}


def test_pushing_what_is_not_here_is_a_missing_object(git: Git) -> None:
    with pytest.raises(MissingObject):
        push(git, create("refs/o/a", ABSENT))


def test_an_empty_push_is_ok(git: Git) -> None:
    assert push(git) == "ok"


# Fetch


def test_a_fetch_brings_refs_and_objects(clone: Clone) -> None:
    git, other = clone(), clone()
    first = commit(git, {"a": "1"})
    push(git, create(MAIN, first))
    assert other.fetch([f"+{MAIN}:refs/mirror/branch"], prune=True) is None
    assert other.refs("refs/mirror/branch") == {"refs/mirror/branch": first}
    assert other.read(first)[0] == "commit"


def test_a_star_spans_slashes_and_matches_the_bare_name(clone: Clone) -> None:
    git, other = clone(), clone()
    blob = git.write("blob", b"1")
    push(git, create("refs/orchestrator/claims/a/b", blob), create("refs/orchestrator/c", blob))
    assert other.fetch([CLAIMS], prune=True) is None
    assert other.refs("refs/mirror/") == {"refs/mirror/orchestrator/claims/a/b": blob}
    push(git, RefUpdate(ref="refs/orchestrator/claims/a/b", expected=blob, new=None))
    push(git, create("refs/orchestrator/claims", blob))
    assert other.fetch([CLAIMS], prune=True) is None
    assert other.refs("refs/mirror/") == {"refs/mirror/orchestrator/claims": blob}


def test_pruning_makes_room_where_a_file_became_a_folder(clone: Clone) -> None:
    git, other = clone(), clone()
    blob = git.write("blob", b"1")
    push(git, create("refs/orchestrator/claims/a", blob))
    assert other.fetch([CLAIMS], prune=True) is None
    push(git, RefUpdate(ref="refs/orchestrator/claims/a", expected=blob, new=None))
    push(git, create("refs/orchestrator/claims/a/b", blob))
    with pytest.raises(RepositoryError):
        other.fetch([CLAIMS], prune=False)
    assert other.fetch([CLAIMS], prune=True) is None
    assert other.refs("refs/mirror/") == {"refs/mirror/orchestrator/claims/a/b": blob}


def test_a_source_that_is_not_there_takes_away_what_it_brought(clone: Clone) -> None:
    git, other = clone(), clone()
    first, blob = commit(git, {"a": "1"}), git.write("blob", b"1")
    push(git, create(MAIN, first), create("refs/o/gate", blob))
    wanted = [
        "+refs/o/gate:refs/mirror/gate",
        f"+{MAIN}:refs/mirror/branch",
        "+refs/o/none:refs/mirror/none",
    ]
    assert other.fetch(wanted, prune=True) is None
    assert other.refs("refs/mirror/") == {"refs/mirror/branch": first, "refs/mirror/gate": blob}
    push(git, RefUpdate(ref="refs/o/gate", expected=blob, new=None))
    assert other.fetch(wanted, prune=False) is None
    assert other.refs("refs/mirror/") == {"refs/mirror/branch": first, "refs/mirror/gate": blob}
    assert other.fetch(wanted, prune=True) is None
    assert other.refs("refs/mirror/") == {"refs/mirror/branch": first}


def test_pruning_leaves_other_local_refs_alone(clone: Clone) -> None:
    git, other = clone(), clone()
    blob = git.write("blob", b"1")
    push(git, create("refs/orchestrator/claims/a", blob))
    other.fetch([CLAIMS], prune=True)
    assert other.set_refs(
        [create("refs/local/pin", blob), create("refs/orchestrator/claims/m", blob)]
    )
    assert other.fetch([CLAIMS, f"+{MAIN}:refs/mirror/branch"], prune=True) is None
    assert set(other.refs("refs/local/")) == {"refs/local/pin"}
    assert set(other.refs("refs/orchestrator/")) == {"refs/orchestrator/claims/m"}


def test_a_fetch_follows_a_rewind_only_when_forced(clone: Clone) -> None:
    git, other = clone(), clone()
    first = commit(git, {"a": "1"})
    second = commit(git, {"a": "2"}, first)
    push(git, create(MAIN, second))
    assert other.fetch([f"{MAIN}:refs/mirror/kept"], prune=True) is None
    push(git, RefUpdate(ref=MAIN, expected=second, new=first))
    with pytest.raises(RepositoryError):
        other.fetch([f"{MAIN}:refs/mirror/kept"], prune=True)
    assert other.fetch([f"+{MAIN}:refs/mirror/kept"], prune=True) is None
    assert other.refs("refs/mirror/kept") == {"refs/mirror/kept": first}


def test_a_fetch_of_an_empty_remote_is_no_error(git: Git) -> None:
    assert git.fetch([f"+{MAIN}:refs/mirror/branch", CLAIMS], prune=True) is None
    assert git.fetch([], prune=True) is None
    assert git.refs("refs/mirror/") == {}
