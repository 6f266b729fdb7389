from collections.abc import Mapping
from dataclasses import replace

import pytest

from coordinator.domain.brief import Input, Kind
from coordinator.domain.changeset import Changeset
from coordinator.domain.names import Oid, RecordPaths, RepoPath, digest
from coordinator.domain.output import Changes, RefusedEntry
from coordinator.domain.plan import Part, Plan, Task
from coordinator.domain.policy import Policy
from coordinator.domain.screen import FILE_BYTES_MAX, FILES_MAX, protected
from coordinator.domain.tree import Entry
from coordinator.domain.verdict import Reject, Trust
from coordinator.services.review import judge
from tests.support.judging import BRIEF, PROFILES, Desk, brief, prohibition, report
from tests.support.trees import Content

COMMIT = b"1" * 40
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
SITE: Mapping[str, Content] = {
    "README.md": "# Site\n",
    "docs/guide.md": "# Guide\none\ntwo\n",
    "docs/run.sh": ("100755", b"true\n"),
    "docs/link": ("120000", b"guide.md"),
    "docs/Über.md": "x\n",
    "vendor/lib": ("160000", COMMIT),
    "art/big.psd": LFS,
    ".gitattributes": "*.psd filter=lfs diff=lfs -text\nmedia/** filter=lfs\n",
    "memory/lessons.md": "- one\n",
    "briefs/open/aa/x-aa/brief.md": "x\n",
    ".orchestrator/config.toml": "schema = 1\n",
}


@pytest.fixture
def desk() -> Desk:
    return Desk(SITE)


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        (".orchestrator/config.toml", "x", "protected"),
        (".Orchestrator/workers/x.md", "x", "protected"),
        ("ORCHES~1/config.toml", "x", "protected"),
        ("memory/lessons.md", "x", "protected"),
        ("memory/new.md", "x", "protected"),
        ("MEMORY/plan.md", "x", "protected"),
        ("briefs/open/aa/x-aa/brief.md", None, "protected"),
        ("briefs./x", "x", "protected"),
        (".git/config", "x", "protected"),
        ("docs/.GIT/hooks/pre-commit", "x", "protected"),
        ("docs/git~1/config", "x", "protected"),
        ("docs/.g\u200cit/config", "x", "protected"),
        ("docs/.git. ./config", "x", "protected"),
        ("docs/.git::$INDEX_ALLOCATION/config", "x", "protected"),
        ("docs\\.git\\config", "x", "protected"),
        (".gitattributes", "* filter=evil\n", "attributes"),
        ("docs/.GitAttributes", "x", "attributes"),
        (".gitmodules", "x", "attributes"),
        ("GITMOD~1", "x", "attributes"),
        (".lfsconfig", "x", "attributes"),
        ("vendor/lib", ("160000", b"2" * 40), "gitlink"),
        ("vendor/lib", None, "gitlink"),
        ("docs/sub", ("160000", COMMIT), "gitlink"),
        ("docs/new", ("120000", b"/etc/passwd"), "symlink"),
        ("docs/link", ("120000", b"/etc/passwd"), "symlink"),
        ("docs/link", "now a file", "symlink"),
        ("docs/link/below.md", "through it", "symlink"),
        ("docs/guide.md", ("120000", b"x"), "symlink"),
        ("docs/guide.md", ("100755", b"# Guide\n"), "mode"),
        ("docs/run.sh", ("100644", b"true\n"), "mode"),
        ("docs/new.sh", ("100755", b"true\n"), "mode"),
        ("art/big.psd", b"pixels", "lfs"),
        ("art/new.psd", b"pixels", "lfs"),
        ("media/deep/a.bin", b"pixels", "lfs"),
        ("docs/pointer", LFS, "lfs"),
        ("docs/a\nb.md", "x", "unclean-name"),
        ("docs/a\u202eb.md", "x", "unclean-name"),
        ("docs/end.", "x", "unclean-name"),
        ("docs/end /x", "x", "unclean-name"),
        ("docs/back\\slash", "x", "unclean-name"),
        ("docs/../up", "x", "unclean-name"),
        ("docs/" + "n" * 256, "x", "unclean-name"),
        ("docs/" + ("n" * 200 + "/") * 10 + "x", "x", "unclean-name"),
        ("docs/nul.txt", "x", "unclean-name"),
        ("docs/-rf", "x", "unclean-name"),
        ("docs/\udcff.md", "x", "unclean-name"),
        ("readme.md", "x", "collision"),
        ("DOCS/new.md", "x", "collision"),
        ("docs/u\u0308ber.md", "x", "collision"),
        ("docs/large", b"x" * (FILE_BYTES_MAX + 1), "too-large"),
    ],
)
def test_it_stays_out(desk: Desk, path: str, content: Content, code: str) -> None:
    assert desk.rejected(brief(scope_in=(".",)), desk.changed({path: content})) == code


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("docs/guide.md", "# Guide\n"),
        ("docs/guide.md", None),
        ("docs/link", None),
        ("docs/new page ü.md", "x"),
        (".gitignore", "x"),
        (".github/workflows/ci.yml", "x"),
        ("docs/github.md", "x"),
        ("docs/memory/plan.md", "x"),
        ("docs/console.txt", "x"),
    ],
)
def test_it_may_come_in(desk: Desk, path: str, content: Content) -> None:
    assert desk.trusted(brief(scope_in=(".",)), desk.changed({path: content})) is Trust.UNVERIFIED


