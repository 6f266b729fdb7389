"""Trees of the private clone, over a real repository and over the one in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.adapters.git import Git, Signature
from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.adapters.objects import GitObjects, path_fault
from coordinator.domain.changeset import Changeset
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import (
    EMPTY_TREE,
    BriefId,
    Digest,
    Epoch,
    Oid,
    RecordPaths,
    RepoPath,
)
from coordinator.domain.overlap import Clashing, United
from coordinator.domain.proof import Claim, Clash, Merged, Synced
from coordinator.domain.tree import Entry, Mode
from coordinator.domain.verdict import Trust
from tests.support.fake_git import FakeGit, FakeServer
from tests.support.repos import git as run_git

WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)
BRIEF = BriefId("one-3fa29c01")
CLAIM = Claim(
    brief=BRIEF,
    digest=Digest("sha256:0"),
    epoch=Epoch("e"),
    acq="a",
    counter=1,
    held=Oid("2" * 40),
    paths=(),
)


@pytest.fixture(params=["memory", "process"])
def git(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Git]:
    if request.param == "memory":
        yield FakeGit(FakeServer())
        return
    url = str(tmp_path / "hub.git")
    with GitProcess(
        create_private_clone(tmp_path / "p.git", remote_url=url), remote_url=url
    ) as one:
        yield one


@pytest.fixture
def objects(git: Git) -> GitObjects:
    return GitObjects(git, paths=RecordPaths)


def edited(objects: GitObjects, tree: Oid, **files: str | None) -> Oid:
    """Sets files by name; a double underscore is a slash."""
    return objects.edit(
        tree,
        {
            RepoPath(name.replace("__", "/")): None
            if text is None
            else Entry("100644", objects.blob(text.encode()))
            for name, text in files.items()
        },
    )


def test_a_commit_is_dated_by_whoever_made_it(git: Git, objects: GitObjects) -> None:
    made = git.commit(
        tree=git.write("tree", b""),
        parents=(),
        message="change\n\ncommitter nobody <n@example.invalid> 7 +0000\n",
        author=WHO,
        committer=Signature(name="A. Person", email="a@example.invalid", timestamp=1_700_000_000),
        sign=False,
    )
    assert objects.dated(made) == 1_700_000_000
    with pytest.raises(MissingObject):
        objects.dated(git.write("blob", b"x"))


def files(objects: GitObjects, tree: Oid) -> dict[str, str]:
    return {path: objects.content(entry.oid).decode() for path, entry in objects.walk(tree)}


def committed(git: Git, tree: Oid, *parents: Oid) -> Oid:
    return git.commit(
        tree=tree, parents=parents, message="m\n", author=WHO, committer=WHO, sign=False
    )


def changeset(base: Oid, base_tree: Oid, result: Oid, **fields: object) -> Changeset:
    values: dict[str, object] = {
        "brief": BRIEF,
        "base": base,
        "base_tree": base_tree,
        "result": result,
        "touched": (),
        "report": None,
        "report_extension": "md",
        "report_path": None,
        "digest": Digest("sha256:1"),
        "attempts": (),
        "trust": Trust.VERIFIED,
        "summary": "",
        "compared": "one output",
    }
    return Changeset(**{**values, **fields})  # type: ignore[arg-type]


def test_an_edit_sets_and_removes_along_its_paths(objects: GitObjects) -> None:
    first = edited(objects, EMPTY_TREE, a="1", d__x="1", d__e__y="1")
    assert files(objects, first) == {"a": "1", "d/e/y": "1", "d/x": "1"}
    second = edited(objects, first, d__e__y="2", d__e__z="3", a=None)
    assert files(objects, second) == {"d/e/y": "2", "d/e/z": "3", "d/x": "1"}
    assert edited(objects, second) == second
    assert edited(objects, second, nothing=None, d__nothing=None) == second


def test_a_folder_that_becomes_empty_goes(objects: GitObjects) -> None:
    first = edited(objects, EMPTY_TREE, a="1", d__e__y="1")
    assert edited(objects, first, d__e__y=None) == edited(objects, EMPTY_TREE, a="1")
    assert edited(objects, first, d__e__y=None, a=None) == EMPTY_TREE


def test_a_file_gives_way_to_a_folder_and_back(objects: GitObjects) -> None:
    first = edited(objects, EMPTY_TREE, a="1", b="1")
    folder = edited(objects, first, a__x="2")
    assert files(objects, folder) == {"a/x": "2", "b": "1"}
    assert edited(objects, first, a=None, a__x="2") == folder
    assert edited(objects, folder, a="1") == first
    assert edited(objects, folder, a="1", a__x=None) == first
    assert edited(objects, first, a__x=None) == first


def test_a_whole_folder_can_be_set(objects: GitObjects) -> None:
    inside = edited(objects, EMPTY_TREE, x="1", e__y="2")
    moved = objects.edit(EMPTY_TREE, {RepoPath("p/q"): Entry("040000", inside)})
    assert files(objects, moved) == {"p/q/e/y": "2", "p/q/x": "1"}
    assert objects.edit(moved, {RepoPath(""): Entry("040000", inside)}) == inside


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../b",
        "./a",
        "/a",
        "a//b",
        "a/",
        ".git",
        "a/.GIT/hooks/x",
        ".git /x",
        ".git.",
        "git~1/x",
        ".g\u200cit/x",
        ".git::$INDEX_ALLOCATION/x",
        "a\\.git\\x",
        "a\0b",
    ],
)
def test_a_path_that_no_checkout_may_have_is_refused(objects: GitObjects, path: str) -> None:
    assert path_fault(path)
    with pytest.raises(RepositoryError):
        objects.edit(EMPTY_TREE, {RepoPath(path): Entry("100644", objects.blob(b""))})


@pytest.mark.parametrize(
    "path", ["a", ".github/x", ".gitignore", "a.git/b", "git", "caf\udce9", " "]
)
def test_odd_paths_that_are_no_danger_are_fine(path: str) -> None:
    assert path_fault(path) is None


def test_entries_are_found_by_path(objects: GitObjects) -> None:
    tree = edited(objects, EMPTY_TREE, d__x="1")
    assert objects.entry(tree, RepoPath("")) == Entry("040000", tree)
    assert objects.entry(tree, RepoPath("d/x")) == Entry("100644", objects.blob(b"1"))
    assert objects.entry(tree, RepoPath("d/x/y")) is None
    assert objects.entry(tree, RepoPath("none/y")) is None
    assert objects.read(tree, RepoPath("d/x")) == b"1"
    assert objects.read(tree, RepoPath("d")) is None
    module = objects.edit(tree, {RepoPath("m"): Entry("160000", Oid("3" * 40))})
    assert objects.read(module, RepoPath("m")) is None
    assert list(objects.listing(module)) == ["d", "m"]
    assert [path for path, _ in objects.walk(module, RepoPath("d"))] == ["d/x"]
    assert [path for path, _ in objects.walk(module, RepoPath("d/x"))] == ["d/x"]
    assert not list(objects.walk(module, RepoPath("none")))


def test_a_tree_is_no_content_and_a_blob_no_commit(objects: GitObjects) -> None:
    with pytest.raises(MissingObject):
        objects.content(EMPTY_TREE)
    with pytest.raises(MissingObject):
        objects.tree_of(EMPTY_TREE)
    with pytest.raises(MissingObject):
        objects.listing(objects.blob(b"1"))


def test_the_product_is_the_tree_without_record_paths(objects: GitObjects) -> None:
    product = edited(objects, EMPTY_TREE, a="1", memory__notes="1")
    whole = edited(objects, product, briefs__open__x="1", memory__plan_md="1", memory__state_md="1")
    assert objects.product(whole) != product
    with_records = objects.edit(
        edited(objects, product, briefs__open__x="1"),
        {
            RepoPath("memory/plan.md"): Entry("100644", objects.blob(b"1")),
            RepoPath("memory/state.md"): Entry("100644", objects.blob(b"1")),
        },
    )
    assert objects.product(with_records) == product
    assert objects.product(product) == product
    other = GitObjects(objects._git, paths=lambda: RecordPaths(briefs=RepoPath("a")))
    assert files(objects, other.product(product)) == {"memory/notes": "1"}


def test_l3_a_merge_is_of_product_trees_only(git: Git, objects: GitObjects) -> None:
    base_tree = edited(objects, EMPTY_TREE, a="1", b="1", briefs__open__x="1")
    base = committed(git, base_tree)
    tip = committed(git, edited(objects, base_tree, a="2", briefs__open__x="other"), base)
    result = edited(objects, base_tree, b="3", briefs__open__x="mine")
    merged = objects.merge(changeset(base, base_tree, result), claim=CLAIM, synced=Synced(tip))
    assert isinstance(merged, Merged)
    assert (merged.onto, merged.claim) == (tip, CLAIM)
    assert files(objects, merged.product) == {"a": "2", "b": "3"}


def test_l3_a_changeset_that_no_longer_merges_is_a_clash(git: Git, objects: GitObjects) -> None:
    base_tree = edited(objects, EMPTY_TREE, a="1\n", b="1")
    base = committed(git, base_tree)
    tip = committed(git, edited(objects, base_tree, a="2\n"), base)
    mine = changeset(base, base_tree, edited(objects, base_tree, a="3\n"))
    assert objects.merge(mine, claim=CLAIM, synced=Synced(tip)) == Clash(
        changeset=mine, paths=(RepoPath("a"),)
    )


def test_a_report_at_a_product_path_is_part_of_what_is_gated(git: Git, objects: GitObjects) -> None:
    base_tree = edited(objects, EMPTY_TREE, a="1")
    base = committed(git, base_tree)
    for path, wanted in (
        ("docs/report.md", {"a": "1", "docs/report.md": "text"}),
        ("briefs/done/x.md", {"a": "1"}),
    ):
        report = changeset(base, base_tree, base_tree, report=b"text", report_path=RepoPath(path))
        merged = objects.merge(report, claim=CLAIM, synced=Synced(base))
        assert isinstance(merged, Merged)
        assert files(objects, merged.product) == wanted


def test_a_claim_on_another_brief_merges_nothing(git: Git, objects: GitObjects) -> None:
    base = committed(git, EMPTY_TREE)
    other = changeset(base, EMPTY_TREE, EMPTY_TREE, brief=BriefId("other-00000000"))
    with pytest.raises(RepositoryError):
        objects.merge(other, claim=CLAIM, synced=Synced(base))


def test_results_on_one_base_are_united(objects: GitObjects) -> None:
    base = edited(objects, EMPTY_TREE, a="1\n", b="1\n", c="1\n")
    one = edited(objects, base, a="2\n", new__x="1\n", c=None)
    two = edited(objects, base, b="2\n", new__y="1\n", c=None)
    both = edited(objects, base, a="2\n", b="2\n", c=None, new__x="1\n", new__y="1\n")
    assert objects.unite(one, base, two) == United(tree=both)
    assert objects.unite(one, base, one) == United(tree=one)
    assert objects.unite(base, base, one) == United(tree=one)
    assert objects.unite(one, base, base) == United(tree=one)


def test_what_overlaps_is_named_and_stays_as_it_was(objects: GitObjects) -> None:
    base = edited(objects, EMPTY_TREE, a="1\n", b="1\n", c="1\n")
    one = edited(objects, base, a="2\n", b="2\n", c=None)
    two = edited(objects, base, a="3\n", b="2\n", c="4\n", d="5\n")
    united = objects.unite(one, base, two)
    assert united.tree == edited(objects, one, d="5\n")
    clash, gone = united.overlaps
    assert (clash.path, clash.parts) == (
        "a",
        (Clashing(line=1, base=b"1\n", ours=b"2\n", theirs=b"3\n"),),
    )
    assert (gone.path, gone.parts, gone.ours) == ("c", (), None)


def test_a_file_and_a_folder_of_its_name_overlap(objects: GitObjects) -> None:
    base = edited(objects, EMPTY_TREE, a="1\n")
    file, folder = edited(objects, base, n="1\n"), edited(objects, base, n__x="1\n")
    assert [one.path for one in objects.unite(file, base, folder).overlaps] == ["n/x"]
    assert [one.path for one in objects.unite(folder, base, file).overlaps] == ["n"]
    moved = edited(objects, base, a=None, a__x="1\n")
    other = edited(objects, base, b="2\n")
    assert objects.unite(other, base, moved) == United(tree=edited(objects, moved, b="2\n"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("100755", b"1\n"), ("100644", b"2\n")),
        (("100755", b"2\n1\n"), ("100644", b"1\n2\n")),
        (("120000", b"a"), ("100644", b"2\n")),
        (("100644", b"1\n\0"), ("100644", b"2\n1\n")),
    ],
)
def test_modes_links_and_what_is_no_text_are_never_merged(
    objects: GitObjects, ours: tuple[Mode, bytes], theirs: tuple[Mode, bytes]
) -> None:
    base = edited(objects, EMPTY_TREE, a="1\n")
    trees = [
        objects.edit(base, {RepoPath("a"): Entry(mode, objects.blob(content))})
        for mode, content in (ours, theirs)
    ]
    for first, second in (trees, trees[::-1]):
        united = objects.unite(first, base, second)
        assert united.tree == first
        assert [(one.path, one.parts) for one in united.overlaps] == [("a", ())]


def test_a_log_is_bounded(git: Git, objects: GitObjects) -> None:
    first = committed(git, EMPTY_TREE)
    second = committed(git, edited(objects, EMPTY_TREE, a="1"), first)
    assert objects.log(None, second, count_max=1) == [(second, "m\n")]
    assert objects.is_ancestor(first, second)
    assert objects.diff(EMPTY_TREE, objects.tree_of(second))[0].path == "a"


def test_the_cost_of_an_edit_follows_the_change() -> None:
    """Two edits in a wide and deep tree read and write the folders along their paths only."""
    calls: list[str] = []

    class Counting(FakeGit):
        def read(self, oid: Oid) -> tuple[str, bytes]:
            calls.append("read")
            return super().read(oid)

        def write(self, kind, content):  # type: ignore[no-untyped-def]
            calls.append("write")
            return super().write(kind, content)

    git = Counting(FakeServer())
    wide = GitObjects(git, paths=RecordPaths)
    blobs = {f"d{i}/e{j}/f": f"{i} {j}" for i in range(50) for j in range(50)}
    tree = wide.edit(
        EMPTY_TREE,
        {RepoPath(p): Entry("100644", wide.blob(t.encode())) for p, t in blobs.items()},
    )
    blob = Entry("100644", wide.blob(b"1"))
    calls.clear()
    fresh = GitObjects(git, paths=RecordPaths)
    fresh.edit(tree, {RepoPath("d7/e8/g"): blob, RepoPath("d7/e9/g"): blob})
    assert (calls.count("read"), calls.count("write")) == (4, 4)


def test_trees_are_what_git_itself_writes(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    run_git(tmp_path, "init", "--quiet", str(repo))
    names = ["a", "a.b", "a-b", "ab/c", "b/x", "b0", "b.x", "é"]
    for name in names:
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("1")
    run_git(repo, "add", "--all")
    objects = GitObjects(FakeGit(FakeServer()), paths=RecordPaths)
    entry = Entry("100644", objects.blob(b"1"))
    tree = objects.edit(EMPTY_TREE, {RepoPath(name): entry for name in names})
    assert tree == run_git(repo, "write-tree")
