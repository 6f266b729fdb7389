"""What a look at the branch remembers of the one before, and when it must not."""

from collections.abc import Mapping
from dataclasses import replace

from coordinator.domain.errors import ConfigError
from coordinator.domain.names import Oid, Place, RecordPaths, RepoPath, digest
from coordinator.domain.policy import Policy
from coordinator.domain.profiles import WORKERS
from coordinator.services.observe.house_rules import CONFIG, DOCTRINE, HouseRules
from coordinator.services.observe.shelves import Shelves
from tests.support.trees import Content, Trees

POLICY = Policy()
ELSEWHERE = replace(POLICY, paths=RecordPaths(briefs=RepoPath("asked"), memory=RepoPath("kept")))
TEXT = "TASK: tidy\n"


def briefs(shelves: Shelves, tree: Oid, policy: Policy = POLICY) -> set[tuple[str, Place]]:
    live = {(filed.id, filed.place) for filed in shelves.live(tree, policy)}
    return live | set(shelves.terminal(tree, policy).items())


def test_briefs_are_those_of_the_tree_and_of_the_folder_that_the_rules_name() -> None:
    trees = Trees()
    shelves = Shelves(trees.objects)
    first = trees.tree({"briefs/open/a/one-1/brief.md": TEXT, "briefs/done/a/old-1/brief.md": TEXT})
    both = trees.tree(
        {"asked/open/a/two-1/brief.md": TEXT, "asked/rejected/a/bad-1/reply.md": ""}, first
    )
    one, old = ("one-1", Place.OPEN), ("old-1", Place.DONE)
    two, bad = ("two-1", Place.OPEN), ("bad-1", Place.REJECTED)
    for _ in range(2):
        assert briefs(shelves, first) == {one, old}
        assert briefs(shelves, both) == {one, old}
        assert briefs(shelves, both, ELSEWHERE) == {two, bad}
        ended = trees.tree({"briefs/open": None, "briefs/done/a/one-1/brief.md": TEXT}, both)
        assert briefs(shelves, ended) == {("one-1", Place.DONE), old}


def test_a_folder_that_is_the_same_tells_neither_whose_it_is_nor_where() -> None:
    trees = Trees()
    shelves = Shelves(trees.objects)
    for path, wanted in (
        ("briefs/open/a/one-1", ("one-1", Place.OPEN)),
        ("briefs/landed/a/one-1", ("one-1", Place.LANDED)),
        ("briefs/landed/a/two-1", ("two-1", Place.LANDED)),
    ):
        (filed,) = shelves.live(trees.tree({f"{path}/brief.md": TEXT}), POLICY)
        assert (filed.id, filed.place) == wanted
        assert filed.brief.name == wanted[0].removesuffix("-1")


def test_ready_lines_are_those_of_the_page_that_the_rules_name() -> None:
    trees = Trees()
    shelves = Shelves(trees.objects)
    tree = trees.tree(
        {
            "memory/plan.md": "- [ ] one: a.md\n",
            "kept/plan.md": "- [ ] two: none.md\n",
            "a.md": TEXT,
        }
    )
    for _ in range(2):
        assert [line.origin.name for line in shelves.plan_lines(tree, POLICY)] == ["one"]
        assert shelves.plan_faults(tree, POLICY) == ()
        assert shelves.plan_lines(tree, ELSEWHERE) == ()
        assert shelves.plan_faults(tree, ELSEWHERE)[0].startswith("kept/plan.md:1: none.md")
        more = trees.tree({"none.md": TEXT}, tree)
        assert [line.origin.name for line in shelves.plan_lines(more, ELSEWHERE)] == ["two"]


def policy_of(text: bytes | None, workers: Mapping[str, bytes], doctrine: bytes | None) -> Policy:
    """Returns a policy that says what it was read from."""
    if text == b"faulty":
        raise ConfigError("faulty")
    return Policy(digest=digest(repr((text, sorted(workers.items()), doctrine)).encode()))


def test_the_rules_are_read_again_when_any_of_their_files_is_another() -> None:
    trees = Trees()
    rules = HouseRules(trees.objects, policy_of)
    files: dict[str, Content] = {}
    for name, content in (
        (CONFIG, "1"),
        (CONFIG, "2"),
        (f"{WORKERS}/a.md", "1"),
        (f"{WORKERS}/a.md", "2"),
        (f"{WORKERS}/b.md", "2"),
        (DOCTRINE, "1"),
        (DOCTRINE, "2"),
        (DOCTRINE, None),
        (CONFIG, "1"),
    ):
        before = rules.policy
        files[str(name)] = content
        tree = trees.tree(files)
        wanted = HouseRules(trees.objects, policy_of).look(trees.commit(tree), tree)
        assert rules.look(trees.commit(tree), tree) == wanted != before
        other = trees.tree({"a.md": str(name)}, tree)
        assert rules.look(trees.commit(other), other) == wanted


def test_a_fault_of_the_rules_is_said_for_as_long_as_it_is_there() -> None:
    trees = Trees()
    rules = HouseRules(trees.objects, policy_of)
    good, bad = (trees.tree({str(CONFIG): text}) for text in ("good", "faulty"))
    wanted = rules.look(trees.commit(good), good)
    for tree, faults in ((bad, ("faulty",)), (bad, ("faulty",)), (good, ()), (bad, ("faulty",))):
        assert (rules.look(trees.commit(tree), tree), rules.faults) == (wanted, faults)