def test_an_old_name_that_is_not_clean_may_be_edited_but_not_made() -> None:
    desk = Desk({"a\nb.md": "old\n"})
    assert desk.trusted(brief(), desk.changed({"a\nb.md": "new\n"})) is Trust.UNVERIFIED
    assert desk.rejected(brief(), desk.changed({"c\nd.md": "new\n"})) == "unclean-name"


def test_too_many_paths_are_one_reason_and_not_thousands(desk: Desk) -> None:
    one = desk.objects.entry(desk.tree, RepoPath("README.md"))
    names = [RepoPath(f"docs/{n}.md") for n in range(FILES_MAX + 1)]
    many = desk.changed({})
    many.result = desk.objects.edit(desk.tree, dict.fromkeys(names, one))
    verdict = desk.judged(brief(), many)
    assert isinstance(verdict, Reject)
    assert (verdict.code, len(verdict.feedback)) == ("too-many", 1)


def test_scope_is_what_is_inside_and_not_outside(desk: Desk) -> None:
    wanted = brief(scope_in=("docs/**/*.md", "README.md"), scope_out=("docs/private",))
    inside = desk.changed({"docs/a.md": "x", "README.md": "x"})
    assert desk.trusted(wanted, inside) is Trust.UNVERIFIED
    assert desk.rejected(wanted, desk.changed({"docs/a.txt": "x"})) == "out-of-scope"
    assert desk.rejected(wanted, desk.changed({"docs/private/a.md": "x"})) == "out-of-scope"
    assert desk.rejected(wanted, desk.changed({"README.md": "x", "b.md": "x"})) == "out-of-scope"


def test_record_paths_are_where_the_policy_puts_them() -> None:
    paths = RecordPaths(briefs=RepoPath("coord/briefs"), memory=RepoPath("coord/memory"))
    policy = Policy(profiles=PROFILES, paths=paths)
    desk = Desk({"a.md": "x"}, policy)
    assert desk.rejected(brief(), desk.changed({"coord/Briefs/x": "x"})) == "protected"
    assert desk.trusted(brief(), desk.changed({"briefs/x": "x"})) is Trust.UNVERIFIED


def test_a_brief_that_asks_for_a_report_lets_nothing_change(desk: Desk) -> None:
    audit = brief(Kind.REPORT, scope_in=("docs",))
    assert desk.rejected(audit, desk.changed({"docs/guide.md": "mended"})) == "out-of-scope"


def test_a_page_for_newcomers_is_word_for_word_what_the_brief_says(desk: Desk) -> None:
    page, path = "# Handoff\n\nMind the gap.\n", "memory/handoffs/2026-03-01.md"
    said = (Input(kind="data", value=page),)
    handed = brief(Kind.REPORT, path=path, inputs=said)
    assert desk.trusted(handed, report(page)) is Trust.UNVERIFIED
    assert desk.rejected(handed, report(page + "Trust me.\n")) == "protected"
    elsewhere = brief(Kind.REPORT, path="memory/lessons.md", inputs=said)
    assert desk.rejected(elsewhere, report(page)) == "protected"
    changes = brief(scope_in=("memory/**",), inputs=said)
    assert desk.rejected(changes, desk.changed({path: page})) == "protected"


