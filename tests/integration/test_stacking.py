"""Several outputs on real trees: lines that do not overlap merge, and every one that does is told."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.adapters.git_process import GitProcess, create_private_clone
from coordinator.domain.attempt import Returned
from coordinator.domain.changeset import Changeset, Disagreement
from coordinator.domain.names import Oid, ProfileName, RepoPath, TaskId
from coordinator.domain.plan import Plan, Task
from coordinator.domain.verdict import Accept, Trust
from coordinator.domain.world import Sighting
from coordinator.services import earlier
from coordinator.services.synthesize import synthesize
from tests.support.judging import Desk, brief, could_not
from tests.support.trees import Content, Trees

TEXT = "".join(f"{n}\n" for n in range(1, 13))
GOOD = Accept(trust=Trust.VERIFIED, findings=())


def lines(**changed: str) -> str:
    """Returns the twelve lines with some of them changed: l3="x"."""
    return "".join(changed.get(f"l{n}", f"{n}") + "\n" for n in range(1, 13))


class Site(Desk):
    """A Desk over a real repository, whose tasks may come after each other."""

    def __init__(self, git: GitProcess) -> None:
        super().__init__({})
        self.trees = Trees(git)
        self.objects = self.trees.objects
        self.tree = self.trees.tree({"a.md": TEXT, "b.md": TEXT, "c.md": TEXT})
        self.base = self.trees.commit(self.tree)
        self.after: dict[str, tuple[str, ...]] = {}
        self.done: list[Returned] = []
        self.answers: dict[str, str] = {}

    def seen(self) -> Sighting:
        tasks = tuple(
            Task(
                id=TaskId(name),
                objective="Tidy.",
                profile=ProfileName("links"),
                after=tuple(TaskId(one) for one in after),
            )
            for name, after in self.after.items()
        )
        sighting = self.sighting(brief(), *self.done)
        plan = Plan(tasks=tasks, answers=self.answers)
        return replace(sighting, filed=replace(sighting.filed, plan=plan))

    def works(self, task: str, files: Mapping[str, Content], *after: str) -> Returned:
        """Has `task` change files in the tree that it begins with, and its output accepted."""
        self.after[task] = after
        planned = self.seen().filed.plan
        assert planned is not None
        wanted = planned.task(TaskId(task))
        assert wanted is not None
        start = earlier.start(wanted, self.seen(), self.base, objects=self.objects)
        result = self.trees.tree(files, on=start or self.tree)
        changed = self.changed(files, summary=f"{task} did it")
        returned = self.returned(changed, profile=task, number=len(self.done) + 1)
        spec = returned.spec.model_copy(
            update={"start": start, "task": TaskId(task), "profile": ProfileName("links")}
        )
        made = replace(returned, spec=spec, result=result, verdict=GOOD)
        self.done.append(made)
        return made

    def idle(self, task: str) -> None:
        self.after[task] = ()
        returned = self.returned(could_not("noop"), profile=task, number=len(self.done) + 1)
        self.done.append(replace(returned, verdict=GOOD))

    def together(self, answer: str | None = None) -> Changeset:
        found = self.put(answer)
        assert isinstance(found, Changeset), found
        return found

    def apart(self, answer: str | None = None) -> Disagreement:
        found = self.put(answer)
        assert isinstance(found, Disagreement), found
        return found

    def put(self, answer: str | None = None) -> Changeset | Disagreement:
        self.answers = {} if answer is None else {f"disagreement-{len(self.done)}": answer}
        return synthesize(self.seen(), objects=self.objects)

    def file(self, tree: Oid, path: str) -> str:
        return (self.objects.read(tree, RepoPath(path)) or b"").decode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = create_private_clone(tmp_path / "private.git", remote_url=str(tmp_path / "hub.git"))
    with GitProcess(folder, remote_url=str(tmp_path / "hub.git")) as git:
        yield Site(git)


def test_lines_that_do_not_overlap_merge(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two")})
    site.works("two", {"a.md": lines(l9="nine"), "b.md": None})
    site.works("three", {"a.md": lines(l2="two", l6="six")})
    found = site.together()
    assert site.file(found.result, "a.md") == lines(l2="two", l6="six", l9="nine")
    assert found.touched == ("a.md", "b.md")


def test_lines_that_overlap_are_asked_about_with_the_lines_of_each_side(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two", l9="NINE")})
    site.works("two", {"a.md": lines(l5="five", l9="nine!"), "b.md": lines(l1="one")})
    found = site.apart()
    (clash,) = found.conflicts
    assert (clash.where, clash.lines) == ("a.md", "line 9")
    assert [(s.name, s.attempt and s.attempt.number, s.text) for s in clash.sides] == [
        ("one", 1, '"NINE"'),
        ("two", 2, '"nine!"'),
    ]
    assert found.agreed == "1 path, which nobody contradicts: b.md; and all other lines of a.md."
    for answer, nine in (("one", "NINE"), ("two", "nine!"), ("neither", "9")):
        settled = site.together(answer)
        assert site.file(settled.result, "a.md") == lines(l2="two", l5="five", l9=nine)
        assert site.file(settled.result, "b.md") == lines(l1="one")


def test_of_three_only_those_who_changed_the_line_are_asked_about(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two")})
    site.works("two", {"a.md": lines(l9="NINE")})
    site.works("three", {"a.md": lines(l9="nine!")})
    found = site.apart()
    assert found.options == ("two", "three", "neither")
    assert site.file(site.together("neither").result, "a.md") == lines(l2="two")
    # Who has nothing to do with the place settles nothing there.
    assert site.apart("one").id == "disagreement-3.2"


def test_the_same_change_twice_is_one(site: Site) -> None:
    one = site.works("one", {"a.md": lines(l2="two")})
    site.works("two", {"a.md": lines(l2="two")})
    found = site.together()
    assert found.result == one.result
    assert "make the same change" in found.compared


def test_a_chain_of_tasks_comes_to_its_last_tree(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two")})
    site.works("two", {"a.md": lines(l2="II", l3="three")}, "one")
    last = site.works("three", {"a.md": lines(l2="II", l3="III"), "new.md": "new\n"}, "two")
    assert site.together().result == last.result


def test_one_that_comes_after_two_has_the_lines_of_both_and_its_own_on_top(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two")})
    site.works("two", {"a.md": lines(l9="nine")})
    last = site.works("three", {"a.md": lines(l2="II", l9="nine")}, "one", "two")
    assert site.file(last.spec.start or site.tree, "a.md") == lines(l2="two", l9="nine")
    assert site.together().result == last.result


def test_where_predecessors_overlap_the_first_stands_until_somebody_has_said(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two")})
    site.works("two", {"a.md": lines(l2="zwei", l9="neun")})
    last = site.works("three", {"b.md": lines(l1="one")}, "one", "two")
    assert site.file(last.spec.start or site.tree, "a.md") == lines(l2="two", l9="neun")
    assert [c.where for c in site.apart().conflicts] == ["a.md"]
    settled = site.together("two")
    assert site.file(settled.result, "a.md") == lines(l2="zwei", l9="neun")
    assert site.file(settled.result, "b.md") == lines(l1="one")


def test_a_deletion_against_an_edit_is_asked_about(site: Site) -> None:
    site.works("one", {"a.md": None})
    site.works("two", {"a.md": lines(l2="two")})
    (clash,) = site.apart().conflicts
    assert clash.where == "a.md"
    assert clash.sides[0].text == "it is deleted"
    assert site.objects.entry(site.together("one").result, RepoPath("a.md")) is None
    assert site.file(site.together("two").result, "a.md") == lines(l2="two")
    assert site.file(site.together("neither").result, "a.md") == TEXT


def test_modes_and_what_is_no_text_are_asked_about(site: Site) -> None:
    site.works("one", {"a.md": ("100755", TEXT.encode()), "b.md": b"\0one"})
    site.works("two", {"a.md": lines(l2="two"), "b.md": b"\0two"})
    found = site.apart()
    assert [c.where for c in found.conflicts] == ["a.md", "b.md"]
    assert [[s.text for s in c.sides] for c in found.conflicts] == [
        ["its mode is 100755", '"1 two 3 4 5 6 7 8 9 10 11 12"'],
        ["4 bytes, no text", "4 bytes, no text"],
    ]
    settled = site.together("one")
    assert site.objects.entry(settled.result, RepoPath("a.md")) == site.objects.entry(
        site.done[0].result or site.tree, RepoPath("a.md")
    )


def test_a_file_of_one_and_a_folder_of_another_go_back_where_neither_stands(site: Site) -> None:
    site.works("one", {"n": "file\n"})
    site.works("two", {"n/x": "in a folder\n"})
    assert site.apart().options == ("one", "two", "neither")
    assert site.file(site.together("one").result, "n") == "file\n"
    assert site.file(site.together("two").result, "n/x") == "in a folder\n"
    assert site.together("neither").result == site.tree


def test_a_branch_that_moved_is_a_side_where_its_lines_overlap(site: Site) -> None:
    site.works("one", {"a.md": lines(l2="two", l9="nine")})
    site.tree = site.trees.tree({"a.md": lines(l2="moved", l12="twelve")}, on=site.tree)
    site.base = site.trees.commit(site.tree, site.base)
    site.works("two", {"b.md": lines(l1="one")})
    found = site.apart()
    assert found.options == ("one", "the branch", "neither")
    settled = site.together("The branch")
    assert settled.base == site.base
    assert site.file(settled.result, "a.md") == lines(l2="moved", l9="nine", l12="twelve")
    assert site.file(site.together("one").result, "a.md") == lines(
        l2="two", l9="nine", l12="twelve"
    )


def test_one_that_finds_nothing_left_to_do_after_another_contradicts_nobody(site: Site) -> None:
    one = site.works("one", {"a.md": lines(l2="two")})
    site.idle("two")
    site.after["two"] = ("one",)
    assert site.together().result == one.result
    site.after["two"] = ()
    assert [c.where for c in site.apart().conflicts] == ["whether there is anything to do"]


def test_marks_in_a_text_are_lines_like_others(site: Site) -> None:
    marked = "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n"
    site.works("one", {"a.md": marked + lines(l9="NINE")})
    site.works("two", {"a.md": lines(l9="nine!").rstrip("\n")})
    (clash,) = site.apart().conflicts
    assert (clash.where, clash.lines) == ("a.md", "line 14")
    found = site.together("one")
    assert site.file(found.result, "a.md") == marked + lines(l9="NINE").rstrip("\n")