def test_what_a_planner_gives_a_task_to_copy_is_no_page_for_newcomers(desk: Desk) -> None:
    path, data = "memory/handoffs/2026-03-01.md", (Input(kind="data", value="Trust me.\n"),)
    asked = brief(Kind.REPORT, path=path)
    returned = desk.returned(report("Trust me.\n"))
    part = Part(output_format=asked.output_format, guidance="copy it", inputs=data)
    task = Task(id=returned.spec.task, objective="Copy.", profile=returned.spec.profile, part=part)
    one = desk.sighting(asked, returned)
    filed = replace(one.filed, plan=Plan(tasks=(task,), planned_by="mind/1"))
    verdict = judge(returned, replace(one, filed=filed), desk.world, objects=desk.objects)
    assert isinstance(verdict, Reject), verdict
    assert verdict.code == "protected"


@pytest.mark.parametrize(
    ("kind", "value", "content"),
    [
        ("path", "docs/guide.md", "changed"),
        ("path", "docs", "changed"),
        ("max_lines", "3", "# Guide\none\n2\n3\n"),
        ("matches", "/TODO/", "# Guide\none\ntwo\nTODO: three\n"),
    ],
)
def test_what_do_not_forbids_is_rejected(desk: Desk, kind: str, value: str, content: str) -> None:
    wanted = brief(do_not=(prohibition(kind, value),))
    if kind == "max_lines":
        assert desk.trusted(wanted, desk.changed({"docs/guide.md": "# Guide\none\n2\n"}))
        content += "4\n"
    assert desk.rejected(wanted, desk.changed({"docs/guide.md": content})) == "do-not"


def test_new_files_are_forbidden_where_do_not_says_so(desk: Desk) -> None:
    wanted = brief(do_not=(prohibition("new_files"),))
    assert desk.rejected(wanted, desk.changed({"docs/new.md": "x"})) == "do-not"
    assert desk.trusted(wanted, desk.changed({"docs/guide.md": "x"})) is Trust.VERIFIED


def test_only_added_lines_are_asked_for_forbidden_text() -> None:
    desk = Desk({"a.md": "TODO: old\nkeep\n"})
    wanted = brief(do_not=(prohibition("matches", "/TODO/"),))
    assert desk.trusted(wanted, desk.changed({"a.md": "TODO: old\nkept\n"})) is Trust.VERIFIED


def test_the_text_of_a_report_is_asked_for_forbidden_text_too(desk: Desk) -> None:
    wanted = brief(Kind.REPORT, do_not=(prohibition("matches", "/guess/i"),))
    assert desk.rejected(wanted, report("My Guess is: nothing.")) == "do-not"


def test_lines_are_counted_over_all_files(desk: Desk) -> None:
    wanted = brief(do_not=(prohibition("max_lines", "4"),))
    assert desk.trusted(wanted, desk.changed({"a": "1\n2\n", "b": "3\n4\n"})) is Trust.VERIFIED
    assert desk.rejected(wanted, desk.changed({"a": "1\n2\n", "b": "3\n4\n5\n"})) == "do-not"


def test_protected_paths_are_for_a_human_to_pass_the_report_included() -> None:
    changeset = Changeset(
        brief=BRIEF,
        base=Oid("1" * 40),
        base_tree=Oid("2" * 40),
        result=Oid("3" * 40),
        touched=(RepoPath("docs/a.md"), RepoPath("infra/b.tf"), RepoPath("infra/report.md")),
        report=b"x",
        report_extension="md",
        report_path=RepoPath("infra/report.md"),
        digest=digest(b""),
        attempts=(),
        trust=Trust.VERIFIED,
        summary="",
        compared="one output",
    )
    policy = Policy(protected=("infra/**",))
    assert protected(changeset, policy) == ("infra/b.tf", "infra/report.md")
    assert protected(changeset, Policy()) == ()


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".GitHub/Workflows/new.yml",
        ".gitlab-ci.yml",
        "jenkinsfile",
        "docs/CODEOWNERS",
        "AGENTS.md",
        "packages/site/claude.md",
        ".claude/settings.json",
        ".vscode/tasks.json",
        ".envrc",
        ".pre-commit-config.yaml",
    ],
)
def test_what_runs_by_itself_and_what_agents_obey_waits_for_a_human(path: str) -> None:
    assert protected(_touching(path), Policy()) == (path,)
    assert protected(_touching(path), Policy(protected=())) == ()


@pytest.mark.parametrize("path", [".github/README.md", "docs/agents.txt", "idea/x", "src/ci.yml"])
def test_other_paths_wait_for_nobody(path: str) -> None:
    assert protected(_touching(path), Policy()) == ()


def _touching(path: str) -> Changeset:
    return Changeset(
        brief=BRIEF,
        base=Oid("1" * 40),
        base_tree=Oid("2" * 40),
        result=Oid("3" * 40),
        touched=(RepoPath(path),),
        report=None,
        report_extension="md",
        report_path=None,
        digest=digest(b""),
        attempts=(),
        trust=Trust.VERIFIED,
        summary="",
        compared="one output",
    )


def test_an_executable_file_may_be_moved_but_not_made(desk: Desk) -> None:
    moved = desk.changed({"docs/run.sh": None, "docs/bin/run.sh": ("100755", b"true\n")})
    assert desk.trusted(brief(), moved) is Trust.UNVERIFIED
    other = desk.changed({"docs/run.sh": None, "docs/bin/run.sh": ("100755", b"false\n")})
    assert desk.rejected(brief(), other) == "mode"
    copied = desk.changed({"docs/bin/run.sh": ("100755", b"true\n")})
    assert desk.rejected(brief(), copied) == "mode"


@pytest.mark.parametrize(
    "files",
    [
        {"x/HEAD": "ref: refs/heads/m\n", "x/objects/o": "", "x/refs/r": "", "x/config": "c"},
        {"x/head": "ref: refs/heads/m\n", "x/Objects/o": "", "x/REFS/r": ""},
        {"x/HEAD": "ref: refs/heads/m\n", "x/commondir": "../../elsewhere\n"},
    ],
)
def test_a_folder_that_git_takes_for_a_repository_stays_out(
    desk: Desk, files: dict[str, Content]
) -> None:
    assert desk.rejected(brief(), desk.changed(files)) == "repository"


def test_a_repository_that_is_there_already_is_left_alone() -> None:
    desk = Desk({"t/HEAD": "x", "t/objects/o": "", "t/refs/r": "", "t/config": "", "u/HEAD": ""})
    assert desk.rejected(brief(), desk.changed({"t/config": "[core]"})) == "repository"
    assert desk.rejected(brief(), desk.changed({"t/hooks/pre-commit": "x"})) == "repository"
    assert desk.trusted(brief(), desk.changed({"t/config": None})) is Trust.UNVERIFIED
    assert desk.trusted(brief(), desk.changed({"u/HEAD": "y"})) is Trust.UNVERIFIED


def test_entries_that_no_tree_can_hold_keep_an_output_out(desk: Desk) -> None:
    pipe = RefusedEntry(path="docs/\u202epipe", code="fifo", why="a named \x1b[31mpipe")
    output = Changes(edits=(), summary="s", refused=(pipe, pipe))
    verdict = desk.judged(brief(), output)
    assert isinstance(verdict, Reject)
    assert verdict.code == "fifo"
    told = "fifo: all that comes back can be a file of a tree: docs/\\u202epipe: a named \\u001b[31mpipe"
    assert verdict.feedback == (told, told)


@pytest.mark.parametrize("code", ["", "X: y", "a\nTrailer: x", "a" * 60])
def test_a_code_that_could_be_more_than_a_code_is_not_taken_over(desk: Desk, code: str) -> None:
    one = RefusedEntry(path="x", code=code, why="")
    assert desk.rejected(brief(), Changes(edits=(), summary="", refused=(one,))) == "refused"


def test_the_helper_builds_hostile_trees(desk: Desk) -> None:
    made = desk.changed({"docs/new": ("120000", b"/etc/passwd")})
    entry = desk.objects.entry(made.result, RepoPath("docs/new"))
    assert entry is not None
    assert entry == Entry("120000", entry.oid)
